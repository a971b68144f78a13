/** Which rule holds a version back that Azure shows, and what is known of how far it is promoted. */
import { describe, expect, test } from "vitest";
import type { PromotionRule } from "../../../../src/image-version/contract.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import {
  heldBy,
  includedAfter,
  isPaused,
  isToBeSent,
  operationsBeside,
  overtakenPromotion,
  rolloutAfter,
  ruleHolding,
  wavesIn,
  withoutRefused,
  withWaves,
} from "../../../../src/image-version/state/held.js";
import type {
  Attempt,
  ImageVersionRecord,
  RolloutRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import { exclusionIn } from "../../../../src/image-version/state/waves.js";
import type { Look } from "../../../../src/image-version/resources.js";
import {
  at,
  changeOf,
  COMPLETED,
  KEY,
  lookOf,
  queued,
  replicating,
  succeeded,
  time,
} from "../../../support/transitions.js";

const REGIONS = Object.keys(COMPLETED);
const [FIRST = "", ...OTHERS] = REGIONS;
const [SECOND = ""] = OTHERS;
const TESTED: PromotionRule = { when: "tested" };
const WAVES: PromotionRule = {
  when: "waves",
  waves: [
    { regions: [FIRST], after: "tested" },
    { regions: OTHERS, after: "manual" },
  ],
};

const under = (
  rule: PromotionRule | undefined,
  more: Partial<ImageVersionRecord> = {},
): ImageVersionRecord => {
  const { record } = succeeded();
  return {
    ...record,
    lastApplied: { ...record.lastApplied, ...(rule && { [PROMOTION]: rule }) },
    ...more,
  };
};

/** The version, and the regions that are excluded by their own flag. */
const showing = (excluded: boolean, ...regions: readonly string[]): Look =>
  lookOf("Succeeded", COMPLETED, {
    changes: {
      [EXCLUDE_FROM_LATEST]: excluded,
      ...Object.fromEntries(
        regions.map((name) => [`${regionField(name)}/excludeFromLatest`, true]),
      ),
    },
  });

describe("a version whose tests are waited for", () => {
  test("is held back while Azure excludes it", () => {
    expect(heldBy(under(TESTED), showing(true))).toEqual({
      rule: TESTED,
      promoted: 0,
      regions: Object.fromEntries(REGIONS.map((name) => [name, false])),
    });
    expect(heldBy(under(TESTED), showing(false))).toBeUndefined();
  });

  test("is not once somebody has decided otherwise by hand", () => {
    const overridden = under(TESTED, { overriddenRule: TESTED });
    expect(heldBy(overridden, showing(true))).toBeUndefined();
    expect(ruleHolding(overridden, showing(true))).toBeUndefined();
  });
});

describe("a version in waves", () => {
  test("is as far as its regions are", () => {
    expect(heldBy(under(WAVES), showing(true, ...REGIONS))?.promoted).toBe(0);
    expect(heldBy(under(WAVES), showing(false, ...OTHERS))?.promoted).toBe(1);
    expect(heldBy(under(WAVES), showing(false))).toBeUndefined();
  });

  test("goes on though its first promotion has overridden the rule, and not where it is excluded by hand", () => {
    const overridden = under(WAVES, { overriddenRule: WAVES });
    expect(heldBy(overridden, showing(false, ...OTHERS))?.promoted).toBe(1);
    expect(heldBy(overridden, showing(true, ...REGIONS))).toBeUndefined();
  });

  test.each<[string, Look, Partial<ImageVersionRecord>]>([
    ["its regions are as no wave leaves them", showing(false, FIRST), {}],
    [
      "others have taken it back from a wave",
      showing(false, ...OTHERS),
      { rollout: { waves: [time(1), time(2)] } },
    ],
    [
      "somebody has excluded it by hand, and others have included it since",
      showing(false, ...OTHERS),
      { rollout: { waves: [] }, overriddenRule: WAVES },
    ],
  ])("does not go on where %s", (_, look, more) => {
    expect(heldBy(under(WAVES, more), look)).toBeUndefined();
  });

  test("goes on where each wave that has had it still has it", () => {
    const rollout = { waves: [time(1)] };
    const look = showing(false, ...OTHERS);
    expect(heldBy(under(WAVES, { rollout }), look)?.promoted).toBe(1);
  });

  test("has them whatever became of them", () => {
    const overridden = under(WAVES, { overriddenRule: WAVES });
    expect(wavesIn(overridden, showing(false))).toEqual(WAVES.waves);
    expect(wavesIn(under(TESTED), showing(true))).toBeUndefined();
    expect(wavesIn(undefined, showing(true))).toBeUndefined();
  });
});

test("any rule holds a version that is excluded; without one nothing does", () => {
  const ready: PromotionRule = { when: "allRegionsReady" };
  expect(ruleHolding(under(ready), showing(true))).toEqual(ready);
  expect(ruleHolding(under(ready), showing(false))).toBeUndefined();
  expect(ruleHolding(under(undefined), showing(true))).toBeUndefined();
  expect(heldBy(under(ready), showing(true))).toBeUndefined();
  expect(heldBy(under(undefined), showing(true))).toBeUndefined();
});

describe("what an operation asks is still to be sent", () => {
  const OPERATION = `${KEY}-2`;
  const attempt = (more: Partial<Attempt> = {}): Attempt => ({
    changes: {},
    regions: [],
    sentTime: time(100),
    outcome: "accepted",
    sentFor: [`${KEY}-1`, OPERATION],
    ...more,
  });
  const sent = (more: Partial<Attempt>) => ({ lastAttempt: attempt(more) });
  const others = { sentFor: [`${KEY}-1`] };
  const { sentFor: _, ...forNobody } = attempt();

  test.each<
    [boolean, string, Partial<ImageVersionRecord>, Partial<VersionRequest>?]
  >([
    [true, "while nothing was sent", {}],
    [true, "where Azure has refused it", sent({ outcome: "refused" })],
    [
      true,
      "where it had no answer long ago",
      sent({ outcome: "unknown", sentTime: time(-10_000) }),
    ],
    [false, "not while its answer is awaited", sent({ outcome: "unknown" })],
    [false, "not where Azure has taken it", sent({})],
    [false, "not where Azure has shown it", sent({ outcome: "shown" })],
    [
      false,
      "not where Azure has taken it, long ago",
      sent({ sentTime: time(-10_000) }),
    ],
    [
      false,
      "not where others were sent after it",
      sent({ ...others, before: attempt() }),
    ],
    [true, "where others alone were sent", sent(others)],
    [true, "where nobody knows what was sent", { lastAttempt: forNobody }],
    [false, "not once it is over", { state: "Failed" }],
    [false, "not where Azure shows it already", {}, { appliedTime: time(1) }],
    [
      false,
      "not where its end is decided",
      {},
      { decided: { kind: "canceled", by: { name: "me" } } },
    ],
  ])("%s: %s", (is, _, more, request) => {
    const { lastAttempt: __, ...record } = under(undefined);
    const requests = { [OPERATION]: changeOf({ "/tags/a": "1" }, request) };
    expect(
      isToBeSent(
        { ...record, state: "Updating", requests, ...more },
        OPERATION,
        at(110),
      ),
    ).toBe(is);
  });

  test("not before it has begun", () => {
    const record = under(undefined, { state: "Updating" });
    expect(isToBeSent(record, OPERATION, at(110))).toBe(false);
  });
});

describe("the promotion that a rule has begun", () => {
  const OPERATION = `${KEY}-1`;
  const OTHER = `${KEY}-3`;
  const promotion = (): VersionRequest => ({
    ...changeOf({ [EXCLUDE_FROM_LATEST]: false }, { byHand: true }),
    byRule: {
      rule: WAVES,
      promoted: 0,
      regions: Object.fromEntries(REGIONS.map((name) => [name, true])),
    },
  });
  const tag = changeOf({ "/tags/a": "1" });
  const behind = queued(replicating(), tag).record.queued;
  const overtaken = (
    more: Partial<ImageVersionRecord> = {},
    look: Look = showing(true, ...REGIONS),
    request: VersionRequest = promotion(),
  ) => {
    const { lastAttempt: _, ...record } = under(WAVES, {
      state: "Accepted",
      ...more,
    });
    return overtakenPromotion(
      {
        ...record,
        ...(more.lastAttempt && { lastAttempt: more.lastAttempt }),
        requests: { ...more.requests, [OPERATION]: request },
      },
      look,
      at(110),
    );
  };
  const byOthers = {
    id: OPERATION,
    why: "After this promotion was accepted others have changed, in Azure, the regions of the version, or where it is excluded from latest: it is not overruled.",
  };

  test("is sent where the version is as it was decided for", () => {
    expect(overtaken()).toBeUndefined();
  });

  test("gives way to another operation, begun or queued", () => {
    const why = (id: string | undefined) =>
      `Operation ${id} on the version has come after this promotion was accepted.`;
    expect(overtaken({ requests: { [OTHER]: tag } })).toEqual({
      id: OPERATION,
      why: why(OTHER),
    });
    expect(overtaken({ queued: behind })).toEqual({
      id: OPERATION,
      why: why(behind[0]?.operation.id),
    });
  });

  test.each<[string, Look]>([
    ["included it", showing(false, ...OTHERS)],
    ["excluded it otherwise", showing(true, FIRST)],
    [
      "removed a region",
      lookOf("Succeeded", COMPLETED, {
        changes: {
          [EXCLUDE_FROM_LATEST]: true,
          [`${regionField(FIRST)}/excludeFromLatest`]: true,
          [regionField(OTHERS[0] ?? "")]: null,
        },
      }),
    ],
  ])("gives way to others who have %s in Azure", (_, look) => {
    expect(overtaken({}, look)).toEqual(byOthers);
  });

  test("is not called back once it was sent", () => {
    const lastAttempt: Attempt = {
      changes: {},
      regions: [],
      sentTime: time(100),
      outcome: "accepted",
      sentFor: [OPERATION],
    };
    const look = showing(false, ...OTHERS);
    expect(overtaken({ lastAttempt, queued: behind }, look)).toBeUndefined();
  });

  test("by a person gives way to nobody", () => {
    const { byRule: _, ...byPerson } = promotion();
    expect(
      overtaken({ queued: behind }, showing(false), byPerson),
    ).toBeUndefined();
  });

  test("has those beside it that have begun or are queued", () => {
    const record = under(WAVES, {
      requests: { [OTHER]: tag, [OPERATION]: promotion() },
      queued: behind,
    });
    const queuedId = behind[0]?.operation.id ?? "";
    expect(operationsBeside({ ...record, queued: [] }, OPERATION)).toEqual([
      OTHER,
    ]);
    expect(operationsBeside(record, OTHER)).toEqual([OPERATION, queuedId]);
  });
});

describe("waves are paused that others may let go on", () => {
  const THREE: PromotionRule = {
    when: "waves",
    waves: [...(WAVES.waves ?? []), { regions: ["uksouth"], after: "manual" }],
  };
  const begun = (...waves: (string | null)[]) => ({
    rollout: { waves },
    overriddenRule: WAVES,
  });
  const out = showing(true, ...REGIONS);

  test.each<[boolean, string, ImageVersionRecord, Look]>([
    [true, "before the first one", under(WAVES), out],
    [
      true,
      "whatever was told of it",
      under(WAVES, { rollout: { told: "event" } }),
      out,
    ],
    [true, "after the first one", under(WAVES, begun(time(1))), out],
    [
      true,
      "where each region is held back by itself",
      under(WAVES, begun(time(1))),
      showing(false, ...REGIONS),
    ],
    [
      true,
      "also before any was known to have the version",
      under(WAVES, { overriddenRule: WAVES }),
      showing(false, ...REGIONS),
    ],
    [
      false,
      "not once each has it",
      under(WAVES, begun(time(1))),
      showing(false),
    ],
    [
      false,
      "not where each has had it",
      under(WAVES, begun(time(1), time(2))),
      out,
    ],
    [
      false,
      "not where it was excluded by hand before the first one",
      under(WAVES, { overriddenRule: WAVES }),
      out,
    ],
    [
      false,
      "not where all were taken back by hand",
      under(WAVES, begun()),
      out,
    ],
    [
      true,
      "or in part of it",
      under(WAVES, { overriddenRule: WAVES }),
      showing(false, FIRST),
    ],
    [
      true,
      "where the last one, of which that was never known, is held back",
      under(WAVES, {
        ...begun(time(1), time(2)),
        rollout: { waves: [time(1), time(2)], unseen: 1 },
      }),
      showing(false, ...OTHERS),
    ],
    [
      false,
      "not where the last of those that have a region has it",
      under(THREE, begun(time(1), time(2))),
      showing(false),
    ],
    [false, "not by a rule that has none", under(TESTED, begun(time(1))), out],
  ])("%s: %s", (is, _, record, look) => {
    expect(isPaused(record, look)).toBe(is);
  });
});

describe("what a look tells of a rollout", () => {
  const known: RolloutRecord = { told: "event" };
  const after = (
    rule: PromotionRule | undefined,
    look: Look,
    more: Partial<ImageVersionRecord> = {},
  ) => {
    const record = under(rule, more);
    const { rollout, overriddenRule, ...rest } = withWaves(
      record,
      look,
      (wave) => time(50 + wave),
    );
    const { rollout: _, overriddenRule: __, ...before } = record;
    expect(rest).toEqual(before);
    return {
      ...(rollout && { rollout }),
      ...(overriddenRule && { overriddenRule }),
    };
  };

  test.each<
    [
      string,
      ReturnType<typeof after>,
      PromotionRule | undefined,
      Look,
      Partial<ImageVersionRecord>?,
    ]
  >([
    [
      "a wave has it since",
      { rollout: { ...known, waves: [time(50)] } },
      WAVES,
      showing(false, ...OTHERS),
      { rollout: known },
    ],
    [
      "and the next one",
      { rollout: { waves: [time(7), time(51)] } },
      WAVES,
      showing(false),
      { rollout: { waves: [time(7)] } },
    ],
    [
      "others have taken it back",
      { rollout: { waves: [null] } },
      WAVES,
      showing(true, ...REGIONS),
      { rollout: { waves: [time(7)] } },
    ],
    [
      "what a promotion has included is forgotten once it is there",
      { rollout: { waves: [time(50)] } },
      WAVES,
      showing(false, ...OTHERS),
      { rollout: { included: [FIRST] } },
    ],
    [
      "and not before",
      { rollout: { waves: [time(50)], included: ["uksouth"] } },
      WAVES,
      showing(false, ...OTHERS),
      { rollout: { included: [FIRST, "uksouth"] } },
    ],
    ["no wave has it yet", {}, WAVES, showing(true, ...REGIONS)],
    [
      "what it shows excluded is not known to be included, where no wave has it",
      { rollout: { ...known, included: ["uksouth"] } },
      WAVES,
      showing(true, ...REGIONS),
      { rollout: { ...known, included: [FIRST, "uksouth"] } },
    ],
    [
      "nobody has seen whether a wave has had it",
      { rollout: { ...known, waves: [time(1)], unseen: 1 } },
      WAVES,
      showing(false, ...OTHERS),
      { rollout: { ...known, waves: [time(1)], unseen: 1 } },
    ],
    [
      "until a look shows that it has it",
      { rollout: { ...known, waves: [time(1), time(51)] } },
      WAVES,
      showing(false),
      { rollout: { ...known, waves: [time(1)], unseen: 1 } },
    ],
    [
      "others have included it, and not as a wave does: that stops the waves until it is put back",
      {},
      WAVES,
      showing(false, FIRST),
    ],
    [
      "others have included it before its tests have passed",
      { overriddenRule: TESTED },
      TESTED,
      showing(false),
    ],
    ["its tests are waited for", {}, TESTED, showing(true)],
    [
      "nothing by a rule that src/rollout does not see to",
      {},
      { when: "allRegionsReady" },
      showing(false),
    ],
    ["nothing without one", {}, undefined, showing(false)],
  ])("%s", (_, expected, rule, look, more) => {
    expect(after(rule, look, more)).toEqual(expected);
  });
});

describe("where a promotion has included the version", () => {
  const sent = (
    changes: Attempt["changes"],
    more: Partial<Attempt> = {},
  ): Attempt => ({
    changes,
    regions: [],
    sentTime: time(3),
    outcome: "accepted",
    overridesRule: true,
    ...more,
  });
  const promotion = sent({
    [EXCLUDE_FROM_LATEST]: false,
    [exclusionIn(FIRST)]: false,
    [exclusionIn(SECOND)]: true,
  });
  const after = (
    lastAttempt: Attempt,
    included?: readonly string[],
    look?: Look,
    rule: PromotionRule = WAVES,
    waves?: RolloutRecord["waves"],
  ): RolloutRecord | undefined =>
    includedAfter(
      under(rule, {
        lastAttempt,
        ...(included && {
          rollout: { told: "event", included, ...(waves && { waves }) },
        }),
      }),
      look,
    ).rollout;

  test.each<[string, ReturnType<typeof after>, ...Parameters<typeof after>]>([
    ["is what is sent", { included: [FIRST] }, promotion],
    [
      "though there is no answer",
      { included: [FIRST] },
      { ...promotion, outcome: "unknown" },
    ],
    [
      "beside what was included before, and is not excluded by it",
      { told: "event", included: ["uksouth", FIRST] },
      promotion,
      [SECOND, "uksouth"],
    ],
    [
      "not what ARM has refused",
      undefined,
      { ...promotion, outcome: "refused" },
    ],
    [
      "not what nobody promotes",
      undefined,
      sent({ [exclusionIn(FIRST)]: false }, { overridesRule: false }),
    ],
    [
      "but what puts back what was taken from a wave",
      { told: "event", waves: [null], included: [FIRST] },
      sent(
        { [exclusionIn(FIRST)]: false, [exclusionIn(SECOND)]: false },
        { overridesRule: false },
      ),
      [],
      undefined,
      WAVES,
      [null],
    ],
    [
      "not where its rule has no waves",
      undefined,
      promotion,
      undefined,
      undefined,
      TESTED,
    ],
    [
      "nothing once the whole version is excluded",
      { told: "event" },
      sent({ [EXCLUDE_FROM_LATEST]: true }),
      [FIRST],
    ],
    [
      "but for a region that is included all the same",
      { told: "event", included: [FIRST] },
      sent({
        [EXCLUDE_FROM_LATEST]: true,
        [exclusionIn(FIRST)]: false,
      }),
      [SECOND],
    ],
    [
      "all that was, where nothing is said of latest",
      { told: "event", included: [FIRST] },
      sent({ "/tags/a": "1", [`${regionField(FIRST)}/name`]: FIRST }),
      [FIRST],
    ],
    [
      "not where a look shows it excluded",
      { told: "event" },
      promotion,
      [FIRST],
      showing(false, FIRST),
    ],
    [
      "also with the version",
      { told: "event" },
      promotion,
      [FIRST],
      showing(true, SECOND),
    ],
    [
      "where a look shows it, whatever one before has shown",
      { included: [FIRST] },
      promotion,
      undefined,
      showing(false, SECOND),
    ],
    [
      "as it was where a look does not have the region",
      { told: "event", included: ["uksouth"] },
      sent({ [exclusionIn("uksouth")]: false }),
      ["uksouth"],
      showing(false),
    ],
    [
      "as it was where something else was sent last",
      { told: "event", included: [FIRST] },
      sent({ "/tags/a": "1" }),
      [FIRST],
      showing(false, FIRST),
    ],
  ])("%s", (_, expected, ...args) => {
    expect(after(...args)).toEqual(expected);
  });
});

test.each([
  ["it was not sent before", undefined, { included: [SECOND] }],
  [
    "unless it was sent before, and had no answer",
    { [exclusionIn(FIRST)]: false },
    { included: [FIRST, SECOND] },
  ],
])("what ARM has refused includes nothing where %s", (_, before, rollout) => {
  const sent: Attempt = {
    changes: { [exclusionIn(FIRST)]: false },
    regions: [],
    sentTime: time(3),
    outcome: "refused",
    sentFor: [],
  };
  const record = under(WAVES, { rollout: { included: [FIRST, SECOND] } });
  expect(
    withoutRefused(record, {
      ...sent,
      ...(before && { before: { ...sent, changes: before } }),
    }),
  ).toEqual({ rollout });
  expect(withoutRefused(under(WAVES), sent)).toEqual({});
});

describe("what is known of a rollout once Azure shows what was asked", () => {
  const waves = [time(1), time(2)];
  const before: RolloutRecord = { told: "event", waves };
  const { waves: _, ...kept } = before;
  const tag = changeOf({ "/tags/a": "1" });
  const byHand = (excluded: boolean) =>
    changeOf({ [EXCLUDE_FROM_LATEST]: excluded }, { byHand: true });
  const sent = (field: string, ...sentFor: string[]): Attempt => ({
    changes: { [field]: "x" },
    regions: [],
    sentTime: time(3),
    outcome: "shown",
    sentFor,
  });
  const after = (
    request: VersionRequest,
    observed?: Look,
    rule: PromotionRule = WAVES,
    more: Partial<ImageVersionRecord> = { rollout: before },
  ) => {
    const { observed: _, ...record } = under(rule, {
      state: "Replicating",
      lastAttempt: sent(EXCLUDE_FROM_LATEST, "a", "b"),
      ...more,
      requests: { a: tag, b: request },
    });
    return rolloutAfter({ ...record, ...(observed && { observed }) });
  };
  const first = showing(false, ...OTHERS);
  const all = showing(false);
  /** The first wave's promotion, and a look without its only region. */
  const byWave = changeOf(
    { [EXCLUDE_FROM_LATEST]: false, [exclusionIn(FIRST)]: false },
    { byHand: true },
  );
  const gone = lookOf("Succeeded", COMPLETED, {
    changes: {
      [EXCLUDE_FROM_LATEST]: false,
      [regionField(FIRST)]: null,
      ...Object.fromEntries(OTHERS.map((name) => [exclusionIn(name), true])),
    },
  });
  const out = showing(true, ...REGIONS);

  test.each<
    [
      string,
      ReturnType<typeof after>,
      VersionRequest,
      Look?,
      PromotionRule?,
      Partial<ImageVersionRecord>?,
    ]
  >([
    [
      "a rule that is asked for begins anew, whatever it is, and tells anew",
      { rollout: {} },
      changeOf({ [PROMOTION]: WAVES }),
      out,
    ],
    [
      "also where nothing was known of one",
      {},
      changeOf({ [PROMOTION]: WAVES }),
      out,
      WAVES,
      {},
    ],
    [
      "the wave that is promoted by hand has it anew, and those before it have it since as long",
      { rollout: { ...kept, waves: waves.slice(0, 1) } },
      byHand(false),
      all,
    ],
    ["also the first one", { rollout: kept }, byHand(false), first],
    [
      "what a promotion has included stays known",
      { rollout: { ...kept, included: [FIRST] } },
      byHand(false),
      first,
      WAVES,
      { rollout: { ...kept, included: [FIRST] } },
    ],
    [
      "that the regions of a wave are gone, and that is not known to have had it, is noted",
      { rollout: { ...kept, unseen: 0 } },
      byWave,
      gone,
    ],
    [
      "not where it is known to",
      { rollout: { ...kept, included: [FIRST] } },
      byWave,
      gone,
      WAVES,
      { rollout: { ...kept, included: [FIRST] } },
    ],
    [
      "what a promotion has included is forgotten by a demotion",
      { rollout: { ...kept, waves: [] } },
      byHand(true),
      out,
      WAVES,
      { rollout: { ...kept, included: [FIRST] } },
    ],
    [
      "and by a new rule",
      { rollout: {} },
      changeOf({ [PROMOTION]: WAVES }),
      first,
      WAVES,
      { rollout: { ...kept, included: [FIRST] } },
    ],
    [
      "what is excluded by hand is in none",
      { rollout: { ...kept, waves: [] } },
      byHand(true),
      out,
    ],
    [
      "also by a body or a patch",
      { rollout: { ...kept, waves: [] } },
      changeOf({ [EXCLUDE_FROM_LATEST]: true }),
      out,
    ],
    [
      "also where nothing was known of it",
      { rollout: { waves: [] } },
      byHand(true),
      out,
      WAVES,
      {},
    ],
    [
      "of waves before the one that is promoted none is made up",
      { rollout: kept },
      byHand(false),
      all,
      WAVES,
      { rollout: kept },
    ],
    [
      "what is left as no wave leaves it is in none",
      { rollout: { ...kept, waves: [] } },
      byHand(true),
      showing(false, FIRST),
    ],
    [
      "what is promoted beside what others have included otherwise leaves all as it was known",
      { rollout: { ...before, included: [FIRST] } },
      byHand(false),
      showing(false, FIRST),
      WAVES,
      { rollout: { ...before, included: [FIRST] } },
    ],
    [
      "also after a demotion, of which nothing is left",
      { rollout: kept },
      byHand(false),
      showing(false, FIRST),
      WAVES,
      { rollout: { ...kept, waves: [] } },
    ],
    ["all stays where nothing is said of latest", {}, tag, out],
    [
      "or where others have included already what is promoted by hand",
      {},
      byHand(false),
      all,
      WAVES,
      { rollout: before, lastAttempt: sent("/tags/a", "a", "b") },
    ],
    [
      "or an operation before has included it",
      {},
      byHand(false),
      all,
      WAVES,
      { rollout: before, lastAttempt: sent(EXCLUDE_FROM_LATEST, "c") },
    ],
    [
      "or where a body includes what others include",
      {},
      changeOf({ [EXCLUDE_FROM_LATEST]: false }),
      all,
    ],
    [
      "or where a rule without waves is promoted by hand",
      {},
      byHand(false),
      all,
      TESTED,
    ],
    ["or where Azure was not asked", {}, byHand(false)],
  ])("%s", (_, expected, ...args) => {
    expect(after(...args)).toEqual(expected);
  });
});
