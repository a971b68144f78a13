import { describe, expect, test } from "vitest";
import type { Fields } from "../../../../src/image-version/properties/fields.js";
import {
  askedBy,
  askedOfSeen,
  clearedBy,
  combined,
  conflictsBetween,
  describeField,
  difference,
  impossibleAmong,
  NOTHING_ASKED,
  statedBy,
  statedIn,
  takenAway,
  unmetBy,
  withApplied,
  withRuleAlone,
  type Asked,
  type Patch,
} from "../../../../src/image-version/properties/patch.js";
import {
  ALLOW_DELETION,
  END_OF_LIFE_DATE,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
} from "../../../../src/image-version/properties/table.js";
import {
  PROFILE,
  regionalField,
  REGIONS,
  STORAGE,
  ZONES,
} from "./document-of.js";

const WEST = `${REGIONS}/westus`;
const EAST = `${REGIONS}/eastus2`;
const NAME = regionalField("westus", "name");
const COUNT = regionalField("westus", "regionalReplicaCount");
const SETS = regionalField("westus", "additionalReplicaSets");
const KEY = regionalField(
  "westus",
  "encryption/osDiskImage/diskEncryptionSetId",
);
const EAST_NAME = regionalField("eastus2", "name");
const EAST_COUNT = regionalField("eastus2", "regionalReplicaCount");
const BLOCK = "/properties/safetyProfile/blockDeletionBeforeEndOfLife";
const SOURCE = `${STORAGE}/source/id`;
const ZONE = `${ZONES}/westus la`;
const west: Fields = { [NAME]: "westus" };
const east: Fields = { [EAST_NAME]: "eastus2" };
const day = (year: number): string => `${year}-01-01T00:00:00.000Z`;

/** What is sent so that Azure, which shows `observed`, has what is asked. */
function sent(
  observed: Fields,
  requested: Fields,
  applied: Fields | undefined,
  removeRegions?: readonly string[],
): Patch {
  const patch = combined([askedBy(requested, applied, removeRegions)], applied);
  return Object.fromEntries(
    unmetBy(observed, patch).map(({ field, after }) => [field, after]),
  );
}

describe("a three-way merge of what was applied, what Azure shows and what is requested", () => {
  /** lastApplied, observed, requested => what is sent. */
  test.each<[string, Fields, Fields, Fields, Patch]>([
    // The request says it: so it shall be.
    ["a tag that is new", {}, {}, { "/tags/a": "1" }, { "/tags/a": "1" }],
    [
      "a tag with another value",
      { "/tags/a": "1" },
      { "/tags/a": "1" },
      { "/tags/a": "2" },
      { "/tags/a": "2" },
    ],
    [
      "a tag that somebody has changed since",
      { "/tags/a": "1" },
      { "/tags/a": "x" },
      { "/tags/a": "1" },
      { "/tags/a": "1" },
    ],
    [
      "a tag that Azure shows already",
      {},
      { "/tags/a": "1" },
      { "/tags/a": "1" },
      {},
    ],
    [
      "a tag that Azure shows in another case",
      { "/tags/build": "1" },
      { "/tags/Build": "1" },
      { "/tags/BUILD": "1" },
      {},
    ],
    [
      "a count of replicas that was lowered in the portal",
      { ...west, [COUNT]: 3 },
      { ...west, [COUNT]: 1 },
      { ...west, [COUNT]: 3 },
      { [COUNT]: 3 },
    ],
    // It leaves out what was applied: that is taken away.
    [
      "a tag that is left out",
      { "/tags/a": "1" },
      { "/tags/a": "1" },
      {},
      { "/tags/a": null },
    ],
    [
      "a tag that is left out, in the case in which Azure has it",
      { "/tags/a": "1" },
      { "/tags/A": "1" },
      {},
      { "/tags/a": null },
    ],
    ["a tag that is left out and gone", { "/tags/a": "1" }, {}, {}, {}],
    [
      "an end of life that is left out",
      { [END_OF_LIFE_DATE]: day(2030) },
      { [END_OF_LIFE_DATE]: day(2030) },
      {},
      { [END_OF_LIFE_DATE]: null },
    ],
    [
      "a guard that is left out",
      { [BLOCK]: true },
      { [BLOCK]: true },
      {},
      { [BLOCK]: null },
    ],
    [
      "a guard that is left out and open",
      { [BLOCK]: true },
      { [BLOCK]: false },
      {},
      {},
    ],
    [
      "a set of replicas that is left out",
      { ...west, [SETS]: [{ regionalReplicaCount: 1 }] },
      { ...west, [SETS]: [{ regionalReplicaCount: 1 }] },
      west,
      { [SETS]: null },
    ],
    [
      "a count of replicas that is left out",
      { ...west, [COUNT]: 3 },
      { ...west, [COUNT]: 3 },
      west,
      { [COUNT]: null },
    ],
    // Neither has it: what Azure shows stays.
    ["a tag by policy", {}, { "/tags/p": "x" }, {}, {}],
    [
      "a hold-back by hand",
      {},
      { [EXCLUDE_FROM_LATEST]: true },
      { "/tags/a": "1" },
      { "/tags/a": "1" },
    ],
    ["somebody's region", west, { ...west, ...east }, west, {}],
    [
      "an end of life set in the portal",
      {},
      { [END_OF_LIFE_DATE]: day(2031) },
      {},
      {},
    ],
    // Restated: a statement only where it differs from what was applied.
    [
      "an end of life that was put off in the portal, repeated",
      { [END_OF_LIFE_DATE]: day(2030) },
      { [END_OF_LIFE_DATE]: day(2031) },
      { [END_OF_LIFE_DATE]: day(2030) },
      {},
    ],
    [
      "an end of life that is another",
      { [END_OF_LIFE_DATE]: day(2030) },
      { [END_OF_LIFE_DATE]: day(2031) },
      { [END_OF_LIFE_DATE]: day(2032) },
      { [END_OF_LIFE_DATE]: day(2032) },
    ],
    [
      "a hold-back by hand, and az that always says false",
      { [EXCLUDE_FROM_LATEST]: false, "/tags/a": "1" },
      { [EXCLUDE_FROM_LATEST]: true, "/tags/a": "1" },
      { [EXCLUDE_FROM_LATEST]: false, "/tags/a": "2" },
      { "/tags/a": "2" },
    ],
    [
      "a hold-back by hand, and az that says false for the first time",
      {},
      { [EXCLUDE_FROM_LATEST]: true },
      { [EXCLUDE_FROM_LATEST]: false },
      {},
    ],
    [
      "a hold-back that was asked for, and a request that ends it",
      { [EXCLUDE_FROM_LATEST]: true },
      { [EXCLUDE_FROM_LATEST]: true },
      { [EXCLUDE_FROM_LATEST]: false },
      { [EXCLUDE_FROM_LATEST]: false },
    ],
    [
      "a hold-back that was asked for, and a request without a word of it",
      { [EXCLUDE_FROM_LATEST]: true },
      { [EXCLUDE_FROM_LATEST]: true },
      {},
      {},
    ],
    // Regions and keys.
    [
      "a region that is new, with its key",
      west,
      west,
      { ...west, ...east, [EAST_COUNT]: 2 },
      { ...east, [EAST_COUNT]: 2 },
    ],
    [
      "a region that is left out, with a count of its own",
      { ...west, ...east, [EAST_COUNT]: 2 },
      { ...west, ...east, [EAST_COUNT]: 2 },
      west,
      {},
    ],
    [
      "a key that is left out",
      { ...west, [KEY]: "/sets/a" },
      { ...west, [KEY]: "/sets/a" },
      west,
      {},
    ],
    [
      "a region that was removed by hand and is asked for again",
      { ...west, ...east },
      west,
      { ...west, ...east },
      east,
    ],
    [
      "an edge zone that is left out, with a count of its own",
      {
        [`${ZONE}/name`]: "westus",
        [`${ZONE}/extendedLocationReplicaCount`]: 2,
      },
      {
        [`${ZONE}/name`]: "westus",
        [`${ZONE}/extendedLocationReplicaCount`]: 2,
      },
      {},
      {},
    ],
    [
      "an edge zone that is new, with its type",
      {},
      {},
      {
        [`${ZONE}/name`]: "westus",
        [`${ZONE}/extendedLocation/type`]: "EdgeZone",
      },
      {
        [`${ZONE}/name`]: "westus",
        [`${ZONE}/extendedLocation/type`]: "EdgeZone",
      },
    ],
    // The source.
    [
      "a source that is left out",
      { [SOURCE]: "/images/i" },
      { [SOURCE]: "/images/i" },
      {},
      {},
    ],
    [
      "a source that Azure does not show",
      {},
      { "/location": "westus" },
      { [SOURCE]: "/images/i" },
      {},
    ],
    [
      "a source under another name",
      { [`${STORAGE}/source/virtualMachineId`]: "/machines/m" },
      { [SOURCE]: "/machines/M" },
      { [`${STORAGE}/source/virtualMachineId`]: "/machines/m" },
      {},
    ],
    // What is Sigil's own is not sent.
    ["a promotion rule", {}, {}, { [PROMOTION]: { when: "manual" } }, {}],
  ])("%s", (_, applied, observed, requested, expected) => {
    expect(sent(observed, requested, applied)).toStrictEqual(expected);
  });
});

describe("a request for a version that Sigil has applied nothing to", () => {
  test("states all that it says, and takes nothing away", () => {
    const requested = { [EXCLUDE_FROM_LATEST]: false, "/tags/a": "1" };
    expect(askedBy(requested, undefined)).toStrictEqual({
      changes: requested,
      repeats: {},
    });
    expect(
      sent(
        { [EXCLUDE_FROM_LATEST]: true, "/tags/p": "x", ...west },
        requested,
        undefined,
      ),
    ).toEqual(requested);
  });
});

describe("what a request asks", () => {
  test("is parted into what it changes, and what it repeats", () => {
    expect(
      askedBy(
        {
          "/tags/a": "1",
          "/tags/b": "2",
          [EXCLUDE_FROM_LATEST]: true,
          [END_OF_LIFE_DATE]: day(2030),
        },
        {
          "/tags/a": "1",
          "/tags/c": "3",
          [EXCLUDE_FROM_LATEST]: true,
          [END_OF_LIFE_DATE]: day(2030),
        },
      ),
    ).toStrictEqual({
      changes: { "/tags/b": "2", "/tags/c": null },
      repeats: { "/tags/a": "1" },
    });
  });

  test("has nothing of a region that is to be removed but its removal", () => {
    const applied = { ...west, ...east, [EAST_COUNT]: 2, "/tags/a": "1" };
    expect(
      askedBy({ ...west, ...east, [EAST_COUNT]: 3, "/tags/a": "1" }, applied, [
        "eastus2",
      ]),
    ).toStrictEqual({
      changes: { [EAST]: null },
      repeats: { ...west, "/tags/a": "1" },
    });
    expect(
      askedBy(west, applied, ["eastus2", "uksouth"]).changes,
    ).toStrictEqual({
      "/tags/a": null,
      [EAST]: null,
      [`${REGIONS}/uksouth`]: null,
    });
  });

  test("is nothing where nothing is asked", () => {
    expect(NOTHING_ASKED).toStrictEqual({ changes: {}, repeats: {} });
    expect(askedBy({}, {})).toStrictEqual(NOTHING_ASKED);
  });
});

describe("the difference of two versions", () => {
  test("is what an update changes, and takes away", () => {
    expect(
      difference(
        {
          ...west,
          [COUNT]: 2,
          [SETS]: [{}],
          "/tags/a": "1",
          "/tags/same": "1",
          [EXCLUDE_FROM_LATEST]: true,
          [ALLOW_DELETION]: false,
          [SOURCE]: "/images/i",
        },
        { ...west, ...east, [COUNT]: 3, "/tags/b": "2", "/tags/SAME": "1" },
      ),
    ).toStrictEqual({
      changes: {
        ...east,
        [COUNT]: 3,
        "/tags/b": "2",
        [SETS]: null,
        "/tags/a": null,
        [EXCLUDE_FROM_LATEST]: null,
      },
      repeats: {},
    });
  });

  test("is nothing where one says a default that the other does not", () => {
    expect(difference({ ...west, [COUNT]: 1 }, west).changes).toEqual({});
  });

  test("leaves regions that the other lacks, unless they are to be removed", () => {
    const from = { ...west, ...east, [EAST_COUNT]: 3 };
    expect(difference(from, west).changes).toEqual({});
    expect(difference(from, west, ["eastus2"]).changes).toEqual({
      [EAST]: null,
    });
    expect(
      difference(from, { ...west, ...east, [EAST_COUNT]: 4 }, ["eastus2"])
        .changes,
    ).toEqual({ [EAST]: null });
  });
});

describe("what a body asks of a version that its caller has seen", () => {
  const seen = {
    ...west,
    ...east,
    [COUNT]: 2,
    "/tags/a": "1",
    [EXCLUDE_FROM_LATEST]: true,
    [regionalField("westus", "excludeFromLatest")]: true,
  };

  test("is the difference, but for a hold-back that it does not mention", () => {
    expect(
      askedOfSeen(seen, { ...west, "/tags/b": "2" }, ["eastus2"]),
    ).toStrictEqual({
      changes: {
        "/tags/b": "2",
        [COUNT]: null,
        "/tags/a": null,
        [EAST]: null,
      },
      repeats: {},
    });
  });

  test("is the end of a hold-back where it says so", () => {
    expect(
      askedOfSeen(seen, { ...seen, [EXCLUDE_FROM_LATEST]: false }).changes,
    ).toStrictEqual({ [EXCLUDE_FROM_LATEST]: false });
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
    const patch = {
      tags: { a: "1" },
      properties: { publishingProfile: { targetRegions: [{}] } },
    };
    const to = {
      ...west,
      [COUNT]: 2,
      "/tags/a": "1",
      "/tags/b": "1",
      [`${ZONE}/name`]: "westus",
    };
    expect(statedBy(patch, to, "lists")).toStrictEqual({
      "/tags/a": "1",
      ...west,
      [COUNT]: 2,
    });
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
          publishingProfile: {
            excludeFromLatest: null,
            targetRegions: null,
            replicaCount: 2,
          },
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

describe("a promotion rule says when the version is to be in latest", () => {
  const rule = { [PROMOTION]: { when: "manual" }, "/tags/a": "1" };
  const is = (excluded?: boolean): Fields =>
    excluded === undefined ? {} : { [EXCLUDE_FROM_LATEST]: excluded };

  /** The body says so, Azure shows it so; is that asked? */
  test.each<[string, Fields, Fields | undefined, Fields]>([
    ["to be in latest at once", is(false), is(false), {}],
    ["to be in latest at once, of what is held back", is(false), is(true), {}],
    ["to be in latest at once, of a new version", is(false), undefined, {}],
    ["to be held back as it is", is(true), is(true), {}],
    ["a new version to be held back", is(true), undefined, {}],
    ["what is in latest to be held back", is(true), is(false), is(true)],
    ["what says nothing to be held back", is(true), is(), is(true)],
    ["nothing, of what is in latest", is(), is(false), {}],
  ])("beside it a body that asks %s", (_, said, shown, asked) => {
    expect(statedIn({ ...rule, ...said }, shown)).toStrictEqual({
      ...rule,
      ...asked,
    });
    // A body without a rule says what it says.
    expect(statedIn(said, shown)).toStrictEqual(said);
  });

  test("and not at once, where a patch asks for the rule", () => {
    const sooner = { ...rule, ...is(false) };
    expect(withRuleAlone(sooner)).toStrictEqual(rule);
    const later = { ...rule, ...is(true) };
    expect(withRuleAlone(later)).toStrictEqual(later);
    expect(withRuleAlone(is(false))).toStrictEqual(is(false));
    expect(withRuleAlone(is(false), { when: "manual" })).toStrictEqual({});
    const taken = { [PROMOTION]: null, ...is(false) };
    expect(withRuleAlone(taken)).toStrictEqual(taken);
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
  const changes = (patch: Patch): Asked => ({ changes: patch, repeats: {} });
  const repeats = (patch: Patch): Asked => ({ changes: {}, repeats: patch });

  test("ask all that each asks", () => {
    expect(
      combined(
        [
          changes({ "/tags/a": "1" }),
          changes({ "/tags/b": "2", ...east }),
          repeats({ "/tags/c": "3" }),
        ],
        { "/tags/c": "3" },
      ),
    ).toStrictEqual({
      "/tags/a": "1",
      "/tags/b": "2",
      ...east,
      "/tags/c": "3",
    });
    expect(combined([], undefined)).toEqual({});
  });

  test("are in order: the later change wins, whatever it repeats gives way", () => {
    const applied = { "/tags/a": "1" };
    expect(
      combined(
        [changes({ "/tags/a": "2" }), changes({ "/tags/a": "3" })],
        applied,
      ),
    ).toEqual({ "/tags/a": "3" });
    expect(
      combined([changes({ "/tags/a": "2" }), repeats(applied)], applied),
    ).toEqual({ "/tags/a": "2" });
    expect(
      combined([repeats(applied), changes({ "/tags/a": "2" })], applied),
    ).toEqual({ "/tags/a": "2" });
    expect(
      combined([repeats(applied), repeats({ "/tags/a": "1" })], applied),
    ).toEqual({ "/tags/a": "1" });
    expect(
      combined([changes({ "/tags/a": null }), repeats(applied)], applied),
    ).toEqual({ "/tags/a": null });
  });

  test("do not bring back what was applied since a request was accepted", () => {
    expect(combined([repeats({ "/tags/a": "1" })], { "/tags/a": "2" })).toEqual(
      {},
    );
    expect(combined([repeats({ "/tags/a": "1" })], {})).toEqual({});
    expect(combined([repeats({ "/tags/a": "1" })], undefined)).toEqual({
      "/tags/a": "1",
    });
  });

  test("know a tag in whatever case", () => {
    expect(
      combined(
        [
          changes({ "/tags/build": "1" }),
          changes({ "/tags/Build": "2" }),
          repeats({ "/tags/BUILD": "0" }),
        ],
        { "/tags/BUILD": "0" },
      ),
    ).toStrictEqual({ "/tags/Build": "2" });
    expect(
      combined(
        [
          repeats({ "/tags/build": "0" }),
          repeats({ "/tags/Build": "0" }),
          changes({ "/tags/bUILD": "1" }),
        ],
        undefined,
      ),
    ).toStrictEqual({ "/tags/bUILD": "1" });
  });

  test("take a region away with all that was asked of it, and add it back", () => {
    const applied = { ...east, [EAST_COUNT]: 1 };
    const removal = changes({ [EAST]: null });
    expect(
      combined(
        [changes({ [EAST_COUNT]: 3, "/tags/a": "1" }), removal],
        applied,
      ),
    ).toEqual({ [EAST]: null, "/tags/a": "1" });
    expect(
      combined([removal, repeats({ ...east, "/tags/a": "1" })], {
        ...applied,
        "/tags/a": "1",
      }),
    ).toEqual({ [EAST]: null, "/tags/a": "1" });
    expect(combined([removal, changes(east)], applied)).toStrictEqual(east);
    expect(combined([removal, changes(west)], applied)).toStrictEqual({
      [EAST]: null,
      ...west,
    });
    // Once it is added back, it is no longer one to be removed: what the next repeats of it is asked again.
    expect(
      combined([removal, changes(east), repeats(applied)], applied),
    ).toStrictEqual(applied);
  });

  test("change what they repeat, and then what another repeats gives way", () => {
    const applied = { "/tags/a": "1" };
    expect(
      combined(
        [repeats(applied), changes({ "/tags/a": "2" }), repeats(applied)],
        applied,
      ),
    ).toEqual({ "/tags/a": "2" });
  });
});

describe("two requests contradict each other where", () => {
  const asks = (patch: Patch): Asked => ({ changes: patch, repeats: {} });

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
    expect(conflictsBetween(asks(theirs), asks(ours))).toEqual(conflicts);
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
    expect(conflictsBetween(asks(theirs), asks(ours))).toEqual([]);
  });

  test("one repeats a region that the other removes", () => {
    expect(
      conflictsBetween(
        { changes: { [WEST]: null }, repeats: {} },
        { changes: {}, repeats: { ...west, ...east } },
      ),
    ).toEqual([{ field: WEST, theirs: null, ours: "westus" }]);
  });

  test("but not by what they merely repeat", () => {
    expect(
      conflictsBetween(
        { changes: { "/tags/a": "2" }, repeats: {} },
        { changes: {}, repeats: { "/tags/a": "1" } },
      ),
    ).toEqual([]);
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
    const mode = {
      field: `${PROFILE}/replicationMode`,
      before: undefined,
      after: "Shallow",
    };
    const possible = [
      newKey,
      { field: COUNT, before: 1, after: 2 },
      { field: COUNT, before: 1, after: null },
      { field: WEST, before: "westus", after: null },
      { field: SOURCE, before: undefined, after: "/images/i" },
    ];
    expect(
      impossibleAmong([location, key, noKey, noSource, mode, ...possible]),
    ).toEqual([location, key, noKey, noSource, mode]);
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
  expect(withApplied(undefined, { "/tags/a": "1" })).toStrictEqual({
    "/tags/a": "1",
  });
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
