/**
 * A creation with `sigil.capture` names a virtual machine, and is made of snapshots of the machine's
 * disks. Their names are written into the request here, like the disk encryption sets that a rule
 * chooses. The snapshots are created right before the creation is sent (make.ts), not here.
 */
import { ServiceError } from "../../errors.js";
import {
  formatImageVersionId,
  isComputeResourceId,
  keyOf,
  parseResourceId,
  type ImageVersionId,
} from "../../resource-id.js";
import { omit } from "../../objects.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies } from "../ports.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { STORAGE_PROFILE } from "../properties/table.js";
import type { ImageSource, SourceDisk } from "../resources.js";
import type { RuleFinding } from "../rules/rule.js";
import { captureIn, prefixOf, snapshotId } from "./names.js";

/** What will be captured. */
export interface CapturePlan {
  readonly virtualMachineId: string;
  readonly snapshots: readonly {
    /** Absent: the OS disk. */
    readonly lun?: number;
    /** Id of the disk. */
    readonly of: string;
    readonly sizeInGB?: number;
  }[];
}

interface Captured {
  /** With the snapshots in the machine's place. */
  readonly request: ImageVersionRequest;
  /** Id of the machine; absent: nothing is captured. */
  readonly capture?: string;
  /** Absent also if the version was captured before. */
  readonly plan?: CapturePlan;
  readonly findings: readonly RuleFinding[];
}

const POINTER = "/sigil/capture";
const MACHINE_RUNS = "MachineRuns";
const MACHINE = `${STORAGE_PROFILE}/source/virtualMachineId`;

const NO_MACHINE: Wrong = {
  code: "CaptureWithoutMachine",
  pointer: POINTER,
  message: "Only a virtual machine can be captured, and the request names none.",
  remediation: "Name it in storageProfile.source.virtualMachineId, or leave sigil.capture out.",
};

/**
 * `shown`: the version as Azure shows it. If it was captured from this machine, its own snapshots are
 * what the request asks for, even if the machine is gone. Reads the machine; throws what that throws.
 */
export async function chooseSnapshots(
  deps: Pick<Dependencies, "resources" | "snapshots" | "now">,
  id: ImageVersionId,
  given: ImageVersionRequest,
  isAsked: boolean,
  shown?: ImageVersionRequest,
): Promise<Captured> {
  if (!isAsked || namesOthers(given)) return { request: given, findings: [] };
  const refused = (finding: Wrong): Captured => ({
    request: given,
    findings: ofCapture(finding),
  });
  const machineId = given.properties.storageProfile.source?.virtualMachineId;
  if (machineId === undefined || !isComputeResourceId(machineId, "virtualMachines"))
    return refused(NO_MACHINE);
  const madeOf = shown && canonicalForm(shown).properties.storageProfile;
  const os = captureIn(madeOf?.osDiskImage?.source?.id ?? "");
  if (madeOf && os?.prefix === prefixOf(keyOf(formatImageVersionId(id)), machineId))
    return { request: withStorage(given, madeOf), capture: machineId, findings: [] };
  const group = groupFor(machineId, deps.snapshots?.groups ?? []);
  if (group === undefined) return refused(captureOff(machineId));
  const machine = await machineAt(deps, machineId);
  if ("code" in machine) return refused(machine);
  const wrong = whyNot(machine);
  // Whoever stops the machine then meets nothing new.
  if (wrong !== undefined && wrong.code !== MACHINE_RUNS) return refused(wrong);
  const askedMs = deps.now().getTime();
  const snapshotOf = (lun?: number) => snapshotId(group, id, machineId, lun, askedMs);
  return {
    request: withStorage(given, imagesOf(machine, snapshotOf)),
    capture: machineId,
    plan: planOf(machine, machineId),
    findings: ofCapture(wrong),
  };
}

function planOf({ osDisk, dataDisks }: ImageSource, virtualMachineId: string): CapturePlan {
  const ofData = dataDisks.map((disk) => ({ lun: disk.lun, ...planned(disk) }));
  return { virtualMachineId, snapshots: [planned(osDisk), ...ofData] };
}

function ofCapture(wrong: Wrong | undefined): readonly RuleFinding[] {
  return wrong === undefined ? [] : [{ rule: "capture", severity: "error", ...wrong }];
}

/** Each disk as its snapshot, cached as on the machine. */
function imagesOf(
  { osDisk, dataDisks }: ImageSource,
  snapshotOf: (lun?: number) => string,
): ImageVersionRequest["properties"]["storageProfile"] {
  const image = ({ caching }: SourceDisk, lun?: number) => ({
    ...(caching && { hostCaching: caching }),
    source: { id: snapshotOf(lun) },
  });
  return {
    osDiskImage: image(osDisk),
    ...(dataDisks.length > 0 && {
      dataDiskImages: dataDisks.map((disk) => ({ lun: disk.lun, ...image(disk, disk.lun) })),
    }),
  };
}

function planned({ id: of = "", sizeInGB }: SourceDisk) {
  return { of, ...(sizeInGB !== undefined && { sizeInGB }) };
}

/** Several sources at once are the finding of a rule. */
function namesOthers({ properties: { storageProfile } }: ImageVersionRequest): boolean {
  const { source = {}, ...others } = storageProfile;
  const more = omit(source, "virtualMachineId");
  return source.virtualMachineId !== undefined && Object.keys({ ...others, ...more }).length > 0;
}

function withStorage(
  given: ImageVersionRequest,
  storageProfile: ImageVersionRequest["properties"]["storageProfile"],
): ImageVersionRequest {
  return { ...given, properties: { ...given.properties, storageProfile } };
}

async function machineAt(
  { resources }: Pick<Dependencies, "resources">,
  id: string,
): Promise<ImageSource | Wrong> {
  try {
    return (
      (await resources.getSource(id)) ?? {
        code: "SourceNotFound",
        pointer: MACHINE,
        message: `Azure has no virtual machine ${id}.`,
        remediation: "Correct the id.",
      }
    );
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== "ResourceManagerForbidden") throw error;
    return {
      code: "InsufficientPermission",
      pointer: MACHINE,
      message: `Sigil's identity may not read ${id}, so its disks are not known.`,
      remediation: `Grant it the role Reader there: az role assignment create --assignee {Sigil's identity} --role Reader --scope ${id}`,
    };
  }
}

type Wrong = Omit<RuleFinding, "rule" | "severity">;

/** The resource group for snapshots in the machine's subscription. */
function groupFor(machineId: string, groups: readonly string[]): string | undefined {
  const { subscriptionId } = parseResourceId(machineId) ?? {};
  return groups.find((one) => one.toLowerCase().split("/")[2] === subscriptionId);
}

function captureOff(machineId: string): Wrong {
  const { subscriptionId } = parseResourceId(machineId) ?? {};
  return {
    code: "CaptureOff",
    pointer: POINTER,
    message: `Sigil has no resource group for snapshots in the machine's subscription ${subscriptionId}.`,
    remediation: "Ask the operator of Sigil to name one in SIGIL_CAPTURE_RESOURCE_GROUPS.",
  };
}

/** Storage types of disks without full snapshots that a version can be made of. */
const NO_SNAPSHOTS = ["ultrassd_lrs", "premiumv2_lrs"];

/** Why the machine cannot be captured, as far as it shows that itself. */
export function whyNot(machine: ImageSource): Wrong | undefined {
  const { id, powerState, securityType, osDisk, dataDisks } = machine;
  if (securityType?.toLowerCase() === "confidentialvm")
    return impossible(
      `${id} is a confidential virtual machine, whose disks do not leave their region.`,
      "Leave sigil.capture out: Azure accepts the machine itself.",
    );
  for (const disk of [osDisk, ...dataDisks]) {
    const wrong = whyNoSnapshot(
      disk.id ?? `The ${"lun" in disk ? "data" : "OS"} disk of ${id}`,
      disk,
    );
    if (wrong !== undefined) return wrong;
  }
  return powerState === "deallocated" || powerState === "stopped"
    ? undefined
    : {
        code: MACHINE_RUNS,
        pointer: MACHINE,
        message: `${id} is ${powerState ?? "in an unknown power state"}: snapshots of its disks would be of different moments.`,
        remediation: `Stop it and leave it stopped until the version is being created: az vm deallocate --ids ${id}`,
      };
}

function impossible(message: string, remediation: string): Wrong {
  return { code: "CaptureNotPossible", pointer: MACHINE, message, remediation };
}

/** Why no version can be made of a snapshot of it; `called`: how the finding names the disk. */
export function whyNoSnapshot(called: string, disk: SourceDisk): Wrong | undefined {
  const wrong = wrongWith(disk);
  return wrong === undefined
    ? undefined
    : impossible(
        `${called} ${wrong}.`,
        "Move its content to a Standard or Premium managed disk that only this machine uses.",
      );
}

/** As a part of a sentence. */
function wrongWith({
  id,
  ephemeral,
  unmanaged,
  storageAccountType = "",
  maxShares = 1,
}: SourceDisk): string | undefined {
  if (ephemeral) return "is ephemeral, and Azure makes no snapshot of it";
  if (unmanaged || id === undefined) return "is not a managed disk";
  if (NO_SNAPSHOTS.includes(storageAccountType.toLowerCase()))
    return `is of type ${storageAccountType}, which a version cannot be made of`;
  return maxShares > 1 ? "is shared by several machines" : undefined;
}

/** Throws ServiceError InvalidRequest if a change, or a client of Azure's own path, asks for a capture. */
export function mustNotCapture(body: unknown): void {
  const { sigil } = (body ?? {}) as { readonly sigil?: { readonly capture?: unknown } | null };
  if (sigil?.capture == null) return;
  const message = "Only a PUT in Sigil's own form can capture a machine: it creates the version.";
  throw new ServiceError("InvalidRequest", message, {
    findings: [
      {
        code: "UnsupportedProperty",
        pointer: POINTER,
        message,
        severity: "error",
        remediation: "Leave sigil.capture out.",
      },
    ],
  });
}

const SNAPSHOTS = new RegExp(`^${STORAGE_PROFILE}/(?:osDiskImage|dataDiskImages)(?:/|$)`, "u");

/** The request names the snapshots, and its caller the machine. */
export function findingOfCaller<F extends { readonly pointer: string }>(
  finding: F,
  capture: string | undefined,
): F {
  return capture !== undefined && SNAPSHOTS.test(finding.pointer)
    ? { ...finding, pointer: MACHINE }
    : finding;
}

/** What a plan shows of the snapshots. */
export function viewCapture(
  { capturePlan }: { readonly capturePlan?: CapturePlan },
  groups: readonly string[] = [],
) {
  if (capturePlan === undefined) return {};
  const { virtualMachineId, snapshots } = capturePlan;
  const sizes = snapshots.map(({ sizeInGB }) => sizeInGB);
  const most = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const ofSize = sizes.includes(undefined) ? "" : ` of at most ${most} GB`;
  const count = `${snapshots.length} snapshot${snapshots.length === 1 ? "" : "s"}`;
  const message = `${count}${ofSize} in ${groupFor(virtualMachineId, groups)}, until every region is Completed. Azure bills what is used of them.`;
  return { capture: { virtualMachineId, snapshots: [...snapshots], message } };
}
