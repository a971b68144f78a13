/** What others have changed of a version that asks to be kept as it is. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  DRIFT,
  EXCLUDE_FROM_LATEST,
} from "../../../../src/image-version/properties/table.js";
import type { Look } from "../../../../src/image-version/resources.js";
import {
  correct,
  isToBeCorrected,
  settingAnew,
  stopped,
} from "../../../../src/image-version/state/correcting.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import { TRACEPARENT } from "../../../support/dependencies.js";
import {
  at,
  COMPLETED,
  effectsOf,
  eventsOf,
  KEY,
  lookOf,
  succeeded,
  time,
  VERSION_ID,
  withRecord,
} from "../../../support/transitions.js";

const EAST = regionField("eastus2");
const REPLICAS = `${EAST}/regionalReplicaCount`;
const HOUR = 3_600;
/** Two days after the version was made, in seconds. */
const NOW = 48 * HOUR;

/** A version with a tag and two replicas in eastus2, which is to be kept so. */
function kept(
  more: Partial<ImageVersionRecord> = {},
  asked: Patch = {},
): ImageVersionPair {
  const pair = succeeded();
  return withRecord(pair, {
    lastApplied: {
      ...pair.record.lastApplied,
      "/tags/a": "1",
      [REPLICAS]: 2,
      [DRIFT]: "correct",
      ...asked,
    },
    observed: shown(),
    ...more,
  });
}

const shown = (
  changes: Patch = {},
  more: Partial<Parameters<typeof lookOf>[2]> = {},
  provisioningState = "Succeeded",
): Look =>
  lookOf(provisioningState, COMPLETED, {
    changes: { "/tags/a": "1", [REPLICAS]: 2, ...changes },
    seconds: NOW,
    ...more,
  });

const listed = (look: Look) => ({ ...look, name: "1.0.0" });

const CHANGED = shown({ "/tags/a": "9" });

const corrected = (pair: ImageVersionPair, look: Look) =>
  correct(pair, look, TRACEPARENT, at(NOW));

/** What is put back of what the look shows. */
const putBack = (look: Look, pair = kept()): Patch | undefined => {
  const after = corrected(pair, look);
  return after?.record.requests[after.operation.id]?.changes;
};

describe("is put back", () => {
  test.each<[string, Patch, Patch]>([
    ["a tag that was changed", { "/tags/a": "9" }, { "/tags/a": "1" }],
    ["a tag that was taken away", { "/tags/a": null }, { "/tags/a": "1" }],
    ["a region's replicas", { [REPLICAS]: 5 }, { [REPLICAS]: 2 }],
    [
      "all of it at once",
      { "/tags/a": "9", [REPLICAS]: 5 },
      { "/tags/a": "1", [REPLICAS]: 2 },
    ],
  ])("%s", (_, changes, expected) => {
    expect(putBack(shown(changes))).toEqual(expected);
    expect(
      isToBeCorrected(kept().record, listed(shown(changes)), at(NOW).now),
    ).toBe(true);
  });
});

describe("is left as it is", () => {
  test.each<[string, Patch, Patch?]>([
    ["what is as it was asked", {}],
    ["what nobody has asked Sigil for", { "/tags/b": "1" }],
    ["a region that is gone, with all that it had", { [EAST]: null }],
    [
      "whether it is in latest",
      { [EXCLUDE_FROM_LATEST]: true, [`${EAST}/excludeFromLatest`]: true },
      { [EXCLUDE_FROM_LATEST]: false, [`${EAST}/excludeFromLatest`]: false },
    ],
    ["what no update can change", {}, { "/location": "eastus2" }],
    [
      "all of a version that does not ask for it",
      { "/tags/a": "9" },
      { [DRIFT]: "report" },
    ],
  ])("%s", (_, changes, asked) => {
    const pair = kept({}, asked);
    expect(putBack(shown(changes), pair)).toBeUndefined();
    expect(
      isToBeCorrected(pair.record, listed(shown(changes)), at(NOW).now),
    ).toBe(false);
  });

  test("a version of which nothing was applied", () => {
    const { lastApplied: _, ...record } = kept().record;
    expect(corrected({ ...kept(), record }, CHANGED)).toBeUndefined();
  });

  const write = (seconds: number, changes: Patch, was: Patch) => ({
    changes,
    was,
    sentTime: time(NOW - seconds),
  });
  test.each<[string, Partial<ImageVersionRecord>, Look?]>([
    ["while an operation works on the version", { state: "Replicating" }],
    ["once the version is deleted", { exists: false }],
    ["while Azure works on it", {}, shown({ "/tags/a": "9" }, {}, "Updating")],
    [
      "of another life",
      {},
      shown({ "/tags/a": "9" }, { publishedDate: time(HOUR) }),
    ],
    [
      "by a look that is older than a write",
      {
        writes: [
          {
            ...write(60, { "/tags/b": "2" }, { "/tags/b": "1" }),
            acceptedTime: time(NOW - 60),
          },
        ],
      },
      shown({ "/tags/a": "9", "/tags/b": "1" }),
    ],
    [
      "by a look that may be older than a write without an answer",
      { writes: [write(300, { "/tags/a": "1" }, { "/tags/a": "9" })] },
    ],
    [
      "by a look that may show what others have taken back since",
      {
        observed: shown({ "/tags/b": "2" }),
        outsideTold: [
          {
            field: "/tags/b",
            before: "1",
            after: "2",
            time: time(NOW - 60),
          },
        ],
      },
      shown({ "/tags/a": "9", "/tags/b": "1" }),
    ],
  ])("%s", (_, more, look = CHANGED) => {
    expect(corrected(kept(more), look)).toBeUndefined();
    // Nor is it told that it stays so.
    const corrections = [1, 2, 3].map((hours) => time(NOW - hours * HOUR));
    expect(
      stopped(kept({ ...more, corrections }), look, at(NOW)),
    ).toBeUndefined();
  });

  test("while Azure works on what it lists, no look is needed", () => {
    const busy = listed(shown({ "/tags/a": "9" }, {}, "Updating"));
    expect(isToBeCorrected(kept().record, busy, at(NOW).now)).toBe(false);
  });
});

describe("the operation that puts it back", () => {
  const correction = () =>
    corrected(kept(), shown({ "/tags/a": "9", [REPLICAS]: 5 })) ??
    expect.fail("nothing is put back");

  test("is an update, by the drift itself, of the regions that it changes", () => {
    const after = correction();
    expect(after.operation).toMatchObject({
      kind: "UpdateImageVersion",
      resourceId: VERSION_ID,
      requestedBy: { name: "drift", policy: "drift" },
    });
    expect(after.operation.id).toBe(`${KEY}-2`);
    expect(after.operation.regions.map(({ name }) => name)).toEqual([
      "eastus2",
    ]);
    expect(effectsOf(after)).toContain("event accepted");
    expect(eventsOf(after)[0]).toMatchObject({ traceparent: TRACEPARENT });
  });

  test("is about the life that was seen", () => {
    const after = correction();
    expect(after.record.requests[after.operation.id]).toEqual({
      changes: { "/tags/a": "1", [REPLICAS]: 2 },
      repeats: {},
      publishedDate: time(1),
    });
    const { publishedDate: _, ...undated } = CHANGED;
    const { publishedDate: __, ...record } = kept().record;
    const one = corrected({ ...kept(), record }, undated);
    expect(one?.record.requests[one.operation.id]).toEqual({
      changes: { "/tags/a": "1" },
      repeats: {},
    });
  });

  test("is known by what it puts back", () => {
    const after = correction();
    const again = corrected(kept(), shown({ "/tags/a": "8", [REPLICAS]: 5 }));
    expect(after.operation.fingerprint).toMatch(/^[0-9a-f]{64}$/u);
    expect(again?.operation.fingerprint).toBe(after.operation.fingerprint);
    const other = corrected(kept(), CHANGED);
    expect(other?.operation.fingerprint).not.toBe(after.operation.fingerprint);
  });
});

describe("at most three in 24 hours", () => {
  const before = (...hours: number[]): readonly string[] =>
    hours.map((one) => time(NOW - one * HOUR));
  const times = (pair: ImageVersionPair | undefined) =>
    pair?.record.corrections;

  test("each is counted, and forgotten a day later", () => {
    expect(times(corrected(kept(), CHANGED))).toEqual([time(NOW)]);
    const corrections = before(24, 23, 1);
    expect(times(corrected(kept({ corrections }), CHANGED))).toEqual([
      ...before(23, 1),
      time(NOW),
    ]);
  });

  test("a fourth is none", () => {
    const corrections = before(3, 2, 1);
    expect(corrected(kept({ corrections }), CHANGED)).toBeUndefined();
  });

  test("that it has stopped is told with what stays changed, and when it goes on", () => {
    const corrections = before(3, 2, 1);
    const told =
      stopped(
        kept({ corrections }),
        shown({ "/tags/a": "9", [REPLICAS]: 5 }),
        at(NOW),
      ) ?? expect.fail("nothing is told");
    expect(told.record.correctionStopped).toBe(true);
    expect(effectsOf(told)).toEqual(["event correction-stopped", "close"]);
    expect(eventsOf(told)).toMatchObject([
      {
        type: "Sigil.ImageVersion.CorrectionStopped",
        data: {
          changes: [
            { pointer: "/tags/a", before: "1", after: "9" },
            { before: 2, after: 5 },
          ],
          nextAttemptTime: time(NOW + 21 * HOUR),
        },
      },
    ]);
  });

  test("a tag that is gone is told as one that was taken away", () => {
    const told = stopped(
      kept({ corrections: before(3, 2, 1) }),
      shown({ "/tags/a": null }),
      at(NOW),
    );
    expect(told && eventsOf(told)).toMatchObject([
      { data: { changes: [{ propertyChangeType: "Delete", before: "1" }] } },
    ]);
  });

  test.each<[string, Partial<ImageVersionRecord>, Look?]>([
    ["again", { correctionStopped: true, corrections: before(3, 2, 1) }],
    ["where more may follow", { corrections: before(24, 2, 1) }],
    ["of a version that was never corrected", {}],
    [
      "where there is nothing to put back",
      { corrections: before(3, 2, 1) },
      shown(),
    ],
  ])("it is not told %s", (_, more, look = CHANGED) => {
    expect(stopped(kept(more), look, at(NOW))).toBeUndefined();
  });

  test("no look is needed while it has stopped", () => {
    const isNeeded = (more: Partial<ImageVersionRecord>): boolean =>
      isToBeCorrected(kept(more).record, listed(CHANGED), at(NOW).now);
    const corrections = before(3, 2, 1);
    // To be told that it has stopped.
    expect(isNeeded({ corrections })).toBe(true);
    expect(isNeeded({ corrections, correctionStopped: true })).toBe(false);
    expect(
      isNeeded({ corrections: before(24, 2, 1), correctionStopped: true }),
    ).toBe(true);
  });

  test("a day later it goes on, and would be told of anew", () => {
    const after = corrected(
      kept({ corrections: before(24, 2, 1), correctionStopped: true }),
      CHANGED,
    );
    expect(after?.record).not.toHaveProperty("correctionStopped");
  });
});

describe("what a request says is set anew", () => {
  const applied = { "/tags/a": "1", [REPLICAS]: 2, [DRIFT]: "correct" };

  test("where it was applied otherwise, or not at all, and an update can change it", () => {
    expect(
      settingAnew(
        { "/tags/A": "2", "/tags/b": "1", [REPLICAS]: 3, "/tags/c": null },
        applied,
      ),
    ).toEqual({ "/tags/A": "2", "/tags/b": "1", [REPLICAS]: 3 });
    expect(settingAnew({ "/tags/a": null }, applied)).toEqual({
      "/tags/a": null,
    });
  });

  test("not as it was applied, nor what is Sigil's own, never changes, removes a region or says what is the latest", () => {
    const WEST = regionField("westus");
    expect(
      settingAnew(
        {
          "/tags/a": "1",
          [REPLICAS]: 2,
          [`${WEST}/regionalReplicaCount`]: 1,
          [DRIFT]: "tell",
          "/location": "westus",
          [WEST]: null,
          [EXCLUDE_FROM_LATEST]: true,
          [`${EAST}/excludeFromLatest`]: true,
        },
        applied,
      ),
    ).toEqual({});
    expect(settingAnew({ "/tags/b": "1" }, undefined)).toEqual({});
  });
});
