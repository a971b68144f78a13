/** Which rule holds a version back that Azure shows, once nothing is being done with it. */
import { describe, expect, test } from "vitest";
import type { PromotionRule } from "../../../../src/image-version/contract.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import {
  heldBy,
  ruleHolding,
  wavesIn,
} from "../../../../src/image-version/state/held.js";
import type { ImageVersionRecord } from "../../../../src/image-version/state/record.js";
import type { Look } from "../../../../src/image-version/resources.js";
import { COMPLETED, lookOf, succeeded } from "../../../support/transitions.js";

const REGIONS = Object.keys(COMPLETED);
const [FIRST = "", ...OTHERS] = REGIONS;
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
