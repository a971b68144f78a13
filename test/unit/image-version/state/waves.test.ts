import { describe, expect, test } from "vitest";
import {
  flagsOf,
  isHeldEverywhere,
  lastThere,
  promotedWaves,
  takenFrom,
  wavesOf,
  waveTimes,
  withFlagsOf,
  type Wave,
} from "../../../../src/image-version/state/waves.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import { EXCLUDE_FROM_LATEST } from "../../../../src/image-version/properties/table.js";
import { changeOf } from "../../../support/transitions.js";

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
    // But where it is in latest in each.
    [2, true, { westus: false, eastus2: false, uksouth: false }],
    // No wave has left it so: each region is held back by itself.
    [undefined, false, { westus: true, eastus2: true, uksouth: true }],
    [1, false, { "West US": false, eastus2: true, uksouth: true }],
    [2, false, { westus: false, eastus2: false, uksouth: false }],
    // A region that it is not in any more holds up no wave.
    [2, false, { westus: false, eastus2: false }],
    [2, false, { westus: false }],
    [undefined, false, { westus: false, eastus2: false, uksouth: true }],
    [undefined, false, { westus: true, eastus2: false, uksouth: false }],
    // A region of no wave is of those who have added it.
    [1, false, { westus: false, northeurope: false, eastus2: true }],
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
  expect(isHeldEverywhere(shown(false, { westus: true }))).toBe(true);
});

describe("since when each wave has the version", () => {
  const THREE: readonly Wave[] = [
    ...WAVES,
    { regions: ["northeurope"], after: "manual" },
  ];
  const OUT = { westus: true, eastus2: true, northeurope: true };
  const FIRST = { ...OUT, westus: false };
  const SECOND = { ...FIRST, eastus2: false };

  test.each<
    [
      string,
      readonly (string | null)[],
      readonly (string | null)[],
      boolean,
      Record<string, boolean>,
    ]
  >([
    ["is never, before the first one", [], [], true, OUT],
    ["is now, where a look shows it first", ["now 0"], [], false, FIRST],
    [
      "is as it was known, but for the next one",
      ["then 0", "now 1"],
      ["then 0"],
      false,
      SECOND,
    ],
    [
      "is anew, where others had taken it back",
      ["now 0"],
      [null],
      false,
      FIRST,
    ],
    [
      "is never, where others have taken it back",
      ["then 0", null, null],
      ["then 0", "then 1", "then 2"],
      false,
      FIRST,
    ],
    [
      "is as it was known of a wave of which nothing is taken back, though the regions are as no wave leaves them",
      [null, "then 1", null],
      ["then 0", "then 1", null],
      false,
      { ...OUT, eastus2: false },
    ],
    [
      "is never, where the version is excluded in all",
      [null, null],
      ["then 0", "then 1"],
      true,
      OUT,
    ],
    [
      "is as it was known, where a wave has no region any more",
      ["then 0", "then 1", null],
      ["then 0", "then 1", null],
      false,
      { westus: false },
    ],
    [
      "and where that is not known, nobody waits for it",
      ["now 0"],
      [],
      false,
      { westus: false },
    ],
    [
      "is now, where one between has no region",
      ["now 0", "now 1", "now 2"],
      [],
      false,
      { westus: false, northeurope: false },
    ],
  ])("%s", (_, expected, before, version, regions) => {
    expect(
      waveTimes(before, THREE, shown(version, regions), (i) => `now ${i}`),
    ).toEqual(expected);
  });

  test.each<[number, Record<string, boolean>]>([
    [2, OUT],
    [1, { westus: true, "UK South": true }],
    [0, { "West US": true }],
    [-1, { japaneast: true }],
  ])("the last one that has a region is %s of %j", (wave, regions) => {
    expect(lastThere(THREE, shown(true, regions))).toBe(wave);
  });
});

test("a version is to have the flags that others still set, of the regions that it has, and nothing else of theirs", () => {
  const before = shown(true, { "West US": true, eastus2: true });
  const others = [
    changeOf({ [EXCLUDE_FROM_LATEST]: false, "/tags/a": "1" }),
    {
      changes: { [flag("westus")]: false, [flag("uksouth")]: false },
      repeats: { [flag("eastus2")]: false },
    },
  ];
  expect(withFlagsOf(before, others)).toEqual(
    shown(false, { "West US": false, eastus2: true }),
  );
  expect(withFlagsOf(before, [])).toEqual(before);
});

test("a region that others hold back is taken from its wave, and from what was included", () => {
  const known = {
    told: "event",
    waves: ["then 0", "then 1", null],
    included: ["westus", "eastus2"],
  };
  expect(takenFrom(["eastus2"], WAVES, known)).toEqual({
    ...known,
    waves: ["then 0", null, null],
    included: ["westus"],
  });
  const spelled = [{ regions: ["East US 2"], after: "manual" as const }];
  expect(takenFrom(["eastus2"], spelled, { waves: ["then"] })).toEqual({
    waves: [null],
  });
  expect(takenFrom(["eastus2"], WAVES, { told: "event" })).toEqual({
    told: "event",
  });
});
