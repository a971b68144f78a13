import { describe, expect, test } from "vitest";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import {
  decidedEnding,
  endOperation,
  latch,
  settle,
} from "../../../../src/image-version/state/ends.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "../../../../src/image-version/state/record.js";
import type {
  OperationRecord,
  RegionRecord,
  RegionState,
} from "../../../../src/operation/records.js";
import { eventMistakes } from "../../events/document.js";
import {
  applied,
  at,
  changeOf,
  COMPLETED,
  effectsOf,
  eventsOf,
  lookOf,
  REPLICATING,
  replicating,
  succeeded,
  time,
  told,
  toldOf,
} from "../../../support/transitions.js";

const WEST = regionField("westus");
const EAST = regionField("eastus2");
const REPLICAS = `${WEST}/regionalReplicaCount`;

/** An applied version whose operation, and a second one beside it, ask that. */
function both(
  first: VersionRequest,
  second: VersionRequest,
  more: Partial<ImageVersionRecord> = {},
): ImageVersionPair {
  const { record, operation } = applied();
  const member: OperationRecord = {
    ...operation,
    id: operation.id.replace(/1$/u, "2"),
    kind: "UpdateImageVersion",
  };
  return {
    record: {
      ...record,
      members: [member],
      requests: { [operation.id]: first, [member.id]: second },
      ...more,
    },
    operation,
  };
}

describe("what Azure shows at once", () => {
  test("is applied from then on", () => {
    const { record } = latch(replicating(), at(10));
    expect(record.lastApplied).toMatchObject({
      "/location": "westus",
      [REPLICAS]: 2,
    });
    expect(Object.values(record.requests)).toMatchObject([
      { appliedTime: time(10) },
    ]);
  });

  test("is applied to the life that is shown, from then on", () => {
    const pair = replicating();
    const { record } = latch(
      { ...pair, record: { ...pair.record, publishedDate: time(3) } },
      at(10),
    );
    expect(Object.values(record.requests)).toMatchObject([
      { publishedDate: time(3) },
    ]);
  });

  test("is applied in the order of acceptance, and what is merely repeated gives way", () => {
    const pair = both(
      changeOf({ [REPLICAS]: 3, "/tags/a": null, "/tags/b": "1" }),
      { changes: { "/tags/b": "2" }, repeats: { [REPLICAS]: 2 } },
      { lastApplied: { [REPLICAS]: 2, "/tags/a": "1" } },
    );
    expect(latch(pair, at(10)).record.lastApplied).toEqual({
      [REPLICAS]: 3,
      "/tags/b": "2",
    });
  });

  test("counts over what was sent before, and what that asked else is kept", () => {
    const asked = { "/tags/A": "1", "/tags/b": "1", [REPLICAS]: 2 };
    const sent = {
      changes: {},
      regions: [],
      sentTime: time(1),
      outcome: "shown",
      asked,
    } as const;
    const pair = both(
      changeOf({ "/tags/a": "2", [WEST]: null }),
      changeOf({}),
      { lastAttempt: { ...sent, before: { ...sent, outcome: "accepted" } } },
    );
    const { lastAttempt } = latch(pair, at(10)).record;
    expect(lastAttempt?.asked).toEqual({ "/tags/b": "1" });
    expect(lastAttempt?.before?.asked).toEqual({ "/tags/b": "1" });
    expect(lastAttempt).toMatchObject({ outcome: "shown", sentTime: time(1) });
  });

  test("is not what was applied where it was asked by hand, or undone", () => {
    const pair = both(
      changeOf({ [EXCLUDE_FROM_LATEST]: true }, { byHand: true }),
      changeOf({ "/tags/a": "1" }, { decided: { kind: "canceled", by: {} } }),
      { lastApplied: { "/tags/b": "1" } },
    );
    expect(latch(pair, at(10)).record.lastApplied).toEqual({ "/tags/b": "1" });
  });

  describe("of a canceled creation's version, which is left excluded from latest,", () => {
    const excluded = changeOf(
      { [EXCLUDE_FROM_LATEST]: true },
      { byHand: true, decided: { kind: "canceled", by: { name: "me" } } },
    );
    const before = { lastApplied: { "/tags/b": "1" } };
    const after = (
      one: VersionRequest,
      other: VersionRequest,
      more: Partial<ImageVersionRecord> = before,
    ): Partial<ImageVersionRecord> => {
      const { record } = latch(both(one, other, more), at(10));
      const { lastApplied, excludedByCancel } = record;
      return {
        ...(lastApplied && { lastApplied }),
        ...(excludedByCancel && { excludedByCancel }),
      };
    };
    const held = { ...before, excludedByCancel: true } as const;
    const demoted = changeOf({ [EXCLUDE_FROM_LATEST]: true }, { byHand: true });
    const tagged = changeOf({ "/tags/a": "1" });
    const withBoth = { "/tags/a": "1", "/tags/b": "1" };

    test("is what it was, and that nobody has said so is known", () => {
      expect(after(excluded, excluded)).toEqual(held);
      const failed = changeOf(
        { [EXCLUDE_FROM_LATEST]: true },
        { decided: { kind: "failed", code: "X", message: "No.", errors: [] } },
      );
      expect(after(failed, demoted)).toEqual(held);
    });

    test("but not where it was demoted by hand alone", () => {
      expect(after(demoted, demoted)).toEqual(before);
    });

    test("and what another asks beside it", () => {
      expect(after(excluded, tagged)).toEqual({
        ...held,
        lastApplied: withBoth,
      });
    });

    test("until a body, or somebody by hand, says what it shall be", () => {
      expect(after(tagged, tagged, held)).toEqual({
        ...held,
        lastApplied: withBoth,
      });
      expect(after(tagged, demoted, held)).toEqual({ lastApplied: withBoth });
      const said = changeOf({ [EXCLUDE_FROM_LATEST]: false });
      expect(after(said, said, held)).toEqual({
        lastApplied: { ...before.lastApplied, [EXCLUDE_FROM_LATEST]: false },
      });
    });

    test("is nothing where nothing was ever applied", () => {
      const { record, operation } = both(excluded, excluded);
      const { lastApplied: _, ...without } = record;
      expect(
        latch({ record: without, operation }, at(10)).record,
      ).not.toHaveProperty("lastApplied");
    });
  });

  test("does not make a version Sigil's that is only demoted", () => {
    const { lastApplied: _, ...record } = applied().record;
    const id = applied().operation.id;
    const pair = {
      ...applied(),
      record: {
        ...record,
        requests: {
          [id]: changeOf({ [EXCLUDE_FROM_LATEST]: true }, { byHand: true }),
        },
      },
    };
    expect(latch(pair, at(10)).record).not.toHaveProperty("lastApplied");
    const others = {
      ...pair,
      record: { ...pair.record, unmanaged: true } as const,
    };
    expect(latch(others, at(10)).record.unmanaged).toBe(true);
    expect(latch(pair, at(10)).record).not.toHaveProperty("unmanaged");
  });

  test("makes a version Sigil's where a PUT of it is applied", () => {
    const pair = replicating();
    const others = {
      ...pair,
      record: { ...pair.record, unmanaged: true } as const,
    };
    expect(latch(others, at(10)).record).not.toHaveProperty("unmanaged");
  });

  describe("and the promotion rule", () => {
    const rule = { when: "allRegionsReady" } as const;
    const asking = (excluded: boolean, more: Partial<VersionRequest>) =>
      changeOf({ [EXCLUDE_FROM_LATEST]: excluded }, more);
    const ruleAfter = (
      one: VersionRequest,
      other: VersionRequest,
      isExcluded = true,
    ) =>
      latch(
        both(one, other, {
          lastApplied: { [PROMOTION]: rule },
          observed: lookOf("Succeeded", COMPLETED, {
            changes: { [EXCLUDE_FROM_LATEST]: isExcluded },
          }),
        }),
        at(10),
      ).record.overriddenRule;
    const canceled = asking(true, {
      byHand: true,
      decided: { kind: "canceled", by: { name: "me" } },
    });
    const tag = changeOf({ "/tags/a": "1" });
    test.each([
      [
        "is overridden by a demotion",
        asking(true, { byHand: true }),
        tag,
        rule,
      ],
      ["and by a promotion", asking(false, { byHand: true }), tag, rule],
      ["and by a body that excludes it", asking(true, {}), tag, rule],
      ["not by one that includes it", asking(false, {}), tag, undefined],
      ["by a creation that is canceled", canceled, tag, rule],
      [
        "not by a demotion that came before it",
        asking(true, { byHand: true }),
        changeOf({ [PROMOTION]: rule }),
        undefined,
      ],
      [
        "but by one that came after it",
        changeOf({ [PROMOTION]: rule }),
        asking(true, { byHand: true }),
        rule,
      ],
      [
        "and by a body that asks for both",
        asking(true, {
          changes: { [EXCLUDE_FROM_LATEST]: true, [PROMOTION]: rule },
        }),
        tag,
        rule,
      ],
      [
        "not where another still asks for a rule",
        canceled,
        changeOf({ [PROMOTION]: rule }),
        undefined,
      ],
      [
        "or repeats one",
        canceled,
        changeOf({}, { repeats: { [PROMOTION]: rule } }),
        undefined,
      ],
    ])("%s", (_, one, other, overridden) => {
      expect(ruleAfter(one, other)).toEqual(overridden);
    });

    test("has nothing left to do in latest", () => {
      expect(ruleAfter(tag, tag, false)).toEqual(rule);
    });
  });

  test.each([
    ["a caller asks that to be open", { [ALLOW_DELETION]: true }, false],
    ["it is Sigil's own", { "/tags/a": "1" }, true],
  ])(
    "says whose the permission to remove regions is: %s",
    (_, changes, own) => {
      const pair = applied();
      const requests = { [pair.operation.id]: changeOf(changes) };
      const record = { ...pair.record, requests, opened: true };
      expect(latch({ ...pair, record }, at(10)).record.opened).toBe(own);
    },
  );

  test("leaves the time of what was applied before", () => {
    const pair = both(
      changeOf({}, { appliedTime: time(5) }),
      changeOf({ "/tags/a": "1" }),
    );
    expect(
      Object.values(latch(pair, at(10)).record.requests).map(
        ({ appliedTime }) => appliedTime,
      ),
    ).toEqual([time(5), time(10)]);
  });

  test("settles doubts and counts no more rewrites", () => {
    const pair = replicating();
    const doubted = {
      ...pair,
      record: {
        ...pair.record,
        rewrites: 2,
        doubt: { what: "unmet/1", since: time(5) },
      },
    };
    const { record } = latch(doubted, at(10));
    expect(record.rewrites).toBe(0);
    expect(record).not.toHaveProperty("doubt");
  });

  test("tells a region that is removed, of the operation that removes it, with all that was applied there", () => {
    const pair = both(changeOf({ "/tags/a": "1" }), changeOf({ [EAST]: null }));
    expect(toldOf(latch(pair, at(10)))).toEqual([]);
    const record = { ...pair.record, goneRegions: ["eastus2"] };
    const latched = latch({ ...pair, record }, at(10));
    expect(toldOf(latched)).toEqual(["2/eastus2/removed"]);
    expect(eventsOf(latched).flatMap(eventMistakes)).toEqual([]);
    expect(
      Object.keys(latched.record.lastApplied ?? {}).filter((name) =>
        name.startsWith(EAST),
      ),
    ).toEqual([]);
  });

  test("is latched once", () => {
    const latched = told(latch(replicating(), at(10)));
    expect(latch(latched, at(20))).toBe(latched);
  });
});

describe("an operation", () => {
  type Regions = Readonly<
    Record<string, Partial<RegionRecord> & { readonly state: RegionState }>
  >;
  const settled = (
    regions: Regions,
    provisioningState = "Succeeded",
    more: Partial<ImageVersionRecord> = {},
    failure?: { readonly code: string; readonly message: string },
  ) => {
    const pair = applied();
    return settle(
      {
        ...pair,
        record: {
          ...pair.record,
          ...more,
          regions: pair.record.regions.map((region) => ({
            ...region,
            ...regions[region.name],
          })),
        },
      },
      lookOf(provisioningState),
      failure,
      at(100),
    );
  };
  const done = { state: "Completed", progress: 100 } as const;
  const lost = { state: "Failed", progress: 20 } as const;

  test("succeeds once each of its regions is ready", () => {
    const pair = settled({ westus: done, eastus2: done });
    expect(pair.record.state).toBe("Succeeded");
    expect(pair.operation).toMatchObject({
      status: "Succeeded",
      endTime: time(100),
      regions: [done, done],
    });
    expect(pair.operation.history.at(-1)?.message).toBe(
      "The version is usable in westus, eastus2.",
    );
    expect(effectsOf(pair)).toEqual([
      "index from Running",
      "event completed",
      "close",
    ]);
    expect(eventsOf(pair).at(-1)?.data).toMatchObject({
      regions: [
        { name: "westus", state: "Completed" },
        { name: "eastus2", state: "Completed" },
      ],
    });
  });

  test.each<[string, Regions, Partial<ImageVersionRecord>]>([
    ["a region replicates", { westus: done }, {}],
    [
      "a region has not begun",
      { westus: done, eastus2: { state: "Unknown" } },
      {},
    ],
    [
      "a region is in doubt",
      {
        westus: done,
        eastus2: { ...done, doubt: { state: "Failed", since: time(90) } },
      },
      {},
    ],
    [
      "a region that failed is to be repaired",
      { westus: done, eastus2: lost },
      { repairs: { eastus2: { attempts: 0, dueTime: time(200) } } },
    ],
    [
      "a region is away for repair",
      { westus: done, eastus2: lost },
      { repairs: { eastus2: { attempts: 1, removed: {} } } },
    ],
  ])("goes on while %s", (_, regions, more) => {
    const pair = settled(regions, "Succeeded", more);
    expect(pair.operation.status).toBe("Running");
    expect(toldOf(pair)).toEqual([]);
  });

  test("goes on until Azure has shown all that it asks", () => {
    const pair = replicating();
    const regions = pair.record.regions.map((region) => ({
      ...region,
      ...done,
    }));
    const ready = { ...pair, record: { ...pair.record, regions } };
    expect(settle(ready, lookOf("Succeeded"), undefined, at(100))).toBe(ready);
  });

  test.each([
    [undefined, "RegionFailed", "Azure gave no reason"],
    [
      { code: "KeyDisabled", message: "The key is disabled." },
      "KeyDisabled",
      "The key is disabled.",
    ],
  ])("fails where a region is lost for good: %j", (failure, code, reason) => {
    const pair = settled(
      { westus: done, eastus2: lost },
      "Failed",
      {},
      failure,
    );
    expect(pair.record.state).toBe("Failed");
    expect(pair.operation).toMatchObject({
      status: "Failed",
      error: {
        code: "ReplicationFailed",
        message: expect.stringContaining(
          "The version is not usable in eastus2.",
        ) as string,
        errors: [
          {
            code,
            pointer: "/properties/publishingProfile/targetRegions/1",
            message: `Replication to eastus2 failed: ${reason}`,
          },
        ],
      },
    });
    expect(toldOf(pair)).toEqual(["1/failed"]);
    expect(eventsOf(pair).flatMap(eventMistakes)).toEqual([]);
  });

  test("fails where ARM has given the version up though each region has its copy", () => {
    const failure = { code: "Internal", message: "It broke." };
    const pair = settled(
      { westus: done, eastus2: done },
      "Failed",
      {},
      failure,
    );
    expect(pair.operation.error).toMatchObject({
      code: "ReplicationFailed",
      message:
        "Every region has its copy, but the version's provisioning state is Failed. Azure Resource Manager says: It broke.",
      errors: [{ code: "Internal", pointer: "", message: "It broke." }],
    });
    const silent = settled({ westus: done, eastus2: done }, "Failed");
    expect(silent.operation.error).toEqual({
      code: "ReplicationFailed",
      message:
        "Every region has its copy, but the version's provisioning state is Failed.",
      errors: [],
    });
  });

  describe("where ARM has given the version up, beside regions that it has not asked for", () => {
    const with2 = (
      other: RegionState,
      shown: Parameters<typeof lookOf>[1] = {},
    ) => {
      const { operation, record } = applied();
      const own = operation.regions
        .slice(0, 1)
        .map((region) => ({ ...region, ...done }));
      const region = { ...(own[0] ?? expect.fail()), name: "eastus2" };
      return settle(
        {
          operation: { ...operation, regions: own },
          record: { ...record, regions: [...own, { ...region, state: other }] },
        },
        lookOf("Failed", shown),
        undefined,
        at(100),
      ).operation.status;
    };

    test("fails where they have their copies, too", () => {
      expect(with2("Completed")).toBe("Failed");
      // A failure of its own would be told otherwise.
      expect(with2("Completed", { westus: ["Failed", 0] })).toBe("Failed");
    });

    test("succeeds where one of them has not, or one that nobody has asked Sigil for has failed", () => {
      expect(with2("Replicating")).toBe("Succeeded");
      expect(with2("Completed", { uksouth: ["Failed", 0] })).toBe("Succeeded");
      expect(with2("Completed", { uksouth: ["Completed", 0] })).toBe("Failed");
    });
  });

  test("that is the last goes on while any region is away: nobody else would add it back", () => {
    const away = { repairs: { uksouth: { attempts: 1, removed: {} } } };
    const ready = { westus: done, eastus2: done };
    expect(settled(ready, "Succeeded", away).operation.status).toBe("Running");
    expect(
      settled(ready, "Succeeded", { repairs: { uksouth: { attempts: 1 } } })
        .operation.status,
    ).toBe("Succeeded");
    // Beside another it ends.
    const pair = both(
      changeOf({}, { appliedTime: time(1) }),
      changeOf({ "/tags/a": "1" }),
      {
        ...away,
        regions: applied().record.regions.map((region) => ({
          ...region,
          ...done,
        })),
      },
    );
    const after = settle(pair, lookOf("Succeeded"), undefined, at(100));
    expect(after.beside?.map(({ status }) => status)).toContain("Succeeded");
  });

  test("names each region that is lost", () => {
    const { operation } = settled({ westus: lost, eastus2: lost }, "Failed");
    expect(operation.error?.message).toBe(
      "The version is not usable in westus, eastus2.",
    );
  });

  test("is not held up by a repair of a region that is ready", () => {
    const pair = settled({ westus: done, eastus2: done }, "Succeeded", {
      repairs: { eastus2: { attempts: 1, dueTime: time(400) } },
    });
    expect(pair.operation.status).toBe("Succeeded");
  });

  test.each([
    ["replicates yet", {}, "Succeeded"],
    ["is ready as well", done, "Failed"],
  ] as const)(
    "of one region ends where ARM has given the version up and another %s: %j is %s",
    (_, east, status) => {
      const pair = both(
        changeOf({}, { appliedTime: time(10) }),
        changeOf({}, { appliedTime: time(10) }),
      );
      const regions = pair.record.regions.map((region) => ({
        ...region,
        ...(region.name === "westus" ? done : east),
      }));
      const members = pair.record.members.map((one) => ({
        ...one,
        regions: regions.filter(({ name }) => name === "westus"),
      }));
      const record = { ...pair.record, regions, members };
      const after = settle(
        { ...pair, record },
        lookOf("Failed"),
        undefined,
        at(100),
      );
      const own = [after.operation, ...(after.beside ?? [])].find(({ id }) =>
        id.endsWith("-2"),
      );
      expect(own?.status).toBe(status);
    },
  );

  test("that was canceled says what becomes of the version", () => {
    const { operation } = applied();
    const decided = { kind: "canceled", by: {} } as const;
    const ending = decidedEnding(
      operation,
      changeOf({}, { decided }),
      [],
      at(100),
    );
    expect(ending?.message).toContain("Azure keeps the version.");
    expect(decidedEnding(operation, changeOf({}), [], at(100))).toBeUndefined();
  });

  test("that ends leaves no region that was asked for by it alone, and never sent", () => {
    const pair = both(changeOf({}), changeOf({}));
    const unsent = (name: string): RegionRecord => ({
      name,
      state: "Unknown",
      progress: 0,
      attempts: 0,
    });
    const members = pair.record.members.map((one) => ({
      ...one,
      regions: [unsent("uksouth")],
    }));
    const regions = [
      ...pair.record.regions,
      unsent("uksouth"),
      unsent("ukwest"),
    ];
    const after = endOperation(
      { ...pair, record: { ...pair.record, members, regions } },
      pair.operation.id,
      decidedEnding(
        pair.operation,
        changeOf({}, { decided: { kind: "canceled", by: {} } }),
        [],
        at(100),
      ) ?? expect.fail("it does not end"),
      at(100),
    );
    expect(after.record.regions.map(({ name }) => name)).toEqual([
      "westus",
      "eastus2",
      "uksouth",
    ]);
  });

  test("is judged by its own regions alone", () => {
    const pair = both(
      changeOf({}, { appliedTime: time(10) }),
      changeOf({}, { appliedTime: time(10) }),
    );
    const [member] = pair.record.members;
    const west = pair.record.regions.filter(({ name }) => name === "westus");
    const mine = {
      ...pair,
      record: {
        ...pair.record,
        regions: pair.record.regions.map((region) =>
          region.name === "westus" ? { ...region, ...done } : region,
        ),
        members: [{ ...(member as OperationRecord), regions: west }],
      },
    };
    const after = settle(mine, lookOf("Updating"), undefined, at(100));
    expect(toldOf(after)).toEqual(["2/completed"]);
    expect(after.record.members).toEqual([]);
    expect(after.operation.status).toBe("Running");
    expect(after.beside).toMatchObject([
      { status: "Succeeded", regions: [done] },
    ]);
    expect(Object.keys(after.record.requests)).toEqual([after.operation.id]);
  });

  test("without regions succeeds as soon as Azure shows it", () => {
    const pair = both(
      changeOf({}, { appliedTime: time(10) }),
      changeOf({ "/tags/a": "1" }, { appliedTime: time(10) }),
    );
    const [member] = pair.record.members;
    const tagged = {
      ...pair,
      record: {
        ...pair.record,
        members: [{ ...(member as OperationRecord), regions: [] }],
      },
    };
    const after = settle(
      tagged,
      lookOf("Updating", REPLICATING),
      undefined,
      at(100),
    );
    expect(after.beside?.[0]?.history.at(-1)?.message).toBe(
      "Azure shows the version as requested.",
    );
    const failed = settle(
      tagged,
      lookOf("Failed", REPLICATING),
      undefined,
      at(100),
    );
    expect(failed.beside?.[0]?.status).toBe("Succeeded");
  });

  test.each([
    [
      { kind: "canceled", by: { name: "me" } } as const,
      { status: "Canceled", canceledBy: { name: "me" } },
      "1/canceled",
    ],
    [
      { kind: "failed", code: "X", message: "No.", errors: [] } as const,
      { status: "Failed", error: { code: "X", message: "No.", errors: [] } },
      "1/failed",
    ],
  ])(
    "ends as it was decided, whatever its regions do: %j",
    (end, ending, event) => {
      const { operation } = applied();
      const pair = settled({}, "Updating", {
        requests: {
          [operation.id]: changeOf({}, { decided: end, appliedTime: time(50) }),
        },
      });
      expect(pair.operation).toMatchObject(ending);
      expect(toldOf(pair)).toEqual([event]);
    },
  );
});

test("the last that ends gives the record its state, and each has ended in its own way", () => {
  const pair = both(
    changeOf({}, { appliedTime: time(10) }),
    changeOf(
      {},
      { appliedTime: time(10), decided: { kind: "canceled", by: {} } },
    ),
  );
  const [member] = pair.record.members;
  const record = {
    ...pair.record,
    members: [member as OperationRecord],
    regions: succeeded().record.regions,
  };
  const after = settle(
    { ...pair, record },
    lookOf("Succeeded", COMPLETED),
    undefined,
    at(100),
  );
  expect(after.record).toMatchObject({
    state: "Canceled",
    members: [],
    requests: {},
    sequence: 2,
  });
  expect(after.operation).toMatchObject({ status: "Canceled" });
  expect(after.beside).toMatchObject([{ status: "Succeeded" }]);
});

describe("an operation that asks for a promotion rule, its own regions being ready", () => {
  const RULE = { when: "allRegionsReady" } as const;
  const ruled = (
    excluded: boolean,
    regions: Parameters<typeof lookOf>[1] = COMPLETED,
    more: Partial<ImageVersionRecord> = {},
  ) => {
    const pair = applied();
    const asks = { [PROMOTION]: RULE };
    return settle(
      {
        ...pair,
        record: {
          ...pair.record,
          lastApplied: { ...pair.record.lastApplied, ...asks },
          requests: {
            [pair.operation.id]: changeOf(asks, { appliedTime: time(10) }),
          },
          ...more,
          regions: pair.record.regions.map((region) => ({
            ...region,
            state: "Completed",
          })),
        },
      },
      lookOf("Succeeded", regions, {
        changes: { [EXCLUDE_FROM_LATEST]: excluded },
      }),
      undefined,
      at(100),
    ).operation;
  };
  const withOthers = (state: RegionState) =>
    ({ ...COMPLETED, eastus: [state, 10], uksouth: [state, 10] }) as const;
  const { id } = applied().operation;
  const byHand = (more: Partial<VersionRequest>) => ({
    requests: {
      [id]: changeOf({ [PROMOTION]: RULE }, { appliedTime: time(10) }),
      other: changeOf({ "/tags/a": "1" }),
      hand: changeOf({ [EXCLUDE_FROM_LATEST]: true }, more),
    },
  });

  test.each<[string, ...Parameters<typeof ruled>]>([
    ["the version is in latest", false],
    ["its rule was overruled", true, COMPLETED, { overriddenRule: RULE }],
  ])("succeeds where %s", (_, ...state) => {
    expect(ruled(...state).status).toBe("Succeeded");
  });

  test.each<[string, ...Parameters<typeof ruled>]>([
    ["the version is to be promoted", true],
    ["others' regions are not ready", true, withOthers("Replicating")],
    [
      "somebody is about to decide by hand",
      false,
      COMPLETED,
      byHand({ byHand: true }),
    ],
  ])("goes on while %s", (_, ...state) => {
    expect(ruled(...state).status).toBe("Running");
  });

  test("does not wait for what is not decided by hand", () => {
    expect(ruled(false, COMPLETED, byHand({})).status).toBe("Succeeded");
  });

  test("fails where others' regions are lost", () => {
    const message =
      "The promotion rule waits for eastus, uksouth, where the version is not usable: it stays excluded from latest. Promote it by hand, or retry eastus, uksouth: once it is ready there, the rule includes it.";
    expect(ruled(true, withOthers("Failed"))).toMatchObject({
      status: "Failed",
      error: {
        code: "ReplicationFailed",
        message,
        errors: [{ code: "RegionFailed", pointer: PROMOTION, message }],
      },
    });
  });
});

describe("an operation whose version others have made again", () => {
  const later = lookOf("Succeeded", COMPLETED, { publishedDate: time(900) });

  test("fails, though the regions of the other one are ready", () => {
    expect(settle(applied(), later, undefined, at(20)).operation).toMatchObject(
      { status: "Failed", error: { code: "ChangedOutside" } },
    );
  });

  test("ends Canceled where it was canceled before", () => {
    const { record, operation } = applied();
    const request = record.requests[operation.id];
    const canceled: VersionRequest = {
      ...changeOf({}),
      ...request,
      decided: { kind: "canceled", by: {} },
    };
    expect(
      settle(
        {
          operation,
          record: { ...record, requests: { [operation.id]: canceled } },
        },
        later,
        undefined,
        at(20),
      ).operation.status,
    ).toBe("Canceled");
  });
});
