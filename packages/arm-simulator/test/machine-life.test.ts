import type { VirtualMachine } from "@azure/arm-compute";
import { describe, expect, test } from "vitest";
import type { MachineFate } from "../src/state.js";
import { resourcesIn } from "../src/world.js";
import {
  COMPUTE,
  DURATION_MS,
  encryptedVersion,
  GROUP,
  setId,
  startForEach,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

const NAME = "tester";
const SUBNET = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.Network/virtualNetworks/net/subnets/tests`;
const START_MS = 60_000;

const machine = (more: Partial<VirtualMachine> = {}): VirtualMachine => ({
  location: "westus",
  tags: { purpose: "test" },
  hardwareProfile: { vmSize: "Standard_D2s_v5" },
  storageProfile: {
    imageReference: { id: versionId("1.0.0") },
    osDisk: {
      name: `${NAME}-os`,
      createOption: "FromImage",
      deleteOption: "Delete",
      managedDisk: {
        diskEncryptionSet: { id: setId("WestUSDiskEncryptionSet1") },
      },
    },
    dataDisks: [
      {
        lun: 0,
        name: `${NAME}-lun0`,
        createOption: "FromImage",
        deleteOption: "Delete",
      },
    ],
  },
  osProfile: { computerName: NAME, adminUsername: "sigil" },
  diagnosticsProfile: { bootDiagnostics: { enabled: true } },
  networkProfile: {
    networkApiVersion: "2022-11-01",
    networkInterfaceConfigurations: [
      {
        name: `${NAME}-nic`,
        tags: { purpose: "test" },
        primary: true,
        deleteOption: "Delete",
        ipConfigurations: [{ name: "ip", subnet: { id: SUBNET } }],
      },
    ],
  },
  ...more,
});

/** The PUT alone. */
async function make(more: Partial<VirtualMachine> = {}): Promise<void> {
  await h.client.virtualMachines
    .createOrUpdate(GROUP, NAME, machine(more), { updateIntervalInMs: 1 })
    .submitted();
}

const seen = () => h.client.virtualMachines.get(GROUP, NAME, { expand: "instanceView" });

async function tagged(): Promise<string[]> {
  const { body } = await h.call(
    "GET",
    `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/resources?$filter=${encodeURIComponent("tagName eq 'purpose' and tagValue eq 'test'")}`,
  );
  return (body["value"] as { name: string; tags?: unknown }[]).map(({ name, tags }) => {
    expect(tags).toBeUndefined();
    return name.replace(/-[0-9a-f]{8}$/u, "-XXXXXXXX");
  });
}

async function ready(
  plan?: { does: MachineFate; times?: number },
  times = { startMs: START_MS },
): Promise<void> {
  await submit(h.client, "1.0.0", encryptedVersion());
  h.clock.advance(DURATION_MS);
  await h.simulator.control.setMachineTimes(times);
  if (plan !== undefined) await h.simulator.control.planMachine(plan);
}

test("a machine is being created until its start time is over, then its agent is ready", async () => {
  await ready();
  await make();
  const begun = await seen();
  expect(begun.provisioningState).toBe("Creating");
  expect(begun.instanceView?.vmAgent).toBeUndefined();
  h.clock.advance(START_MS);
  const started = await seen();
  expect(started.provisioningState).toBe("Succeeded");
  expect(started.instanceView).toMatchObject({
    vmAgent: { statuses: [{ displayStatus: "Ready" }] },
    statuses: [{ code: "ProvisioningState/succeeded" }, { code: "PowerState/running" }],
  });
  // A plain GET has none.
  const plain = await h.client.virtualMachines.get(GROUP, NAME);
  expect(plain.instanceView).toBeUndefined();
});

test("the SDK's poller waits for its start", async () => {
  await ready(undefined, { startMs: 0 });
  const made = await h.client.virtualMachines.createOrUpdate(GROUP, NAME, machine());
  expect(made.provisioningState).toBe("Succeeded");
});

test("disks and interface are there with the machine's tags, and go with it", async () => {
  await ready(undefined, { startMs: 0 });
  await make();
  expect(await tagged()).toEqual([`${NAME}-os`, `${NAME}-lun0`, `${NAME}-nic-XXXXXXXX`, NAME]);
  const { networkProfile } = await seen();
  const nic = networkProfile?.networkInterfaces?.[0]?.id ?? "";
  expect(networkProfile?.networkInterfaces).toEqual([
    { id: nic, primary: true, deleteOption: "Delete" },
  ]);
  expect(await h.call("DELETE", nic)).toMatchObject({
    status: 400,
    body: { error: { code: "NicInUse" } },
  });
  await expect(h.client.disks.delete(GROUP, `${NAME}-os`)).rejects.toMatchObject({
    code: "OperationNotAllowed",
  });
  await h.client.virtualMachines.delete(GROUP, NAME);
  expect(await tagged()).toEqual([]);
  expect((await h.call("GET", nic)).status).toBe(404);
});

test("If-None-Match: * changes no machine that exists", async () => {
  await ready(undefined, { startMs: 0 });
  await make();
  await expect(
    h.client.virtualMachines
      .createOrUpdate(GROUP, NAME, machine({ tags: {} }), { ifNoneMatch: "*" })
      .submitted(),
  ).rejects.toMatchObject({ statusCode: 412 });
  expect((await seen()).tags).toEqual({ purpose: "test" });
});

describe("a machine that is planned", () => {
  test.each([
    ["sizeNotAvailable", "SkuNotAvailable"],
    ["quotaExceeded", "OperationNotAllowed"],
  ] as const)("as %s is refused, and leaves nothing", async (does, code) => {
    await ready({ does });
    await expect(make()).rejects.toMatchObject({ statusCode: 409, code });
    expect(await tagged()).toEqual([]);
    await make();
    expect(await tagged()).toHaveLength(4);
  });

  test.each([
    ["allocationFails", "AllocationFailed", false],
    ["keyRefused", "KeyVaultAccessForbidden", false],
    ["startFails", "OSProvisioningTimedOut", true],
  ] as const)("as %s fails", async (does, code, isRunning) => {
    await ready({ does });
    await make();
    h.clock.advance(START_MS);
    const { provisioningState, instanceView } = await seen();
    expect(provisioningState).toBe("Failed");
    const codes = instanceView?.statuses?.map((status) => status.code);
    expect(codes).toEqual([
      `ProvisioningState/failed/${code}`,
      ...(isRunning ? ["PowerState/running"] : []),
    ]);
  });

  test.each([
    ["hangs", "Creating", true],
    ["neverAllocated", "Creating", false],
    ["noAgent", "Succeeded", true],
  ] as const)("as %s stays %s", async (does, state, isRunning) => {
    await ready({ does });
    await make();
    h.clock.advance(START_MS * 1_000);
    const { provisioningState, instanceView } = await seen();
    expect(provisioningState).toBe(state);
    expect(instanceView?.vmAgent?.statuses?.[0]?.displayStatus).toBe(
      isRunning ? "Not Ready" : undefined,
    );
  });

  test("as wrongKey has disks with the platform's key", async () => {
    await ready({ does: "wrongKey" });
    await make();
    const disk = await h.client.disks.get(GROUP, `${NAME}-os`);
    expect(disk.encryption).toEqual({
      type: "EncryptionAtRestWithPlatformKey",
    });
  });

  test("as deletionFails is there after its first deletion", async () => {
    await ready({ does: "deletionFails" }, { startMs: 0 });
    await make();
    await h.client.virtualMachines.delete(GROUP, NAME).submitted();
    expect((await seen()).provisioningState).toBe("Failed");
    await h.client.virtualMachines.delete(GROUP, NAME).submitted();
    await expect(seen()).rejects.toMatchObject({ statusCode: 404 });
    expect(await tagged()).toEqual([]);
  });

  test("as leavesDisks is gone without them", async () => {
    await ready({ does: "leavesDisks" }, { startMs: 0 });
    await make();
    await h.client.virtualMachines.delete(GROUP, NAME);
    expect(await tagged()).toEqual([`${NAME}-os`, `${NAME}-lun0`, `${NAME}-nic-XXXXXXXX`]);
    await h.client.disks.delete(GROUP, `${NAME}-os`);
    expect(await tagged()).toHaveLength(2);
  });
});

test("a deletion takes its time", async () => {
  await ready();
  await h.simulator.control.setMachineTimes({ deleteMs: 30_000 });
  await make();
  await h.client.virtualMachines.delete(GROUP, NAME).submitted();
  expect((await seen()).provisioningState).toBe("Deleting");
  h.clock.advance(30_000);
  await expect(seen()).rejects.toMatchObject({ statusCode: 404 });
  expect(await tagged()).toEqual([]);
});

test("the serial log is read without a token, by its signature alone", async () => {
  await ready(undefined, { startMs: 0 });
  await make();
  const { serialConsoleLogBlobUri = "" } =
    await h.client.virtualMachines.retrieveBootDiagnosticsData(GROUP, NAME);
  const log = await fetch(serialConsoleLogBlobUri);
  expect(await log.text()).toContain(`${NAME} login:`);
  const unsigned = await fetch(serialConsoleLogBlobUri.replace(/\?.*$/u, ""));
  expect(unsigned.status).not.toBe(200);
});

test.each([
  [undefined, { executionState: "Succeeded", exitCode: 0 }],
  ["scriptFails", { executionState: "Failed", exitCode: 1 }],
  ["noAgent", { executionState: "Pending" }],
] as const)("a run command on a machine that %s", async (does, result) => {
  await ready(does && { does }, { startMs: 0 });
  await make();
  const commands = h.client.virtualMachineRunCommands;
  await commands
    .createOrUpdate(GROUP, NAME, "proof", {
      location: "westus",
      source: { script: "true" },
    })
    .submitted();
  const found = await commands.getByVirtualMachine(GROUP, NAME, "proof", {
    expand: "instanceView",
  });
  expect(found.instanceView).toMatchObject(result);
  await h.client.virtualMachines.delete(GROUP, NAME);
  await expect(commands.getByVirtualMachine(GROUP, NAME, "proof")).rejects.toMatchObject({
    statusCode: 404,
  });
});

test("a run command takes its time, and no more seconds than it names", async () => {
  await ready(undefined, { startMs: 0 });
  await h.simulator.control.setMachineTimes({ scriptMs: 60_000 });
  await make();
  const commands = h.client.virtualMachineRunCommands;
  const run = async (name: string, timeoutInSeconds: number): Promise<void> => {
    await commands
      .createOrUpdate(GROUP, NAME, name, {
        location: "westus",
        source: { script: "true" },
        timeoutInSeconds,
      })
      .submitted();
  };
  const stateOf = async (name: string): Promise<string | undefined> =>
    (
      await commands.getByVirtualMachine(GROUP, NAME, name, {
        expand: "instanceView",
      })
    ).instanceView?.executionState;
  await run("short", 59);
  await run("long", 60);
  h.clock.advance(58_999);
  expect(await stateOf("short")).toBe("Running");
  h.clock.advance(1);
  expect(await stateOf("short")).toBe("TimedOut");
  expect(await stateOf("long")).toBe("Running");
  h.clock.advance(1_000);
  expect(await stateOf("long")).toBe("Succeeded");
  await expect(run("none", 0.5)).rejects.toMatchObject({
    code: "InvalidRequestContent",
  });
});

test("a specialized image takes no osProfile, and a generalized one needs it", async () => {
  await ready(undefined, { startMs: 0 });
  const { osProfile: _, ...without } = machine();
  await expect(
    h.client.virtualMachines.createOrUpdate(GROUP, NAME, without).submitted(),
  ).rejects.toMatchObject({ code: "InvalidParameter" });
  await h.simulator.control.putResource(
    resourcesIn(SUBSCRIPTION, GROUP).imageDefinition("MyGallery", "MyImage", "westus", {
      osState: "Specialized",
    }),
  );
  await expect(make()).rejects.toMatchObject({
    message: expect.stringContaining("not allowed") as string,
  });
  await h.client.virtualMachines.createOrUpdate(GROUP, NAME, without);
});

test("a confidential disk says by which set it is encrypted", async () => {
  const set = setId("WestUSConfidentialEncryptionSet");
  await ready(undefined, { startMs: 0 });
  await h.simulator.control.putResource(
    resourcesIn(SUBSCRIPTION, GROUP).imageDefinition("MyGallery", "MyImage", "westus", {
      features: [{ name: "SecurityType", value: "ConfidentialVM" }],
    }),
  );
  await expect(make()).rejects.toMatchObject({ code: "BadRequest" });
  const { storageProfile = {} } = machine();
  await make({
    securityProfile: { securityType: "ConfidentialVM" },
    storageProfile: {
      ...storageProfile,
      osDisk: {
        name: `${NAME}-os`,
        createOption: "FromImage",
        managedDisk: {
          securityProfile: {
            securityEncryptionType: "DiskWithVMGuestState",
            diskEncryptionSet: { id: set },
          },
        },
      },
    },
  });
  expect((await h.client.disks.get(GROUP, `${NAME}-os`)).securityProfile).toEqual({
    securityType: "ConfidentialVM_DiskEncryptedWithCustomerKey",
    secureVMDiskEncryptionSetId: set,
  });
});

test("an action on a machine may be denied", async () => {
  await ready(undefined, { startMs: 0 });
  await make();
  await h.simulator.control.denyAction({
    action: "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
    scope: `${COMPUTE}/virtualMachines/${NAME}`,
  });
  await expect(
    h.client.virtualMachines.retrieveBootDiagnosticsData(GROUP, NAME),
  ).rejects.toMatchObject({ statusCode: 403, code: "AuthorizationFailed" });
});
