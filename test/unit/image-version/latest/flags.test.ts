import { describe, expect, it, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import {
  exclusionIn,
  shownFields,
  heldAnew,
  flagsFor,
  heldBackBy,
  isFlag,
  latestIn,
  regionOfFlag,
  withLatest,
  withoutFlags,
} from "../../../../src/image-version/latest/flags.js";
import { targetRegionsOf } from "../../../../src/image-version/properties/canonical-form.js";
import { patched } from "../../../../src/image-version/properties/body.js";

const WEST = exclusionIn("westus");
const EAST = exclusionIn("eastus2");
type Flag = boolean | undefined;

/** A version with that flag, and those of West US and East US 2. */
function versionOf(own: Flag, west: Flag, east: Flag) {
  const flag = (value: Flag) => (value === undefined ? {} : { excludeFromLatest: value });
  return {
    location: "westus",
    tags: { build: "1" },
    properties: {
      publishingProfile: {
        ...flag(own),
        targetRegions: [
          { name: "West US", regionalReplicaCount: 2, ...flag(west) },
          { name: "East US 2", ...flag(east) },
        ],
      },
    },
  } as unknown as ImageVersionRequest;
}

/** The flag of a region counts over that of the version. */
const TABLE: readonly (readonly [Flag, Flag, Flag, readonly string[]])[] = [
  [undefined, undefined, undefined, ["westus", "eastus2"]],
  [undefined, undefined, true, ["westus"]],
  [undefined, undefined, false, ["westus", "eastus2"]],
  [undefined, true, undefined, ["eastus2"]],
  [undefined, true, true, []],
  [undefined, true, false, ["eastus2"]],
  [undefined, false, undefined, ["westus", "eastus2"]],
  [undefined, false, true, ["westus"]],
  [undefined, false, false, ["westus", "eastus2"]],
  [true, undefined, undefined, []],
  [true, undefined, true, []],
  [true, undefined, false, ["eastus2"]],
  [true, true, undefined, []],
  [true, true, true, []],
  [true, true, false, ["eastus2"]],
  [true, false, undefined, ["westus"]],
  [true, false, true, ["westus"]],
  [true, false, false, ["westus", "eastus2"]],
];

const regionsWithFlag = (version: ImageVersionRequest): string[] =>
  targetRegionsOf(version).flatMap(({ name, excludeFromLatest }) =>
    excludeFromLatest === undefined ? [] : [name],
  );

describe.each(TABLE)("version %s, westus %s, eastus2 %s", (own, west, east, where) => {
  const version = versionOf(own, west, east);

  it(`is in latest in [${where.join(", ")}]`, () => {
    expect(latestIn(version)).toEqual(where);
  });

  it("holds back the regions whose own flag says so", () => {
    expect(heldBackBy(version)).toEqual([
      ...(west === true ? ["westus"] : []),
      ...(east === true ? ["eastus2"] : []),
    ]);
  });

  it("says of each region by itself whether it is passed over", () => {
    expect(shownFields(version)).toMatchObject(flagsFor(where, ["westus", "eastus2"]));
  });

  it("is sent with the flags that it has, where it is in latest as it shall be", () => {
    expect(withLatest(version, where)).toEqual({
      ...version,
      properties: {
        publishingProfile: {
          ...version.properties.publishingProfile,
          excludeFromLatest: own ?? false,
        },
      },
    });
  });

  it.each([[[]], [["westus"]], [["eastus2"]], [["westus", "eastus2"]]])(
    "is in latest in %j once that is written, and nothing else changes",
    (to) => {
      const written = withLatest(version, to);
      expect(latestIn(written)).toEqual(to);
      // Azure may keep a flag that is left out.
      expect(regionsWithFlag(written)).toEqual(expect.arrayContaining(regionsWithFlag(version)));
      expect(withoutFlags(shownFields(written))).toEqual(withoutFlags(shownFields(version)));
    },
  );

  it("keeps where it is in latest when other fields are patched", () => {
    const written = withLatest(patched(version, { "/tags/build": "2" }), latestIn(version));
    expect(shownFields(written)).toEqual({
      ...shownFields(version),
      "/tags/build": "2",
    });
  });
});

test("a version without regions is nowhere in latest", () => {
  expect(latestIn({ properties: {} } as ImageVersionRequest)).toEqual([]);
});

test("flags are the version's and those of regions, and no other field", () => {
  expect(isFlag("/properties/publishingProfile/excludeFromLatest")).toBe(true);
  expect(isFlag(WEST)).toBe(true);
  expect(isFlag("/tags/excludeFromLatest")).toBe(false);
  expect(regionOfFlag(EAST)).toBe("eastus2");
  expect(regionOfFlag("/tags/build")).toBeUndefined();
});

describe("regions that others hold back by their own flag", () => {
  it("are those that say so anew, also where the version was out of latest", () => {
    const before = versionOf(true, undefined, true);
    expect(heldAnew(before, versionOf(true, true, true))).toEqual(["westus"]);
    expect(heldAnew(before, before)).toEqual([]);
    expect(heldAnew(versionOf(false, false, false), versionOf(false, true, false))).toEqual([
      "westus",
    ]);
  });

  it("are none that Sigil's write makes so, by a patch or by the turn of the version's flag", () => {
    const wave = { [WEST]: false };
    const out = versionOf(true, undefined, undefined);
    expect(heldAnew(out, versionOf(false, undefined, true), wave)).toEqual([]);
    const demotion = { [WEST]: true };
    const included = versionOf(false, undefined, true);
    expect(heldAnew(included, versionOf(true, true, true), demotion)).toEqual([]);
  });

  it("are others' while nothing of Sigil's write is shown", () => {
    const wave = { [WEST]: false };
    const out = versionOf(true, undefined, undefined);
    expect(heldAnew(out, versionOf(true, undefined, true), wave)).toEqual(["eastus2"]);
  });
});
