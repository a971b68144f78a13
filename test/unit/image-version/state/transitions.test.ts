/** What a transition causes and notes, and a version from its request to its end. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
} from "../../../../src/image-version/properties/table.js";
import {
  batchOf,
  type ImageVersionPair,
} from "../../../../src/image-version/state/record.js";
import {
  beginWrite,
  follow,
  notShown,
  writeAccepted,
  writeRefused,
} from "../../../../src/image-version/state/transitions.js";
import { beginNext } from "../../../../src/image-version/state/batch.js";
import { endBatch } from "../../../../src/image-version/steps/end-batch.js";
import { fail } from "../../../../src/operation/failing.js";
import { wait } from "../../../../src/operation/waiting.js";
import { eventMistakes } from "../../events/document.js";
import { managedImageRequest } from "../../../support/requests.js";
import {
  accepted,
  applied,
  at,
  changeOf,
  COMPLETED,
  creating,
  effectsOf,
  eventsOf,
  lookOf,
  queued,
  replicating,
  REPLICATING,
  step,
  time,
  told,
  toldOf,
  withRecord,
  type Put,
} from "../../../support/transitions.js";
import { EAST, WAITING, putFor, updating, createPut } from "./updating.js";

const FAILURE = { code: "X", message: "No.", errors: [] };

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
    const before = effectsOf(accepted());
    expect(effectsOf(pair).slice(0, before.length)).toEqual(before);
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
