import { describe, expect, test } from "vitest";
import {
  regionField,
  type Fields,
} from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import type {
  Attempt,
  ImageVersionRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import {
  awaitedByRule,
  guardedRegions,
  isDecidedByHand,
  isDue,
  isProtected,
  isToBePromoted,
  keptOf,
  lastingIn,
  shownOfLasting,
  mayRemoveRegions,
  openRequests,
  overriddenBy,
  presentRule,
  protectedBefore,
  regionsToGo,
  ruleInForce,
  unmetRequests,
  wantedBy,
  asWavesLeave,
  withProtection,
} from "../../../../src/image-version/state/wanted.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
  PROTECTED,
} from "../../../../src/image-version/properties/table.js";
import type {
  RegionRecord,
  RegionState,
} from "../../../../src/operation/records.js";
import {
  changeOf,
  COMPLETED,
  KEY,
  lookOf,
  queued,
  replicating,
  succeeded,
  time,
} from "../../../support/transitions.js";

const RULE = { when: "allRegionsReady" } as const;
const REPLICAS = `${regionField("westus")}/regionalReplicaCount`;

function recordWith(more: Partial<ImageVersionRecord>): ImageVersionRecord {
  return { ...succeeded().record, ...more };
}

describe("what is wanted", () => {
  test("is what the batch asks, the later before the earlier", () => {
    const requests = {
      a: changeOf({ "/tags/a": "1", "/tags/b": "1" }),
      b: changeOf({ "/tags/b": "2" }),
    };
    expect(wantedBy(recordWith({ requests }))).toEqual({
      "/tags/a": "1",
      "/tags/b": "2",
    });
  });

  test("is nothing of what Azure has shown already", () => {
    const requests = {
      a: changeOf({ "/tags/a": "1" }, { appliedTime: time(1) }),
    };
    expect(wantedBy(recordWith({ requests }))).toEqual({});
  });

  test("gives way to what was applied since, where it is merely repeated", () => {
    const lastApplied = { [REPLICAS]: 3 };
    const requests = { a: { changes: {}, repeats: { [REPLICAS]: 2 } } };
    expect(wantedBy(recordWith({ lastApplied, requests }))).toEqual({});
  });

  test("is exclusion from latest where a rule is to promote a new version", () => {
    const requests = { a: changeOf({ [PROMOTION]: RULE }) };
    const made = wantedBy(recordWith({ exists: false, requests }));
    expect(made[EXCLUDE_FROM_LATEST]).toBe(true);
    const there = wantedBy(recordWith({ exists: true, requests }));
    expect(there).not.toHaveProperty([EXCLUDE_FROM_LATEST]);
  });
});

describe("regions may be removed", () => {
  const OPEN = { [ALLOW_DELETION]: true };

  test.each<[string, boolean, Patch, Fields | undefined, Fields]>([
    ["where a caller has asked for that", true, {}, OPEN, OPEN],
    ["no more where others have shut that", false, {}, OPEN, {}],
    ["not where others alone have opened it", false, {}, undefined, OPEN],
    ["where a caller asks for that", true, OPEN, undefined, {}],
    [
      "no more where a caller takes that back",
      false,
      { [ALLOW_DELETION]: null },
      OPEN,
      OPEN,
    ],
    [
      "not by a removal alone",
      false,
      { [regionField("eastus2")]: null },
      undefined,
      {},
    ],
  ])("%s", (_, may, wanted, applied, shown) => {
    expect(mayRemoveRegions(wanted, applied, shown)).toBe(may);
  });
});

describe("a promotion rule", () => {
  const regions = (...states: RegionState[]) =>
    ["westus", "eastus2"].map((name, i) => ({
      name,
      state: states[i] ?? "Completed",
      progress: 0,
      attempts: 1,
    }));
  const due = (rule: object, ...states: RegionState[]) =>
    isDue(
      recordWith({
        lastApplied: { [PROMOTION]: rule },
        regions: regions(...states),
      }),
      { provisioningState: "Succeeded", regions: regions(...states) },
    );

  test.each([
    [RULE, ["Completed", "Completed"], true],
    [RULE, ["Completed", "Replicating"], false],
    [RULE, ["Failed", "Completed"], false],
    [{ when: "regions", regions: ["eastus2"] }, ["Failed", "Completed"], true],
    [
      { when: "regions", regions: ["eastus2"] },
      ["Completed", "Unknown"],
      false,
    ],
    [
      { when: "regions", regions: ["westeurope"] },
      ["Completed", "Completed"],
      false,
    ],
    [{ when: "manual" }, ["Completed", "Completed"], false],
  ] as const)("%j with %j is due: %s", (rule, states, is) => {
    expect(due(rule, ...states)).toBe(is);
  });

  test("is due for no version without regions", () => {
    expect(
      isDue(recordWith({ lastApplied: { [PROMOTION]: RULE }, regions: [] }), {
        provisioningState: "Succeeded",
        regions: [],
      }),
    ).toBe(false);
  });

  test.each([
    [RULE, "Replicating", false],
    [RULE, "Failed", false],
    [RULE, "Completed", true],
    [{ when: "regions", regions: ["westus"] }, "Replicating", true],
  ] as const)(
    "%j beside others' region that is %s is due: %s",
    (rule, state, is) => {
      const own = regions("Completed");
      const others = { name: "japaneast", state, progress: 0 } as const;
      expect(
        isDue(
          recordWith({ lastApplied: { [PROMOTION]: rule }, regions: own }),
          {
            provisioningState: "Succeeded",
            regions: [...own, others],
          },
        ),
      ).toBe(is);
    },
  );

  test("that is asked for is in force before it is applied, and one that is taken away no more", () => {
    const asks = recordWith({
      requests: { a: changeOf({ [PROMOTION]: RULE }) },
    });
    expect(presentRule(asks)).toEqual(RULE);
    const lastApplied = { [PROMOTION]: RULE };
    const takes = recordWith({
      lastApplied,
      requests: { a: changeOf({ [PROMOTION]: null }) },
    });
    expect(presentRule(takes)).toBeUndefined();
  });

  test("that was overridden is in force no more, and another one is", () => {
    const lastApplied = { [PROMOTION]: RULE };
    const overriddenRule = { ...RULE };
    expect(
      ruleInForce(recordWith({ lastApplied, overriddenRule })),
    ).toBeUndefined();
    expect(
      ruleInForce(
        recordWith({ lastApplied, overriddenRule: { when: "manual" } }),
      ),
    ).toEqual(RULE);
  });

  test("is not spent where nothing was sent", () => {
    const record = recordWith({ lastApplied: { [PROMOTION]: RULE } });
    expect(overriddenBy(record, undefined)).toEqual({});
  });

  test.each([
    ["accepted", true, false],
    ["shown", true, true],
    ["refused", true, false],
    ["unknown", true, false],
    ["shown", false, false],
  ] as const)(
    "is spent by a write that is %s and overrides it (%s): %s",
    (outcome, overridesRule, spent) => {
      const record = recordWith({ lastApplied: { [PROMOTION]: RULE } });
      const attempt = { changes: {}, regions: [], sentTime: time(1), outcome };
      expect(
        overriddenBy(record, {
          ...attempt,
          ...(overridesRule && { overridesRule }),
        }),
      ).toEqual(spent ? { overriddenRule: RULE } : {});
    },
  );
});

describe("what is asked by those that are not over", () => {
  const canceled = changeOf(
    {},
    { decided: { kind: "canceled", by: { name: "me" } } },
  );
  const met = changeOf({ "/tags/b": "1" }, { appliedTime: time(5) });
  const open = changeOf({ "/tags/a": "1" });
  const behind = queued(replicating(), changeOf({ "/tags/c": "1" })).record
    .queued;
  const record = recordWith({
    state: "Replicating",
    requests: { a: open, b: met, c: canceled },
    queued: behind,
  });

  test("is that of what has begun, and of what is queued, and of nothing that is canceled", () => {
    expect(openRequests(record).map(([id]) => id)).toEqual([
      "a",
      "b",
      `${KEY}-2`,
    ]);
    expect(unmetRequests(record)).toEqual([open, behind[0]?.request]);
  });

  test("is nothing once all is over, whatever is kept of it", () => {
    expect(openRequests({ ...record, state: "Failed" })).toEqual([]);
  });

  test.each([
    [
      "a promotion by hand",
      changeOf({ [EXCLUDE_FROM_LATEST]: false }, { byHand: true }),
      true,
    ],
    [
      "a demotion by hand",
      changeOf({ [EXCLUDE_FROM_LATEST]: true }, { byHand: true }),
      true,
    ],
    ["a body that excludes", changeOf({ [EXCLUDE_FROM_LATEST]: true }), false],
    [
      "a repair by hand",
      changeOf({}, { byHand: true, retries: ["westus"] }),
      false,
    ],
    [
      "a creation that is canceled",
      changeOf(
        { [EXCLUDE_FROM_LATEST]: true },
        { ...canceled, byHand: true, changes: { [EXCLUDE_FROM_LATEST]: true } },
      ),
      false,
    ],
  ])("%s decides by hand what is latest: %s", (_, request, is) => {
    expect(isDecidedByHand(request)).toBe(is);
  });

  test("no rule is in force while somebody is about to decide by hand, and it is again once that is over", () => {
    const hand = changeOf({ [EXCLUDE_FROM_LATEST]: true }, { byHand: true });
    const ruled = (more: Partial<VersionRequest>) =>
      ruleInForce(
        recordWith({
          state: "Replicating",
          lastApplied: { [PROMOTION]: RULE },
          requests: { a: { ...hand, ...more } },
        }),
      );
    expect(ruled({})).toBeUndefined();
    expect(
      ruled({ decided: { kind: "canceled", by: { name: "me" } } }),
    ).toEqual(RULE);
    expect(ruled({ appliedTime: time(5) })).toEqual(RULE);
  });
});

describe("what has ended leaves as applied what was sent for it", () => {
  const attempt = {
    changes: {
      "/tags/a": "1",
      "/tags/b": null,
      [EXCLUDE_FROM_LATEST]: true,
      [ALLOW_DELETION]: true,
      [regionField("eastus2")]: null,
    },
    asked: { "/tags/a": "1", "/tags/b": null, [REPLICAS]: 3 },
    regions: [],
    sentTime: time(1),
    outcome: "shown",
    sentFor: ["a"],
  } as const;
  const before = { "/location": "westus", "/tags/b": "1" };
  const kept = (more: Partial<ImageVersionRecord>) =>
    keptOf(
      recordWith({
        state: "Replicating",
        lastApplied: before,
        lastAttempt: attempt,
        observed: lookOf("Succeeded", COMPLETED, {
          changes: { "/tags/b": "1" },
        }),
        ...more,
      }),
    ).lastApplied;

  test("but nothing that was by hand, for a time alone, or is not shown", () => {
    expect(kept({})).toEqual({ "/location": "westus", "/tags/a": "1" });
    const observed = lookOf("Succeeded", COMPLETED, {
      changes: { [REPLICAS]: 3 },
    });
    expect(kept({ observed })).toHaveProperty([REPLICAS], 3);
  });

  test.each([
    ["it is not over", { requests: { a: changeOf({ "/tags/a": "1" }) } }],
    [
      "no look has shown it",
      { lastAttempt: { ...attempt, outcome: "accepted" as const } },
    ],
    ["the version is of others", { unmanaged: true as const }],
    ["nothing of it is to last", { lastAttempt: { ...attempt, asked: {} } }],
  ])("not where %s", (_, more) => {
    expect(kept(more)).toEqual(before);
  });

  test("also where another asks for the same: that may come to nothing", () => {
    const b = changeOf({ "/tags/a": "2", "/tags/b": "2" });
    expect(kept({ requests: { b } })).toEqual({
      "/location": "westus",
      "/tags/a": "1",
    });
  });

  test("but no default of a region that is not there", () => {
    const asked = {
      [`${regionField("uksouth")}/regionalReplicaCount`]: 1,
    };
    expect(
      kept({ lastAttempt: { ...attempt, outcome: "accepted", asked } }),
    ).toEqual(before);
  });

  test("also of a creation that was canceled", () => {
    const { lastApplied: _, ...record } = succeeded().record;
    expect(
      keptOf({ ...record, lastAttempt: { ...attempt, asked: {} } }),
    ).toEqual({});
    expect(keptOf({ ...record, lastAttempt: attempt }).lastApplied).toEqual({
      "/tags/a": "1",
    });
    expect(
      keptOf({ ...record, unmanaged: true, lastAttempt: attempt }),
    ).toEqual({});
    const { observed: __, ...unseen } = record;
    expect(keptOf({ ...unseen, lastAttempt: attempt })).toEqual({});
  });

  const ending = (more: Partial<Attempt>, others: object = {}) =>
    keptOf(
      recordWith({
        state: "Replicating",
        lastApplied: before,
        lastAttempt: {
          ...attempt,
          asked: { "/tags/a": "1", "/tags/c": "1" },
          outcome: "accepted",
          ...more,
        },
        requests: { a: changeOf({ "/tags/a": "1" }), ...others },
        observed: lookOf("Succeeded", COMPLETED, {
          changes: { "/tags/a": "1", "/tags/b": "1" },
        }),
      }),
      "a",
    ).lastApplied;

  test("of one that ends now, what Azure shows of it", () => {
    expect(ending({})).toEqual({ ...before, "/tags/a": "1" });
  });

  test.each<[string, Partial<Attempt>, object]>([
    ["nothing of it is shown", { asked: { "/tags/c": "1" } }, {}],
    [
      "it was not sent",
      { sentFor: ["b"] },
      { b: changeOf({ "/tags/d": "1" }) },
    ],
    ["Azure has refused it", { outcome: "refused" }, {}],
  ])("nothing where %s", (_, more, others) => {
    expect(ending(more, others)).toEqual(before);
  });
});

test("what lasts of a batch is what was asked neither by hand nor to leave the version as it should be", () => {
  const asked = (name: string, more: Partial<VersionRequest> = {}) => [
    name,
    changeOf({ [`/tags/${name}`]: "1" }, more),
  ];
  const record = recordWith({
    requests: Object.fromEntries([
      asked("a"),
      asked("b", { byHand: true }),
      asked("c", { decided: { kind: "canceled", by: { name: "me" } } }),
      asked("d", { appliedTime: time(5) }),
    ]) as ImageVersionRecord["requests"],
  });
  expect(lastingIn(record)).toEqual({ "/tags/a": "1" });
  const ruled = recordWith({
    requests: { a: changeOf({ "/tags/a": "1", [PROMOTION]: RULE }) },
  });
  expect(lastingIn(ruled)).toHaveProperty([PROMOTION], RULE);
  expect(shownOfLasting(ruled)).toEqual({ "/tags/a": "1" });
});

describe("regions that a rule waits for", () => {
  const region = (state: RegionRecord["state"]) =>
    ({ name: "westus", state, progress: 50, attempts: 1 }) as const;
  const rule = (
    own: RegionRecord,
    more: Partial<ImageVersionRecord> = {},
    asked: object = RULE,
    is = true,
  ) =>
    awaitedByRule(
      recordWith({
        regions: [own],
        lastApplied: { [PROMOTION]: asked },
        ...more,
      }),
      lookOf(
        "Succeeded",
        {
          westus: ["Completed", 0],
          eastus2: ["Replicating", 0],
          eastus: ["Unknown", 0],
          japaneast: ["Failed", 0],
          westeurope: ["Completed", 0],
        },
        { changes: { [EXCLUDE_FROM_LATEST]: is } },
      ),
    );
  const ready = region("Completed");

  test("are all that Azure shows, whoever added them, and of those that have failed in vain", () => {
    expect(rule(ready)).toEqual({
      awaited: ["eastus2", "eastus"],
      lost: ["japaneast"],
    });
  });

  test("or those that it names; one that is not there it waits for in vain", () => {
    const named = (...regions: string[]) =>
      rule(ready, {}, { when: "regions", regions });
    expect(named("westus")).toEqual({ awaited: [], lost: [] });
    expect(named("eastus2", "westeurope")).toEqual({
      awaited: ["eastus2"],
      lost: [],
    });
    expect(named("japaneast", "uksouth")).toEqual({
      awaited: [],
      lost: ["japaneast", "uksouth"],
    });
  });

  test.each<[string, RegionRecord, Partial<ImageVersionRecord>, string]>([
    ["replicates", region("Replicating"), {}, "awaited"],
    ["is not known yet", region("Unknown"), {}, "awaited"],
    [
      "is doubted",
      { ...ready, doubt: { state: "Failed", since: time(1) } },
      {},
      "awaited",
    ],
    ["has failed", region("Failed"), {}, "lost"],
    [
      "is to be repaired",
      region("Failed"),
      { repairs: { westus: { attempts: 0, dueTime: time(9) } } },
      "awaited",
    ],
    [
      "is taken away to be added back",
      region("Failed"),
      { repairs: { westus: { attempts: 1, removed: {} } } },
      "awaited",
    ],
    [
      "was repaired in vain",
      region("Failed"),
      { repairs: { westus: { attempts: 3 } } },
      "lost",
    ],
  ])(
    "what is known of an operation's region counts: it %s",
    (...[, own, more, state]) => {
      const { awaited, lost } = rule(own, more);
      expect(awaited.includes("westus")).toBe(state === "awaited");
      expect(lost.includes("westus")).toBe(state === "lost");
    },
  );

  test("are none where nothing is promoted by a rule, or the version is in latest", () => {
    const none = { awaited: [], lost: [] };
    expect(rule(ready, {}, RULE, false)).toEqual(none);
    expect(rule(ready, {}, { when: "manual" })).toEqual(none);
    expect(rule(ready, { overriddenRule: RULE })).toEqual(none);
  });
});

describe("where waves end before the first one", () => {
  const WAVES = {
    when: "waves",
    waves: [{ regions: ["westus"], after: "manual" }],
  } as const;
  const flag = (name: string) => `${regionField(name)}/excludeFromLatest`;
  const HELD = {
    [EXCLUDE_FROM_LATEST]: true,
    [flag("westus")]: true,
    [flag("eastus2")]: true,
  };
  const INCLUDED = { [flag("westus")]: false, [flag("eastus2")]: false };
  const OUT = { [EXCLUDE_FROM_LATEST]: false };
  const ends = { [PROMOTION]: null };

  const flags = (
    patch: Patch,
    applied: Fields | undefined = { [PROMOTION]: WAVES },
    shown: Patch | undefined = HELD,
  ) =>
    asWavesLeave(
      patch,
      applied,
      lookOf("Succeeded", COMPLETED, { changes: shown }).resource,
    );

  test("no region's own flag excludes it any more", () => {
    expect(flags(ends)).toEqual({ ...INCLUDED, ...ends });
    expect(flags({ [PROMOTION]: RULE })).toEqual({
      ...INCLUDED,
      [PROMOTION]: RULE,
    });
  });

  test("but one that is to be excluded, or goes", () => {
    const west = { ...ends, [flag("westus")]: true };
    expect(flags(west)).toEqual({ [flag("eastus2")]: false, ...west });
    const away = { ...ends, [regionField("westus")]: null };
    expect(flags(away)).toEqual({ [flag("eastus2")]: false, ...away });
  });

  describe("where other waves follow", () => {
    const other = { [PROMOTION]: { ...WAVES, waves: [] } };
    const SECOND = {
      [EXCLUDE_FROM_LATEST]: false,
      [flag("westus")]: false,
      [flag("eastus2")]: true,
    };

    test.each<[string, Patch, Patch?]>([
      ["is excluded by its own flag alone", { [EXCLUDE_FROM_LATEST]: true }],
      ["is excluded by its regions' alone", { ...HELD, ...OUT }],
      ["is excluded by both", HELD],
    ])("each of the flags of what %s excludes it", (_, shown) => {
      expect(flags(other, undefined, shown)).toEqual({ ...HELD, ...other });
      expect(flags(other, {}, shown)).toEqual({ ...HELD, ...other });
    });

    test("but that of a region that goes", () => {
      const away = { ...other, [regionField("westus")]: null };
      const { [flag("westus")]: _, ...rest } = HELD;
      expect(flags(away)).toEqual({ ...rest, ...away });
    });

    test("what is the latest in a region stays so, and what is included now is in the regions that are named", () => {
      expect(flags(other, undefined, SECOND)).toEqual(other);
      const included: Patch = { ...other, ...SECOND };
      const { [flag("eastus2")]: _, ...named } = included;
      expect(flags(named)).toEqual(included);
      const own = { [EXCLUDE_FROM_LATEST]: true };
      expect(flags(named, undefined, own)).toEqual(included);
    });
  });

  test.each<[string, ...Parameters<typeof flags>]>([
    ["nothing is said of the rule", { "/tags/a": "1" }],
    ["it is included", { ...ends, [EXCLUDE_FROM_LATEST]: false }],
    ["the same are repeated", { [PROMOTION]: WAVES }],
    ["the rule had none", ends, { [PROMOTION]: RULE }],
    ["there was no rule", ends, {}],
    [
      "the first one has it",
      ends,
      undefined,
      { ...HELD, [EXCLUDE_FROM_LATEST]: false },
    ],
  ])("where %s, all stays as it is", (_, patch, ...rest) => {
    expect(flags(patch, ...rest)).toEqual(patch);
  });

  test("and where Azure shows no version, nothing is to be done", () => {
    expect(asWavesLeave(ends, { [PROMOTION]: WAVES }, undefined)).toEqual(ends);
  });
});

describe("a region is taken away only where nobody needs the version there", () => {
  const removal = changeOf(
    {
      [regionField("eastus2")]: null,
      [regionField("uksouth")]: null,
      [REPLICAS]: 3,
    },
    { guardsRegions: true },
  );
  const guarded = (more: Partial<VersionRequest> = {}) =>
    guardedRegions(
      recordWith({
        state: "Updating",
        requests: {
          a: changeOf({ [regionField("westus")]: null }),
          b: { ...removal, ...more },
        },
      }),
      lookOf("Succeeded", COMPLETED),
    );

  test("if that is asked, and Azure has it there", () => {
    expect(guarded()).toEqual(["eastus2"]);
  });

  test("not where the removal is canceled, or was done", () => {
    expect(
      guarded({ decided: { kind: "canceled", by: { name: "me" } } }),
    ).toEqual([]);
    expect(guarded({ appliedTime: time(5) })).toEqual([]);
  });
});

test("a version that is made under a rule of waves is made excluded in each region", () => {
  const rule = {
    when: "waves",
    waves: [{ regions: ["westus"], after: "manual" }],
  } as const;
  const flag = `${regionField("westus")}/excludeFromLatest`;
  const requests = { a: changeOf({ [PROMOTION]: rule, [REPLICAS]: 2 }) };
  expect(wantedBy(recordWith({ exists: false, requests }))).toMatchObject({
    [EXCLUDE_FROM_LATEST]: true,
    [flag]: true,
  });
  const simple = { a: changeOf({ [PROMOTION]: RULE, [REPLICAS]: 2 }) };
  expect(
    wantedBy(recordWith({ exists: false, requests: simple })),
  ).not.toHaveProperty([flag]);
});

describe("a version is protected", () => {
  const asks = changeOf({ [PROTECTED]: true });
  const behind = queued(replicating(), asks).record.queued;
  const isSo = (more: Partial<ImageVersionRecord>): boolean =>
    isProtected(recordWith({ requests: {}, queued: [], ...more }));

  test.each<[string, boolean, Partial<ImageVersionRecord>]>([
    ["once that was applied", true, { lastApplied: { [PROTECTED]: true } }],
    [
      "as soon as an operation asks for it that runs",
      true,
      { state: "Updating", requests: { a: asks } },
    ],
    ["or one that is queued", true, { queued: behind }],
    [
      "not by an operation that is over",
      false,
      { state: "Failed", requests: { a: asks } },
    ],
    [
      "not by one whose wish was applied, and taken off since",
      false,
      {
        state: "Replicating",
        lastApplied: { [PROTECTED]: false },
        requests: { a: { ...asks, appliedTime: time(5) } },
      },
    ],
    [
      "not where that is taken off",
      false,
      {
        state: "Updating",
        lastApplied: { [PROTECTED]: false },
        requests: { a: changeOf({ [PROTECTED]: false }) },
      },
    ],
    ["not where nobody asks for it", false, {}],
  ])("%s", (_, is, more) => expect(isSo(more)).toBe(is));

  test("not where nothing was applied", () => {
    const { lastApplied: _, ...record } = recordWith({ requests: {} });
    expect(isProtected(record)).toBe(false);
  });

  const ended = (
    more: Partial<ImageVersionRecord> = {},
    request: VersionRequest | undefined = asks,
  ) => {
    const {
      observed: _,
      lastAttempt: __,
      ...record
    } = recordWith({
      state: "Updating",
      lastApplied: { "/tags/a": "1" },
      ...more,
    });
    return withProtection(record, request);
  };

  test("by one that has asked for it and ends, however it ends", () => {
    expect(ended().lastApplied).toEqual({ "/tags/a": "1", [PROTECTED]: true });
  });

  test.each<[string, Partial<ImageVersionRecord>]>([
    ["Azure shows it", { observed: lookOf("Succeeded", COMPLETED) }],
    [
      "Azure has taken its creation",
      {
        lastAttempt: {
          changes: {},
          regions: [],
          sentTime: time(1),
          outcome: "accepted",
          acceptedTime: time(2),
        },
      },
    ],
  ])("where %s, though none has seen it made", (_, more) => {
    const { lastApplied } = withProtection(
      { ...ended({ exists: false }), ...more },
      { ...asks, creates: true },
    );
    expect(lastApplied).toMatchObject({ [PROTECTED]: true });
  });

  test("not where nothing was asked", () => {
    const record = recordWith({});
    expect(withProtection(record, undefined)).toBe(record);
  });

  const publishedDate = time(1);
  const undated = {
    resource: lookOf("Succeeded").resource,
    endTime: time(9),
    lastApplied: { [PROTECTED]: true },
  };
  const deletedLife = { ...undated, publishedDate };
  const { lastApplied: _, ...unapplied } = deletedLife;

  test.each<
    [boolean, string, Pick<ImageVersionRecord, "deletedLife" | "publishedDate">]
  >([
    [true, "have deleted and restored it", { deletedLife, publishedDate }],
    [
      false,
      "have made another one under its number",
      { deletedLife, publishedDate: time(10) },
    ],
    [false, "have made one without a date", { deletedLife: undated }],
    [false, "have restored none", { publishedDate }],
    [
      false,
      "have restored one that was not protected",
      { publishedDate, deletedLife: { ...deletedLife, lastApplied: {} } },
    ],
    [
      false,
      "have restored one to which nothing was applied",
      { publishedDate, deletedLife: unapplied },
    ],
  ])("%s: where others %s", (is, _, record) => {
    expect(protectedBefore(record)).toEqual(
      is ? { [PROTECTED]: true } : undefined,
    );
    const { lastApplied: __, ...known } = recordWith({ requests: {} });
    expect(isProtected({ ...known, ...record })).toBe(is);
  });

  test("though others have made it, which adopts it, but by none that was to create it", () => {
    const { lastApplied, unmanaged } = ended({ unmanaged: true });
    expect(lastApplied).toMatchObject({ [PROTECTED]: true });
    expect(unmanaged).toBeUndefined();
    const creation = { ...asks, creates: true };
    expect(ended({ unmanaged: true }, creation)).toMatchObject({
      lastApplied: { "/tags/a": "1" },
      unmanaged: true,
    });
    expect(ended({}, creation).lastApplied).toMatchObject({
      [PROTECTED]: true,
    });
  });

  test.each<[string, Partial<ImageVersionRecord>, VersionRequest?]>([
    ["which did not ask for it", {}, changeOf({ "/tags/b": "1" })],
    ["which takes it off", {}, changeOf({ [PROTECTED]: false })],
    ["of a version that was never made", { exists: false }],
  ])("not by one %s", (_, more, request) => {
    expect(ended(more, request).lastApplied).toEqual({ "/tags/a": "1" });
  });
});

describe("what was sent for several", () => {
  const attempt = {
    changes: { "/tags/a": "1" },
    asked: { "/tags/a": "1" },
    regions: [],
    sentTime: time(1),
    outcome: "shown",
  } as const;
  const kept = (more: Partial<Attempt>, shown: Patch = {}) =>
    keptOf(
      recordWith({
        state: "Replicating",
        lastApplied: { "/location": "westus", [REPLICAS]: 2 },
        requests: { a: changeOf({ "/tags/a": "1" }) },
        lastAttempt: { ...attempt, ...more },
        observed: lookOf("Succeeded", COMPLETED, { changes: shown }),
      }),
    ).lastApplied;
  const before = { "/location": "westus", [REPLICAS]: 2 };

  test("is applied once one of them is over", () => {
    expect(kept({ sentFor: ["a", "b"] })).toEqual({
      ...before,
      "/tags/a": "1",
    });
    expect(kept({ sentFor: ["a"] })).toEqual(before);
  });

  test("is not where nobody knows for whom it was", () => {
    expect(kept({})).toEqual(before);
  });

  test("is a region's removal, too, once the region is gone", () => {
    const asked = { [regionField("westus")]: null };
    expect(kept({ sentFor: ["b"], asked, outcome: "accepted" }, asked)).toEqual(
      { "/location": "westus" },
    );
  });
});

test("of a patch, what it says of exclusion from latest does not last", () => {
  const asked = {
    "/tags/a": "1",
    [EXCLUDE_FROM_LATEST]: true,
    [`${regionField("westus")}/excludeFromLatest`]: true,
  };
  const lasting = (more: Partial<VersionRequest>) =>
    lastingIn(
      recordWith({
        requests: {
          a: changeOf(asked, { repeats: { "/tags/b": "1" }, ...more }),
        },
        lastApplied: { "/tags/b": "1" },
      }),
    );
  expect(lasting({ patch: true })).toEqual({ "/tags/a": "1", "/tags/b": "1" });
  expect(lasting({})).toEqual({ ...asked, "/tags/b": "1" });
});

describe("a rule that is asked anew", () => {
  const anew = (
    more: Partial<VersionRequest>,
    others: Readonly<Record<string, VersionRequest>> = {},
  ) =>
    ruleInForce(
      recordWith({
        state: "Updating",
        overriddenRule: RULE,
        requests: { a: changeOf({ [PROMOTION]: RULE }, more), ...others },
      }),
    );

  test("holds, whatever was decided by hand before", () => {
    expect(anew({})).toEqual(RULE);
  });

  test("does not where the version was excluded by hand since", () => {
    expect(anew({ heldBack: true })).toBeUndefined();
    // Who says nothing of a rule changes nothing of that.
    expect(
      anew({ heldBack: true }, { b: changeOf({ "/tags/a": "1" }) }),
    ).toBeUndefined();
    expect(
      anew({ heldBack: true }, { b: changeOf({ [PROMOTION]: RULE }) }),
    ).toEqual(RULE);
  });
});

describe("a version is to be promoted", () => {
  const excluded = (is: boolean) =>
    lookOf("Succeeded", COMPLETED, { changes: { [EXCLUDE_FROM_LATEST]: is } });
  const due = (more: Partial<ImageVersionRecord> = {}, is = true): boolean =>
    isToBePromoted(
      recordWith({ lastApplied: { [PROMOTION]: RULE }, ...more }),
      excluded(is),
    );
  const demotion = changeOf({ [EXCLUDE_FROM_LATEST]: true });

  test("once its rule holds, while it is excluded", () => {
    expect(due()).toBe(true);
    expect(due({}, false)).toBe(false);
    expect(due({ overriddenRule: RULE })).toBe(false);
  });

  test("whatever else is asked meanwhile", () => {
    const open = { a: changeOf({ "/tags/a": "1" }) };
    expect(due({ state: "Updating", requests: open })).toBe(true);
  });

  test("not over whoever holds it back now, or is queued to", () => {
    expect(due({ state: "Updating", requests: { a: demotion } })).toBe(false);
    expect(
      due({
        state: "Updating",
        queued: queued(replicating(), demotion).record.queued,
      }),
    ).toBe(false);
  });
});

describe("a rule that waits for every region", () => {
  const failed = {
    name: "uksouth",
    state: "Failed",
    progress: 0,
    attempts: 1,
  } as const;
  const ready = { ...failed, name: "westus", state: "Completed" } as const;
  const shownReady = { name: "westus", state: "Completed", progress: 100 };
  const due = (
    own: readonly RegionRecord[],
    shown: readonly { readonly name: string; readonly state: RegionState }[],
    more: Partial<ImageVersionRecord> = {},
    rule: object = RULE,
  ): boolean =>
    isDue(
      recordWith({
        lastApplied: { [PROMOTION]: rule },
        regions: own,
        ...more,
      }),
      {
        provisioningState: "Succeeded",
        regions: shown.map((one) => ({ progress: 0, ...one })),
      },
    );
  const west = [{ ...shownReady, state: "Completed" as const }];

  test("waits for none that has failed and that Azure has no longer", () => {
    expect(due([ready, failed], west)).toBe(true);
    expect(
      due([ready, failed], [...west, { name: "uksouth", state: "Failed" }]),
    ).toBe(false);
  });

  test.each([
    ["it is to be repaired", { attempts: 0, dueTime: time(9) }],
    ["it is away, to be added back", { attempts: 1, removed: {} }],
  ])("but for one of which %s", (_, repair) => {
    expect(due([ready, failed], west, { repairs: { uksouth: repair } })).toBe(
      false,
    );
  });

  test("takes a region for ready where the look says nothing of it, and not where it says otherwise", () => {
    expect(due([ready], [])).toBe(true);
    expect(due([ready], [{ name: "westus", state: "Replicating" }])).toBe(
      false,
    );
  });

  test.each([
    [{ when: "regions" }],
    [{ when: "tested" }],
    [{ when: "waves", waves: [] }],
  ])("%j is due by no look", (rule) => {
    expect(due([ready], west, {}, rule)).toBe(false);
  });
});

test("regions are to go that open requests remove, begun or queued", () => {
  const removes = (name: string) => changeOf({ [regionField(name)]: null });
  const record = recordWith({
    state: "Updating",
    requests: {
      a: removes("westus"),
      b: changeOf({ [`${regionField("uksouth")}/regionalReplicaCount`]: 2 }),
    },
    queued: queued(replicating(), removes("eastus2")).record.queued,
  });
  expect(regionsToGo(record)).toEqual(["westus", "eastus2"]);
  expect(regionsToGo({ ...record, state: "Failed" })).toEqual([]);
});
