import { describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { patched, writableForm } from "../../../../src/image-version/properties/body.js";
import {
  ALLOW_DELETION,
  END_OF_LIFE_DATE,
  EXCLUDE_FROM_LATEST,
} from "../../../../src/image-version/properties/table.js";
import { documentOf, regionalField, REGIONS, resource, STORAGE, ZONES } from "./document-of.js";

/** What ARM shows: its spellings, what it alone sets, and members of a newer API version. */
const shown = {
  id: "/versions/1.0.0",
  name: "1.0.0",
  type: "Microsoft.Compute/galleries/images/versions",
  etag: "1",
  systemData: {},
  location: "westus",
  tags: { Build: "1", id: "of a tag" },
  newer: { a: 1 },
  properties: {
    provisioningState: "Succeeded",
    replicationStatus: {},
    validationsProfile: {},
    publishingProfile: {
      publishedDate: "2026-01-01T00:00:00Z",
      endOfLifeDate: "2030-01-01T00:00:00+00:00",
      newer: true,
      targetRegions: [
        {
          name: "West US",
          regionalReplicaCount: 2,
          newer: [1],
          encryption: { osDiskImage: { diskEncryptionSetId: resource("SETS/west") } },
        },
        { name: "East US 2", excludeFromLatest: true },
      ],
    },
    storageProfile: {
      source: { id: resource("images/IMAGE") },
      osDiskImage: { sizeInGB: 127, hostCaching: "ReadWrite" },
      dataDiskImages: [{ lun: 0, sizeInGB: 4 }],
    },
    safetyProfile: {
      reportedForPolicyViolation: false,
      policyViolations: [],
      allowDeletionOfReplicatedLocations: true,
    },
  },
} as unknown as ImageVersionRequest;

const writable = {
  location: "westus",
  tags: { Build: "1", id: "of a tag" },
  newer: { a: 1 },
  properties: {
    publishingProfile: {
      endOfLifeDate: "2030-01-01T00:00:00+00:00",
      newer: true,
      targetRegions: [
        {
          name: "West US",
          regionalReplicaCount: 2,
          newer: [1],
          encryption: { osDiskImage: { diskEncryptionSetId: resource("SETS/west") } },
        },
        { name: "East US 2", excludeFromLatest: true },
      ],
    },
    storageProfile: {
      source: { id: resource("images/IMAGE") },
      osDiskImage: { hostCaching: "ReadWrite" },
      dataDiskImages: [{ lun: 0 }],
    },
    safetyProfile: { allowDeletionOfReplicatedLocations: true },
  },
};

type Change = (body: typeof writable) => unknown;

function expected(change: Change): typeof writable {
  const body = structuredClone(writable);
  change(body);
  return body;
}

describe("what ARM shows, with a patch", () => {
  test("is what may be written of it, newer members too, where nothing is asked", () => {
    expect(patched(shown, {})).toStrictEqual(writable);
  });

  test.each<[string, Record<string, unknown>, Change]>([
    ["a tag is added", { "/tags/a~1b": "2" }, (body) => Object.assign(body.tags, { "a/b": "2" })],
    [
      "a tag with another value takes the place of the one in another case",
      { "/tags/build": "2" },
      (body) => (body.tags = { id: "of a tag", build: "2" } as never),
    ],
    [
      "a tag goes in whatever case",
      { "/tags/BUILD": null },
      (body) => delete (body.tags as Partial<typeof body.tags>).Build,
    ],
    [
      "a value with the same meaning stays as ARM spells it",
      {
        "/tags/build": "1",
        "/location": "westus",
        [END_OF_LIFE_DATE]: "2030-01-01T00:00:00.000Z",
        [`${STORAGE}/source/virtualMachineId`]: resource("images/image"),
        [regionalField("westus", "name")]: "westus",
        [regionalField("westus", "encryption/osDiskImage/diskEncryptionSetId")]:
          resource("sets/WEST"),
        [EXCLUDE_FROM_LATEST]: false,
        [regionalField("eastus2", "regionalReplicaCount")]: 1,
      },
      (body) => {
        // A default that ARM does not show is said where it is asked for.
        Object.assign(body.properties.publishingProfile, { excludeFromLatest: false });
        Object.assign(body.properties.publishingProfile.targetRegions[1] ?? {}, {
          regionalReplicaCount: 1,
        });
      },
    ],
    [
      "an end of life goes",
      { [END_OF_LIFE_DATE]: null },
      (body) =>
        delete (
          body.properties.publishingProfile as Partial<typeof body.properties.publishingProfile>
        ).endOfLifeDate,
    ],
    [
      "what has a default gets it where it is taken away",
      {
        [regionalField("westus", "regionalReplicaCount")]: null,
        [regionalField("eastus2", "excludeFromLatest")]: null,
        [ALLOW_DELETION]: null,
      },
      (body) => {
        Object.assign(body.properties.publishingProfile.targetRegions[0] ?? {}, {
          regionalReplicaCount: 1,
        });
        Object.assign(body.properties.publishingProfile.targetRegions[1] ?? {}, {
          excludeFromLatest: false,
        });
        body.properties.safetyProfile.allowDeletionOfReplicatedLocations = false;
      },
    ],
    [
      "what ARM does not show is not taken away",
      {
        "/tags/none": null,
        [EXCLUDE_FROM_LATEST]: null,
        [regionalField("eastus2", "regionalReplicaCount")]: null,
        [regionalField("eastus2", "additionalReplicaSets")]: null,
        [regionalField("uksouth", "regionalReplicaCount")]: null,
        [`${REGIONS}/uksouth`]: null,
      },
      () => undefined,
    ],
    [
      "what never changes is not taken away",
      {
        "/location": null,
        [`${STORAGE}/source/id`]: null,
        [regionalField("westus", "encryption/osDiskImage/diskEncryptionSetId")]: null,
      },
      () => undefined,
    ],
    [
      "a region goes with all that it has",
      { [`${REGIONS}/westus`]: null },
      (body) => body.properties.publishingProfile.targetRegions.shift(),
    ],
    [
      "the last region goes, and the other stays",
      { [`${REGIONS}/eastus2`]: null },
      (body) => body.properties.publishingProfile.targetRegions.pop(),
    ],
    [
      "a region is added with its keys, behind the others",
      {
        [regionalField("uksouth", "name")]: "uksouth",
        [regionalField("uksouth", "encryption/dataDiskImages/7/lun")]: 7,
        [regionalField("uksouth", "encryption/dataDiskImages/7/diskEncryptionSetId")]: "/sets/uk",
        [regionalField("uksouth", "encryption/dataDiskImages/0/lun")]: 0,
      },
      (body) =>
        (body.properties.publishingProfile.targetRegions as object[]).push({
          name: "uksouth",
          encryption: { dataDiskImages: [{ lun: 7, diskEncryptionSetId: "/sets/uk" }, { lun: 0 }] },
        }),
    ],
    [
      "a region is added by what is said of it",
      { [regionalField("uksouth", "regionalReplicaCount")]: 3 },
      (body) =>
        (body.properties.publishingProfile.targetRegions as object[]).push({
          name: "uksouth",
          regionalReplicaCount: 3,
        }),
    ],
    [
      "a key is added beside the other",
      { [regionalField("eastus2", "encryption/osDiskImage/diskEncryptionSetId")]: "/sets/east" },
      (body) =>
        Object.assign(body.properties.publishingProfile.targetRegions[1] ?? {}, {
          encryption: { osDiskImage: { diskEncryptionSetId: "/sets/east" } },
        }),
    ],
    [
      "an edge zone is added, whose name has a space",
      {
        [`${ZONES}/westus los angeles/name`]: "westus",
        [`${ZONES}/westus los angeles/extendedLocation/name`]: "los angeles",
        [`${ZONES}/westus los angeles/extendedLocation/type`]: "EdgeZone",
        [`${ZONES}/ /extendedLocationReplicaCount`]: 2,
        [`${ZONES}/westus /storageAccountType`]: "Standard_LRS",
        [`${ZONES}/ la/storageAccountType`]: "Standard_LRS",
      },
      (body) =>
        Object.assign(body.properties.publishingProfile, {
          targetExtendedLocations: [
            { name: "westus", extendedLocation: { name: "los angeles", type: "EdgeZone" } },
            { extendedLocationReplicaCount: 2 },
            { name: "westus", storageAccountType: "Standard_LRS" },
            { extendedLocation: { name: "la" }, storageAccountType: "Standard_LRS" },
          ],
        }),
    ],
  ])("%s", (_, patch, change) => {
    expect(patched(shown, patch)).toStrictEqual(expected(change));
  });

  test("has its members in the order in which ARM shows them", () => {
    const { tags } = patched(shown, { "/tags/Build": "2", "/tags/a": "1" });
    expect(JSON.stringify(tags)).toBe('{"Build":"2","id":"of a tag","a":"1"}');
  });

  test("keeps a tag that is called undefined", () => {
    const one = documentOf({ "/tags/undefined": "1" });
    expect(patched(one, { "/tags/a": "2", "/tags/b": null }).tags).toEqual({
      undefined: "1",
      a: "2",
    });
  });

  test("may be changed further", () => {
    const { tags } = patched(shown, { "/tags/a": "1", "/tags/b": "2" });
    Object.assign(tags ?? {}, { a: "3" });
    delete tags?.["b"];
    expect(tags).toEqual({ Build: "1", id: "of a tag", a: "3" });
  });

  test("gets a disk's key, whichever of its fields comes first", () => {
    const disk = regionalField("eastus2", "encryption/dataDiskImages/7");
    const result = patched(shown, {
      [`${disk}/diskEncryptionSetId`]: "/sets/east",
      [`${disk}/lun`]: 7,
    });
    expect(result.properties.publishingProfile?.targetRegions?.[1]?.encryption).toStrictEqual({
      dataDiskImages: [{ lun: 7, diskEncryptionSetId: "/sets/east" }],
    });
  });

  test("stays itself as it was", () => {
    const before = JSON.stringify(shown);
    patched(shown, { "/tags/a": "1", [`${REGIONS}/westus`]: null });
    expect(JSON.stringify(shown)).toBe(before);
  });

  test("gets an object or a list where it has none, or null", () => {
    const patch = {
      "/tags/__proto__": "1",
      "/tags/a": "2",
      [regionalField("westus", "name")]: "westus",
      [ALLOW_DELETION]: true,
    };
    const whole = {
      properties: {
        publishingProfile: { targetRegions: [{ name: "westus" }] },
        safetyProfile: { allowDeletionOfReplicatedLocations: true },
      },
    };
    const bare = {
      tags: null,
      properties: { publishingProfile: { targetRegions: null }, safetyProfile: "none" },
    } as unknown as ImageVersionRequest;
    for (const result of [patched(undefined, patch), patched(bare, patch)]) {
      expect(result).toMatchObject(whole);
      expect(JSON.stringify(result.tags)).toBe('{"__proto__":"1","a":"2"}');
    }
  });

  test("takes away nothing from what is not there", () => {
    for (const bare of [
      { properties: {} },
      { tags: null, properties: { publishingProfile: null } },
      { properties: { publishingProfile: { targetRegions: null } } },
    ] as unknown as ImageVersionRequest[])
      expect(
        patched(bare, {
          "/tags/a": null,
          [`${REGIONS}/westus`]: null,
          [regionalField("westus", "additionalReplicaSets")]: null,
        }),
      ).toStrictEqual(bare);
  });
});

describe("the form that may be edited and sent back", () => {
  test("has nothing that only ARM writes", () => {
    expect(writableForm(shown, {})).toStrictEqual(writable);
  });

  test("has the promotion rule that Sigil keeps", () => {
    const rule = { when: "manual" };
    expect(writableForm(shown, { "/sigil/promotion": rule })).toStrictEqual({
      ...writable,
      sigil: { promotion: rule },
    });
  });
});
