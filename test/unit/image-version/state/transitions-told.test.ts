/** What a user reads while a version is followed, and what is noted of a write for those that it was sent for. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import type {
  Attempt,
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import {
  beginWrite,
  follow,
  writeAccepted,
  writeRefused,
} from "../../../../src/image-version/state/transitions.js";
import type { RegionRecord } from "../../../../src/operation/records.js";
import {
  applied,
  at,
  changeOf,
  COMPLETED,
  creating,
  effectsOf,
  KEY,
  lookOf,
  replicating,
  time,
  told,
  withRecord,
} from "../../../support/transitions.js";
import { createPut, EAST, putFor, updating, WAITING } from "./updating.js";

const APPLIED = { kind: "applied" } as const;
const WEST = regionField("westus");
const NORTH = "northeurope";

const regionsOf = (
  states: Readonly<Record<string, RegionRecord["state"]>>,
  more: Partial<RegionRecord> = {},
): RegionRecord[] =>
  Object.entries(states).map(([name, state]) => ({
    name,
    state,
    progress: state === "Completed" ? 100 : 0,
    attempts: 1,
    ...more,
  }));

describe("what a followed version waits for is told", () => {
  // A rule is to include the version in latest; others have added a region.
  const ruled = {
    lastApplied: { [PROMOTION]: { when: "allRegionsReady" } },
    observed: lookOf(
      "Succeeded",
      { ...COMPLETED, [NORTH]: ["Replicating", 5], westeurope: ["Unknown", 0] },
      { changes: { [EXCLUDE_FROM_LATEST]: true } },
    ),
  } satisfies Partial<ImageVersionRecord>;
  const FAILED =
    "westus, eastus2 failed and will be removed from the version and added back.";
  const AS_REQUESTED =
    "Azure shows the version as requested: the next poll checks it again.";

  test.each<
    [
      string,
      Readonly<Record<string, RegionRecord["state"]>>,
      Partial<ImageVersionRecord>,
      string,
    ]
  >([
    [
      "regions that are not done",
      {
        westus: "Replicating",
        eastus2: "Unknown",
        [NORTH]: "Completed",
        westeurope: "Failed",
      },
      ruled,
      "Azure replicates the version to westus, eastus2.",
    ],
    [
      "regions that are to be repaired",
      { westus: "Failed", eastus2: "Failed", [NORTH]: "Completed" },
      {},
      FAILED,
    ],
    [
      "a repair before regions that others have added",
      { westus: "Failed", eastus2: "Failed" },
      ruled,
      FAILED,
    ],
    [
      "regions that others have added, where its rule waits for them",
      { westus: "Completed", eastus2: "Completed" },
      ruled,
      "It is included in latest once every region is ready: Azure replicates the version to northeurope, westeurope, too.",
    ],
    [
      "no region where no rule waits for one",
      { westus: "Completed" },
      { observed: ruled.observed },
      AS_REQUESTED,
    ],
    [
      "no region before the first look",
      { westus: "Completed" },
      { lastApplied: ruled.lastApplied },
      AS_REQUESTED,
    ],
  ])("%s", (_, states, more, reason) => {
    const { observed: __, ...record } = replicating().record;
    const pair: ImageVersionPair = {
      operation: replicating().operation,
      record: {
        ...record,
        requests: {},
        regions: regionsOf(states),
        ...more,
      },
    };
    const after = follow(pair, APPLIED, undefined, at(60));
    expect(after.operation.waitReason).toBe(reason);
  });
});

describe("an operation that has waited", () => {
  const since = time(5);
  const waitingSince = (
    pair: ImageVersionPair,
    decision: Parameters<typeof follow>[1],
  ) =>
    follow(
      {
        ...pair,
        operation: { ...pair.operation, waitingSince: since },
      },
      decision,
      undefined,
      at(60),
    ).operation.waitingSince;
  const following = (
    regions: readonly RegionRecord[],
    more: Partial<ImageVersionRecord> = {},
  ) => withRecord(replicating(), { regions, ...more });
  const stalled = { stalledTime: time(50) };

  test.each([
    ["to a region", regionsOf({ westus: "Replicating" })],
    ["to a region that it says nothing of", regionsOf({ westus: "Unknown" })],
    [
      "to one region, though another has stalled and one is done",
      [
        ...regionsOf({ westus: "Replicating" }, stalled),
        ...regionsOf({ eastus2: "Completed", [NORTH]: "Replicating" }),
      ],
    ],
  ])("gets on while Azure copies %s", (_, regions) => {
    expect(waitingSince(following(regions), APPLIED)).toBeUndefined();
  });

  test.each<[string, ImageVersionPair]>([
    [
      "the only region that is not done has stalled",
      following([
        ...regionsOf({ westus: "Replicating" }, stalled),
        ...regionsOf({ eastus2: "Completed" }),
      ]),
    ],
    ["its regions are done", following(regionsOf({ westus: "Completed" }))],
    [
      "its end is decided",
      following(regionsOf({ westus: "Replicating" }), {
        requests: {
          [replicating().operation.id]: changeOf(
            {},
            { decided: { kind: "canceled", by: {} } },
          ),
        },
      }),
    ],
    [
      "what it asks is not sent yet",
      withRecord(updating({ "/tags/a": "1" }), {
        regions: regionsOf({ westus: "Replicating" }),
      }),
    ],
  ])("goes on waiting where %s", (_, pair) => {
    const decision = pair.record.state === "Accepted" ? WAITING : APPLIED;
    expect(waitingSince(pair, decision)).toBe(since);
  });
});

describe("the next look", () => {
  test("at what is not sent yet comes as at first, twice as late each time, and says nothing new", () => {
    const pair = updating({ "/tags/a": "1" });
    const { pacing: _, ...record } = pair.record;
    const first = follow({ ...pair, record }, WAITING, undefined, at(60));
    const second = follow(told(first), WAITING, undefined, at(90));
    expect([first, second].map((one) => one.record.dueTime)).toEqual([
      time(90),
      time(150),
    ]);
    expect(second.operation.history).toEqual(pair.operation.history);
    // No region of it is followed.
    expect(second.record.pacing).toBeUndefined();
  });

  // Where nothing else is due, in 240 s.
  const pair = withRecord(replicating(), {
    regions: regionsOf({ westus: "Completed" }),
    pacing: {
      since: time(-3_600),
      polledTime: time(0),
      left: 38,
      seen: {},
    },
  });
  test.each<
    [string, Parameters<typeof follow>[1], readonly RegionRecord[], number]
  >([
    ["seldom where nothing is due", WAITING, pair.record.regions, 240],
    [
      "as soon as a doubt of the version can be settled",
      { ...WAITING, doubt: "never" },
      pair.record.regions,
      120,
    ],
    [
      "as soon as a doubt of one region among others can be settled",
      WAITING,
      [
        ...pair.record.regions,
        ...regionsOf(
          { eastus2: "Completed" },
          { doubt: { state: "Failed", since: time(60) } },
        ),
      ],
      120,
    ],
    [
      "seldom where a repair was due at this one",
      WAITING,
      regionsOf({ westus: "Failed" }, { nextAttemptTime: time(60) }),
      240,
    ],
  ])("comes %s", (_, decision, regions, seconds) => {
    const { record } = follow(
      withRecord(pair, { regions }),
      decision,
      undefined,
      at(60, { pollMaxMs: 240_000 }),
    );
    expect(record.dueTime).toBe(time(60 + seconds));
  });

  test("at what ARM has refused finds it followed, whatever was said of the write", () => {
    const before = withRecord(updating({ "/tags/a": "1" }), {
      state: "Updating",
      lastAttempt: {
        changes: { "/tags/a": "1" },
        regions: [],
        sentTime: time(55),
        outcome: "refused",
      },
    });
    const after = follow(before, WAITING, undefined, at(60));
    expect(after.record.state).toBe("Replicating");
    expect(after.operation.waitReason).toBe(WAITING.why);
  });
});

describe("what is noted of a write", () => {
  test.each<[string, Patch, string[]]>([
    [
      "one region, though another is excluded from latest and a tag is changed",
      {
        [`${WEST}/excludeFromLatest`]: true,
        [`${EAST}/regionalReplicaCount`]: 3,
        "/tags/a": "1",
      },
      ["eastus2"],
    ],
    [
      "a region that it also excludes from latest",
      {
        [`${EAST}/excludeFromLatest`]: true,
        [`${EAST}/regionalReplicaCount`]: 3,
      },
      ["eastus2"],
    ],
    [
      "a region that others have added, and that nobody follows",
      { [`${regionField(NORTH)}/regionalReplicaCount`]: 3 },
      [],
    ],
  ])("that changes the copies of %s", (_, changes, regions) => {
    const { record } = beginWrite(
      applied(),
      { ...createPut, creates: false, changes },
      undefined,
      at(60),
    );
    expect(record.lastAttempt?.regions).toEqual(regions);
  });

  test("that changes the copies of a region that is not done is no further attempt", () => {
    const before = applied();
    const changes = { [`${EAST}/regionalReplicaCount`]: 3 };
    const { record } = beginWrite(
      before,
      { ...createPut, creates: false, changes },
      undefined,
      at(60),
    );
    expect(record.lastAttempt?.regions).toEqual(["eastus2"]);
    expect(record.regions).toEqual(before.record.regions);
  });

  test("that adds a region for the first time is its first attempt", () => {
    const before = withRecord(applied(), {
      regions: regionsOf({ [NORTH]: "Unknown" }, { attempts: 0 }),
    });
    const changes = { [`${regionField(NORTH)}/name`]: NORTH };
    const put = { ...createPut, creates: false, changes };
    const sent = beginWrite(before, put, undefined, at(60));
    expect(sent.record.regions).toEqual(before.record.regions);
    const { record } = writeAccepted(told(sent), undefined, at(61));
    expect(record.regions).toMatchObject([{ name: NORTH, attempts: 1 }]);
  });

  test("that is an update: it was sent, and nobody has created anything by it", () => {
    const pair = updating({ "/tags/a": "1" });
    const { record } = beginWrite(pair, putFor(pair), undefined, at(60));
    expect(record.requests).toEqual({
      [pair.operation.id]: changeOf({ "/tags/a": "1" }, { sent: true }),
    });
  });

  test("that is sent again: nothing is told of it", () => {
    const pair = updating({ "/tags/a": "1" });
    const put = putFor(pair);
    const first = told(beginWrite(pair, put, undefined, at(60)));
    expect(effectsOf(beginWrite(first, put, undefined, at(200)))).toEqual([
      "message 7 to image-version-creations",
    ]);
  });

  test("that decides by hand for one of a batch: it overrides the promotion rule", () => {
    const pair = updating({ "/tags/a": "1" });
    const overridesRule = (more: object) => {
      const both = withRecord(pair, {
        requests: {
          ...pair.record.requests,
          [`${KEY}-9`]: changeOf({ [EXCLUDE_FROM_LATEST]: true }, more),
        },
      });
      return beginWrite(both, putFor(both), undefined, at(60)).record
        .lastAttempt?.overridesRule;
    };
    expect(overridesRule({ byHand: true })).toBe(true);
    expect(overridesRule({})).toBeUndefined();
  });

  test("that nobody asks for is said to be accepted to all that have begun", () => {
    const before = applied();
    const member = { ...before.operation, id: `${KEY}-9` };
    const put = { ...createPut, creates: false, addsBack: ["eastus2"] };
    const sent = told(
      beginWrite(
        withRecord(before, { members: [member] }),
        put,
        undefined,
        at(60),
      ),
    );
    const { operation, record } = writeAccepted(sent, undefined, at(61));
    for (const { history } of [operation, ...record.members])
      expect(history.slice(-2).map(({ message }) => message)).toEqual([
        "eastus2 is added back to the version.",
        "Azure Resource Manager has accepted the version; its regions are followed.",
      ]);
  });

  test("that was proven without a warning: its disks are those that were found, and no warning is said", () => {
    const pair = withRecord(updating({ "/tags/a": "1" }), { dataDiskLuns: [] });
    const proven = {
      record: { encryptionTypes: {}, dataDiskLuns: [7] },
      operation: {},
    };
    const { record, operation } = beginWrite(
      pair,
      putFor(pair),
      proven,
      at(60),
    );
    expect(record.dataDiskLuns).toEqual([7]);
    expect(operation).not.toHaveProperty("warnings");
  });
});

describe("a create request that ARM has refused", () => {
  const pair = creating();
  const own = pair.operation.id;
  const other = `${KEY}-9`;
  const before: Attempt = {
    changes: {},
    regions: [],
    sentTime: time(0),
    outcome: "unknown",
  };
  const both = withRecord(pair, {
    requests: { ...pair.record.requests, [other]: changeOf({}) },
  });
  const refusedAfter = (more: Partial<ImageVersionRecord>) =>
    Object.entries(
      writeRefused(withRecord(both, more), at(9)).record.requests,
    ).flatMap(([id, { refused }]) => (refused === true ? [id] : []));

  test("is noted of those that it was sent for: what is there later others have made", () => {
    expect(refusedAfter({})).toEqual([own]);
  });

  test("is not where the version is there, or an earlier one may have made it", () => {
    const { lastAttempt = before } = both.record;
    expect(refusedAfter({ exists: true })).toEqual([]);
    expect(refusedAfter({ lastAttempt: { ...lastAttempt, before } })).toEqual(
      [],
    );
  });

  test("is asked anew once it is sent again", () => {
    const refused = writeRefused(both, at(9));
    const again = beginWrite(refused, createPut, undefined, at(200));
    expect(again.record.requests[own]).not.toHaveProperty("refused");
  });
});
