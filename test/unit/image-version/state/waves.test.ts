import { describe, expect, test } from "vitest";
import {
  flagsOf,
  isHeldEverywhere,
  promotedWaves,
  wavesOf,
  type Wave,
} from "../../../../src/image-version/state/waves.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import { EXCLUDE_FROM_LATEST } from "../../../../src/image-version/properties/table.js";

const WAVES: readonly Wave[] = [
  { regions: ["westus"], after: "tested" },
  { regions: ["eastus2", "uksouth"], after: "manual" },
];

const shown = (
  excludeFromLatest: boolean,
  regions: Record<string, boolean>,
): ImageVersionRequest =>
  ({
    location: "westus",
    properties: {
      publishingProfile: {
        excludeFromLatest,
        targetRegions: Object.entries(regions).map(([name, excluded]) => ({
          name,
          excludeFromLatest: excluded,
        })),
      },
    },
  }) as unknown as ImageVersionRequest;

const flag = (region: string) => `${regionField(region)}/excludeFromLatest`;

test("a rule has waves where it says so", () => {
  expect(wavesOf({ when: "waves", waves: [...WAVES] })).toEqual(WAVES);
  expect(wavesOf({ when: "manual" })).toBeUndefined();
  expect(wavesOf(undefined)).toBeUndefined();
});

test("the flags of version and regions are right in both readings", () => {
  const regions = ["westus", "eastus2", "uksouth"];
  expect(flagsOf(WAVES, 0, regions)).toEqual({
    [EXCLUDE_FROM_LATEST]: true,
    [flag("westus")]: true,
    [flag("eastus2")]: true,
    [flag("uksouth")]: true,
  });
  expect(flagsOf(WAVES, 1, regions)).toEqual({
    [EXCLUDE_FROM_LATEST]: false,
    [flag("westus")]: false,
    [flag("eastus2")]: true,
    [flag("uksouth")]: true,
  });
  expect(Object.values(flagsOf(WAVES, 2, regions))).toEqual(
    Array(4).fill(false),
  );
});

describe("how far a version is, by its flags alone", () => {
  test.each([
    [0, true, { westus: true, eastus2: true, uksouth: true }],
    // The flags differ: that is of no wave.
    [undefined, true, { westus: false, eastus2: true, uksouth: true }],
    [undefined, true, { westus: false, eastus2: false, uksouth: false }],
    // No wave has left it so: each region is held back by itself.
    [undefined, false, { westus: true, eastus2: true, uksouth: true }],
    [1, false, { "West US": false, eastus2: true, uksouth: true }],
    [2, false, { westus: false, eastus2: false, uksouth: false }],
    // A region that it is not in any more holds up no wave.
    [2, false, { westus: false, eastus2: false }],
    [undefined, false, { westus: false, eastus2: false, uksouth: true }],
    [undefined, false, { westus: true, eastus2: false, uksouth: false }],
    [undefined, false, { westus: false, northeurope: false, eastus2: true }],
  ])("%s waves", (count, version, regions) => {
    expect(promotedWaves(WAVES, shown(version, regions))).toBe(count);
  });
});

test("held everywhere is a version that each flag excludes", () => {
  expect(isHeldEverywhere(shown(true, { westus: true, eastus2: true }))).toBe(
    true,
  );
  expect(isHeldEverywhere(shown(true, { westus: true, eastus2: false }))).toBe(
    false,
  );
  expect(isHeldEverywhere(shown(false, { westus: true }))).toBe(false);
});
