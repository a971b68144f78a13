/** What a look tells of a version on which no operation works. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import type {
  ListedImageVersion,
  Look,
} from "../../../../src/image-version/resources.js";
import {
  isAsKnown,
  isKeptAtRest,
  seeAtRest,
  telling,
} from "../../../../src/image-version/state/at-rest.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../../src/image-version/state/record.js";
import {
  at,
  changeOf,
  COMPLETED,
  effectsOf,
  eventsOf,
  lookOf,
  replicating,
  succeeded,
  time,
  told,
  toldOf,
  withRecord,
} from "../../../support/transitions.js";

const DOUBT = { what: "gone-at-rest", since: time(2_000) };
const OTHER_DOUBT = { what: "ignored", since: time(2_000) };
const EAST = regionField("eastus2");
const RULE = { when: "allRegionsReady" } as const;

/** The version was made, and an hour has passed but for some minutes. */
const atRest = (more: Partial<ImageVersionRecord> = {}): ImageVersionPair =>
  withRecord(succeeded(), more);

const shown = (
  changes: Patch = {},
  more: Partial<Parameters<typeof lookOf>[2]> = {},
): Look => lookOf("Succeeded", COMPLETED, { changes, seconds: 3_000, ...more });

const see = (
  pair: ImageVersionPair,
  look: Look | undefined,
  seconds = 3_000,
): ImageVersionPair | undefined => seeAtRest(pair, look, at(seconds));

function changed(
  pair: ImageVersionPair,
  look: Look | undefined,
  seconds?: number,
): ImageVersionPair {
  return see(pair, look, seconds) ?? expect.fail("it changes nothing");
}

describe("a version is kept at rest", () => {
  test("where it was made and seen, and no operation works on it", () => {
    expect(isKeptAtRest(succeeded().record)).toBe(true);
  });

  const { observed: _, ...unseen } = succeeded().record;
  test.each<[string, ImageVersionRecord]>([
    ["where an operation works on it", replicating().record],
    ["once it is deleted", atRest({ exists: false }).record],
    ["where others have made it", atRest({ unmanaged: true }).record],
    ["before it was seen", unseen],
  ])("not %s", (_, record) => expect(isKeptAtRest(record)).toBe(false));
});

describe("what Azure lists", () => {
  const listed = (
    changes: Patch = {},
    more: Partial<ListedImageVersion> = {},
  ): ListedImageVersion => ({ ...shown(changes), name: "1.0.0", ...more });
  const told = { field: "/tags/a", before: "1", after: "2", time: time(1) };
  const isKnown = (
    more: Partial<ImageVersionRecord>,
    one = listed(),
  ): boolean => isAsKnown(atRest(more).record, one);

  test("is known where it is as it was seen", () => {
    expect(isKnown({})).toBe(true);
    expect(isKnown({ doubt: OTHER_DOUBT })).toBe(true);
    expect(isKnown({ outsideTold: [told] })).toBe(true);
    expect(isKnown({ outside: { ...OTHER_DOUBT, told: true } })).toBe(true);
  });

  test("is known while Azure works on it: it says nothing", () => {
    const busy = { provisioningState: "Updating" };
    expect(isKnown({}, listed({ "/tags/a": "1" }, busy))).toBe(true);
    expect(
      isKnown({ doubt: OTHER_DOUBT }, listed({ "/tags/a": "1" }, busy)),
    ).toBe(true);
    // But that it is there.
    expect(isKnown({ doubt: DOUBT }, listed({}, busy))).toBe(false);
  });

  test.each<[string, Partial<ImageVersionRecord>, ListedImageVersion?]>([
    ["a field is otherwise", {}, listed({ "/tags/a": "1" })],
    ["it is another life", {}, listed({}, { publishedDate: time(2_000) })],
    ["it was thought to be gone", { doubt: DOUBT }],
    ["a change is to be told", { outside: OTHER_DOUBT }],
    [
      "a change that was told is taken back",
      { outside: { ...OTHER_DOUBT, told: true, returnedTime: time(1) } },
    ],
    [
      "one of the changes that were told is taken back",
      { outsideTold: [told, { ...told, returnedTime: time(1) }] },
    ],
  ])("needs a look where %s", (_, more, one) => {
    expect(isKnown(more, one)).toBe(false);
  });

  test("needs a look where the version was never seen", () => {
    const { observed: _, ...unseen } = succeeded().record;
    expect(isAsKnown(unseen, listed())).toBe(false);
  });
});

describe("a look changes and tells nothing", () => {
  test.each<[string, ImageVersionPair, Look]>([
    ["that shows it as it is known", atRest(), shown()],
    [
      "while Azure works on it",
      atRest(),
      lookOf("Updating", COMPLETED, { changes: { "/tags/a": "1" } }),
    ],
    [
      "that is older than what was written",
      atRest({
        writes: [
          {
            changes: { "/tags/a": "2" },
            was: { "/tags/a": "1" },
            sentTime: time(2_900),
            acceptedTime: time(2_900),
          },
        ],
      }),
      shown({ "/tags/a": "1", "/tags/b": "1" }),
    ],
    [
      "of how far its regions are",
      atRest(),
      lookOf("Succeeded", { westus: ["Replicating", 50] }),
    ],
  ])("%s", (_, pair, look) => expect(see(pair, look)).toBeUndefined());
});

describe("what others change", () => {
  const look = shown({ "/tags/a": "9" });
  const pair = () => changed(atRest(), look);

  test("is told, and stored as shown", () => {
    const { record } = pair();
    expect(eventsOf(pair())).toMatchObject([
      {
        type: "Sigil.ImageVersion.ChangedOutside",
        data: { changes: [{ pointer: "/tags/a", after: "9" }] },
      },
    ]);
    expect(record.observed?.resource.tags).toEqual({ a: "9" });
    expect(record.observed?.time).toBe(time(3_000));
  });

  test("is told once", () => {
    expect(see(told(pair()), look, 3_010)).toBeUndefined();
  });

  test("is no wish of Sigil's", () => {
    expect(pair().record.lastApplied).toEqual(succeeded().record.lastApplied);
  });

  test("keeps what belongs to operations as it is", () => {
    const { requests, members, regions } = succeeded().record;
    const { record, operation } = pair();
    expect(record).toMatchObject({ requests, members, regions });
    const { id } = operation;
    const asked = { [id]: changeOf({ [PROMOTION]: RULE }) };
    const after = changed(
      atRest({ requests: asked, members: [operation] }),
      look,
    );
    expect(after.record.requests).toEqual(asked);
    expect(after.record.members).toEqual([operation]);
    // Of those that are over, none tells, and none has a rule that is overruled.
    expect(eventsOf(after)).toHaveLength(1);
  });

  test("ends a doubt whether the version is there", () => {
    expect(changed(atRest({ doubt: DOUBT }), look).record.doubt).toBe(
      undefined,
    );
    const still = changed(atRest({ doubt: DOUBT }), shown());
    expect(still.record.doubt).toBe(undefined);
    expect(effectsOf(still)).toEqual([]);
  });

  test("a region that they have taken away is followed no more", () => {
    const without = changed(atRest(), shown({ [EAST]: null }));
    expect(without.record.regions.map(({ name }) => name)).toEqual(["westus"]);
    expect(
      toldOf(without).map((id) => id.replace(/[0-9a-f]{16}$/u, "")),
    ).toEqual(["1/outside/", "1/eastus2/lost/"]);
  });

  test("what they hold back is told as demoted, and the rule that was to promote it is overruled", () => {
    const applied = { ...succeeded().record.lastApplied, [PROMOTION]: RULE };
    const held = changed(
      atRest({ lastApplied: applied }),
      shown({ [EXCLUDE_FROM_LATEST]: true }),
    );
    expect(eventsOf(held).map(({ type }) => type)).toEqual([
      "Sigil.ImageVersion.Demoted",
      "Sigil.ImageVersion.ChangedOutside",
    ]);
    expect(held.record.overriddenRule).toEqual(RULE);
    // A rule that an operation has asked for which is over, and was never applied, is none.
    const asked = changed(
      atRest({
        requests: { [held.operation.id]: changeOf({ [PROMOTION]: RULE }) },
      }),
      shown({ [EXCLUDE_FROM_LATEST]: true }),
    );
    expect(asked.record.overriddenRule).toBeUndefined();
  });

  test("in a region, that is taken from its wave, and from no other", () => {
    const waves = ["eastus2", "westus"].map((name) => ({
      regions: [name],
      after: "manual" as const,
    }));
    const rollout = { waves: [time(5), time(6)], included: ["eastus2"] };
    const ruled = atRest({
      lastApplied: {
        ...succeeded().record.lastApplied,
        [PROMOTION]: { when: "waves", waves },
      },
      rollout,
    });
    const after = (changes: Patch) => changed(ruled, shown(changes)).record;
    expect(after({ [`${EAST}/excludeFromLatest`]: true }).rollout).toEqual({
      waves: [null, time(6)],
    });
    expect(after({ [`${EAST}/regionalReplicaCount`]: 7 }).rollout).toEqual(
      rollout,
    );
    expect(after({ "/tags/a": "9" }).rollout).toEqual(rollout);
    const { rollout: none } = changed(
      atRest(),
      shown({ [`${EAST}/excludeFromLatest`]: true }),
    ).record;
    expect(none).toBeUndefined();
  });

  test("back as it was, it is told at the second look", () => {
    const back = changed(told(pair()), shown(), 3_010);
    expect(effectsOf(back)).toEqual([]);
    expect(back.record.outsideTold).toMatchObject([
      { field: "/tags/a", returnedTime: time(3_010) },
    ]);
    expect(see(back, shown(), 3_129)).toBeUndefined();
    expect(eventsOf(changed(back, shown(), 3_130))).toMatchObject([
      { data: { changes: [{ propertyChangeType: "Delete", before: "9" }] } },
    ]);
  });
});

describe("a version that Azure does not show", () => {
  test("is told to be deleted at the second look, two minutes after the first", () => {
    const first = changed(atRest(), undefined, 3_000);
    expect(first.record).toEqual({
      ...succeeded().record,
      doubt: { what: "gone-at-rest", since: time(3_000) },
    });
    expect(see(first, undefined, 3_119)).toBeUndefined();
    const second = changed(first, undefined, 3_120);
    expect(eventsOf(second)).toMatchObject([
      { type: "Sigil.ImageVersion.DeletedOutside" },
    ]);
    expect(eventsOf(second)[0]?.data).not.toHaveProperty("publishedDate");
  });

  test.each([
    ["shows it", shown()],
    ["shows it busy", lookOf("Updating", COMPLETED, { seconds: 3_060 })],
    [
      "may be old, and shows it",
      shown({}, { publishedDate: time(0), seconds: 100 }),
    ],
  ])("is there where a look between %s", (_, between) => {
    const first = changed(atRest(), undefined, 3_000);
    const seen = changed(first, between, 3_060);
    expect(seen.record.doubt).toBeUndefined();
    expect(effectsOf(seen)).toEqual([]);
    expect(changed(seen, undefined, 3_120).record.state).toBe("Succeeded");
  });

  test("a look that shows it busy clears no other doubt", () => {
    const doubted = atRest({ doubt: OTHER_DOUBT });
    expect(see(doubted, lookOf("Updating", COMPLETED))).toBeUndefined();
  });

  test("another doubt is none of this", () => {
    const { doubt } = changed(atRest({ doubt: OTHER_DOUBT }), undefined).record;
    expect(doubt).toEqual({ what: "gone-at-rest", since: time(3_000) });
  });

  test("is no news minutes after it was made: the look may be older", () => {
    // ARM has accepted it after two seconds.
    expect(see(atRest(), undefined, 601)).toBeUndefined();
    expect(see(atRest(), undefined, 602)).toBeDefined();
    const { lastAttempt: _, ...record } = succeeded().record;
    expect(see({ ...succeeded(), record }, undefined, 30)).toBeUndefined();
    expect(see({ ...succeeded(), record }, undefined, 602)).toBeDefined();
  });

  test("counts from when it was sent, where the answer's time is not known", () => {
    const lastAttempt = {
      changes: {},
      regions: [],
      sentTime: time(1_000),
      outcome: "shown" as const,
    };
    expect(see(atRest({ lastAttempt }), undefined, 1_599)).toBeUndefined();
    expect(see(atRest({ lastAttempt }), undefined, 1_600)).toBeDefined();
  });
});

describe("a version that others have deleted", () => {
  const doubtful = atRest({
    doubt: DOUBT,
    outside: OTHER_DOUBT,
    outsideTold: [
      { field: "/tags/a", before: "1", after: "2", time: time(2_000) },
    ],
    requests: { "x-1": changeOf({ "/tags/a": "1" }) },
    updates: 3,
  });
  const deleted = () => changed(doubtful, undefined).record;

  test("is as after a deletion: its number may be made again", () => {
    const record = deleted();
    expect(record).toMatchObject({
      state: "Deleted",
      deletedOutside: true,
      exists: false,
      requests: {},
      updates: 0,
      regions: [],
    });
    for (const gone of [
      "doubt",
      "outside",
      "outsideTold",
      "observed",
      "lastApplied",
      "lastAttempt",
    ])
      expect(record).not.toHaveProperty(gone);
  });

  test("is known again, should Azure give it back", () => {
    const record = deleted();
    expect(record.deletedLife).toMatchObject({
      lastApplied: succeeded().record.lastApplied,
      publishedDate: time(1),
      endTime: time(3_000),
    });
    expect(record.lifeBefore).toEqual({
      publishedDate: time(1),
      endTime: time(3_000),
    });
  });

  test("and made again, is told at the first look that shows the other life", () => {
    const made = changed(atRest(), shown({}, { publishedDate: time(2_500) }));
    expect(made.record.state).toBe("Deleted");
    expect(eventsOf(made)).toMatchObject([
      {
        type: "Sigil.ImageVersion.DeletedOutside",
        data: { publishedDate: time(2_500) },
      },
    ]);
    expect(toldOf(made)).toEqual([`1/deleted-outside/${time(2_500)}`]);
  });
});

test("what is told is found by the reconciler, behind what is untold already", () => {
  const pair = changed(atRest(), shown({ "/tags/a": "9" }));
  expect(effectsOf(pair).map((one) => one.split("/")[0])).toEqual([
    "event outside",
    "close",
  ]);
  const [first, ...others] = pair.record.outbox;
  if (first === undefined) throw new Error("nothing is told");
  expect(telling(pair, [first]).record.outbox).toEqual([
    first,
    ...others,
    first,
    ...others,
  ]);
  expect(telling(pair, [])).toBe(pair);
});
