import { afterEach, describe, expect, test } from "vitest";
import type { MachineFate } from "@sigil-local/arm-simulator/parts/state";
import { hasMachine } from "../../../src/machine-test/region.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import type { StateStore } from "../../../src/operation/ports.js";
import type { TrackedRecord } from "../../../src/operation/records.js";
import { refusal } from "../../support/refusal.js";
import { seedResource, seedVersionId } from "../../support/requests.js";
import { resultsOf, seedSet, startMachineTests, VERSION, type MachineTests } from "./support.js";
import { testsOf } from "../../../src/machine-test/region-record.js";
import { naming } from "../../support/naming.js";

let tests: MachineTests;
afterEach(() => tests.close());

const start = async (
  options?: Parameters<typeof startMachineTests>[0],
  ...fates: readonly { does: MachineFate; region?: string; times?: number }[]
): Promise<void> => {
  tests = await startMachineTests(options);
  for (const fate of fates) await tests.simulator.control.planMachine(fate);
};

/** As what looks after every kind sees them. */
const operations = () => ({
  ...tests.deps,
  store: tests.deps.store as unknown as StateStore<TrackedRecord>,
});

const facts = async (): Promise<string[]> =>
  (await tests.takeEvents())
    .filter(({ id }) => !id.startsWith("test-result/"))
    .map(
      ({ id, type }) => `${type.replace("Sigil.ImageVersion.", "")} ${id.replace(/^[^/]*\//u, "")}`,
    );

test("a version passes in every region, its disks encrypted as it was asked for, and nothing is left", async () => {
  await start();
  const accepted = await tests.test();
  expect(accepted).toMatchObject({
    kind: "TestImageVersion",
    status: "NotStarted",
    resourceId: VERSION,
  });
  const operation = await tests.finish();
  expect(operation).toMatchObject({ id: accepted.id, status: "Succeeded" });
  expect(resultsOf(operation)).toEqual({ westus: "passed", eastus2: "passed" });
  const [westus] = testsOf(operation);
  expect(westus).toMatchObject({
    state: "Gone",
    attempts: 1,
    machineSize: "Standard_D2s_v5",
    agentVersion: "2.14.0.1",
    disks: [
      {
        encryptionType: "EncryptionAtRestWithCustomerKey",
        diskEncryptionSetId: seedSet("WestUSDiskEncryptionSet1"),
      },
      {
        lun: 0,
        encryptionType: "EncryptionAtRestWithCustomerKey",
        diskEncryptionSetId: seedSet("WestUSDiskEncryptionSet2"),
      },
    ],
  });
  const { createdTime, startedTime, provenTime, deletedTime, deadline } = westus ?? {};
  const times = [createdTime, startedTime, provenTime, deletedTime, deadline];
  expect(times.toSorted()).toEqual(times);
  expect(tests.there()).toEqual([]);
  expect(await facts()).toEqual([
    "TestRequested requested",
    "RegionTested westus/tested",
    "RegionTested eastus2/tested",
    "Tested tested",
  ]);
});

test("the machine is made once, of this very version, without public address, identity or password", async () => {
  await start();
  await tests.test({ regions: ["West US"] });
  let machine: object | undefined;
  const operation = await tests.finish(() => {
    machine ??= tests.simulator.control
      .resources()
      .find(({ name }) => /^sigiltest-[0-9a-f]{20}-1$/u.test(name));
  });
  expect(resultsOf(operation)).toEqual({ westus: "passed" });
  expect(machine).toMatchObject({
    location: "westus",
    tags: { "sigil-operation": operation.id },
    properties: {
      storageProfile: { imageReference: { id: VERSION } },
      osProfile: {
        linuxConfiguration: { disablePasswordAuthentication: true },
      },
      diagnosticsProfile: { bootDiagnostics: { enabled: false } },
    },
  });
  expect(JSON.stringify(machine)).not.toMatch(/publicIP|identity|Password"/u);
  const puts = tests.simulator.control
    .requests()
    .filter(({ method, path }) => method === "PUT" && path.includes("/virtualMachines/"));
  expect(puts).toHaveLength(1);
});

describe("what speaks against the version is failed", () => {
  test.each([
    ["startFails", "OSProvisioningTimedOut"],
    ["keyRefused", "KeyVaultAccessForbidden"],
    ["hangs", "StartTimedOut"],
    ["noAgent", "ProofTimedOut"],
    ["wrongKey", "DiskEncryptionMismatch"],
  ] as const)("%s", async (does, code) => {
    await start({}, { does, region: "eastus2" });
    await tests.test();
    const operation = await tests.finish();
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "TestFailed",
        errors: [{ code, message: expect.stringContaining("eastus2") as string }],
      },
    });
    expect(resultsOf(operation)).toEqual({
      westus: "passed",
      eastus2: `failed ${code}`,
    });
    expect(testsOf(operation)[1]?.attempts).toBe(1);
    expect(tests.there()).toEqual([]);
    expect(await facts()).toContain("TestFailed failed");
  });

  test("a wrong key is told with what was wanted and what is", async () => {
    await start({}, { does: "wrongKey", region: "eastus2" });
    await tests.test({ regions: ["eastus2"] });
    const { error } = await tests.finish();
    expect(error?.errors[0]?.message).toEqual(
      naming([
        seedSet("EastUS2DiskEncryptionSet1"),
        "EncryptionAtRestWithCustomerKey",
        "EncryptionAtRestWithPlatformKey",
      ]),
    );
  });
});

describe("what says nothing of the version is inconclusive, and is tried three times", () => {
  test.each([
    ["sizeNotAvailable", "SkuNotAvailable"],
    ["quotaExceeded", "OperationNotAllowed"],
    ["allocationFails", "AllocationFailed"],
    ["neverAllocated", "NotRunning"],
  ] as const)("%s", async (does, code) => {
    await start({}, { does, region: "westus", times: 3 });
    await tests.test();
    const operation = await tests.finish();
    expect(operation).toMatchObject({
      status: "Failed",
      error: { code: "TestInconclusive" },
    });
    expect(resultsOf(operation)).toEqual({
      westus: `inconclusive ${code}`,
      eastus2: "passed",
    });
    expect(testsOf(operation)[0]?.attempts).toBe(3);
    expect(tests.there()).toEqual([]);
  });

  test("and passes where it is no longer so", async () => {
    await start({}, { does: "allocationFails", region: "westus", times: 2 });
    await tests.test();
    const operation = await tests.finish();
    expect(operation.status).toBe("Succeeded");
    expect(testsOf(operation)[0]).toMatchObject({
      attempts: 3,
      result: "passed",
    });
    expect(testsOf(operation)[0]?.reason).toBeUndefined();
  });

  test("a region whose profile is not proven, without a machine", async () => {
    await start();
    await tests.simulator.control.setMachineSize({
      region: "westus",
      size: "Standard_D2s_v5",
      restriction: "NotAvailableForSubscription",
    });
    await tests.test();
    const operation = await tests.finish();
    expect(resultsOf(operation)["eastus2"]).toBe("passed");
    expect(operation).toMatchObject({
      error: { code: "TestInconclusive" },
      detail: [
        {
          name: "westus",
          state: "Gone",
          result: "inconclusive",
          attempts: 0,
          reason: {
            message: expect.stringContaining("Standard_D2s_v5") as string,
          },
        },
        {},
      ],
    });
  });

  test.each([
    ["a missing role", 403, "AuthorizationFailed", "ResourceManagerForbidden"],
    ["a policy", 403, "RequestDisallowedByPolicy", "RequestDisallowedByPolicy"],
    ["throttling", 429, "TooManyRequests", "ResourceManagerThrottled"],
    ["no answer", 503, "ServiceUnavailable", "ResourceManagerUnavailable"],
    ["a word of tomorrow", 400, "NeverSeenBefore", "NeverSeenBefore"],
  ])("%s", async (_, status, code, told) => {
    await start();
    tests.simulator.control.addFault({
      method: "PUT",
      path: "/virtualMachines/",
      times: null,
      status,
      body: { error: { code, message: "No." } },
    });
    await tests.test({ regions: ["westus"] });
    const operation = await tests.finish();
    expect(resultsOf(operation)).toEqual({ westus: `inconclusive ${told}` });
    expect(tests.there()).toEqual([]);
  });
});

describe("a start is proven by", () => {
  test("the serial log, whose end is kept, and whose address is not", async () => {
    await start({ profile: { proof: { kind: "serialLog", text: " login:" } } });
    await tests.test({ regions: ["westus"] });
    const operation = await tests.finish();
    expect(testsOf(operation)[0]).toMatchObject({
      result: "passed",
      output: expect.stringMatching(/cloud-init: finished[\s\S]* login:/u) as string,
    });
    expect(JSON.stringify(await tests.read())).not.toContain("sig=");
  });

  test("the serial log of a system that never came", async () => {
    await start(
      { profile: { proof: { kind: "serialLog", text: " login:" } } },
      { does: "noAgent" },
    );
    await tests.test({ regions: ["westus"] });
    const operation = await tests.finish();
    expect(resultsOf(operation)).toEqual({ westus: "failed ProofTimedOut" });
    expect(testsOf(operation)[0]?.output).toContain("Kernel panic");
  });

  test.each([
    [undefined, "passed", "all well"],
    ["scriptFails", "failed ScriptFailed", "/data is not mounted"],
  ] as const)("a script: %s", async (does, result, output) => {
    await start(
      { profile: { proof: { kind: "runCommand", script: "check" } } },
      ...(does === undefined ? [] : [{ does }]),
    );
    await tests.test({ regions: ["westus"] });
    const operation = await tests.finish();
    expect(resultsOf(operation)).toEqual({ westus: result });
    expect(testsOf(operation)[0]?.output).toContain(output);
  });

  test("a script that takes longer than the profile gives it is stopped", async () => {
    await start({
      profile: {
        proofMinutes: 4,
        proof: { kind: "runCommand", script: "check" },
      },
    });
    await tests.test({ regions: ["westus"] });
    expect(resultsOf(await tests.finish())).toEqual({
      westus: "failed ScriptFailed",
    });
  });

  test("a script that no agent runs", async () => {
    await start(
      { profile: { proof: { kind: "runCommand", script: "check" } } },
      { does: "noAgent" },
    );
    await tests.test({ regions: ["westus"] });
    expect(resultsOf(await tests.finish())).toEqual({
      westus: "failed ProofTimedOut",
    });
  });
});

test("no more machines are there at a time than the profile allows", async () => {
  await start({ profile: { concurrency: 1 } });
  await tests.test();
  const operation = await tests.finish(({ operation }) => {
    const all = testsOf(operation);
    expect(all.filter(hasMachine).length).toBeLessThanOrEqual(1);
  });
  expect(operation.status).toBe("Succeeded");
});

test("a failed machine is kept to be looked at, and then deleted", async () => {
  await start({ profile: { keepFailedMinutes: 45 } }, { does: "noAgent" });
  await tests.test({ regions: ["westus"] });
  let keptMs = 0;
  let since: number | undefined;
  const operation = await tests.finish(({ operation }) => {
    const [one] = testsOf(operation);
    if (one?.state !== "Kept") return;
    since ??= tests.clock.now();
    keptMs = tests.clock.now() - since;
    expect(tests.there()).toHaveLength(4);
  });
  expect(resultsOf(operation)).toEqual({ westus: "failed ProofTimedOut" });
  expect(keptMs).toBeLessThanOrEqual(45 * 60_000);
  expect(
    Date.parse(testsOf(operation)[0]?.deletedTime ?? "") - (since ?? 0),
  ).toBeGreaterThanOrEqual(45 * 60_000);
  expect(tests.there()).toEqual([]);
});

describe("nothing is left behind", () => {
  test.each(["deletionFails", "leavesDisks"] as const)("by a machine that %s", async (does) => {
    await start({}, { does, region: "westus" });
    await tests.test();
    expect((await tests.finish()).status).toBe("Succeeded");
    expect(tests.there()).toEqual([]);
  });

  test("where a DELETE is refused for a while", async () => {
    await start();
    tests.simulator.control.addFault({
      method: "DELETE",
      path: "/virtualMachines/",
      times: 5,
      status: 409,
    });
    await tests.test({ regions: ["westus"] });
    expect((await tests.finish()).status).toBe("Succeeded");
    expect(tests.there()).toEqual([]);
  });

  test("but what Azure keeps is told, once, and does not change the result", async () => {
    await start();
    tests.simulator.control.addFault({
      method: "DELETE",
      path: "/virtualMachines/",
      times: null,
      status: 409,
    });
    await tests.test({ regions: ["westus"] });
    const operation = await tests.finish();
    expect(operation.status).toBe("Succeeded");
    const [westus] = testsOf(operation);
    expect(westus).toMatchObject({ state: "Left", result: "passed" });
    expect(westus?.left).toEqual([westus?.machineId]);
    expect(tests.there()).toHaveLength(4);
    expect((await facts()).filter((fact) => fact.startsWith("TestMachineLeft"))).toEqual([
      "TestMachineLeft westus/left",
    ]);
  });

  test.each(["Creating", "Starting", "Deleting"])(
    "by a test that is canceled while a machine is %s",
    async (state) => {
      await start();
      const { id } = await tests.test();
      let isCanceled = false;
      const cancel = () => cancelOperation(operations(), id, { appId: "operator" });
      const operation = await tests.finish(async ({ operation }) => {
        const all = testsOf(operation);
        if (isCanceled || !all.some((one) => one.state === state)) return;
        isCanceled = true;
        await cancel();
        await cancel();
      });
      expect(isCanceled).toBe(true);
      expect(operation).toMatchObject({
        status: "Canceled",
        canceledBy: { appId: "operator" },
      });
      expect(tests.there()).toEqual([]);
      expect(await facts()).toContain("TestCanceled canceled");
    },
  );
});

describe("a request", () => {
  test("while the same test runs is that test, and one of other regions is refused", async () => {
    await start();
    const { id } = await tests.test();
    expect((await tests.test()).id).toBe(id);
    expect((await tests.test({ regions: ["eastus2", "westus"] })).id).toBe(id);
    expect(await refusal(tests.test({ regions: ["westus"] }))).toMatchObject({
      code: "ImageVersionConflict",
      fields: { existingOperationId: id },
    });
    await tests.finish();
    expect((await tests.test({ regions: ["westus"] })).id).not.toBe(id);
  });

  test("with the Idempotency-Key of an earlier one is answered by that", async () => {
    await start();
    const idempotencyKey = "nightly-4711";
    const { id } = await tests.test({ idempotencyKey });
    await tests.finish();
    expect((await tests.test({ idempotencyKey })).id).toBe(id);
    expect(await refusal(tests.test({ idempotencyKey, regions: ["westus"] }))).toMatchObject({
      code: "IdempotencyKeyReused",
    });
  });

  test("is refused where machines are off, with the remedy", async () => {
    await start();
    expect(await refusal(tests.test({}, { ...tests.deps, makesMachines: false }))).toMatchObject({
      code: "TestMachinesOff",
      message: expect.stringContaining("SIGIL_TEST_MACHINES=true") as string,
    });
  });

  test("is refused without a version, without a profile, and where the version is not usable", async () => {
    await start();
    expect(await refusal(tests.test({ versionId: seedVersionId("9.9.9") }))).toMatchObject({
      code: "NotFound",
    });
    expect(await refusal(tests.test({ regions: ["westus", "japaneast"] }))).toMatchObject({
      code: "TestRefused",
      findings: [{ code: "RegionNotInProfile", pointer: "/regions/1" }],
    });
    await tests.simulator.control.setRegionState({
      versionId: VERSION,
      region: "eastus2",
      state: "Replicating",
      progress: 10,
    });
    expect(await refusal(tests.test({ regions: ["eastus2"] }))).toMatchObject({
      code: "TestRefused",
      findings: [{ code: "RegionNotReady", pointer: "/regions/0" }],
    });
    // Without regions: wherever it is usable.
    const regions = testsOf(await tests.test());
    expect(regions.map(({ name }) => name)).toEqual(["westus"]);
    expect(
      await refusal(
        tests.test(
          {},
          {
            ...tests.deps,
            profiles: { read: () => Promise.resolve(undefined) },
          },
        ),
      ),
    ).toMatchObject({
      code: "TestRefused",
      message: expect.stringContaining("no test profile") as string,
    });
  });
});

test("a version that is deleted before its test begins fails it by name", async () => {
  await start();
  await tests.test();
  await tests.simulator.control.removeResource(VERSION);
  expect(await tests.finish()).toMatchObject({
    status: "Failed",
    error: { code: "ImageVersionGone" },
  });
});

test("a machine of a Marketplace image has the plan of its definition", async () => {
  await start();
  const plan = { name: "9-gen2", publisher: "contoso", product: "hardened" };
  await tests.simulator.control.putResource({
    id: seedResource("galleries/MyGallery/images/MyImage"),
    name: "MyImage",
    type: "Microsoft.Compute/galleries/images",
    location: "westus",
    properties: {
      osType: "Linux",
      osState: "Generalized",
      hyperVGeneration: "V2",
      purchasePlan: plan,
    },
  });
  await tests.simulator.control.setTermsAccepted({
    publisher: "contoso",
    offer: "hardened",
    plan: "9-gen2",
    accepted: true,
  });
  await tests.test({ regions: ["westus"] });
  let machine: object | undefined;
  const operation = await tests.finish(() => {
    machine ??= tests.simulator.control
      .resources()
      .find(({ name }) => /^sigiltest-[0-9a-f]{20}-1$/u.test(name));
  });
  expect(resultsOf(operation)).toEqual({ westus: "passed" });
  expect(machine).toMatchObject({ plan });
});

test("a specialized image is made without osProfile", async () => {
  await start();
  await tests.simulator.control.putResource({
    id: seedResource("galleries/MyGallery/images/MyImage"),
    name: "MyImage",
    type: "Microsoft.Compute/galleries/images",
    location: "westus",
    properties: {
      osType: "Windows",
      osState: "Specialized",
      hyperVGeneration: "V2",
      features: [{ name: "SecurityType", value: "TrustedLaunch" }],
    },
  });
  await tests.test({ regions: ["westus"] });
  expect(resultsOf(await tests.finish())).toEqual({ westus: "passed" });
});

test("a lost message is sent again by the reconciler", async () => {
  await start();
  await tests.test({ regions: ["westus"] });
  await tests.runDue();
  tests.queues.take("machine-tests");
  tests.clock.advance(3_600_000);
  tests.queues.take("machine-tests");
  expect(await reconcile(operations())).toMatchObject({ resent: 1 });
  expect((await tests.finish()).status).toBe("Succeeded");
});

test("what a lost test has left is found by its tag and deleted, a machine first, its disks next", async () => {
  await start({}, { does: "leavesDisks" });
  await tests.test({ regions: ["westus"] });
  await tests.runDue();
  expect(tests.there()).toHaveLength(4);
  // Nobody goes on with it.
  tests.queues.take("machine-tests");
  const sweep = () => tests.sweep();
  expect(await sweep()).toMatchObject({ groups: 1, deleted: [], left: [] });
  tests.clock.advance(3 * 3_600_000);
  expect((await sweep()).deleted).toEqual([expect.stringMatching(/virtualMachines\/sigiltest-/u)]);
  tests.clock.advance(60_000);
  expect((await sweep()).deleted).toHaveLength(3);
  expect(tests.there()).toEqual([]);
  expect(await sweep()).toMatchObject({ deleted: [], left: [], errors: [] });
});
