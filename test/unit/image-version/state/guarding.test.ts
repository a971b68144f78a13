/** A deletion that excludes the version from latest first. */
import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import { EXCLUDE_FROM_LATEST } from "../../../../src/image-version/properties/table.js";
import { accept } from "../../../../src/image-version/state/accepting.js";
import {
  dueTimeOf,
  excluded,
  excludeFirst,
  goneBefore,
  includedAgain,
  includedInWords,
  isExcludedEverywhere,
  isExcludedForNow,
  isGuarding,
  isKeptExcluded,
  openDeletionOf,
  withRuleAgain,
} from "../../../../src/image-version/state/guarding.js";
import type {
  DeletionGuard,
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import {
  acceptingOf,
  at,
  changeOf,
  COMPLETED,
  effectsOf,
  KEY,
  lookOf,
  queued,
  replicating,
  succeeded,
  time,
  told,
} from "../../../support/transitions.js";

const WEST_FLAG = `${regionField("westus")}/excludeFromLatest`;
const EAST_FLAG = `${regionField("eastus2")}/excludeFromLatest`;
const RULE = { when: "allRegionsReady" } as const;
const DELAY_MS = 60_000;
const EXCLUDED = {
  [EXCLUDE_FROM_LATEST]: true,
  [WEST_FLAG]: true,
  [EAST_FLAG]: true,
};

const shown = (changes: Patch = {}) =>
  lookOf("Succeeded", COMPLETED, { changes, seconds: 2_000 });

/** A deletion that was just accepted. */
function deleting(
  more: Partial<VersionRequest> = {},
  of: Partial<ImageVersionRecord> = {},
): ImageVersionPair {
  return told(
    accept(
      acceptingOf(changeOf({}, { byHand: true, ...more }), {
        kind: "DeleteImageVersion",
      }),
      { ...succeeded().record, ...of },
      at(1_900),
    ),
  );
}

const requestOf = ({ record, operation }: ImageVersionPair): VersionRequest =>
  record.requests[operation.id] ?? expect.fail("it asks for nothing");

function first(
  changes: Patch = {},
  of: Partial<ImageVersionRecord> = {},
): ImageVersionPair {
  const pair = deleting({}, of);
  return excludeFirst(
    pair,
    { operation: pair.operation, request: requestOf(pair) },
    shown(changes),
    DELAY_MS,
    at(2_000),
  );
}

test.each<[boolean, string, Patch]>([
  [false, "nobody has said anything", {}],
  [true, "the version is excluded", { [EXCLUDE_FROM_LATEST]: true }],
  [
    false,
    "a region includes it by itself",
    { [EXCLUDE_FROM_LATEST]: true, [EAST_FLAG]: false },
  ],
  [
    false,
    "each region excludes it and the version does not",
    { [WEST_FLAG]: true, [EAST_FLAG]: true },
  ],
])("it is the latest nowhere: %s where %s", (expected, _, changes) => {
  expect(isExcludedEverywhere(shown(changes).resource)).toBe(expected);
});

describe("a version in latest", () => {
  test("is excluded everywhere first, by an update of its own, at once", () => {
    const pair = first();
    expect(pair.record.state).toBe("Accepted");
    expect(requestOf(pair)).toMatchObject({
      byHand: true,
      changes: EXCLUDED,
      alone: true,
    });
    expect(pair.operation.history.at(-1)?.message).toBe(
      "Before it is deleted, it is excluded from latest.",
    );
    expect(pair.record.dueTime).toBe(time(2_000));
    expect(effectsOf(pair).join()).toContain("message");
  });

  test("is remembered as it was, region by region, with its rule", () => {
    expect(
      requestOf(first({ [EXCLUDE_FROM_LATEST]: true, [EAST_FLAG]: false }))
        .guard,
    ).toEqual({
      was: {
        [EXCLUDE_FROM_LATEST]: true,
        [WEST_FLAG]: null,
        [EAST_FLAG]: false,
      },
    });
    expect(requestOf(first({}, { overriddenRule: RULE })).guard).toEqual({
      was: {
        [EXCLUDE_FROM_LATEST]: false,
        [WEST_FLAG]: null,
        [EAST_FLAG]: null,
      },
      overriddenRule: RULE,
    });
  });

  test("what other operations have asked stays", () => {
    const others = { "x-1": changeOf({ "/tags/a": "1" }) };
    const pair = deleting();
    const record = {
      ...pair.record,
      requests: { ...others, ...pair.record.requests },
    };
    const after = excludeFirst(
      { ...pair, record },
      { operation: pair.operation, request: requestOf(pair) },
      shown(),
      DELAY_MS,
      at(2_000),
    );
    expect(after.record.requests).toMatchObject(others);
  });
});

describe("the delay", () => {
  const waits = {
    state: "DeletionRequested",
    dueTime: time(2_060),
  } as const;

  test("is waited out where the version is in latest nowhere, and nothing is sent before", () => {
    const pair = first({ [EXCLUDE_FROM_LATEST]: true });
    expect(pair.record).toMatchObject(waits);
    expect(requestOf(pair)).toEqual({
      ...changeOf({}, { byHand: true }),
      guard: { excludedTime: time(2_000) },
    });
    expect(pair.operation.history.at(-1)?.message).toBe(
      `It is excluded from latest. At ${time(2_060)} it is asked again who uses it; where nobody needs it, it is deleted.`,
    );
  });

  const guard: DeletionGuard = { was: { [EXCLUDE_FROM_LATEST]: false } };
  const excluding = (more: Partial<VersionRequest> = {}) =>
    deleting({ changes: EXCLUDED, guard, appliedTime: time(1_990), ...more });

  test("begins once Azure shows the version excluded", () => {
    const pair =
      excluded(excluding(), DELAY_MS, at(2_000)) ??
      expect.fail("nothing waits");
    expect(pair.record).toMatchObject(waits);
    expect(requestOf(pair)).toMatchObject({
      changes: {},
      guard: { ...guard, excludedTime: time(2_000) },
    });
  });

  const { appliedTime: _, ...unseen } = requestOf(excluding());
  const unseenPair = excluding();
  test.each<[string, ImageVersionPair]>([
    [
      "before that",
      {
        ...unseenPair,
        record: {
          ...unseenPair.record,
          requests: { [unseenPair.operation.id]: unseen },
        },
      },
    ],
    [
      "for a deletion that is canceled",
      excluding({ decided: { kind: "canceled", by: { name: "me" } } }),
    ],
    ["for an operation that guards nothing", deleting()],
    ["for one that asks for nothing", succeededWithoutRequest()],
  ])("does not begin %s", (_, pair) => {
    expect(excluded(pair, DELAY_MS, at(2_000))).toBeUndefined();
  });

  test("is none where others have deleted the version meanwhile: its deletion makes sure", () => {
    const pair =
      goneBefore(excluding(), at(2_000)) ?? expect.fail("nothing waits");
    expect(pair.record).toMatchObject({
      state: "DeletionRequested",
      dueTime: time(2_000),
    });
    expect(pair.operation.history.at(-1)?.message).toBe(
      "Azure shows the version no more: its deletion makes sure.",
    );
    expect(goneBefore(deleting(), at(2_000))).toBeUndefined();
    expect(goneBefore(succeededWithoutRequest(), at(2_000))).toBeUndefined();
  });

  test("is counted from when Azure has shown it excluded", () => {
    const due = (request: Partial<VersionRequest>) =>
      dueTimeOf(changeOf({}, request), DELAY_MS);
    expect(due({ guard: { excludedTime: time(2_000) } })).toBe(
      Date.parse(time(2_060)),
    );
    expect(due({ guard })).toBeUndefined();
    expect(due({})).toBeUndefined();
  });
});

test("no look ends a deletion that still has its DELETE to send", () => {
  const guard = { excludedTime: time(1) };
  expect(isGuarding({ guard })).toBe(true);
  expect(isGuarding({})).toBe(false);
  expect(
    isGuarding({ guard, decided: { kind: "canceled", by: { name: "me" } } }),
  ).toBe(false);
});

describe("where the deletion comes to nothing", () => {
  const was = { [EXCLUDE_FROM_LATEST]: false };
  const guarded = (guard?: DeletionGuard) =>
    changeOf({}, { ...(guard && { guard }) });

  test("the version is included as it was, if it was excluded for that", () => {
    const record = { queued: [] };
    expect(includedAgain(guarded({ was }), record)).toEqual(was);
    expect(
      includedAgain(guarded({ excludedTime: time(1) }), record),
    ).toBeUndefined();
    expect(includedAgain(guarded(), record)).toBeUndefined();
  });

  test.each([
    [undefined, false, null],
    [true, undefined, null],
    [false, false, null],
  ])(
    "a region that was included by its own flag is so again, but where a queued request excludes the version (%s)",
    (excludes, westus, eastus2) => {
      const asked = changeOf(
        excludes === undefined ? {} : { [EXCLUDE_FROM_LATEST]: excludes },
      );
      const { record } = queued(replicating(), asked);
      const flags = {
        [EXCLUDE_FROM_LATEST]: true,
        [WEST_FLAG]: false,
        [EAST_FLAG]: null,
      };
      expect(includedAgain(guarded({ was: flags }), record)).toEqual({
        [EXCLUDE_FROM_LATEST]: true,
        ...(westus !== undefined && { [WEST_FLAG]: westus }),
        [EAST_FLAG]: eastus2,
      });
    },
  );

  test("the rule that was in force is again", () => {
    const { record } = succeeded();
    const other = { when: "manual" } as const;
    const overridden = { ...record, overriddenRule: other };
    expect(
      withRuleAgain(overridden, guarded({ was, overriddenRule: RULE }))
        .overriddenRule,
    ).toEqual(RULE);
    expect(withRuleAgain(overridden, guarded({ was }))).toEqual(record);
    expect(withRuleAgain(overridden, guarded({}))).toBe(overridden);
    expect(withRuleAgain(overridden, guarded())).toBe(overridden);
  });
});

const CANCELED = { decided: { kind: "canceled", by: { name: "me" } } } as const;
const DEMOTION = queued(
  replicating(),
  changeOf({ [EXCLUDE_FROM_LATEST]: true }, { byHand: true }),
  { kind: "DemoteImageVersion" },
).record.queued;
const BEHIND = queued(replicating(), changeOf({ "/tags/a": "1" })).record
  .queued;
const OTHER = { [`${KEY}-1`]: changeOf({ "/tags/a": "1" }) };

/** A version that is being deleted by operation 9, beside others. */
const under = (
  request: Partial<VersionRequest>,
  more: Partial<ImageVersionRecord> = {},
): ImageVersionRecord => ({
  ...succeeded().record,
  state: "DeletionRequested",
  ...more,
  requests: { ...more.requests, [`${KEY}-9`]: changeOf({}, request) },
});

describe("it is excluded from latest for its deletion alone", () => {
  const guard = {
    was: { [EXCLUDE_FROM_LATEST]: true, [EAST_FLAG]: false },
  };
  const again = { ...CANCELED, changes: guard.was };

  test.each<
    [boolean, string, Partial<VersionRequest>, Partial<ImageVersionRecord>?]
  >([
    [true, "where it was in latest in one region", { guard }],
    [true, "whatever else is done with it", { guard }, { requests: OTHER }],
    [true, "whatever else is to follow", { guard }, { queued: BEHIND }],
    [
      false,
      "but where a demotion is to follow, among others",
      { guard },
      { queued: [...BEHIND, ...DEMOTION] },
    ],
    [
      false,
      "but where it was excluded before",
      { guard: { was: { ...EXCLUDED } } },
    ],
    [
      false,
      "but where each region's own flag excluded it before",
      { guard: { was: { [EXCLUDE_FROM_LATEST]: false, [EAST_FLAG]: true } } },
    ],
    [
      true,
      "where a region had no flag, and the version's did not exclude it",
      { guard: { was: { [EXCLUDE_FROM_LATEST]: false, [EAST_FLAG]: null } } },
    ],
    [
      false,
      "but where nothing was excluded for it",
      { guard: { excludedTime: time(1) } },
    ],
    [false, "but where nobody asks who uses it", {}],
    [false, "but not once that is over", { guard }, { state: "Failed" }],
    [true, "while it is to be included again", { guard, ...again }],
    [false, "but not where it was left as it is", { guard, ...CANCELED }],
    [
      true,
      "while its DELETE is under way, though that is canceled",
      { guard, ...CANCELED },
      { state: "Deleting" },
    ],
    [
      false,
      "but where it was excluded before, though its DELETE is under way",
      { guard: { excludedTime: time(1) }, ...again },
      { state: "Deleting" },
    ],
  ])("%s: %s", (is, _, request, more) => {
    expect(isExcludedForNow(under(request, more))).toBe(is);
  });
});

describe("excluded from latest, it stays so", () => {
  const guard = { excludedTime: time(1) };

  test.each<
    [boolean, string, Partial<VersionRequest>, Partial<ImageVersionRecord>?]
  >([
    [true, "while its deletion waits", { guard }],
    [true, "whatever else is done with it", { guard }, { requests: OTHER }],
    [
      false,
      "not before Azure has shown it excluded",
      { guard: { was: EXCLUDED } },
    ],
    [false, "not where nobody asks who uses it", {}],
    [false, "not once its deletion has ended", { guard }, { state: "Failed" }],
    [false, "not where its deletion is canceled", { guard, ...CANCELED }],
    [
      true,
      "until what was canceled after its DELETE was sent has come to nothing",
      { guard, ...CANCELED },
      { state: "Deleting" },
    ],
  ])("%s: %s", (is, _, request, more) => {
    expect(isKeptExcluded(under(request, more))).toBe(is);
  });
});

describe("the deletion of a version", () => {
  const guard = { excludedTime: time(1) };
  const byPolicy = { guard, byPolicy: true } as const;
  const waiting = (request: Partial<VersionRequest>) =>
    queued(replicating(), changeOf({}, request), {
      kind: "DeleteImageVersion",
    }).record;
  const open = (isJudged = false) => ({
    operationId: `${KEY}-9`,
    isJudged,
  });

  test.each<
    [
      string,
      ReturnType<typeof openDeletionOf>,
      Partial<VersionRequest>,
      Partial<ImageVersionRecord>?,
    ]
  >([
    ["is the one that has begun", open(), {}],
    ["whose DELETE was sent", open(), {}, { state: "Deleting" }],
    [
      "that excludes it from latest",
      open(),
      { guard },
      { state: "Updating", requests: OTHER },
    ],
    [
      "that excludes it from latest, though another was accepted since",
      open(),
      { guard },
      {
        state: "Updating",
        requests: { [`${KEY}-10`]: changeOf({ "/tags/a": "1" }) },
      },
    ],
    [
      "and was accepted last of what has begun",
      { operationId: `${KEY}-10`, isJudged: false },
      {},
      { requests: { ...OTHER, [`${KEY}-10`]: changeOf({}) } },
    ],
    ["is none where an update runs", undefined, {}, { state: "Updating" }],
    ["is none that is over", undefined, { guard }, { state: "Failed" }],
    ["is none that is canceled", undefined, { guard, ...CANCELED }],
    [
      "unless its DELETE was sent",
      open(),
      { guard, ...CANCELED },
      { state: "Deleting" },
    ],
    ["is judged again where a policy has begun it", open(true), byPolicy],
    [
      "but not once its DELETE was sent",
      open(),
      byPolicy,
      { state: "Deleting" },
    ],
  ])("%s", (_, expected, request, more) => {
    expect(openDeletionOf(under(request, more))).toEqual(expected);
  });

  test("is the one that is queued, among others, and judged where a policy has asked for it", () => {
    const behind = (record: ImageVersionRecord): ImageVersionRecord => ({
      ...record,
      queued: [...BEHIND, ...record.queued],
    });
    const id = waiting({}).queued[0]?.operation.id;
    expect(openDeletionOf(behind(waiting({})))).toEqual({
      operationId: id,
      isJudged: false,
    });
    expect(openDeletionOf(behind(waiting({ byPolicy: true })))).toEqual({
      operationId: id,
      isJudged: true,
    });
  });

  test("is none where nothing is asked", () => {
    const { record } = succeededWithoutRequest();
    expect(
      openDeletionOf({ ...record, state: "DeletionRequested" }),
    ).toBeUndefined();
  });
});

function succeededWithoutRequest(): ImageVersionPair {
  const pair = succeeded();
  return { ...pair, record: { ...pair.record, requests: {} } };
}

describe("a region that alone was in latest is said to be so in words", () => {
  const was = { [EXCLUDE_FROM_LATEST]: true, [WEST_FLAG]: false };
  const decided = { kind: "canceled", by: {} } as const;
  const inWords = (request: Partial<VersionRequest>): readonly string[] =>
    includedInWords({
      requests: { "1": changeOf({ ...was, [EAST_FLAG]: null }, request) },
    });

  test("once its deletion has come to nothing", () => {
    expect(inWords({ guard: { was }, decided })).toEqual([WEST_FLAG]);
  });

  test("not before, nor where the version was in latest, or no deletion has excluded it", () => {
    const included = { ...was, [EXCLUDE_FROM_LATEST]: false };
    expect(inWords({ guard: { was } })).toEqual([]);
    expect(inWords({ guard: { was: included }, decided })).toEqual([]);
    expect(inWords({ guard: {}, decided })).toEqual([]);
    expect(inWords({ decided })).toEqual([]);
  });
});
