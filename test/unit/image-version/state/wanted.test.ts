import { describe, expect, test } from "vitest";
import {
  regionField,
  type Fields,
} from "../../../../src/image-version/properties/fields.js";
import type { Patch } from "../../../../src/image-version/properties/patch.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import {
  isDue,
  mayRemoveRegions,
  overriddenBy,
  presentRule,
  ruleInForce,
  wantedBy,
} from "../../../../src/image-version/state/wanted.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import type { RegionState } from "../../../../src/operation/records.js";
import { changeOf, succeeded, time } from "../../../support/transitions.js";

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
      { regions: regions(...states) },
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
