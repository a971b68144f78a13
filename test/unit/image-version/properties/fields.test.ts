import { describe, expect, test } from "vitest";
import {
  comparableAt,
  fieldsOf,
  patterns,
  nameIn,
  partsOf,
  patternOf,
  placeOf,
  pointerTo,
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  valueAt,
} from "../../../../src/image-version/properties/fields.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import {
  documentOf,
  PROFILE,
  regionalField,
  REGIONS,
  resource,
  STORAGE,
  ZONES,
} from "./document-of.js";

const document = {
  location: "West US",
  tags: { build: "4711", "a/b~c": "" },
  id: "/versions/1.0.0",
  sigil: undefined,
  properties: {
    restore: undefined,
    publishingProfile: {
      replicaCount: null,
      targetRegions: [
        { name: "East US 2", regionalReplicaCount: 2, newer: 1 },
        {
          name: "West US",
          additionalReplicaSets: [],
          encryption: {
            osDiskImage: null,
            dataDiskImages: [{ lun: 1, diskEncryptionSetId: "sets/b/" }, { lun: 0 }],
          },
        },
      ],
      targetExtendedLocations: [{ name: "West US", extendedLocation: { name: "los angeles" } }],
    },
    storageProfile: { dataDiskImages: [{ lun: 0, sizeInGB: 4 }] },
    securityProfile: { uefiSettings: { additionalSignatures: {} } },
    provisioningState: "Succeeded",
  },
} as unknown as ImageVersionRequest;

test("a version is a flat map of its fields, each item of a list under its key", () => {
  expect(fieldsOf(document)).toStrictEqual({
    "/location": "westus",
    "/tags/build": "4711",
    "/tags/a~1b~0c": "",
    [`${REGIONS}/eastus2/name`]: "eastus2",
    [`${REGIONS}/eastus2/regionalReplicaCount`]: 2,
    [`${REGIONS}/westus/name`]: "westus",
    [`${REGIONS}/westus/encryption/dataDiskImages/1/lun`]: 1,
    [`${REGIONS}/westus/encryption/dataDiskImages/1/diskEncryptionSetId`]: "/sets/b",
    [`${REGIONS}/westus/encryption/dataDiskImages/0/lun`]: 0,
    [`${ZONES}/westus los angeles/name`]: "westus",
    [`${ZONES}/westus los angeles/extendedLocation/name`]: "los angeles",
    [`${STORAGE}/dataDiskImages/0/lun`]: 0,
  });
});

test("what is no object, or no list, where one belongs has no fields", () => {
  expect(
    fieldsOf({
      tags: "x",
      properties: {
        publishingProfile: { targetRegions: [null, "westus", 7] },
        storageProfile: [],
        safetyProfile: { blockDeletionBeforeEndOfLife: null },
      },
    } as unknown as ImageVersionRequest),
  ).toEqual({});
});

describe("a field's name", () => {
  test("has parts, which are unescaped", () => {
    expect(partsOf("/tags/a~1b~0c~01")).toEqual(["tags", "a/b~c~1"]);
    expect(partsOf(`/tags/`)).toEqual(["tags", ""]);
  });

  test.each([
    ["/location", "/location"],
    ["/tags/build", "/tags/*"],
    ["/tags/a~1b", "/tags/*"],
    [
      regionalField("westus", "encryption/dataDiskImages/12/lun"),
      `${REGIONS}/*/encryption/dataDiskImages/*/lun`,
    ],
    [`${ZONES}/westus la/name`, `${ZONES}/*/name`],
  ])("%s is one of the property %s", (name, pattern) => {
    expect(patternOf(name)).toBe(pattern);
    expect(patternOf(name)).toBe(pattern); // As it was remembered.
    expect(propertyOf(name)).toBeDefined();
  });

  test("has the property of its path, and is refused where there is none", () => {
    expect(propertyOf("/tags/x").mutability).toBe("mutable");
    expect(() => propertyOf("/tag/x")).toThrow(new TypeError("/tag/x is no field"));
  });

  test("is remembered for so many names, and right after that, too", () => {
    for (let i = 0; i <= 10_000; i += 1) expect(patternOf(`/tags/${i}`)).toBe("/tags/*");
    expect(patternOf("/tags/0")).toBe("/tags/*");
  });

  test("says of which region it is, and of which place", () => {
    const count = regionalField("westus", "regionalReplicaCount");
    expect(regionField("westus")).toBe(`${REGIONS}/westus`);
    expect(regionField("a/b")).toBe(`${REGIONS}/a~1b`);
    expect(regionOf(count)).toBe("westus");
    expect(regionOf(regionField("westus"))).toBe("westus");
    expect(regionOf(`${REGIONS}`)).toBeUndefined();
    expect(regionOf(`${REGIONS}Other/westus/name`)).toBeUndefined();
    expect(regionOf(`${ZONES}/westus la/name`)).toBeUndefined();
    expect(placeOf(count)).toBe(`${REGIONS}/westus`);
    expect(placeOf(regionField("westus"))).toBe(`${REGIONS}/westus`);
    expect(placeOf(`${ZONES}/westus la/name`)).toBe(`${ZONES}/westus la`);
    expect(placeOf("/location")).toBeUndefined();
    expect(placeOf(`${REGIONS}`)).toBeUndefined();
  });
});

test("regions are told once each, in their order", () => {
  expect(regionsIn(fieldsOf(document))).toEqual(["eastus2", "westus"]);
  expect(regionsIn({ "/location": "westus" })).toEqual([]);
});

describe("values", () => {
  const id = `${STORAGE}/source/id`;

  test("mean the same in other cases where they are ids, and not where they are tags", () => {
    expect(sameAt(id, "/A/b", "/a/B")).toBe(true);
    expect(sameAt("/tags/a", "x", "X")).toBe(false);
    expect(comparableAt(id, "/A/b")).toBe("/a/b");
    expect(comparableAt(id, undefined)).toBeUndefined();
    expect(comparableAt(id, null)).toBeUndefined();
    expect(comparableAt(id, 7)).toBe(7);
  });

  test("that are absent mean the default", () => {
    const exclusion = `${PROFILE}/excludeFromLatest`;
    expect(sameAt(exclusion, undefined, false)).toBe(true);
    expect(sameAt(exclusion, false, undefined)).toBe(true);
    expect(sameAt(exclusion, undefined, true)).toBe(false);
    expect(sameAt(exclusion, null, undefined)).toBe(true);
    expect(sameAt("/tags/a", undefined, "")).toBe(false);
    expect(sameAt("/tags/a", undefined, undefined)).toBe(true);
  });

  test("of several parts mean the same in another order", () => {
    const sets = regionalField("westus", "additionalReplicaSets");
    const one = { regionalReplicaCount: 1, storageAccountType: "Standard_LRS" };
    const other = { storageAccountType: "Standard_LRS", regionalReplicaCount: 1 };
    const more = { ...one, regionalReplicaCount: 2 };
    expect(sameAt(sets, [one, more], [more, other])).toBe(true);
    expect(sameAt(sets, [one, one], [one, more])).toBe(false);
    expect(sameAt(sets, [one], undefined)).toBe(false);
    const keys = "/properties/securityProfile/uefiSettings/additionalSignatures";
    expect(
      sameAt(
        keys,
        { pk: { type: "x509" }, db: [{ value: ["b", "a"] }] },
        { db: [{ value: ["a", "b"] }], pk: { type: "x509" } },
      ),
    ).toBe(true);
    expect(sameAt(keys, { pk: null }, { pk: { type: "x509" } })).toBe(false);
  });
});

describe("what fields have under a name", () => {
  test("is a tag in whatever case", () => {
    const fields = { "/tags/Build": "1", "/tags/other": "2" };
    expect(valueAt(fields, "/tags/build")).toBe("1");
    expect(valueAt(fields, "/tags/none")).toBeUndefined();
    expect(nameIn(fields, "/tags/BUILD")).toBe("/tags/Build");
    expect(nameIn(fields, "/tags/Build")).toBe("/tags/Build");
    expect(nameIn(fields, "/tags/none")).toBeUndefined();
    // The one that is spelled so comes first.
    const both = { "/tags/BUILD": "1", "/tags/build": "2" };
    expect(valueAt(both, "/tags/build")).toBe("2");
    // Other names are told apart by case.
    expect(valueAt({ "/Location": "westus" }, "/location")).toBeUndefined();
    expect(nameIn({ "/Location": "westus" }, "/location")).toBeUndefined();
  });

  test("is one source by any of its names", () => {
    const id = resource("virtualMachines/m");
    const whole = `${STORAGE}/source/`;
    const os = `${STORAGE}/osDiskImage/source/`;
    const data = `${STORAGE}/dataDiskImages/0/source/`;
    for (const member of ["id", "virtualMachineId", "communityGalleryImageId"])
      for (const other of [
        `${whole}id`,
        `${whole}virtualMachineId`,
        `${whole}communityGalleryImageId`,
        `${os}uri`,
        `${os}id`,
      ])
        expect(valueAt({ [other]: id }, whole + member)).toBe(id);
    expect(valueAt({ [`${whole}id`]: id }, `${os}uri`)).toBe(id);
    expect(valueAt({ [`${data}uri`]: id }, `${data}id`)).toBe(id);
    // A data disk's source is its own; a storage account is no source.
    expect(valueAt({ [`${whole}id`]: id }, `${data}id`)).toBeUndefined();
    expect(valueAt({ [`${data}id`]: id }, `${whole}id`)).toBeUndefined();
    expect(valueAt({ [`${os}id`]: id }, `${os}storageAccountId`)).toBeUndefined();
    expect(valueAt({ [`${os}storageAccountId`]: id }, `${os}id`)).toBeUndefined();
    // The place itself comes before the other place.
    expect(valueAt({ [`${whole}id`]: "whole", [`${os}uri`]: "os" }, `${os}id`)).toBe("os");
    expect(valueAt({ [`${os}id`]: "os", [`${whole}id`]: "whole" }, `${whole}uri`)).toBe("whole");
    expect(valueAt({ "/tags/x~1source~1id": "x" }, `${whole}id`)).toBe(undefined);
  });
});

describe("a pointer", () => {
  test.each([
    ["/location", "/location"],
    ["/tags/a~1b~0c", "/tags/a~1b~0c"],
    [
      regionalField("westus", "encryption/dataDiskImages/0/lun"),
      `${REGIONS}/1/encryption/dataDiskImages/1/lun`,
    ],
    [regionField("eastus2"), `${REGIONS}/0`],
    [`${ZONES}/westus los angeles/extendedLocation/name`, `${ZONES}/0/extendedLocation/name`],
  ])("of %s leads into the document", (name, pointer) => {
    expect(pointerTo(document, name)).toBe(pointer);
  });

  test.each([
    ["/tags/none", "/tags"],
    [regionalField("uksouth", "name"), REGIONS],
    [regionalField("eastus2", "encryption/osDiskImage/x"), `${REGIONS}/0`],
    [
      regionalField("westus", "encryption/osDiskImage/diskEncryptionSetId"),
      `${REGIONS}/1/encryption/osDiskImage`,
    ],
    [
      regionalField("westus", "encryption/dataDiskImages/7/lun"),
      `${REGIONS}/1/encryption/dataDiskImages`,
    ],
    ["/location/x", "/location"],
    ["/properties/safetyProfile/x", "/properties"],
    ["/sigil/promotion", ""],
  ])("of %s, which is not there, leads to %s", (name, pointer) => {
    expect(pointerTo(document, name)).toBe(pointer);
  });

  test.each([
    [document, "/tags/a~1none", "/tags/a~1none"],
    [document, regionalField("uksouth", "name"), REGIONS],
    [{ location: "westus" }, regionalField("uksouth", "name"), REGIONS],
    [undefined, "/sigil/protected", "/sigil/protected"],
  ])("into %j of %s, which was there, leads to %s", (now, name, pointer) => {
    expect(pointerTo(now, name, "was")).toBe(pointer);
  });
});

test("a document is put together of its fields as it was", () => {
  const fields = fieldsOf(document);
  expect(fieldsOf(documentOf(fields))).toEqual(fields);
});

test("ten thousand names are remembered, whatever else is asked for", () => {
  for (let i = 0; i < 20_000; i += 1) expect(patternOf(`/tags/tag${i}`)).toBe("/tags/*");
  expect(patterns.size).toBe(10_000);
});
