import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import {
  batchOf,
  type ImageVersionPair,
  type ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import { reconcile } from "../../../../src/image-version/state/reconcile.js";
import {
  beginWrite,
  follow,
  notShown,
  writeAccepted,
  writeRefused,
} from "../../../../src/image-version/state/transitions.js";
import {
  accept,
  emptyRecord,
  started,
  untilQuiet,
  withRequest,
} from "../../../../src/image-version/state/accepting.js";
import { beginNext } from "../../../../src/image-version/state/batch.js";
import { endBatch } from "../../../../src/image-version/steps/end-batch.js";
import { fail } from "../../../../src/operation/failing.js";
import { wait } from "../../../../src/operation/waiting.js";
import { eventMistakes } from "../../events/document.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  acceptingOf,
  applied,
  at,
  changeOf,
  COMPLETED,
  creating,
  effectsOf,
  eventsOf,
  KEY,
  lookOf,
  putOf,
  queued,
  replicating,
  REPLICATING,
  step,
  succeeded,
  time,
  told,
  toldOf,
  VERSION_ID,
  type Put,
} from "../../../support/transitions.js";

const EAST = regionField("eastus2");
const WAITING = { kind: "wait", why: "ARM works on it." } as const;
const FAILURE = { code: "X", message: "No.", errors: [] };

function putFor(
  pair: ImageVersionPair,
  changes: Patch = {},
  seconds = 60,
): Put {
  const decision = reconcile(
    pair.record,
    lookOf("Succeeded", COMPLETED, { changes }),
    at(seconds),
  );
  return decision.kind === "put"
    ? decision
    : expect.fail(JSON.stringify(decision));
}

const withRecord = (
  pair: ImageVersionPair,
  more: Partial<ImageVersionRecord>,
): ImageVersionPair => ({ ...pair, record: { ...pair.record, ...more } });

/** A version that is there, and of which its next operation asks that. */
function updating(changes: Patch): ImageVersionPair {
  const before = succeeded();
  return told(
    accept(
      acceptingOf(changeOf(changes), { regions: [] }),
      before.record,
      at(50),
    ),
  );
}

const createPut: Put = {
  kind: "put",
  body: managedImageRequest(),
  creates: true,
  changes: putOf(managedImageRequest()).changes,
  removesRegions: false,
  takesAway: {},
  addsBack: [],
  promotes: false,
  rewrites: false,
};

describe("what a transition causes is in the outbox of the record that states it", () => {
  const update = updating({ "/tags/a": "1" });

  test.each<readonly [string, ImageVersionPair, readonly string[]]>([
    [
      "accept",
      accepted(),
      [
        "index from nothing",
        "event accepted",
        "message 1 to image-version-creations",
      ],
    ],
    [
      "beginWrite of a creation",
      beginWrite(told(accepted()), createPut, undefined, at(1)),
      [
        "index from NotStarted",
        "event creating",
        "message 2 to image-version-creations",
      ],
    ],
    [
      "beginWrite of the same again",
      beginWrite(creating(), createPut, undefined, at(200)),
      ["message 3 to image-version-creations"],
    ],
    [
      "beginWrite of an update",
      beginWrite(update, putFor(update), undefined, at(60)),
      [
        "index from NotStarted",
        "event updating/1",
        "message 6 to image-version-creations",
      ],
    ],
    [
      "writeAccepted",
      writeAccepted(creating(), undefined, at(2)),
      ["message 3 to image-version-replications"],
    ],
    [
      "follow",
      follow(replicating(), WAITING, undefined, at(60)),
      ["message 4 to image-version-replications"],
    ],
    [
      "notShown",
      notShown(replicating(), "It is not shown.", at(60)),
      ["message 4 to image-version-replications"],
    ],
    [
      "wait",
      wait(creating(), "Busy.", 0, at(1)),
      ["message 3 to image-version-creations"],
    ],
    [
      "fail",
      fail(creating(), FAILURE, at(1)),
      ["index from Running", "event failed", "close"],
    ],
  ])("%s", (_, pair, effects) => {
    expect(effectsOf(pair)).toEqual(effects);
    expect(eventsOf(pair).flatMap(eventMistakes)).toEqual([]);
  });

  test("what is not told yet stays in front", () => {
    const pair = beginWrite(accepted(), createPut, undefined, at(1));
    expect(effectsOf(pair).slice(0, 3)).toEqual(effectsOf(accepted()));
  });
});

describe("invariant 1: the message that will look at what became of a write is on its way before it is sent", () => {
  test("and comes when the PUT can no longer be under way", () => {
    const { record } = beginWrite(
      told(accepted()),
      createPut,
      undefined,
      at(1),
    );
    expect(record.state).toBe("Creating");
    expect(record.dueTime).toBe(time(121));
    const [message] = record.outbox.flatMap((effect) =>
      effect.kind === "message" ? [effect.message] : [],
    );
    expect(message?.enqueueTime).toBe(record.dueTime);
  });
});

describe("invariant 2: what is sent is noted before it is sent", () => {
  test("by what it changes, for whom, and with an unknown outcome", () => {
    const { record, operation } = creating();
    expect(record.lastAttempt).toEqual({
      changes: createPut.changes,
      regions: [],
      sentTime: time(1),
      outcome: "unknown",
      sentFor: [operation.id],
      asked: record.requests[operation.id]?.changes,
    });
    expect(batchOf(record)).toMatchObject([[operation.id, { created: true }]]);
  });

  test.each<[string, Patch, string[]]>([
    ["a tag", { "/tags/a": "1" }, []],
    ["more replicas", { [`${EAST}/regionalReplicaCount`]: 3 }, ["eastus2"]],
    [
      "exclusion of a region, which copies nothing",
      { [`${EAST}/excludeFromLatest`]: true },
      [],
    ],
    [
      "a new region",
      { [`${regionField("westeurope")}/name`]: "westeurope" },
      [],
    ],
    ["a removal", { [EAST]: null }, []],
  ])("with the regions whose copies %s changes", (_, changes, regions) => {
    const pair = updating(changes);
    const { record } = beginWrite(pair, putFor(pair), undefined, at(60));
    expect(record.lastAttempt?.regions).toEqual(regions);
    expect(
      record.regions.filter(({ attempts }) => attempts === 2),
      "a change of copies is another attempt",
    ).toMatchObject(regions.map((name) => ({ name })));
    expect(record.updates).toBe(1);
    expect(
      record.regions
        .filter(({ completedTime }) => completedTime === undefined)
        .map(({ name }) => name),
    ).toEqual(expect.arrayContaining(regions));
  });

  test("and what is sent again counts no further update, and no further attempt", () => {
    const pair = updating({ [`${EAST}/regionalReplicaCount`]: 3 });
    const put = putFor(pair);
    const first = beginWrite(pair, put, undefined, at(60));
    const again = beginWrite(told(first), put, undefined, at(200));
    expect(again.record.updates).toBe(1);
    expect(again.record.regions).toEqual(first.record.regions);
    expect(again.operation.history).toEqual(first.operation.history);
    expect(again.record.ticks).toBe(1);
  });

  test("that ARM has accepted it", () => {
    const { record } = writeAccepted(creating(), "https://arm/1", at(2));
    expect(record).toMatchObject({
      state: "Replicating",
      exists: true,
      armOperationUrl: "https://arm/1",
      lastAttempt: { outcome: "accepted" },
      regions: [{ attempts: 1 }, { attempts: 1 }],
      dueTime: time(17),
    });
    const without = writeAccepted(
      told(writeAccepted(creating(), "https://arm/1", at(2))),
      undefined,
      at(3),
    );
    expect(without.record).not.toHaveProperty("armOperationUrl");
  });

  test("that ARM has refused it: what was to be taken away is still there, and due", () => {
    const pair = withRecord(replicating(), {
      lastAttempt: {
        changes: { [EAST]: null },
        regions: [],
        sentTime: time(1),
        outcome: "unknown",
      },
      repairs: {
        eastus2: { attempts: 1, removed: {} },
        westeurope: { attempts: 1, removed: {} },
      },
    });
    expect(writeRefused(pair, at(9)).record).toMatchObject({
      lastAttempt: { outcome: "refused" },
      repairs: {
        eastus2: { attempts: 1, dueTime: time(9) },
        westeurope: { attempts: 1, removed: {} },
      },
    });
    expect(writeRefused(accepted(), at(9))).toEqual(accepted());
  });
});

describe("an operation that is accepted", () => {
  test("is not started, and has what was asked of it", () => {
    const { record, operation } = accept(
      acceptingOf(putOf(managedImageRequest()), {
        requestKey: "k",
        event: { source: "urn:build", id: "7" },
      }),
      undefined,
      at(0),
      [{ code: "RegionKept", pointer: "", message: "It is kept." }],
    );
    expect(operation).toMatchObject({
      id: `${KEY}-1`,
      kind: "CreateImageVersion",
      status: "NotStarted",
      createdTime: time(0),
      requestKey: "k",
      request: { source: "urn:build", id: "7" },
      warnings: [{ code: "RegionKept" }],
      regions: [
        { name: "westus", state: "Unknown" },
        { name: "eastus2", state: "Unknown" },
      ],
      history: [{ state: "Accepted" }],
    });
    expect(record).toMatchObject({
      state: "Accepted",
      sequence: 1,
      lastSequence: 1,
      step: 1,
      exists: false,
      dueTime: time(0),
    });
    const [event] = eventsOf({ record, operation });
    expect(event?.data).toMatchObject({
      kind: "CreateImageVersion",
      targetRegions: ["westus", "eastus2"],
      request: { source: "urn:build", id: "7" },
    });
  });

  test("deletes where that is its kind", () => {
    const { record } = accept(
      acceptingOf(changeOf({}, { byHand: true }), {
        kind: "DeleteImageVersion",
      }),
      succeeded().record,
      at(50),
    );
    expect(record.state).toBe("DeletionRequested");
  });

  test("keeps what is known of the version, and counts anew", () => {
    const before = succeeded();
    const { record, operation } = accepted(
      undefined,
      withRecord(before, {
        ticks: 7,
        rewrites: 1,
        resends: 2,
        consecutiveNotFound: 3,
        doubt: { what: "unmet/1", since: time(0) },
        repairs: {
          eastus2: { attempts: 3 },
          westeurope: { attempts: 2, removed: { a: 1 } },
        },
      }),
    );
    expect(operation.id).toBe(`${KEY}-2`);
    expect(record).toMatchObject({
      exists: true,
      lastApplied: before.record.lastApplied,
      observed: before.record.observed,
      ticks: 0,
      rewrites: 0,
      resends: 0,
      consecutiveNotFound: 0,
      // What is taken away is still to be added back.
      repairs: { westeurope: { attempts: 0, removed: { a: 1 } } },
    });
    for (const name of ["doubt", "waitingSince", "stalled"])
      expect(record).not.toHaveProperty(name);
    expect(record.repairs).not.toHaveProperty("eastus2");
  });

  test("keeps nothing of regions, keys and disks of a version that is not there", () => {
    const gone = withRecord(succeeded(), {
      exists: false,
      encryptionTypes: { a: "Unknown" },
      dataDiskLuns: [0],
    });
    expect(started(KEY, VERSION_ID, gone.record, at(50))).toMatchObject({
      regions: [],
      encryptionTypes: {},
      dataDiskLuns: [],
    });
    expect(started(KEY, VERSION_ID, undefined, at(50))).toEqual(
      emptyRecord(KEY, VERSION_ID, time(50)),
    );
  });

  test("waits until a PUT of one before can no longer be under way, and says so", () => {
    const { record } = succeeded();
    const lastAttempt = {
      ...(record.lastAttempt ?? expect.fail("nothing was sent")),
      sentTime: time(-20),
      outcome: "unknown",
    } as const;
    const canceled = withRecord(succeeded(), { lastAttempt });
    const waits =
      "What an earlier operation sent to Azure Resource Manager may still be under way.";
    expect(untilQuiet(canceled.record, at(40))).toEqual({
      waitMs: 60_000,
      waits,
    });
    expect(untilQuiet(canceled.record, at(140))).toEqual({ waitMs: 0 });
    expect(accepted(undefined, canceled)).toMatchObject({
      record: { dueTime: time(100) },
      operation: { waitReason: waits, nextAttemptTime: time(100) },
    });
  });

  test("waits as long as ARM has asked for, and for no other answer of it", () => {
    const throttled = withRecord(succeeded(), {
      throttledUntil: time(300),
      dueTime: time(900),
    });
    expect(untilQuiet(throttled.record, at(40))).toEqual({
      waitMs: 260_000,
      waits: "Azure Resource Manager has asked for no further request before.",
    });
    expect(untilQuiet(throttled.record, at(300))).toEqual({ waitMs: 0 });
  });
});

describe("a request that begins", () => {
  const { record } = succeeded();

  test("adds its regions, and takes those away that it removes", () => {
    const request = changeOf({
      [EAST]: null,
      [`${regionField("westeurope")}/name`]: "westeurope",
    });
    const after = withRequest(record, "id", request, ["westeurope"], at(50));
    expect(after.requests["id"]).toBe(request);
    expect(after.regions).toMatchObject([
      { name: "westus", state: "Completed" },
      { name: "westeurope", state: "Unknown", progress: 0, attempts: 0 },
    ]);
  });

  test("does not wait for a region that it merely repeats and another has removed", () => {
    const { regions } = record;
    const request = { changes: {}, repeats: { [`${EAST}/name`]: "eastus2" } };
    const { [`${EAST}/name`]: _, ...lastApplied } = record.lastApplied ?? {};
    const removed = {
      ...record,
      lastApplied,
      observed: lookOf("Succeeded", COMPLETED, { changes: { [EAST]: null } }),
      regions: regions.filter(({ name }) => name === "westus"),
    };
    const after = withRequest(removed, "id", request, ["eastus2"], at(50));
    expect(after.regions.map(({ name }) => name)).toEqual(["westus"]);
  });

  test("retries regions at once, as often as if they had never failed", () => {
    const request = changeOf({}, { retries: ["eastus2"] });
    const before = { ...record, repairs: { eastus2: { attempts: 3 } } };
    const after = withRequest(before, "id", request, ["eastus2"], at(50));
    expect(after.repairs["eastus2"]).toEqual({
      attempts: 0,
      dueTime: time(50),
    });
    expect(after.regions[1]).toMatchObject({
      name: "eastus2",
      state: "Failed",
    });
  });
});

describe("a write", () => {
  test("that creates is told once to each operation, though it is sent again otherwise", () => {
    const first = beginWrite(told(accepted()), createPut, undefined, at(10));
    expect(toldOf(first)).toEqual(["1/creating"]);
    const changes = { ...createPut.changes, "/tags/a": "1" };
    expect(
      toldOf(
        beginWrite(told(first), { ...createPut, changes }, undefined, at(200)),
      ),
    ).toEqual([]);
  });

  test("that takes a region away tells so, and keeps what it was", () => {
    const removed = { [`${EAST}/name`]: "eastus2" };
    const pair = beginWrite(
      applied(),
      {
        ...createPut,
        creates: false,
        changes: { [EAST]: null },
        removesRegions: true,
        takesAway: { eastus2: removed },
      },
      undefined,
      at(60),
    );
    expect(toldOf(pair)).toEqual(["1/updating/1", "1/eastus2/repairing/1"]);
    expect(pair.record).toMatchObject({
      opened: true,
      repairs: { eastus2: { attempts: 0, removed } },
    });
    expect(pair.operation.history.at(-1)?.message).toBe(
      "eastus2 failed and is taken away from the version, to be added back.",
    );
  });

  test("that takes the region away once more, for it was refused before, is the same repair: it is told no more", () => {
    const removed = { [`${EAST}/name`]: "eastus2" };
    const before = withRecord(applied(), {
      updates: 1,
      repairs: { eastus2: { attempts: 0, removed } },
    });
    const pair = beginWrite(
      before,
      {
        ...createPut,
        creates: false,
        changes: { [EAST]: null },
        removesRegions: true,
        takesAway: { eastus2: removed },
      },
      undefined,
      at(60),
    );
    expect(toldOf(pair)).toEqual(["1/updating/2"]);
  });

  test("that adds a region which others have taken away since begins it anew, as another attempt", () => {
    const before = applied();
    const put = { ...createPut, creates: false };
    const after = (changes: Patch) =>
      beginWrite(before, { ...put, changes }, undefined, at(60)).record.regions;
    expect(after({ "/tags/a": "1" })).toEqual(before.record.regions);
    expect(after({ [`${EAST}/name`]: "eastus2" })).toEqual(
      before.record.regions.map((region) =>
        region.name === "eastus2"
          ? { name: "eastus2", state: "Unknown", progress: 0, attempts: 2 }
          : region,
      ),
    );
  });

  test("that adds a region back begins it anew, as another attempt", () => {
    const removed = { [`${EAST}/name`]: "eastus2" };
    const before = withRecord(applied(), {
      regions: applied().record.regions.map((region) =>
        region.name === "eastus2"
          ? { ...region, state: "Failed", attemptsAllowed: 4 }
          : region,
      ),
      repairs: { eastus2: { attempts: 0, removed } },
    });
    const { record, operation } = beginWrite(
      before,
      { ...createPut, creates: false, changes: removed, addsBack: ["eastus2"] },
      undefined,
      at(60),
    );
    expect(record.repairs).toEqual({ eastus2: { attempts: 1, removed } });
    expect(record.regions[1]).toEqual({
      name: "eastus2",
      state: "Unknown",
      progress: 0,
      attempts: 2,
      attemptsAllowed: 4,
    });
    expect(operation.history.at(-1)?.message).toBe(
      "eastus2 is added back to the version.",
    );
  });

  const ofRegions = (names: readonly string[]): ImageVersionPair =>
    withRecord(applied(), {
      repairs: Object.fromEntries(
        names.map((name) => [name, { attempts: 2, dueTime: time(1) }]),
      ),
    });
  const removedOf = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => [name, { [`${regionField(name)}/name`]: name }]),
    );
  const BOTH = ["eastus2", "westeurope"];

  test.each<[string, Partial<Put>, ImageVersionPair, string]>([
    [
      "a creation",
      { creates: true },
      told(accepted()),
      "Every check has passed: the create request is sent to Azure Resource Manager.",
    ],
    [
      "an update",
      {},
      applied(),
      "The version in Azure is to be changed: the update is sent to Azure Resource Manager.",
    ],
    [
      "a promotion",
      { promotes: true },
      applied(),
      "The promotion rule holds: the version is included in latest.",
    ],
    [
      "the removal of two regions",
      { takesAway: removedOf(BOTH) },
      ofRegions(BOTH),
      "eastus2, westeurope failed and are taken away from the version, to be added back.",
    ],
    [
      "the addition of two regions",
      { addsBack: BOTH },
      ofRegions(BOTH),
      "eastus2, westeurope are added back to the version.",
    ],
  ])("says in the history what it is: %s", (_, more, before, message) => {
    const put = { ...createPut, creates: false, ...more };
    const { operation, record } = beginWrite(before, put, undefined, at(60));
    expect(operation.history.at(-1)).toMatchObject({
      time: time(60),
      message,
    });
    for (const name of Object.keys(record.repairs))
      expect(record.repairs[name]?.attempts).toBe(more.addsBack ? 3 : 2);
  });

  test("that adds a region back which was never repaired is its first repair", () => {
    const put = { ...createPut, creates: false, addsBack: ["eastus2"] };
    const { record } = beginWrite(applied(), put, undefined, at(60));
    expect(record.repairs).toEqual({ eastus2: { attempts: 1 } });
    const again = beginWrite(
      told(beginWrite(applied(), put, undefined, at(60))),
      put,
      undefined,
      at(200),
    );
    expect(again.record.repairs).toEqual({ eastus2: { attempts: 1 } });
  });

  test("tells the regions of the version with an update, and each that is taken away", () => {
    const pair = updating({ "/tags/a": "1" });
    const update = beginWrite(pair, putFor(pair), undefined, at(60));
    expect(eventsOf(update)[0]?.data).toMatchObject({
      regions: ["westus", "eastus2"],
    });
    const own = ["westus", "eastus2"];
    const away = { ...createPut, creates: false, takesAway: removedOf(own) };
    const events = eventsOf(beginWrite(applied(), away, undefined, at(60)));
    expect(
      events
        .filter(({ type }) => type === "Sigil.ImageVersion.RegionRepairing")
        .map(({ data }) => (data as { readonly region: string }).region),
    ).toEqual(own);
  });

  test("that another follows is another one, with an entry of its own", () => {
    const pair = updating({ "/tags/a": "1" });
    const put = putFor(pair);
    const first = beginWrite(pair, put, undefined, at(60));
    const other = { ...put, changes: { "/tags/a": "2" } };
    const second = beginWrite(told(first), other, undefined, at(200));
    expect(second.record.updates).toBe(2);
    expect(second.operation.history).toHaveLength(
      first.operation.history.length + 1,
    );
  });

  test("that promotes says so, and spends its rule no sooner than a look shows it", () => {
    const rule = { when: "allRegionsReady" } as const;
    const before = withRecord(succeeded(), {
      state: "Replicating",
      lastApplied: { [PROMOTION]: rule },
    });
    const written = beginWrite(
      before,
      {
        ...createPut,
        creates: false,
        changes: { [EXCLUDE_FROM_LATEST]: false },
        promotes: true,
      },
      undefined,
      at(60),
    );
    const { record } = writeAccepted(written, undefined, at(61));
    expect(record.lastAttempt?.overridesRule).toBe(true);
    expect(record).not.toHaveProperty("overriddenRule");
  });

  test("that writes again what was not shown is counted", () => {
    const { record } = beginWrite(
      applied(),
      { ...createPut, creates: false, rewrites: true },
      undefined,
      at(60),
    );
    expect(record.rewrites).toBe(1);
  });

  test("is told of those alone for whom it is sent", () => {
    const pair = applied();
    const member = { ...pair.operation, id: `${KEY}-2` };
    const both = withRecord(pair, {
      members: [member],
      requests: {
        ...pair.record.requests,
        [member.id]: changeOf({ "/tags/a": "1" }),
      },
    });
    const after = beginWrite(both, putFor(both), undefined, at(60));
    expect(toldOf(after)).toEqual(["2/updating/1"]);
    expect(after.operation.history).toEqual(pair.operation.history);
    expect(after.record.members[0]?.history).toHaveLength(
      pair.operation.history.length + 1,
    );
  });

  test("keeps what was proven of its sets beside what is known of the others", () => {
    const before = withRecord(applied(), {
      encryptionTypes: { a: "Unknown", b: "Unknown" },
      dataDiskLuns: [0],
    });
    const warnings = [{ code: "W", pointer: "", message: "Mind." }];
    const { record, operation } = beginWrite(
      before,
      { ...createPut, creates: false },
      {
        record: {
          encryptionTypes: { b: "EncryptionAtRestWithCustomerKey" },
          dataDiskLuns: [7],
        },
        operation: { warnings },
      },
      at(60),
    );
    expect(record.encryptionTypes).toEqual({
      a: "Unknown",
      b: "EncryptionAtRestWithCustomerKey",
    });
    expect(record.dataDiskLuns).toEqual([0]);
    expect(operation.warnings).toEqual(warnings);
  });
});

describe("what is followed", () => {
  test("is looked at less and less often", () => {
    let pair = replicating();
    const waits: number[] = [];
    for (let looks = 0; looks < 5; looks += 1) {
      pair = told(follow(pair, WAITING, undefined, at(60)));
      waits.push(
        (Date.parse(pair.record.dueTime) - at(60).now.getTime()) / 1_000,
      );
    }
    expect(waits).toEqual([30, 60, 120, 120, 120]);
  });

  test.each<[string, Partial<ImageVersionRecord>, number]>([
    [
      "when a repair is due",
      {
        regions: [
          {
            name: "eastus2",
            state: "Failed",
            progress: 0,
            attempts: 1,
            nextAttemptTime: time(67),
          },
        ],
      },
      7,
    ],
    [
      "no sooner than a second after",
      {
        regions: [
          {
            name: "eastus2",
            state: "Failed",
            progress: 0,
            attempts: 1,
            nextAttemptTime: time(60.2),
          },
        ],
      },
      1,
    ],
    [
      "as ever, where the repair is overdue",
      {
        regions: [
          {
            name: "eastus2",
            state: "Failed",
            progress: 0,
            attempts: 1,
            nextAttemptTime: time(1),
          },
        ],
      },
      240,
    ],
    [
      "when a doubt can be settled",
      {
        regions: [
          {
            name: "eastus2",
            state: "Completed",
            progress: 100,
            attempts: 1,
            doubt: { state: "Failed", since: time(60) },
          },
        ],
      },
      120,
    ],
  ])("is looked at %s", (_, more, seconds) => {
    const pair = withRecord(replicating(), { ...more, ticks: 9 });
    const { record } = follow(
      pair,
      WAITING,
      undefined,
      at(60, { pollMaxMs: 240_000 }),
    );
    expect(record.dueTime).toBe(time(60 + seconds));
  });

  test("begins with the first look that shows it, and says so to those whose turn it was", () => {
    const pair = updating({ "/tags/a": "1" });
    const quiet = { ...pair.operation, id: `${KEY}-9` };
    const both = withRecord(pair, {
      members: [quiet],
      regions: pair.record.regions.map((region) => ({
        ...region,
        lastProgressTime: time(3),
      })),
      ticks: 5,
    });
    const after = follow(both, { kind: "applied" }, undefined, at(60));
    expect(after.record).toMatchObject({ state: "Replicating", ticks: 0 });
    expect(after.record.regions[0]?.lastProgressTime).toBe(time(3));
    expect(after.operation.history.at(-1)).toMatchObject({
      message: "Azure shows the version; its regions are followed.",
    });
    expect(after.record.members[0]?.history).toEqual(quiet.history);
    const next = follow(told(after), { kind: "applied" }, undefined, at(90));
    expect(next.record.ticks).toBe(1);
    expect(next.operation.history).toEqual(after.operation.history);
  });

  test("says when ARM has accepted it, to those whose turn it was", () => {
    const pair = creating();
    const quiet = { ...pair.operation, id: `${KEY}-9` };
    const after = writeAccepted(
      withRecord(pair, { members: [quiet] }),
      undefined,
      at(2),
    );
    expect(after.operation.history.at(-1)?.message).toBe(
      "Azure Resource Manager has accepted the version; its regions are followed.",
    );
    expect(after.record.members[0]?.history).toEqual(quiet.history);
  });

  test("keeps what was proven, and its warnings", () => {
    const warnings = [{ code: "W", pointer: "", message: "Mind." }];
    const proven = {
      record: {
        encryptionTypes: { b: "EncryptionAtRestWithCustomerKey" },
        dataDiskLuns: [7],
      },
      operation: { warnings },
    } as const;
    const pair = updating({ "/tags/a": "1" });
    const after = follow(pair, { kind: "applied" }, proven, at(60));
    expect(after.operation.warnings).toEqual(warnings);
    expect(after.record.encryptionTypes).toMatchObject({
      b: "EncryptionAtRestWithCustomerKey",
    });
    const without = follow(pair, { kind: "applied" }, undefined, at(60));
    expect(without.operation).not.toHaveProperty("warnings");
  });

  test.each<[string, Partial<ImageVersionRecord>, string, string]>([
    ["not sent", { state: "Accepted" }, "Accepted", "ARM works on it."],
    ["unanswered", { state: "Updating" }, "Updating", "No answer."],
    [
      "sent and accepted",
      {
        state: "Updating",
        lastAttempt: {
          changes: { "/tags/a": "1" },
          regions: [],
          sentTime: time(55),
          outcome: "accepted",
        },
      },
      "Replicating",
      "ARM works on it.",
    ],
    [
      "applied already",
      { state: "Accepted", requests: {} },
      "Replicating",
      "ARM works on it.",
    ],
  ])(
    "is in the state of its update: what is %s",
    (_, more, state, waitReason) => {
      const pair = updating({ "/tags/a": "1" });
      const unanswered: ImageVersionPair = {
        operation: {
          ...pair.operation,
          ...(more.state === "Updating" && { waitReason: "No answer." }),
        },
        record: {
          ...pair.record,
          lastAttempt: {
            changes: { "/tags/a": "1" },
            regions: [],
            sentTime: time(55),
            outcome: "unknown",
          },
          ...more,
        },
      };
      const after = follow(
        unanswered,
        { kind: "wait", why: "ARM works on it." },
        undefined,
        at(60),
      );
      expect(after.record.state).toBe(state);
      expect(after.operation.waitReason).toBe(waitReason);
      const shown = follow(unanswered, { kind: "applied" }, undefined, at(60));
      expect(shown.record.state).toBe("Replicating");
    },
  );

  test("and unanswered waits for what it is not shown for, where nothing else is known", () => {
    const pair = withRecord(updating({ "/tags/a": "1" }), {
      state: "Updating",
      lastAttempt: {
        changes: {},
        regions: [],
        sentTime: time(55),
        outcome: "unknown",
      },
    });
    const why = "Not shown.";
    const after = follow(pair, { kind: "wait", why }, undefined, at(60));
    expect(after.operation.waitReason).toBe(why);
  });

  test("keeps a doubt as long as it is the same", () => {
    const doubting = { ...WAITING, doubt: "never" } as const;
    const first = follow(replicating(), doubting, undefined, at(60));
    expect(first.record.doubt).toEqual({ what: "never", since: time(60) });
    const second = follow(told(first), doubting, undefined, at(90));
    expect(second.record.doubt).toEqual(first.record.doubt);
    const other = { ...WAITING, doubt: "ignored" } as const;
    expect(
      follow(told(second), other, undefined, at(120)).record.doubt,
    ).toEqual({ what: "ignored", since: time(120) });
    expect(
      follow(told(second), WAITING, undefined, at(120)).record,
    ).not.toHaveProperty("doubt");
  });

  test("and not sent yet stays Accepted, and says what it waits for", () => {
    const pair = updating({ "/tags/a": "1" });
    const { record, operation } = follow(
      pair,
      { kind: "wait", why: "ARM works on it." },
      undefined,
      at(60),
    );
    expect(record.state).toBe("Accepted");
    expect(operation.waitReason).toBe("ARM works on it.");
  });

  test("is not there ten times before it is taken for gone", () => {
    let pair = replicating();
    for (let looks = 0; looks < 10; looks += 1) {
      const next = step(pair, undefined, at(60 + looks * 60));
      expect(next.pair.record.state).toBe("Replicating");
      pair = told(next.pair);
    }
    expect(pair.record.consecutiveNotFound).toBe(10);
    expect(
      pair.operation.history.filter(({ state }) => state === "Waiting"),
    ).toHaveLength(1);
    const gone = step(pair, undefined, at(700)).pair;
    expect(gone.operation).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionGone" },
    });
  });
});

describe("a version from its request to its end", () => {
  test("is created, replicated and usable, by one PUT", () => {
    const puts: Put[] = [];
    let pair: ImageVersionPair = told(accepted());
    const states: string[] = [];
    const look = (
      state: string | undefined,
      regions: Parameters<typeof lookOf>[1],
      seconds: number,
    ) => {
      const next = step(
        pair,
        state === undefined ? undefined : lookOf(state, regions, { seconds }),
        at(seconds),
      );
      if (next.put) puts.push(next.put);
      states.push(...toldOf(next.pair));
      pair = told(next.pair);
    };
    look(undefined, {}, 1);
    look("Creating", REPLICATING, 20);
    look("Creating", { ...REPLICATING, westus: ["Completed", 100] }, 60);
    look("Succeeded", COMPLETED, 120);
    expect(puts).toHaveLength(1);
    expect(states).toEqual([
      "1/creating",
      "1/westus/replicating/10",
      "1/eastus2/replicating/20",
      "1/westus/completed",
      "1/eastus2/completed",
      "1/completed",
    ]);
    expect(pair.record).toMatchObject({ state: "Succeeded", requests: {} });
  });

  test("is repaired in a region that fails: taken away, added back, told by its attempts", () => {
    const pace = { repairAttempts: 3, repairDelayMs: 300_000 };
    const failed = { ...COMPLETED, eastus2: ["Failed", 20] } as const;
    const west = { westus: ["Completed", 100] } as const;
    let pair = applied();
    const all: string[] = [];
    const look = (
      state: string,
      regions: Parameters<typeof lookOf>[1],
      seconds: number,
      changes: Patch = {},
    ) => {
      const next = step(
        pair,
        lookOf(state, regions, { seconds, changes }),
        at(seconds, pace),
      );
      all.push(...toldOf(next.pair));
      pair = told(next.pair);
      return next.put;
    };
    expect(look("Failed", failed, 20)).toBeUndefined();
    expect(look("Failed", failed, 140)).toBeUndefined();
    expect(look("Failed", failed, 439)).toBeUndefined();
    const gone = { [EAST]: null, [ALLOW_DELETION]: true };
    expect(look("Failed", failed, 440)?.changes).toEqual(gone);
    expect(look("Updating", west, 460, gone)).toBeUndefined();
    expect(look("Succeeded", west, 480, gone)).toMatchObject({
      addsBack: ["eastus2"],
    });
    expect(
      look("Updating", { ...west, eastus2: ["Replicating", 5] }, 500),
    ).toBeUndefined();
    expect(
      look("Updating", { ...west, eastus2: ["Replicating", 6] }, 550),
    ).toBeUndefined();
    expect(look("Succeeded", COMPLETED, 600)).toBeUndefined();
    expect(all).toEqual([
      "1/westus/completed",
      "1/eastus2/failed/1",
      "1/updating/1",
      "1/eastus2/repairing/1",
      "1/updating/2",
      "1/eastus2/replicating/2/6",
      "1/eastus2/completed/2",
      "1/completed",
    ]);
  });

  test("is promoted when its regions are ready, though an update that was to add one was refused", () => {
    const rule = { when: "allRegionsReady" } as const;
    const body = { ...managedImageRequest(), sigil: { promotion: rule } };
    const excluded = { [EXCLUDE_FROM_LATEST]: true };
    const watching = told(
      step(
        replicating(body),
        lookOf("Succeeded", REPLICATING, { body, changes: excluded }),
        at(10),
      ).pair,
    );
    const adds = changeOf({
      [`${regionField("westeurope")}/name`]: "westeurope",
    });
    const begun = told(
      beginNext(queued(watching, adds, { regions: ["westeurope"] }), at(20)),
    );
    expect(begun.record.regions).toHaveLength(3);
    const refused = told(endBatch(begun, FAILURE, at(30)));
    expect(refused.record.regions).toHaveLength(2);
    const { put } = step(
      refused,
      lookOf("Succeeded", COMPLETED, { body, changes: excluded }),
      at(60),
    );
    expect(put).toMatchObject({ promotes: true });
  });
});
