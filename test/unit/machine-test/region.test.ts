/** The invariants are those of src/machine-test/region.ts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MachinePlan } from "../../../src/machine-test/machine.js";
import type { SeenMachine } from "../../../src/machine-test/ports.js";
import { DEFAULTS, type TestProfile } from "../../../src/machine-test/profile.js";
import {
  abandon,
  answer,
  begin,
  beginDue,
  hasMachine,
  isLookedAt,
  isOver,
  machineOf,
  newRegionTest,
  see,
  type Answer,
  type Sight,
  type Terms,
} from "../../../src/machine-test/region.js";
import type { RegionTestRecord, TestedDisk } from "../../../src/machine-test/region-record.js";

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);
const PUT_TIMEOUT = MINUTE;
const OPERATION = "0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1";

const plan: MachinePlan = {
  region: "westus",
  subscriptionId: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
  resourceGroupName: "ImageTests",
  subnetId: "/subnets/machines",
  size: "Standard_D2s_v5",
  imageVersionId: "/versions/1.0.0",
  osType: "Linux",
  isSpecialized: false,
  disks: [
    {
      diskEncryptionSetId: "/sets/os",
      encryptionType: "EncryptionAtRestWithCustomerKey",
    },
    { lun: 0, encryptionType: "EncryptionAtRestWithPlatformKey" },
  ],
  hasBootDiagnostics: false,
};

const profile = (change: Partial<TestProfile> = {}): TestProfile => ({
  ...DEFAULTS,
  imageId: "/images/MyImage",
  machineSize: plan.size,
  resourceGroupName: plan.resourceGroupName,
  regions: [{ name: "westus", subnetId: plan.subnetId }],
  proof: { kind: "agentReady" },
  setBy: {},
  setTime: new Date(START).toISOString(),
  ...change,
});

const terms = (ms = 0, change: Partial<TestProfile> = {}): Terms => ({
  operationId: OPERATION,
  profile: profile(change),
  plan,
  now: new Date(START + ms),
  pace: { putTimeoutMs: PUT_TIMEOUT, confirmMs: 2 * MINUTE },
});

const machine = (change: Partial<SeenMachine> = {}): SeenMachine => ({
  id: "/virtualMachines/one",
  region: "westus",
  provisioningState: "Succeeded",
  isRunning: true,
  isAgentReady: true,
  interfaceIds: ["/networkInterfaces/one"],
  tags: {},
  ...change,
});

const DISKS: ReadonlyMap<number | undefined, TestedDisk> = new Map([
  [
    undefined,
    {
      id: "/disks/os",
      encryptionType: "EncryptionAtRestWithCustomerKey",
      diskEncryptionSetId: "/Sets/OS",
    },
  ],
  [
    0,
    {
      id: "/disks/0",
      lun: 0,
      encryptionType: "EncryptionAtRestWithPlatformKey",
    },
  ],
]);
const PROVEN: Sight = {
  machine: machine(),
  proof: { kind: "proven" },
  disks: DISKS,
};

const waiting = newRegionTest("westus", plan.size);
const creating = begin(waiting, terms());
const asked = see(creating, {}, terms());
const accepted = answer(asked, { kind: "done" }, terms());
const starting = see(
  accepted,
  { machine: machine({ provisioningState: "Creating" }) },
  terms(MINUTE),
);
const proving = see(
  starting,
  { machine: machine(), proof: { kind: "pending" } },
  terms(2 * MINUTE),
);
const deletingPassed = see(proving, PROVEN, terms(3 * MINUTE));

test("the states of a region that passes, one after the other", () => {
  expect(
    [waiting, creating, asked, accepted, starting, proving, deletingPassed].map(
      ({ state, work: { todo } }) => (todo ? `${state} ${todo}` : state),
    ),
  ).toEqual([
    "Waiting",
    "Creating",
    "Creating create",
    "Creating",
    "Starting",
    "Proving",
    "Deleting",
  ]);
  expect(deletingPassed.result).toBe("passed");
  const asksToDelete = see(deletingPassed, { machine: machine() }, terms(4 * MINUTE));
  expect(asksToDelete.work.todo).toBe("delete");
  const deleted = answer(asksToDelete, { kind: "done" }, terms(4 * MINUTE));
  expect(see(deleted, { left: [] }, terms(5 * MINUTE))).toMatchObject({
    state: "Gone",
    result: "passed",
    createdTime: new Date(START).toISOString(),
    deletedTime: new Date(START + 5 * MINUTE).toISOString(),
  });
});

describe("invariant 1: a machine is asked for only", () => {
  test("by a look that shows none; one that is shown is followed", () => {
    expect(creating.work.todo).toBeUndefined();
    expect(see(creating, { machine: machine() }, terms())).toMatchObject({
      state: "Proving",
    });
  });

  test("once no earlier PUT can be under way, and three times at the most", () => {
    const unknown = answer(asked, { kind: "unknown" }, terms());
    expect(see(unknown, {}, terms(2 * PUT_TIMEOUT - 1)).work.todo).toBeUndefined();
    let again = see(unknown, {}, terms(2 * PUT_TIMEOUT));
    expect(again.work).toMatchObject({ todo: "create", sends: 2 });
    again = see(again, {}, terms(4 * PUT_TIMEOUT));
    expect(again.work).toMatchObject({ todo: "create", sends: 3 });
    again = see(again, {}, terms(6 * PUT_TIMEOUT));
    expect(again).toMatchObject({
      state: "Deleting",
      reason: { code: "ResourceManagerUnavailable" },
    });
  });

  test("never again once Azure has accepted it, though it is not shown yet", () => {
    expect(see(accepted, {}, terms(10 * MINUTE)).work.todo).toBeUndefined();
    expect(see(accepted, {}, terms(20 * MINUTE))).toMatchObject({
      state: "Deleting",
      reason: { code: "MachineNotShown" },
    });
  });

  test("after what Azure has put off, no sooner than it says", () => {
    const delayed = answer(
      asked,
      { kind: "delayed", retryAfterMs: 30_000, code: "TooMany", message: "" },
      terms(),
    );
    expect(see(delayed, {}, terms(29_999)).work.todo).toBeUndefined();
    expect(see(delayed, {}, terms(30_000)).work.todo).toBe("create");
  });
});

describe("invariant 2: an attempt", () => {
  const refused: Answer = {
    kind: "refused",
    code: "SkuNotAvailable",
    message: "No.",
  };

  test("that is inconclusive is followed by another, five minutes after it is gone, then ten, then none", () => {
    let one = answer(asked, refused, terms());
    for (const minutes of [5, 10]) {
      expect(one).toMatchObject({ state: "Deleting" });
      expect(one.result).toBeUndefined();
      one = answer(see(one, {}, terms()), { kind: "done" }, terms());
      one = see(one, { left: [] }, terms());
      expect(one).toMatchObject({
        state: "Waiting",
        reason: { code: "SkuNotAvailable" },
        nextAttemptTime: new Date(START + minutes * MINUTE).toISOString(),
      });
      one = answer(see(begin(one, terms()), {}, terms()), refused, terms());
    }
    expect(one).toMatchObject({ attempts: 3, result: "inconclusive" });
  });

  test("that is failed is not", () => {
    expect(answer(asked, { ...refused, code: "KeyVaultKeyNotFound" }, terms())).toMatchObject({
      state: "Deleting",
      result: "failed",
      attempts: 1,
    });
  });

  test("of a version that is unknown in its region says nothing of it, though that stays so", () => {
    const unknown: Answer = { ...refused, code: "GalleryImageNotFound" };
    expect(answer(asked, unknown, terms()).result).toBeUndefined();
    expect(answer({ ...asked, attempts: 3 }, unknown, terms()).result).toBe("inconclusive");
  });
});

describe("invariant 3: it is passed only", () => {
  test.each([
    ["whose start is not proven", { ...PROVEN, proof: { kind: "pending" } }],
    ["whose disks could not be read", { machine: machine(), proof: { kind: "proven" } }],
  ] as readonly (readonly [string, Sight])[])("not a machine %s", (_, sight) => {
    expect(see(proving, sight, terms(3 * MINUTE))).toMatchObject({
      state: "Proving",
    });
  });

  test.each<readonly [string, readonly TestedDisk[], string]>([
    [
      "under another set",
      [{ ...DISKS.get(undefined)!, diskEncryptionSetId: "/sets/other" }, DISKS.get(0)!],
      "It is EncryptionAtRestWithCustomerKey by /sets/other.",
    ],
    [
      "of another type",
      [
        {
          ...DISKS.get(undefined)!,
          encryptionType: "EncryptionAtRestWithPlatformAndCustomerKeys",
        },
        DISKS.get(0)!,
      ],
      "should be EncryptionAtRestWithCustomerKey by /sets/os",
    ],
    [
      "with a set that was not asked for",
      [DISKS.get(undefined)!, { ...DISKS.get(0)!, diskEncryptionSetId: "/sets/data" }],
      "EncryptionAtRestWithPlatformKey",
    ],
    ["that is not there", [DISKS.get(undefined)!], "LUN 0"],
  ])("with no disk %s", (_, found, message) => {
    const judged = see(
      proving,
      { ...PROVEN, disks: new Map(found.map((disk) => [disk.lun, disk])) },
      terms(3 * MINUTE),
    );
    expect(judged).toMatchObject({
      result: "failed",
      reason: {
        code: "DiskEncryptionMismatch",
        message: expect.stringContaining(message) as string,
      },
    });
  });
});

describe("invariant 4: it is gone only", () => {
  test("once no PUT can be under way, a DELETE was answered, and nothing is shown", () => {
    const canceled = abandon(asked);
    expect(see(canceled, { left: [] }, terms(MINUTE))).toMatchObject({
      state: "Deleting",
      work: { deletions: 0 },
    });
    expect(see(canceled, { left: [] }, terms(MINUTE)).work.todo).toBeUndefined();
    const sent = see(canceled, { left: [] }, terms(2 * MINUTE));
    expect(sent.work.todo).toBe("delete");
    const answered = answer(sent, { kind: "done" }, terms(2 * MINUTE));
    expect(see(answered, { left: ["/disks/os"] }, terms(3 * MINUTE)).state).toBe("Deleting");
    expect(see(answered, { left: ["/disks/os"] }, terms(5 * MINUTE)).work).toMatchObject({
      todo: "deleteParts",
      parts: ["/disks/os"],
    });
    expect(see(answered, { left: [] }, terms(3 * MINUTE)).state).toBe("Gone");
  });

  test("what was never asked for is gone at once", () => {
    expect(abandon(waiting).state).toBe("Gone");
  });

  test("a machine that is there after its DELETE is deleted again", () => {
    const sent = see(deletingPassed, { machine: machine() }, terms());
    const answered = answer(sent, { kind: "done" }, terms());
    const goes = machine({ provisioningState: "Deleting" });
    expect(see(answered, { machine: goes }, terms(10 * MINUTE)).work.todo).toBeUndefined();
    const stays = machine({ provisioningState: "Failed" });
    expect(see(answered, { machine: stays }, terms(10 * MINUTE)).work.todo).toBe("delete");
  });

  test("a DELETE that is refused is sent again, each time twice as late", () => {
    let one = abandon(accepted);
    const times: number[] = [];
    for (let ms = 0; ms < 60 * MINUTE; ms += MINUTE / 4) {
      one = see(one, { machine: machine() }, terms(ms));
      if (one.work.todo === undefined) continue;
      times.push(ms / MINUTE);
      one = answer(one, { kind: "unknown" }, terms(ms));
    }
    expect(times).toEqual([0, 2, 6, 14, 30]);
  });
});

describe("invariant 5: at its deadline", () => {
  test.each([
    ["Creating", accepted, { error: { code: "ResourceManagerForbidden", message: "No." } }],
    ["Starting", starting, { machine: machine({ provisioningState: "Creating" }) }],
    ["Proving", proving, { machine: machine(), proof: { kind: "pending" } }],
  ] as readonly (readonly [string, RegionTestRecord, Sight])[])(
    "a machine that is %s is deleted",
    (_, one, sight) => {
      expect(see(one, sight, terms(60 * MINUTE)).state).toBe("Deleting");
    },
  );

  test("a machine is deleted though its own limits are not over", () => {
    const minute55 = new Date(START + 55 * MINUTE).toISOString();
    const pending: Sight = {
      machine: machine(),
      proof: { kind: "pending" },
    };
    const one = { ...proving, startedTime: minute55 };
    expect(see(one, pending, terms(59 * MINUTE)).state).toBe("Proving");
    expect(see(one, pending, terms(60 * MINUTE))).toMatchObject({
      state: "Deleting",
      reason: { code: "DeadlineReached" },
    });
  });

  test("a machine that is kept is deleted; before, it is left alone", () => {
    const change = { keepFailedMinutes: 30 };
    const kept = see(
      { ...proving, deadline: new Date(START + 90 * MINUTE).toISOString() },
      {
        machine: machine(),
        proof: { kind: "refuted", code: "ScriptFailed", message: "" },
      },
      terms(3 * MINUTE, change),
    );
    expect(kept).toMatchObject({ state: "Kept", result: "failed" });
    expect(isLookedAt(kept, new Date(START + 32 * MINUTE))).toBe(false);
    expect(see(kept, { machine: machine() }, terms(33 * MINUTE, change))).toMatchObject({
      state: "Deleting",
      work: { todo: "delete" },
    });
  });

  test("what is there an hour later is told as left, also where nothing can be seen", () => {
    const error = { code: "ResourceManagerForbidden", message: "No." };
    expect(see(deletingPassed, { error }, terms(119 * MINUTE)).state).toBe("Deleting");
    expect(see(deletingPassed, { error }, terms(120 * MINUTE))).toMatchObject({
      state: "Left",
      result: "passed",
      left: ["/virtualMachines/one"],
    });
  });
});

test("invariant 6: as many begin as there is room for, in turn", () => {
  const all = ["a", "b", "c"].map((name) => newRegionTest(name, plan.size));
  const termsOf = () => terms();
  const states = (tests: readonly RegionTestRecord[]) => tests.map(({ state }) => state);
  const two = beginDue(all, 2, termsOf);
  expect(states(two)).toEqual(["Creating", "Creating", "Waiting"]);
  expect(states(beginDue(two, 2, termsOf))).toEqual(states(two));
  const [first = waiting, ...rest] = two;
  expect(states(beginDue([{ ...first, state: "Gone" }, ...rest], 2, termsOf))).toEqual([
    "Gone",
    "Creating",
    "Creating",
  ]);
});

test.each<readonly [string, RegionTestRecord, Sight, number, string]>([
  [
    "its host runs it, and its system is not provisioned in time",
    starting,
    { machine: machine({ provisioningState: "Creating" }) },
    20,
    "failed StartTimedOut",
  ],
  [
    "its host never runs it",
    starting,
    { machine: machine({ provisioningState: "Creating", isRunning: false }) },
    20,
    "inconclusive NotRunning",
  ],
  [
    "it fails with a word of the image",
    starting,
    {
      machine: machine({
        provisioningState: "Failed",
        failure: { code: "OSProvisioningTimedOut", message: "" },
      }),
    },
    5,
    "failed OSProvisioningTimedOut",
  ],
  [
    "it fails with a word of Azure",
    starting,
    {
      machine: machine({
        provisioningState: "Failed",
        failure: { code: "AllocationFailed", message: "" },
      }),
    },
    5,
    "inconclusive AllocationFailed",
  ],
  [
    "it fails without a word",
    starting,
    { machine: machine({ provisioningState: "Failed" }) },
    5,
    "inconclusive ProvisioningFailed",
  ],
  [
    "somebody deletes it",
    starting,
    { machine: machine({ provisioningState: "Deleting" }) },
    5,
    "inconclusive MachineDeleted",
  ],
  [
    "it cannot be seen while it starts",
    starting,
    { error: { code: "ResourceManagerForbidden", message: "" } },
    20,
    "inconclusive ResourceManagerForbidden",
  ],
  [
    "its proof does not come",
    proving,
    { machine: machine(), proof: { kind: "pending" } },
    12,
    "failed ProofTimedOut",
  ],
  [
    "its script cannot begin",
    proving,
    { machine: machine(), proof: { kind: "notBegun" } },
    12,
    "inconclusive ProofNotBegun",
  ],
  [
    "it cannot be seen while it is proven",
    proving,
    { error: { code: "ResourceManagerForbidden", message: "" } },
    12,
    "inconclusive ResourceManagerForbidden",
  ],
  [
    "its proof is refuted",
    proving,
    {
      machine: machine(),
      proof: { kind: "refuted", code: "ScriptFailed", message: "" },
    },
    3,
    "failed ScriptFailed",
  ],
])("where %s", (_, one, sight, minutes, verdict) => {
  const judged = see({ ...one, attempts: 3 }, sight, terms(minutes * MINUTE));
  expect(`${judged.result} ${judged.reason?.code}`).toBe(verdict);
});

test("a machine that is not shown once is missed only when a later look says the same", () => {
  const missed = see({ ...proving, attempts: 3 }, {}, terms(3 * MINUTE));
  expect(missed.state).toBe("Proving");
  expect(
    see(missed, { machine: machine(), proof: { kind: "pending" } }, terms(4 * MINUTE)).work
      .missingSince,
  ).toBeUndefined();
  expect(see(missed, {}, terms(5 * MINUTE))).toMatchObject({
    result: "inconclusive",
    reason: { code: "MachineDeleted" },
  });
});

test("of what it shows the last 4 KB are kept, in whole characters", () => {
  const output = "é".repeat(3_000);
  const shown = see(
    proving,
    { machine: machine(), proof: { kind: "pending", output } },
    terms(3 * MINUTE),
  );
  expect(shown.output).toBe("é".repeat(2_048));
  const odd = see(
    proving,
    { machine: machine(), proof: { kind: "pending", output: `${output}a` } },
    terms(3 * MINUTE),
  );
  expect(odd.output).toBe(`${"é".repeat(2_047)}a`);
});

test("a script begins once its agent is there, and a refusal of it says nothing of the version", () => {
  const toBegin = see(
    proving,
    { machine: machine(), proof: { kind: "notBegun" } },
    terms(3 * MINUTE),
  );
  expect(toBegin.work.todo).toBe("prove");
  expect(
    answer(
      { ...toBegin, attempts: 3 },
      { kind: "refused", code: "OperationNotAllowed", message: "" },
      terms(3 * MINUTE),
    ),
  ).toMatchObject({ result: "inconclusive" });
});

/** Random numbers of a seed (Numerical Recipes). */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What Azure has, and what is on the way to it. */
interface World {
  readonly machines: Map<
    string,
    {
      startsMs: number;
      fate: number;
      /** Reads lag behind, less than a PUT may take: until then it is there and not shown. What lags more, If-None-Match guards. */
      shownMs: number;
      goesMs?: number;
    }
  >;
  readonly parts: Map<string, string>;
  readonly onTheWay: { name: string; arrivesMs: number }[];
}

test("whatever Azure answers, and whoever dies when: no machine is made twice, none is forgotten, no result changes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0 }), fc.integer({ min: 0, max: 3 }), (seed, mood) => {
      const random = numbers(seed);
      const world: World = {
        machines: new Map(),
        parts: new Map(),
        onTheWay: [],
      };
      const change = { keepFailedMinutes: random(2) * 15 };
      let ms = 0;
      let one = waiting;
      const now = () => terms(ms, change);
      /** Mood 0: Azure does as it is told. The higher, the more goes wrong. */
      const goesWrong = () => random(10) < mood;
      const settle = () => {
        for (const put of world.onTheWay.splice(0)) {
          if (put.arrivesMs > ms) {
            world.onTheWay.push(put);
            continue;
          }
          expect(world.machines.has(put.name)).toBe(false);
          world.machines.set(put.name, {
            startsMs: ms + random(5) * MINUTE,
            fate: goesWrong() ? 1 + random(4) : 0,
            shownMs: put.arrivesMs + (goesWrong() ? random(PUT_TIMEOUT) : 0),
          });
          world.parts.set(`${put.name}-os`, put.name);
        }
        for (const [name, { goesMs, fate }] of world.machines)
          if (goesMs !== undefined && goesMs <= ms) {
            world.machines.delete(name);
            if (fate !== 4) world.parts.delete(`${name}-os`);
          }
      };
      const look = (name: string): Sight => {
        if (goesWrong())
          return {
            error: { code: "ResourceManagerUnavailable", message: "" },
          };
        const found = world.machines.get(name);
        if (found !== undefined && found.shownMs > ms) return { left: [] };
        if (found === undefined)
          return {
            left: [...world.parts].flatMap(([part, of]) => (of === name ? [part] : [])),
          };
        const isUp = found.startsMs <= ms;
        if (found.fate === 1 && isUp)
          return {
            machine: machine({
              id: name,
              provisioningState: "Failed",
              failure: {
                code: random(2) === 0 ? "AllocationFailed" : "OSProvisioningTimedOut",
                message: "",
              },
            }),
          };
        return {
          machine: machine({
            id: name,
            isRunning: isUp,
            provisioningState:
              found.goesMs !== undefined
                ? "Deleting"
                : isUp && found.fate !== 2
                  ? "Succeeded"
                  : "Creating",
          }),
          ...(isUp && {
            proof: {
              kind: found.fate === 3 ? ("pending" as const) : ("proven" as const),
            },
          }),
          ...(isUp && found.fate !== 3 && !goesWrong() && { disks: DISKS }),
        };
      };
      const call = (name: string): Answer => {
        switch (one.work.todo) {
          case "create": {
            // Invariant 1.
            expect(world.machines.has(name)).toBe(false);
            expect(world.onTheWay).toEqual([]);
            const fate = goesWrong() ? 1 + random(4) : 0;
            if (fate === 1)
              return {
                kind: "refused",
                code: "SkuNotAvailable",
                message: "",
              };
            if (fate === 2)
              return {
                kind: "delayed",
                retryAfterMs: 10_000,
                code: "TooMany",
                message: "",
              };
            if (fate >= 3) {
              // No answer: lost, or in Azure before the call would be given up.
              if (random(2) === 0)
                world.onTheWay.push({
                  name,
                  arrivesMs: ms + random(PUT_TIMEOUT),
                });
              return { kind: "unknown" };
            }
            world.onTheWay.push({ name, arrivesMs: ms });
            return { kind: "done" };
          }
          case "delete": {
            if (goesWrong()) return { kind: "unknown" };
            const found = world.machines.get(name);
            if (found !== undefined) {
              found.goesMs ??= ms + random(2) * MINUTE;
              found.shownMs = ms;
            }
            return { kind: "done" };
          }
          case "deleteParts":
            for (const part of one.work.parts ?? []) world.parts.delete(part);
            return { kind: "done" };
          default:
            return { kind: "done" };
        }
      };
      for (let steps = 0; !isOver(one); steps += 1) {
        expect(steps).toBeLessThan(2_000);
        settle();
        const before = one;
        const [due = one] = beginDue([one], 1, now);
        if (random(15) === 0 && hasMachine(due)) one = abandon(due);
        else
          one = isLookedAt(due, now().now)
            ? see(due, look(machineOf(due, now()).name), now())
            : due;
        if (before.result !== undefined) expect(one.result).toBe(before.result); // Invariant 2.
        if (one.result === "passed") expect(one.disks).toHaveLength(2); // Invariant 3.
        // Invariant 5.
        if (hasMachine(one) && ms >= Date.parse(one.deadline ?? "") - START)
          expect(one.state).toBe("Deleting");
        let died = goesWrong() && random(3) === 0;
        if (one.work.todo !== undefined && !died) {
          const answered = call(machineOf(one, now()).name);
          died = goesWrong() && random(3) === 0;
          if (!died) one = answer(one, answered, now());
        }
        // The next message is on its way, or comes when nothing can be under way any more.
        ms += died ? 2 * PUT_TIMEOUT : 5_000 + random(random(3) === 0 ? 100_000 : 15_000);
      }
      settle();
      // Invariant 4.
      expect(world.onTheWay).toEqual([]);
      if (one.state === "Gone")
        expect([...world.machines.keys(), ...world.parts.keys()]).toEqual([]);
      if (mood === 0 && one.result !== undefined) expect(one.result).toBe("passed");
    }),
    { numRuns: 600 },
  );
});
