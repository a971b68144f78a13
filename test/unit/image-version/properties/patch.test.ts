import { describe, expect, test } from "vitest";
import type { Fields } from "../../../../src/image-version/properties/fields.js";
import {
  askedOfSeen,
  clearedBy,
  combined,
  conflictsBetween,
  describeField,
  impossibleAmong,
  statedBy,
  takenAway,
  unmetBy,
  withApplied,
  type Patch,
} from "../../../../src/image-version/properties/patch.js";
import {
  ALLOW_DELETION,
  END_OF_LIFE_DATE,
  EXCLUDE_FROM_LATEST,
} from "../../../../src/image-version/properties/table.js";
import { PROFILE, regionalField, REGIONS, STORAGE, ZONES } from "./document-of.js";

const WEST = `${REGIONS}/westus`;
const EAST = `${REGIONS}/eastus2`;
const NAME = regionalField("westus", "name");
const COUNT = regionalField("westus", "regionalReplicaCount");
const SETS = regionalField("westus", "additionalReplicaSets");
const KEY = regionalField("westus", "encryption/osDiskImage/diskEncryptionSetId");
const EAST_NAME = regionalField("eastus2", "name");
const EAST_COUNT = regionalField("eastus2", "regionalReplicaCount");
const SOURCE = `${STORAGE}/source/id`;
const ZONE = `${ZONES}/westus la`;
const west: Fields = { [NAME]: "westus" };
const east: Fields = { [EAST_NAME]: "eastus2" };
const day = (year: number): string => `${year}-01-01T00:00:00.000Z`;

describe("what a body asks of a version that its caller has seen", () => {
  test("is what an update changes, and takes away", () => {
    expect(
      askedOfSeen(
        {
          ...west,
          [COUNT]: 2,
          [SETS]: [{}],
          "/tags/a": "1",
          "/tags/same": "1",
          [ALLOW_DELETION]: false,
          [SOURCE]: "/images/i",
        },
        { ...west, ...east, [COUNT]: 3, "/tags/b": "2", "/tags/SAME": "1" },
      ),
    ).toStrictEqual({ ...east, [COUNT]: 3, "/tags/b": "2", [SETS]: null, "/tags/a": null });
  });

  test("is nothing where one says a default that the other does not", () => {
    expect(askedOfSeen({ ...west, [COUNT]: 1 }, west)).toEqual({});
    expect(askedOfSeen(west, { ...west, [COUNT]: 1 })).toEqual({});
  });

  test("is nothing of a region that it does not name", () => {
    expect(askedOfSeen({ ...west, ...east, [EAST_COUNT]: 3 }, west)).toStrictEqual({});
  });

  test("is the end of a hold-back only where it says so", () => {
    const seen = { ...west, [EXCLUDE_FROM_LATEST]: true };
    expect(askedOfSeen(seen, west)).toStrictEqual({});
    expect(askedOfSeen(seen, { ...west, [EXCLUDE_FROM_LATEST]: false })).toStrictEqual({
      [EXCLUDE_FROM_LATEST]: false,
    });
  });
});

describe("what a merge patch says in so many words", () => {
  test("is what it sets and takes away outside of lists, as it will be", () => {
    expect(
      statedBy(
        {
          tags: { build: "2", "a/b": null, none: null },
          properties: {
            publishingProfile: {
              endOfLifeDate: "2030-01-01",
              excludeFromLatest: null,
              targetRegions: [{ name: "westus", regionalReplicaCount: 2 }],
            },
            safetyProfile: null,
          },
        },
        { "/tags/Build": "2", [END_OF_LIFE_DATE]: day(2030), ...west },
      ),
    ).toStrictEqual({
      "/tags/build": "2",
      "/tags/a~1b": null,
      "/tags/none": null,
      [END_OF_LIFE_DATE]: day(2030),
      [EXCLUDE_FROM_LATEST]: null,
    });
  });

  test("has nothing that never changes, or that nobody knows", () => {
    expect(
      statedBy(
        {
          location: "westus",
          newer: { a: 1 },
          properties: { storageProfile: { source: { id: "/images/i" } } },
        },
        { "/location": "westus", [SOURCE]: "/images/i" },
      ),
    ).toStrictEqual({});
    expect(statedBy("text", {})).toStrictEqual({});
  });

  test("of a list that it replaces, is all that the list will have", () => {
    const patch = { tags: { a: "1" }, properties: { publishingProfile: { targetRegions: [{}] } } };
    const to = { ...west, [COUNT]: 2, "/tags/a": "1", "/tags/b": "1", [`${ZONE}/name`]: "westus" };
    expect(statedBy(patch, to, "lists")).toStrictEqual({ "/tags/a": "1", ...west, [COUNT]: 2 });
    expect(statedBy(patch, to)).toStrictEqual({ "/tags/a": "1" });
  });
});

describe("what a merge patch takes away as a whole", () => {
  test("is the parents of properties, and no property itself", () => {
    expect(
      clearedBy({
        tags: null,
        location: null,
        properties: {
          publishingProfile: { excludeFromLatest: null, targetRegions: null, replicaCount: 2 },
          safetyProfile: null,
          storageProfile: { dataDiskImages: [null, { lun: null }] },
        },
        "a/b": { c: null },
      }),
    ).toEqual(["/tags", REGIONS, "/properties/safetyProfile", "/a~1b/c"]);
  });

  test("is nothing where it takes nothing away, or is everything", () => {
    expect(clearedBy({})).toEqual([]);
    expect(clearedBy("text")).toEqual([]);
    expect(clearedBy([null])).toEqual([]);
    expect(clearedBy(null)).toEqual([""]);
  });
});

describe("what a merge patch takes away and no update can", () => {
  const shown = {
    "/tags/build": "1",
    [END_OF_LIFE_DATE]: day(2030),
    [`${PROFILE}/storageAccountType`]: "Standard_LRS",
    [`${PROFILE}/replicationMode`]: "Full",
    [SOURCE]: "/images/i",
    ...west,
  };

  test("is neither what an update clears, nor a default, nor of a region", () => {
    expect(takenAway(shown, {})).toStrictEqual({
      [`${PROFILE}/storageAccountType`]: null,
      [SOURCE]: null,
    });
  });

  test("is nothing of what is there, the source under another member among it", () => {
    expect(
      takenAway(shown, {
        [`${PROFILE}/storageAccountType`]: "Premium_LRS",
        [SOURCE.replace(/id$/u, "virtualMachineId")]: "/images/i",
      }),
    ).toStrictEqual({});
  });
});

describe("several requests together", () => {
  test("ask all that each asks", () => {
    expect(combined([{ "/tags/a": "1" }, { "/tags/b": "2", ...east }])).toStrictEqual({
      "/tags/a": "1",
      "/tags/b": "2",
      ...east,
    });
    expect(combined([])).toEqual({});
  });

  test("are in order: the later says the last word", () => {
    expect(combined([{ "/tags/a": "2", "/tags/b": "1" }, { "/tags/a": null }])).toStrictEqual({
      "/tags/a": null,
      "/tags/b": "1",
    });
  });

  test("know a tag in whatever case", () => {
    expect(combined([{ "/tags/build": "1" }, { "/tags/Build": "2" }])).toStrictEqual({
      "/tags/Build": "2",
    });
  });

  test("take a region away with all that was asked of it, and add it back", () => {
    const removal = { [EAST]: null };
    expect(combined([{ [EAST_COUNT]: 3, "/tags/a": "1" }, removal])).toStrictEqual({
      [EAST]: null,
      "/tags/a": "1",
    });
    expect(combined([removal, east])).toStrictEqual(east);
    expect(combined([removal, west])).toStrictEqual({ [EAST]: null, ...west });
  });
});

describe("two requests contradict each other where", () => {
  test.each<[string, Patch, Patch, unknown[]]>([
    [
      "they change a tag differently",
      { "/tags/a": "1" },
      { "/tags/A": "2" },
      [{ field: "/tags/A", theirs: "1", ours: "2" }],
    ],
    [
      "the one takes away what the other sets",
      { "/tags/a": "1", "/tags/b": null },
      { "/tags/a": null, "/tags/b": "2" },
      [
        { field: "/tags/a", theirs: "1", ours: null },
        { field: "/tags/b", theirs: null, ours: "2" },
      ],
    ],
    [
      "the key of a region that both add is another",
      { ...west, [KEY]: "/sets/a" },
      { ...west, [KEY]: "/sets/b" },
      [{ field: KEY, theirs: "/sets/a", ours: "/sets/b" }],
    ],
    [
      "theirs removes a region of which ours says something",
      { [WEST]: null },
      { [COUNT]: 2 },
      [{ field: COUNT, theirs: null, ours: 2 }],
    ],
    [
      "ours removes a region of which theirs says something",
      { "/tags/a": "1", [COUNT]: 2 },
      { [WEST]: null },
      [{ field: WEST, theirs: 2, ours: null }],
    ],
  ])("%s", (_, theirs, ours, conflicts) => {
    expect(conflictsBetween(theirs, ours)).toEqual(conflicts);
  });

  test.each<[string, Patch, Patch]>([
    ["they change different fields", { "/tags/a": "1" }, { "/tags/b": "1" }],
    ["they set the same value", { "/tags/a": "1" }, { "/tags/a": "1" }],
    ["they take away the same", { "/tags/a": null }, { "/tags/a": null }],
    ["they spell an id otherwise", { [KEY]: "/sets/a" }, { [KEY]: "/SETS/A" }],
    ["both remove a region", { [WEST]: null }, { [WEST]: null }],
    ["they remove different regions", { [WEST]: null }, { [EAST]: null }],
    ["theirs removes another region", { [EAST]: null }, { [COUNT]: 2 }],
    ["ours removes another region", { [COUNT]: 2 }, { [EAST]: null }],
    [
      "ours removes a region of which theirs takes something away",
      { [COUNT]: null },
      { [WEST]: null },
    ],
  ])("but not where %s", (_, theirs, ours) => {
    expect(conflictsBetween(theirs, ours)).toEqual([]);
  });
});

describe("what Azure does not show of what is asked", () => {
  test("is told with what it shows", () => {
    expect(
      unmetBy(
        { ...west, [COUNT]: 1, "/tags/a": "1" },
        { [COUNT]: 2, "/tags/a": null, "/tags/b": "2", ...east },
      ),
    ).toStrictEqual([
      { field: COUNT, before: 1, after: 2 },
      { field: "/tags/a", before: "1", after: null },
      { field: "/tags/b", before: undefined, after: "2" },
      { field: EAST_NAME, before: undefined, after: "eastus2" },
    ]);
  });

  test("is a region that shall be gone and is there", () => {
    expect(unmetBy(west, { [WEST]: null })).toStrictEqual([
      { field: WEST, before: "westus", after: null },
    ]);
    expect(unmetBy(east, { [WEST]: null })).toEqual([]);
  });

  test("is nothing of a region that is gone, but what is to be set there", () => {
    expect(unmetBy(east, { [SETS]: null, [KEY]: null })).toEqual([]);
    expect(unmetBy(east, { [COUNT]: 2 })).toHaveLength(1);
    const storage = regionalField("westus", "storageAccountType");
    expect(unmetBy(east, { [storage]: "Premium_LRS" })).toHaveLength(1);
    expect(unmetBy(west, { [storage]: "Premium_LRS" })).toEqual([]);
  });

  test("can be impossible: what is immutable or only grows, and is there otherwise", () => {
    const location = { field: "/location", before: "westus", after: "eastus" };
    const key = { field: KEY, before: "/sets/a", after: "/sets/b" };
    const noKey = { field: KEY, before: undefined, after: null };
    const noSource = { field: SOURCE, before: undefined, after: null };
    const newKey = { field: KEY, before: undefined, after: "/sets/a" };
    const mode = { field: `${PROFILE}/replicationMode`, before: undefined, after: "Shallow" };
    const possible = [
      newKey,
      { field: COUNT, before: 1, after: 2 },
      { field: COUNT, before: 1, after: null },
      { field: WEST, before: "westus", after: null },
      { field: SOURCE, before: undefined, after: "/images/i" },
    ];
    expect(impossibleAmong([location, key, noKey, noSource, mode, ...possible])).toEqual([
      location,
      key,
      noKey,
      noSource,
      mode,
    ]);
  });
});

test("what was applied, with what Azure has been seen to show", () => {
  const applied = {
    ...west,
    ...east,
    [EAST_COUNT]: 2,
    "/tags/a": "1",
    "/tags/b": "1",
    "/tags/c": "1",
  };
  expect(
    withApplied(applied, {
      [EAST]: null,
      "/tags/A": null,
      "/tags/B": "2",
      "/tags/none": null,
      [COUNT]: 3,
    }),
  ).toStrictEqual({ ...west, [COUNT]: 3, "/tags/B": "2", "/tags/c": "1" });
  expect(withApplied(undefined, { "/tags/a": "1" })).toStrictEqual({ "/tags/a": "1" });
  expect(applied[EAST_COUNT]).toBe(2); // Nothing is changed in place.
});

test.each([
  ["/location", "location"],
  ["/tags/a~1b", "Tag a/b"],
  [EXCLUDE_FROM_LATEST, "excludeFromLatest"],
  [WEST, "Target region westus"],
  [COUNT, "regionalReplicaCount of westus"],
  [
    regionalField("westus", "encryption/dataDiskImages/0/diskEncryptionSetId"),
    "encryption/dataDiskImages/0/diskEncryptionSetId of westus",
  ],
])("%s is described as %s", (field, text) => {
  expect(describeField(field)).toBe(text);
});
