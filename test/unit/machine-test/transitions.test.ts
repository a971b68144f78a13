/** The invariants are those of src/machine-test/transitions.ts. */
import { describe, expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { MachinePlan } from "../../../src/machine-test/machine.js";
import { DEFAULTS, placesOf, type TestProfile } from "../../../src/machine-test/profile.js";
import { testKeyOf } from "../../../src/machine-test/record.js";
import type { Answer, Sight } from "../../../src/machine-test/region.js";
import {
  accept,
  answered,
  beginCancel,
  GROUP_SCOPE,
  groupIn,
  observe,
  planned,
  type TestPair,
} from "../../../src/machine-test/transitions.js";
import { testsOf, type RegionTestRecord } from "../../../src/machine-test/region-record.js";
import { viewOperation } from "../../support/views.js";
import { PACE, TRACEPARENT } from "../../support/dependencies.js";
import { seedResource, seedVersionId } from "../../support/requests.js";
import { at } from "../../support/transitions.js";

const VERSION = seedVersionId("1.0.0");
const MINUTE = 60;
const profile: TestProfile = {
  ...DEFAULTS,
  imageId: seedResource("galleries/MyGallery/images/MyImage"),
  machineSize: "Standard_D2s_v5",
  resourceGroupName: "ImageTests",
  regions: ["westus", "eastus2"].map((name) => ({ name, subnetId: "/subnet" })),
  proof: { kind: "agentReady" },
  setBy: {},
  setTime: "2026-01-01T00:00:00.000Z",
};
const plans = placesOf(profile).map(({ region }): MachinePlan => ({
  region,
  subscriptionId: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
  resourceGroupName: "ImageTests",
  subnetId: "/subnet",
  size: "Standard_D2s_v5",
  imageVersionId: VERSION,
  osType: "Linux",
  isSpecialized: false,
  disks: [{ encryptionType: "EncryptionAtRestWithPlatformKey" }],
  hasBootDiagnostics: false,
}));

const requested = (): TestPair =>
  accept(
    {
      key: testKeyOf(VERSION),
      resourceId: VERSION,
      profile,
      regions: placesOf(profile).map(({ region: name, machineSize }) => ({
        name,
        machineSize,
      })),
      fingerprint: "f",
      requestedBy: { appId: "build-system" },
      traceparent: TRACEPARENT,
    },
    undefined,
    at(0),
  );

const untold = (pair: TestPair): TestPair => ({
  ...pair,
  record: { ...pair.record, outbox: [] },
});
const both = <T>(value: T) => new Map(plans.map(({ region }) => [region, value]));
const testing = () => untold(planned(untold(requested()), { plans }, new Map(), at(0)));
const asked = () => untold(observe(testing(), both<Sight>({}), at(0)));
const accepted = () => untold(answered(asked(), both<Answer>({ kind: "done" }), at(0)));
const proven: Sight = {
  machine: {
    id: "/machine",
    region: "westus",
    provisioningState: "Succeeded",
    isRunning: true,
    isAgentReady: true,
    interfaceIds: [],
    tags: {},
  },
  proof: { kind: "proven" },
  disks: new Map([[undefined, { id: "/disk", encryptionType: "EncryptionAtRestWithPlatformKey" }]]),
};
const eventsIn = ({ record }: TestPair): CloudEvent[] =>
  record.outbox.flatMap((effect) => (effect.kind === "event" ? [effect.event] : []));
const facts = (pair: TestPair): string[] =>
  eventsIn(pair).map(({ id }) => id.replace(/^[^/]*\//u, ""));
const dueIn = ({ record }: TestPair, seconds: number): number =>
  (Date.parse(record.dueTime) - at(seconds).now.getTime()) / 1_000;

/** The same with each region as it is said. */
const withTests = (pair: TestPair, ...changes: readonly Partial<RegionTestRecord>[]): TestPair => ({
  ...pair,
  operation: {
    ...pair.operation,
    detail: testsOf(pair.operation).map((one, i) => ({
      ...one,
      ...changes[i],
    })),
  },
});
const ended = (...changes: readonly Partial<RegionTestRecord>[]): TestPair =>
  observe(withTests(accepted(), ...changes), new Map(), at(MINUTE));

test("invariant 1: while a call may be under way the next step comes when it no longer can be; else after a poll", () => {
  expect(dueIn(asked(), 0)).toBe((2 * PACE.putTimeoutMs) / 1_000);
  expect(dueIn(accepted(), 0)).toBe((PACE.pollInitialMs * 2) / 1_000);
});

test("where all wait for another attempt, or are kept, the next step comes when the first of them is due", () => {
  const waits = ended(
    { state: "Waiting", nextAttemptTime: at(10 * MINUTE).now.toISOString() },
    {
      state: "Kept",
      result: "failed",
      nextAttemptTime: at(20 * MINUTE).now.toISOString(),
    },
  );
  expect(waits.record.state).toBe("Testing");
  expect(dueIn(waits, MINUTE)).toBe(9 * MINUTE);
  expect(waits.operation.waitReason).toBe("westus is Waiting, eastus2 is Kept.");
});

describe("invariant 2: it ends", () => {
  const gone = (result?: RegionTestRecord["result"], code = "Why"): Partial<RegionTestRecord> => ({
    state: "Gone",
    ...(result && {
      result,
      ...(result !== "passed" && { reason: { code, message: "because" } }),
    }),
  });

  test("Succeeded where each region is passed", () => {
    const { record, operation } = ended(gone("passed"), gone("passed"));
    expect(record.state).toBe("Succeeded");
    expect(operation.history.at(-1)?.message).toContain("passed its test in westus, eastus2");
    expect(facts(ended(gone("passed"), gone("passed")))).toEqual(["tested"]);
  });

  test.each<readonly [string, string, Partial<RegionTestRecord>, Partial<RegionTestRecord>]>([
    ["TestFailed", "failed", gone("passed"), gone("failed", "KeyVaultAccessForbidden")],
    ["TestFailed", "failed", gone("inconclusive"), gone("failed", "KeyVaultAccessForbidden")],
    [
      "TestInconclusive",
      "inconclusive",
      gone("passed"),
      gone("inconclusive", "KeyVaultAccessForbidden"),
    ],
  ])("Failed, with %s: %#", (code, result, first, second) => {
    const pair = ended(first, second);
    expect(pair.operation).toMatchObject({ status: "Failed", error: { code } });
    expect(pair.operation.error?.errors.at(-1)).toMatchObject({
      code: "KeyVaultAccessForbidden",
      message: "eastus2: because",
    });
    expect(eventsIn(pair)).toMatchObject([
      {
        type: "Sigil.ImageVersion.TestFailed",
        data: { result, error: { code } },
      },
    ]);
  });

  test("not while something is left to be done", () => {
    expect(ended(gone("passed"), { state: "Deleting", result: "passed" }).record.state).toBe(
      "Testing",
    );
  });

  test("Canceled once that was asked for, saying what could not be deleted", () => {
    const canceling = beginCancel(
      accepted(),
      accepted().operation.id,
      { appId: "operator" },
      at(0),
    );
    if (canceling === undefined) throw new TypeError("nothing was to be deleted");
    expect(testsOf(canceling.operation).map(({ state }) => state)).toEqual([
      "Deleting",
      "Deleting",
    ]);
    expect(dueIn(canceling, 0)).toBe(0);
    expect(beginCancel(canceling, canceling.operation.id, {}, at(0))).toBe(canceling);
    const end = observe(
      withTests(untold(canceling), gone(), {
        state: "Left",
        left: ["/machine"],
      }),
      new Map(),
      at(MINUTE),
    );
    expect(end.operation).toMatchObject({
      status: "Canceled",
      canceledBy: { appId: "operator" },
    });
    expect(eventsIn(end)).toMatchObject([
      { data: { consequence: expect.stringContaining("/machine") as string } },
    ]);
  });

  test("at once where no machine may be there", () => {
    expect(beginCancel(testing(), testing().operation.id, {}, at(0))).toBeUndefined();
  });
});

test("invariant 3: a result is told once, and what is left", () => {
  const first = observe(accepted(), new Map([["westus", proven]]), at(MINUTE));
  expect(facts(first)).toEqual(["westus/tested"]);
  expect(facts(observe(untold(first), new Map([["westus", proven]]), at(2 * MINUTE)))).toEqual([]);
  const left = observe(
    withTests(accepted(), {
      state: "Deleting",
      result: "passed",
      machineId: "/machine",
      deadline: at(0).now.toISOString(),
    }),
    new Map([["westus", { error: { code: "ResourceManagerForbidden", message: "No." } }]]),
    at(61 * MINUTE),
  );
  expect(eventsIn(left)).toMatchObject([
    {
      type: "Sigil.ImageVersion.TestMachineLeft",
      data: { region: "westus", resources: ["/machine"] },
    },
  ]);
});

test("invariant 5: resource groups are listed before a machine is asked for, and read back", () => {
  const { record } = planned(requested(), { plans }, new Map(), at(0));
  const [row] = record.outbox.flatMap((effect) =>
    effect.kind === "index" ? effect.put.filter(({ scope }) => scope === GROUP_SCOPE) : [],
  );
  expect(row && groupIn(row)).toEqual({
    subscriptionId: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
    resourceGroupName: "imagetests",
  });
});

test("where no machine can be made the region is inconclusive, is told, and nothing is asked of Azure", () => {
  const reason = { code: "SizeNotOffered", message: "No." };
  const pair = planned(untold(requested()), { plans }, new Map([["westus", reason]]), at(0));
  expect(testsOf(pair.operation)[0]).toMatchObject({
    state: "Gone",
    result: "inconclusive",
    reason,
  });
  expect(facts(pair)).toEqual(["westus/tested"]);
});

test("what a machine has shown is for administrators, what a step knows for nobody", () => {
  const { operation } = withTests(accepted(), { output: "root password: x" });
  expect(viewOperation(operation).tests?.[0]).not.toHaveProperty("output");
  expect(viewOperation(operation, undefined, true).tests?.[0]?.output).toBe("root password: x");
  expect(JSON.stringify(viewOperation(operation, undefined, true))).not.toContain("sentTime");
});
