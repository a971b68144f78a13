import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { OSProfile, VirtualMachine } from "@azure/arm-compute";
import {
  createHttpHeaders,
  createPipelineRequest,
  type PipelineResponse,
} from "@azure/core-rest-pipeline";
import { ServiceError } from "../../errors.js";
import {
  diskName,
  interfaceName,
  machineId,
  type DiskPlan,
  type MachineName,
  type MachinePlan,
} from "../../machine-test/machine.js";
import type {
  Refusal,
  ScriptResult,
  SeenMachine,
  StartProofs,
  TestMachines,
} from "../../machine-test/ports.js";
import { canonicalRegion, parseResourceId } from "../../resource-id.js";
import type { ArmClient } from "./client.js";
import {
  armErrorIn,
  toServiceError,
  toUnavailable,
  type ArmCall,
  type ArmResponse,
} from "./errors.js";
import { removed } from "./tagged-resources.js";

const MACHINES = "Microsoft.Compute/virtualMachines";
/** The api-version of the network interface, which Compute creates by `networkApiVersion`. */
const INTERFACE_API_VERSION = "2022-11-01";
const SCRIPT = "proof";
const USER = "sigiltest";
/** How long the address of a log is valid: Sigil reads it at once. */
const SAS_MINUTES = 5;
const LONGEST_LOG_BYTES = 4 * 1024 * 1024;

/** Virtual machines for tests, by `@azure/arm-compute`. */
export function createTestMachines(arm: ArmClient): TestMachines & StartProofs {
  return {
    async getMachine(name) {
      const call = callOf("read", name);
      const response = await arm.send(call, (callOptions) =>
        arm.compute(name.subscriptionId).virtualMachines.get(name.resourceGroupName, name.name, {
          ...callOptions,
          expand: "instanceView",
        }),
      );
      const wire = arm.bodyOf<WireMachine>(call, response);
      return wire && seenMachine(name, wire);
    },

    async createMachine(name, plan, tags) {
      const call = callOf("creation", name);
      const body = toMachine(name, plan, tags);
      let response: ArmResponse;
      try {
        response = await arm.send(call, (callOptions) =>
          arm
            .compute(name.subscriptionId)
            .virtualMachines.createOrUpdate(
              name.resourceGroupName,
              name.name,
              body,
              // Never overwrite an existing machine.
              { ...callOptions, ifNoneMatch: "*" },
            )
            .submitted(),
        );
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        // Drop the cause: it holds the request, which holds the password.
        throw toUnavailable(call.what, undefined);
      }
      return response.status === 412 ? undefined : refusalIn(call, response, arm.now());
    },

    async deleteMachine(name) {
      await removed(
        arm,
        callOf("deletion", name),
        await arm.send(callOf("deletion", name), (callOptions) =>
          arm
            .compute(name.subscriptionId)
            .virtualMachines.delete(name.resourceGroupName, name.name, {
              ...callOptions,
              forceDeletion: true,
            })
            .submitted(),
        ),
      );
    },

    async getScriptResult(name) {
      const call = scriptCall("read", name);
      const response = await arm.send(call, (callOptions) =>
        arm
          .compute(name.subscriptionId)
          .virtualMachineRunCommands.getByVirtualMachine(
            name.resourceGroupName,
            name.name,
            SCRIPT,
            { ...callOptions, expand: "instanceView" },
          ),
      );
      const wire = arm.bodyOf<WireScript>(call, response);
      return wire && scriptResult(wire);
    },

    async startScript(name, { region }, script, timeoutSeconds) {
      const call = scriptCall("creation", name);
      const response = await arm.send(call, (callOptions) =>
        arm
          .compute(name.subscriptionId)
          .virtualMachineRunCommands.createOrUpdate(
            name.resourceGroupName,
            name.name,
            SCRIPT,
            {
              location: region,
              source: { script },
              timeoutInSeconds: timeoutSeconds,
              // The PUT ends as soon as the script starts.
              asyncExecution: true,
            },
            callOptions,
          )
          .submitted(),
      );
      return refusalIn(call, response, arm.now());
    },

    async getSerialLog(name) {
      const call: ArmCall = {
        what: `the read of the serial log of ${name.name}`,
        action: `${MACHINES}/retrieveBootDiagnosticsData/action`,
        scope: machineId(name),
      };
      const response = await arm.send(call, (callOptions) =>
        arm
          .compute(name.subscriptionId)
          .virtualMachines.retrieveBootDiagnosticsData(name.resourceGroupName, name.name, {
            ...callOptions,
            sasUriExpirationTimeInMinutes: SAS_MINUTES,
          }),
      );
      const wire = arm.bodyOf<WireBootDiagnostics>(call, response);
      return wire?.serialConsoleLogBlobUri === undefined
        ? undefined
        : await readBlob(arm, call, wire.serialConsoleLogBlobUri);
    },

    async getDisk(id, lun) {
      const disk = parseResourceId(id);
      if (disk === undefined) throw new TypeError(`${id} is no disk's id`);
      const call: ArmCall = {
        what: `the read of ${id}`,
        action: "Microsoft.Compute/disks/read",
        scope: id,
      };
      const response = await arm.send(call, (callOptions) =>
        arm
          .compute(disk.subscriptionId)
          .disks.get(disk.resourceGroupName, disk.names[0] ?? "", callOptions),
      );
      const wire = arm.bodyOf<WireDisk>(call, response);
      return wire && testedDisk(id, lun, wire);
    },
  };
}

function callOf(what: "read" | "creation" | "deletion", name: MachineName): ArmCall {
  return {
    what: `the ${what} of the machine ${name.name}`,
    action: `${MACHINES}/${VERBS[what]}`,
    scope: machineId(name),
  };
}

const VERBS = { read: "read", creation: "write", deletion: "delete" } as const;

function scriptCall(what: "read" | "creation", name: MachineName): ArmCall {
  return {
    what: `the ${what} of the script of ${name.name}`,
    action: `${MACHINES}/runCommands/${VERBS[what]}`,
    scope: machineId(name),
  };
}

/**
 * A refusal that the same call would meet again, with Azure's own code. Throws ServiceError for any
 * other.
 */
function refusalIn(call: ArmCall, response: ArmResponse, now: Date): Refusal | undefined {
  if (response.status < 300) return undefined;
  const error = toServiceError(call, response, now);
  const said = armErrorIn(response.body);
  if (error.code !== "ResourceManagerRefused" || said === undefined) throw error;
  const { code, message } = said.details[0] ?? said;
  return /^(?:BadRequest|Conflict|InvalidTemplateDeployment)$/u.test(said.code)
    ? { code, message }
    : { code: said.code, message: said.message };
}

/**
 * Reads the log without Sigil's token: the signature in its address is enough. Undefined if there
 * is no log yet. No error contains the address.
 */
async function readBlob(
  arm: ArmClient,
  call: ArmCall,
  address: string,
): Promise<string | undefined> {
  let response: PipelineResponse;
  try {
    response = await arm.httpClient.sendRequest(
      createPipelineRequest({
        url: address,
        headers: createHttpHeaders({
          Range: `bytes=0-${LONGEST_LOG_BYTES - 1}`,
        }),
        timeout: 30_000,
      }),
    );
  } catch {
    throw toUnavailable(call.what, undefined);
  }
  const { status, bodyAsText } = response;
  if (status === 404 || status === 416) return undefined;
  // Do not follow redirects.
  if (status >= 300) throw toUnavailable(call.what, undefined);
  return bodyAsText ?? "";
}

interface WireMachine {
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties?: {
    readonly provisioningState?: string;
    readonly networkProfile?: {
      readonly networkInterfaces?: readonly { readonly id?: string }[];
    };
    readonly instanceView?: {
      readonly statuses?: readonly WireStatus[];
      readonly vmAgent?: {
        readonly vmAgentVersion?: string;
        readonly statuses?: readonly WireStatus[];
      };
    };
  };
}

interface WireStatus {
  readonly code?: string;
  readonly displayStatus?: string;
  readonly message?: string;
}

interface WireScript {
  readonly properties?: {
    readonly instanceView?: {
      readonly executionState?: string;
      readonly exitCode?: number;
      readonly output?: string;
      readonly error?: string;
    };
  };
}

interface WireBootDiagnostics {
  readonly serialConsoleLogBlobUri?: string;
}

interface WireDisk {
  readonly properties?: {
    readonly encryption?: {
      readonly type?: string;
      readonly diskEncryptionSetId?: string;
    };
    readonly securityProfile?: {
      readonly securityType?: string;
      readonly secureVMDiskEncryptionSetId?: string;
    };
  };
}

function seenMachine(
  name: MachineName,
  { location, tags = {}, properties = {} }: WireMachine,
): SeenMachine {
  const { provisioningState = "Unknown", networkProfile } = properties;
  const { statuses = [], vmAgent } = properties.instanceView ?? {};
  const failure = statuses.flatMap(({ code = "", message = "" }) => {
    const [, failed] = /^ProvisioningState\/failed\/(.+)$/iu.exec(code) ?? [];
    return failed === undefined ? [] : [{ code: failed, message }];
  })[0];
  const version = vmAgent?.vmAgentVersion;
  return {
    id: machineId(name),
    region: canonicalRegion(location ?? ""),
    provisioningState,
    isRunning: statuses.some(({ code }) => code?.toLowerCase() === "powerstate/running"),
    ...(failure && { failure }),
    isAgentReady:
      vmAgent?.statuses?.some(({ displayStatus }) => displayStatus === "Ready") ?? false,
    ...(version !== undefined && version !== "Unknown" && { agentVersion: version }),
    interfaceIds: (networkProfile?.networkInterfaces ?? []).flatMap(({ id }) => id ?? []),
    tags,
  };
}

/**
 * Values of ExecutionState while the script runs. It ends as Failed, Succeeded, TimedOut or
 * Canceled.
 */
const UNDER_WAY = ["Unknown", "Pending", "Running"];

function scriptResult({ properties }: WireScript): ScriptResult {
  const { executionState = "Unknown", exitCode, output, error } = properties?.instanceView ?? {};
  return {
    isDone: !UNDER_WAY.includes(executionState),
    ...(exitCode !== undefined &&
      executionState !== "TimedOut" &&
      executionState !== "Canceled" && { exitCode }),
    output: [output, error].filter(Boolean).join("\n"),
  };
}

function testedDisk(id: string, lun: number | undefined, { properties = {} }: WireDisk) {
  const { encryption, securityProfile } = properties;
  // A confidential machine's disk states its encryption in its security type.
  const confidential = securityProfile?.securityType?.startsWith("ConfidentialVM_")
    ? securityProfile
    : undefined;
  const setId = securityProfile?.secureVMDiskEncryptionSetId ?? encryption?.diskEncryptionSetId;
  return {
    id,
    ...(lun !== undefined && { lun }),
    encryptionType:
      confidential?.securityType ?? encryption?.type ?? "EncryptionAtRestWithPlatformKey",
    ...(setId && { diskEncryptionSetId: setId }),
  };
}

function toMachine(
  { name }: MachineName,
  plan: MachinePlan,
  tags: Readonly<Record<string, string>>,
): VirtualMachine {
  const [osDisk, ...dataDisks] = plan.disks;
  return {
    location: plan.region,
    tags: { ...tags },
    ...(plan.purchasePlan && { plan: plan.purchasePlan }),
    hardwareProfile: { vmSize: plan.size },
    storageProfile: {
      imageReference: { id: plan.imageVersionId },
      osDisk: {
        name: diskName(name, undefined),
        createOption: "FromImage",
        deleteOption: "Delete",
        ...managedDisk(osDisk),
      },
      dataDisks: dataDisks.map((disk) => ({
        lun: disk.lun ?? 0,
        name: diskName(name, disk.lun),
        createOption: "FromImage",
        deleteOption: "Delete",
        ...managedDisk(disk),
      })),
    },
    ...(!plan.isSpecialized && { osProfile: signIn(plan.osType) }),
    ...(plan.securityType !== undefined && {
      securityProfile: {
        securityType: plan.securityType,
        uefiSettings: { secureBootEnabled: true, vTpmEnabled: true },
      },
    }),
    networkProfile: {
      networkApiVersion: INTERFACE_API_VERSION,
      networkInterfaceConfigurations: [
        {
          name: interfaceName(name),
          tags: { ...tags },
          primary: true,
          deleteOption: "Delete",
          ipConfigurations: [{ name: "private", primary: true, subnet: { id: plan.subnetId } }],
        },
      ],
    },
    diagnosticsProfile: {
      // Without an address, Azure stores the diagnostics in an account of its own.
      bootDiagnostics: { enabled: plan.hasBootDiagnostics },
    },
  };
}

function managedDisk(disk: DiskPlan | undefined) {
  const { confidential, diskEncryptionSetId } = disk ?? {};
  const set = diskEncryptionSetId !== undefined && {
    diskEncryptionSet: { id: diskEncryptionSetId },
  };
  return confidential === undefined
    ? set && { managedDisk: set }
    : {
        managedDisk: {
          securityProfile: { securityEncryptionType: confidential, ...set },
        },
      };
}

/** A new key pair or password that Sigil does not keep: nobody signs in. */
function signIn(osType: MachinePlan["osType"]): OSProfile {
  const user = { computerName: USER, adminUsername: USER };
  return osType === "Windows"
    ? {
        ...user,
        // Azure requires three of four kinds of characters. The last four characters provide them.
        adminPassword: `${randomBytes(32).toString("base64url")}aA1!`,
        windowsConfiguration: { provisionVMAgent: true },
      }
    : {
        ...user,
        linuxConfiguration: {
          disablePasswordAuthentication: true,
          provisionVMAgent: true,
          ssh: {
            publicKeys: [
              {
                path: `/home/${USER}/.ssh/authorized_keys`,
                keyData: sshKey(),
              },
            ],
          },
        },
      };
}

/**
 * The public half of a new key pair, in the format of RFC 8709, section 4. The private half is
 * discarded.
 */
function sshKey(): string {
  const { x = "" } = generateKeyPairSync("ed25519").publicKey.export({
    format: "jwk",
  });
  const field = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = Buffer.concat([
    field(Buffer.from("ssh-ed25519")),
    field(Buffer.from(x, "base64url")),
  ]);
  return `ssh-ed25519 ${blob.toString("base64")} ${USER}`;
}
