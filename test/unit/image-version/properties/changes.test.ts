import { describe, expect, test } from "vitest";
import {
  changesOf,
  contradicts,
  differs,
  plannedChanges,
  show,
} from "../../../../src/image-version/properties/changes.js";
import {
  END_OF_LIFE_DATE,
  EXCLUDE_FROM_LATEST,
} from "../../../../src/image-version/properties/table.js";
import { documentOf, PROFILE, regionalField, REGIONS } from "./document-of.js";

const COUNT = regionalField("westus", "regionalReplicaCount");
const westus = { [regionalField("westus", "name")]: "westus" };
const request = documentOf({
  ...westus,
  [COUNT]: 3,
  "/tags/a": "1",
  [regionalField("eastus2", "name")]: "eastus2",
  [regionalField("eastus2", "regionalReplicaCount")]: 2,
});

test("changes are named as ARM's what-if names them, with pointers into the request", () => {
  expect(
    changesOf(
      [
        { field: "/tags/a", before: undefined, after: "1" },
        { field: COUNT, before: 1, after: 3 },
        { field: "/tags/b~1c", before: "2", after: null },
        { field: END_OF_LIFE_DATE, before: "2030", after: null },
      ],
      request,
    ),
  ).toStrictEqual([
    { pointer: "/tags/a", propertyChangeType: "Create", after: "1" },
    {
      pointer: `${REGIONS}/0/regionalReplicaCount`,
      propertyChangeType: "Modify",
      before: 1,
      after: 3,
    },
    { pointer: "/tags/b~1c", propertyChangeType: "Delete", before: "2" },
    { pointer: END_OF_LIFE_DATE, propertyChangeType: "Delete", before: "2030" },
  ]);
});

describe("the changes of a plan", () => {
  const patch = {
    ...westus,
    [COUNT]: 3,
    "/tags/a": "1",
    [regionalField("eastus2", "name")]: "eastus2",
    [regionalField("eastus2", "regionalReplicaCount")]: 2,
  };

  test("have a region that is added as one", () => {
    const shown = documentOf({ ...westus, [COUNT]: 1 });
    expect(plannedChanges(shown, patch, request)).toStrictEqual([
      {
        pointer: `${REGIONS}/0/regionalReplicaCount`,
        propertyChangeType: "Modify",
        before: 1,
        after: 3,
      },
      { pointer: "/tags/a", propertyChangeType: "Create", after: "1" },
      {
        pointer: `${REGIONS}/1`,
        propertyChangeType: "Create",
        after: { name: "eastus2", regionalReplicaCount: 2 },
      },
    ]);
  });

  test("of a version that is yet to be made have each region", () => {
    expect(plannedChanges(undefined, patch, request).map(({ pointer }) => pointer)).toEqual([
      "/tags/a",
      `${REGIONS}/0`,
      `${REGIONS}/1`,
    ]);
  });

  test("have a region that is removed", () => {
    const shown = documentOf({ ...westus, [regionalField("uksouth", "name")]: "UK South" });
    expect(plannedChanges(shown, { [`${REGIONS}/uksouth`]: null }, request)).toStrictEqual([
      { pointer: REGIONS, propertyChangeType: "Delete", before: "uksouth" },
    ]);
  });

  test("have what is taken away in a region", () => {
    const shown = documentOf({ ...westus, [COUNT]: 5 });
    expect(plannedChanges(shown, { [COUNT]: null }, request)).toStrictEqual([
      { pointer: `${REGIONS}/0/regionalReplicaCount`, propertyChangeType: "Delete", before: 5 },
    ]);
  });

  test("name a region that the request does not have, where another added it", () => {
    expect(
      plannedChanges(
        documentOf(westus),
        { [regionalField("uksouth", "name")]: "uksouth" },
        documentOf(westus),
      ),
    ).toEqual([{ pointer: REGIONS, propertyChangeType: "Create", after: undefined }]);
    expect(
      plannedChanges(
        documentOf(westus),
        { [regionalField("uksouth", "name")]: "uksouth" },
        documentOf({ [`${PROFILE}/replicaCount`]: 1 }),
      ),
    ).toEqual([{ pointer: PROFILE, propertyChangeType: "Create", after: undefined }]);
    expect(
      plannedChanges(
        documentOf(westus),
        { [regionalField("uksouth", "name")]: "uksouth" },
        documentOf({ "/location": "westus" }),
      ),
    ).toEqual([{ pointer: "/properties", propertyChangeType: "Create", after: undefined }]);
  });

  test("are none where Azure shows all", () => {
    expect(plannedChanges(request, patch, request)).toEqual([]);
  });
});

test("a difference says what Azure has, and what the request says", () => {
  expect(differs({ field: COUNT, before: 1, after: 3 }, request)).toEqual({
    code: "Differs",
    pointer: `${REGIONS}/0/regionalReplicaCount`,
    message: "regionalReplicaCount of westus is 1 in Azure; the request says 3.",
  });
  expect(differs({ field: "/tags/b", before: "2", after: null }, request, "Other")).toEqual({
    code: "Other",
    pointer: "/tags",
    message: 'Tag b is "2" in Azure; the request leaves it out.',
  });
  expect(
    differs({ field: EXCLUDE_FROM_LATEST, before: undefined, after: true }, request).message,
  ).toBe("excludeFromLatest is absent in Azure; the request says true.");
});

test("a contradiction says what the other request says, and what this one does", () => {
  expect(contradicts({ field: COUNT, theirs: 1, ours: null }, request)).toEqual({
    code: "Differs",
    pointer: `${REGIONS}/0/regionalReplicaCount`,
    message: "regionalReplicaCount of westus: the other request says 1, this one removes it.",
  });
  expect(
    contradicts({ field: `${REGIONS}/eastus2`, theirs: null, ours: "x" }, request).message,
  ).toBe('Target region eastus2: the other request removes it, this one says "x".');
});

test("a value is shown as JSON, or as absent", () => {
  expect([undefined, null, "a", 1, false].map(show)).toEqual([
    "absent",
    "absent",
    '"a"',
    "1",
    "false",
  ]);
});
