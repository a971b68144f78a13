/** What a promotion or a demotion by hand means for the regions of a version, and which request is held back by a rule. */
import { describe, expect, test } from "vitest";
import type {
  ImageVersionRequest,
  PromotionRule,
} from "../../../../src/image-version/contract.js";
import { regionField } from "../../../../src/image-version/properties/fields.js";
import {
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import { isHeld } from "../../../../src/image-version/state/held.js";
import {
  flagsByHand,
  flagsOfNext,
  isLatestNowhere,
  type Wave,
} from "../../../../src/image-version/state/waves.js";
import {
  changeOf,
  COMPLETED,
  lookOf,
  succeeded,
} from "../../../support/transitions.js";

const WAVES: readonly Wave[] = [
  { regions: ["westus"], after: "tested" },
  { regions: ["eastus2"], after: "manual" },
  { regions: ["uksouth"], after: "manual" },
];

/** The version's own flag, and those of its regions; undefined: it says nothing. */
type Flags = readonly [boolean, (boolean | undefined)?, (boolean | undefined)?];

const shown = ([version, west, east]: Flags): ImageVersionRequest => ({
  location: "westus",
  properties: {
    storageProfile: {},
    publishingProfile: {
      excludeFromLatest: version,
      targetRegions: [
        {
          name: "West US",
          ...(west !== undefined && { excludeFromLatest: west }),
        },
        {
          name: "eastus2",
          ...(east !== undefined && { excludeFromLatest: east }),
        },
      ],
    },
  },
});

const flag = (region: string) => `${regionField(region)}/excludeFromLatest`;
const WEST = flag("westus");
const EAST = flag("eastus2");

describe("a version is the latest nowhere", () => {
  test.each<[boolean, string, Flags]>([
    [true, "where it is excluded", [true]],
    [true, "where it and its regions are", [true, true, true]],
    [true, "where each of its regions is by itself", [false, true, true]],
    [false, "but where a region includes it", [true, undefined, false]],
    [false, "but where one region says nothing", [false, true]],
    [false, "but where nothing is excluded", [false]],
  ])("%s: %s", (is, _, flags) => {
    expect(isLatestNowhere(shown(flags))).toBe(is);
  });
});

describe("in waves, a promotion by hand", () => {
  test.each<[string, Flags, object]>([
    [
      "includes the first one, and keeps the others excluded",
      [true, true, true],
      { [EXCLUDE_FROM_LATEST]: false, [WEST]: false, [EAST]: true },
    ],
    [
      "includes the next one, and leaves the others as they are",
      [false, false, true],
      { [EXCLUDE_FROM_LATEST]: false, [EAST]: false },
    ],
    [
      "includes the first one where each region is held back by itself",
      [false, true, true],
      { [EXCLUDE_FROM_LATEST]: false, [WEST]: false },
    ],
    [
      "includes the first one where the whole version was held back, and keeps the others excluded",
      [true, undefined, true],
      { [EXCLUDE_FROM_LATEST]: false, [WEST]: false, [EAST]: true },
    ],
    [
      "includes the first one that was held back, and not those that are left",
      [false, true, false],
      { [EXCLUDE_FROM_LATEST]: false, [WEST]: false },
    ],
    [
      "includes nothing where no wave lacks it",
      [false, false, undefined],
      { [EXCLUDE_FROM_LATEST]: false },
    ],
  ])("%s", (_, flags, expected) => {
    expect(flagsOfNext(WAVES, shown(flags))).toEqual(expected);
  });
});

describe("without waves", () => {
  const everywhere = (excluded: boolean) => ({
    [EXCLUDE_FROM_LATEST]: excluded,
    [WEST]: excluded,
    [EAST]: excluded,
  });
  const version = (excluded: boolean) => ({ [EXCLUDE_FROM_LATEST]: excluded });

  test.each<[string, Flags, object]>([
    [
      "includes what is held back everywhere, everywhere",
      [true, true, true],
      everywhere(false),
    ],
    ["sets the version's flag", [true], version(false)],
    [
      "keeps a region that is excluded by itself",
      [false, true],
      version(false),
    ],
    [
      "keeps it, where the version is excluded, too",
      [true, true],
      version(false),
    ],
    ["keeps a region that is included", [true, false, true], version(false)],
  ])("a promotion %s", (_, flags, expected) => {
    expect(flagsByHand(shown(flags), false)).toEqual(expected);
  });

  test.each<[string, Flags, object]>([
    ["sets the version's flag", [false], version(true)],
    [
      "sets it alone where each region is excluded by itself",
      [false, true, true],
      version(true),
    ],
    [
      "excludes regions that say they are included, and none is not",
      [false, false],
      everywhere(true),
    ],
    [
      "excludes a region that still includes the excluded version",
      [true, true, false],
      { [EXCLUDE_FROM_LATEST]: true, [EAST]: true },
    ],
    ["keeps what waves have left", [false, false, true], version(true)],
  ])("a demotion %s", (_, flags, expected) => {
    expect(flagsByHand(shown(flags), true)).toEqual(expected);
  });
});

describe("a request is to include a version by a rule", () => {
  const RULE: PromotionRule = { when: "manual" };
  const { record: made } = succeeded();
  const record = {
    ...made,
    lastApplied: { ...made.lastApplied, [PROMOTION]: RULE },
  };
  const whole = (promotion?: PromotionRule): ImageVersionRequest => ({
    location: "westus",
    properties: { storageProfile: {} },
    ...(promotion && { sigil: { promotion } }),
  });
  const look = (excluded: boolean) =>
    lookOf("Succeeded", COMPLETED, {
      changes: { [EXCLUDE_FROM_LATEST]: excluded },
    });
  const held = { record, look: look(true) };
  const NOTHING = changeOf({});

  test("while an open request says whether it is in latest, nothing is repeated about that", () => {
    const saying = (field: string, state: typeof record.state = "Updating") =>
      isHeld(NOTHING, undefined, {
        record: {
          ...record,
          state,
          requests: { a: changeOf({ [field]: true }) },
        },
        look: look(false),
      });
    expect(saying(EXCLUDE_FROM_LATEST)).toBe(true);
    expect(saying("/tags/a")).toBe(false);
    expect(saying(EXCLUDE_FROM_LATEST, "Failed")).toBe(false);
  });

  test.each<
    [
      boolean,
      string,
      ReturnType<typeof changeOf>,
      ImageVersionRequest | undefined,
      Parameters<typeof isHeld>[2],
    ]
  >([
    [
      true,
      "that it asks for",
      changeOf({ [PROMOTION]: RULE }),
      undefined,
      { record: undefined, look: undefined },
    ],
    [true, "that a whole body repeats", NOTHING, whole(RULE), held],
    [
      false,
      "that a body repeats, of what is in latest",
      NOTHING,
      whole(RULE),
      { record, look: look(false) },
    ],
    [false, "that a body does not repeat", NOTHING, whole(), held],
    [false, "that a patch says nothing of", NOTHING, undefined, held],
    [
      false,
      "that it takes away",
      changeOf({ [PROMOTION]: null }),
      undefined,
      held,
    ],
    [
      false,
      "of a version that nobody knows",
      NOTHING,
      whole(RULE),
      { record: undefined, look: look(true) },
    ],
    [
      false,
      "of a version that Azure does not have",
      NOTHING,
      whole(RULE),
      { record, look: undefined },
    ],
  ])("%s: %s", (is, _, asked, body, at) => {
    expect(isHeld(asked, body, at)).toBe(is);
  });
});
