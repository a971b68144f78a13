import { describe, expect, test } from "vitest";
import {
  canonicalForm,
  fingerprintOf,
  targetRegionsOf,
} from "../../../../src/image-version/properties/canonical-form.js";
import type { ImageVersionRequest } from "../../../../src/image-version/contract.js";
import { managedImageBody, powerShellBody, snapshotsBody } from "../../http/contract/document.js";

const managedImage = managedImageBody as ImageVersionRequest;
const SUBSCRIPTION =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute";

/** A request in full, as it comes over the wire. */
function draft() {
  return {
    location: "westus",
    tags: { team: "images", stage: "test" },
    properties: {
      publishingProfile: {
        endOfLifeDate: "2030-01-01T00:00:00Z",
        targetRegions: [
          {
            name: "westus",
            regionalReplicaCount: 2,
            storageAccountType: "Standard_LRS",
            encryption: keys("a", [0, 1]),
          },
          {
            name: "eastus2",
            regionalReplicaCount: 1,
            storageAccountType: "Standard_LRS",
            encryption: keys("b", [0, 1]),
          },
        ],
      },
      storageProfile: { source: { id: IMAGE } },
    },
  };
}

const IMAGE = `${SUBSCRIPTION}/images/image`;
const setOf = (name: string) => `${SUBSCRIPTION}/diskEncryptionSets/${name}`;

function keys(name: string, luns: readonly number[]) {
  return {
    osDiskImage: { diskEncryptionSetId: setOf(name) },
    dataDiskImages: luns.map((lun) => ({ lun, diskEncryptionSetId: setOf(`${name}${lun}`) })),
  };
}

/** What is put at places of the request; `undefined`: nothing is there. */
type Change = Readonly<Record<string, unknown>>;

const PROFILE = "properties/publishingProfile";
const REGIONS = `${PROFILE}/targetRegions`;
const STORAGE = "properties/storageProfile";

function written(change: Change): ImageVersionRequest {
  const body: unknown = draft();
  for (const [place, value] of Object.entries(change)) {
    const names = place.split("/");
    const last = names.pop() ?? "";
    const holder = names.reduce((at, name) => (at[name] ??= {}) as Json, body as Json);
    holder[last] = value;
  }
  return JSON.parse(JSON.stringify(body)) as ImageVersionRequest;
}

type Json = Record<string, unknown>;

const changed = (change: Change): ImageVersionRequest => canonicalForm(written(change));
const unchanged = changed({});

const [WEST, EAST] = draft().properties.publishingProfile.targetRegions;
const backwards = (name: string) => {
  const { osDiskImage, dataDiskImages } = keys(name, [0, 1]);
  return { dataDiskImages: dataDiskImages.reverse(), osDiskImage };
};
/** The same members, the last first. */
const inReverse = (value: object): object => Object.fromEntries(Object.entries(value).reverse());

describe("two requests mean the same when one", () => {
  test.each<[string, Change]>([
    ["spells a region with capitals and spaces", { [`${REGIONS}/0/name`]: "West US" }],
    ["spells the location with capitals and spaces", { location: "West  US " }],
    ["lists the regions in another order", { [REGIONS]: [EAST, WEST] }],
    [
      "lists the data disks of a region in another order",
      { [`${REGIONS}/0/encryption`]: backwards("a"), [`${REGIONS}/1/encryption`]: backwards("b") },
    ],
    [
      "lists everything in another order",
      {
        [REGIONS]: [
          { ...EAST, encryption: backwards("b") },
          { ...WEST, encryption: backwards("a") },
        ],
      },
    ],
    [
      "has its members in another order",
      { properties: inReverse(draft().properties), [`${REGIONS}/0`]: inReverse(WEST ?? {}) },
    ],
    ["has its tags in another order", { tags: { stage: "test", team: "images" } }],
    [
      "writes a storage type in lower case",
      { [`${REGIONS}/0/storageAccountType`]: "standard_lrs" },
    ],
    ["leaves out an id's leading slash", { [`${STORAGE}/source/id`]: IMAGE.slice(1) }],
    ["ends an id with a slash", { [`${STORAGE}/source/id`]: `${IMAGE}/` }],
    ["writes an id in capitals", { [`${STORAGE}/source/id`]: IMAGE.toUpperCase() }],
    [
      "writes the id of a set in capitals",
      { [`${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`]: setOf("a").toUpperCase() },
    ],
    [
      "writes the same moment in another time zone",
      { [`${PROFILE}/endOfLifeDate`]: "2029-12-31T23:00:00.000-01:00" },
    ],
    ["writes the same day without a time", { [`${PROFILE}/endOfLifeDate`]: "2030-01-01" }],
    ["says null for what it does not want to say", { [`${PROFILE}/excludeFromLatest`]: null }],
    ["says that replication is full", { [`${PROFILE}/replicationMode`]: "full" }],
    ["leaves out a replica count of one", { [`${REGIONS}/1/regionalReplicaCount`]: undefined }],
    [
      "says that regions have one replica where they say nothing",
      { [`${PROFILE}/replicaCount`]: 1 },
    ],
    ["has an empty object where the other has none", { "properties/safetyProfile": {} }],
    [
      "has objects that hold only empty ones",
      { "properties/securityProfile": { uefiSettings: { additionalSignatures: {} } } },
    ],
    ["has an empty list where the other has none", { [`${PROFILE}/targetExtendedLocations`]: [] }],
    ["has an empty list of data disks", { [`${STORAGE}/dataDiskImages`]: [] }],
    ["says null for a whole disk", { [`${STORAGE}/osDiskImage`]: null }],
  ])("%s", (_, change) => {
    expect(JSON.stringify(written(change))).not.toBe(JSON.stringify(written({})));
    expect(fingerprintOf(changed(change))).toBe(fingerprintOf(unchanged));
  });
});

describe("two requests differ when one has", () => {
  test.each<[string, Change]>([
    ["another location", { location: "eastus2" }],
    ["another source", { [`${STORAGE}/source/id`]: `${IMAGE}2` }],
    ["another replica count", { [`${REGIONS}/1/regionalReplicaCount`]: 3 }],
    ["another storage type", { [`${REGIONS}/0/storageAccountType`]: "Premium_LRS" }],
    ["a region more", { [REGIONS]: [{ name: "uksouth" }, WEST, EAST] }],
    [
      "another set for a data disk",
      { [`${REGIONS}/1/encryption/dataDiskImages/1/diskEncryptionSetId`]: setOf("b1x") },
    ],
    ["another end of life", { [`${PROFILE}/endOfLifeDate`]: "2030-01-02" }],
    ["no end of life", { [`${PROFILE}/endOfLifeDate`]: undefined }],
    ["exclusion from latest", { [`${PROFILE}/excludeFromLatest`]: true }],
    ["shallow replication", { [`${PROFILE}/replicationMode`]: "Shallow" }],
    ["another value of a tag", { "tags/team": "IMAGES" }],
    ["a tag more, whose name has to be escaped", { tags: { ...draft().tags, "a/b~c": "1" } }],
    ["protection", { "properties/safetyProfile": { blockDeletionBeforeEndOfLife: true } }],
    ["a region less", { [REGIONS]: [WEST] }],
    ["a key of a data disk less", { [`${REGIONS}/0/encryption`]: keys("a", [1]) }],
    ["a region's encryption less", { [`${REGIONS}/0/encryption`]: undefined }],
    ["a source less", { [`${STORAGE}/source`]: {} }],
    // It may undo what somebody has set in the portal.
    [
      "said that the version is not excluded from latest",
      { [`${PROFILE}/excludeFromLatest`]: false },
    ],
    ["said that a region is not excluded", { [`${REGIONS}/1/excludeFromLatest`]: false }],
  ])("%s", (_, change) => {
    expect(fingerprintOf(changed(change))).not.toBe(fingerprintOf(unchanged));
  });

  test("more that tells them apart, such as regions to remove", () => {
    const fingerprint = fingerprintOf(unchanged);
    expect(fingerprintOf(unchanged, "westus")).not.toBe(fingerprint);
    expect(fingerprintOf(unchanged, "westus")).not.toBe(fingerprintOf(unchanged, "eastus2"));
    // Records keep it: the same request must be known again by a later version of Sigil.
    expect(fingerprint).toBe("ead59b53b8a6b3f186892fb9e2e4505b8184a1f33d4e6df150c4f37ce4d9088e");
  });

  test("two edge zones of one region, which are told apart", () => {
    const zone = (name: string, count: number) => ({
      name: "westus",
      extendedLocation: { name, type: "EdgeZone" },
      extendedLocationReplicaCount: count,
    });
    const zones = (one: number, two: number) =>
      changed({ [`${PROFILE}/targetExtendedLocations`]: [zone("zone1", one), zone("zone2", two)] });
    expect(fingerprintOf(zones(1, 2))).not.toBe(fingerprintOf(zones(1, 1)));
    expect(fingerprintOf(zones(2, 1))).not.toBe(fingerprintOf(zones(1, 2)));
  });
});

describe("the canonical form", () => {
  test("of the seed's PowerShell sample has one spelling of everything, and a count and type for each region", () => {
    const form = canonicalForm(powerShellBody);
    expect(form.location).toBe("westus");
    expect(form.properties.publishingProfile).toMatchObject({
      endOfLifeDate: "2020-12-01T00:00:00.000Z",
      targetRegions: [
        {
          name: "westus",
          regionalReplicaCount: 1,
          storageAccountType: "Standard_LRS",
          encryption: {
            osDiskImage: {
              diskEncryptionSetId: expect.stringMatching(/^\/subscriptions\//u) as string,
            },
            dataDiskImages: [{ lun: 1 }, { lun: 2 }],
          },
        },
        { name: "eastus2", regionalReplicaCount: 1, storageAccountType: "Standard_LRS" },
      ],
    });
  });

  test("of the seed's CLI samples has ARM's spelling of the storage type", () => {
    for (const body of [managedImageBody, snapshotsBody]) {
      expect(
        canonicalForm(body as ImageVersionRequest).properties.publishingProfile?.targetRegions?.[0]
          ?.storageAccountType,
      ).toBe("Standard_LRS");
    }
  });

  test("takes counts and types of regions that have none from the profile", () => {
    const form = changed({
      [PROFILE]: {
        replicaCount: 4,
        storageAccountType: "premium_lrs",
        targetRegions: [{ name: "westus" }, { name: "eastus2", regionalReplicaCount: 1 }],
      },
    });
    expect(form.properties.publishingProfile?.targetRegions).toEqual([
      { name: "westus", regionalReplicaCount: 4, storageAccountType: "Premium_LRS" },
      { name: "eastus2", regionalReplicaCount: 1, storageAccountType: "Premium_LRS" },
    ]);
  });

  test("without target regions has the location alone", () => {
    const form = canonicalForm({
      location: "West US",
      properties: { storageProfile: managedImage.properties.storageProfile },
    });
    expect(form.properties.publishingProfile?.targetRegions).toEqual([{ name: "westus" }]);
  });

  test("keeps an empty list of target regions, for a rule to refuse", () => {
    const form = changed({ [REGIONS]: [] });
    expect(form.properties.publishingProfile?.targetRegions).toEqual([]);
  });

  test("keeps tags as they are: empty values, case, and names of properties", () => {
    const tags = { Id: "Subscriptions/x/", type: "STANDARD_LRS", empty: "" };
    expect(changed({ tags }).tags).toEqual(tags);
  });

  test("is its own canonical form", () => {
    const bodies = [managedImageBody, snapshotsBody, powerShellBody, draft()];
    for (const body of bodies) {
      const form = canonicalForm(JSON.parse(JSON.stringify(body)) as ImageVersionRequest);
      expect(canonicalForm(form)).toEqual(form);
    }
  });

  test("does not change what it is given", () => {
    const body = draft();
    const before = JSON.stringify(body);
    canonicalForm(body);
    expect(JSON.stringify(body)).toBe(before);
  });

  test("leaves out what nobody may write, and keeps an empty place that is required", () => {
    const pasted = {
      id: "/versions/1.0.0",
      name: "1.0.0",
      type: "Microsoft.Compute/galleries/images/versions",
      location: "West US",
      sigil: { managedBy: "Sigil", state: "Succeeded" },
      properties: {
        provisioningState: "Succeeded",
        publishingProfile: {
          publishedDate: "2026-01-01T00:00:00Z",
          targetRegions: [{ name: "West US" }],
        },
        storageProfile: { osDiskImage: { sizeInGB: 127 } },
        replicationStatus: { summary: [] },
      },
    };
    expect(canonicalForm(pasted as unknown as ImageVersionRequest)).toStrictEqual({
      location: "westus",
      properties: {
        storageProfile: {},
        publishingProfile: { targetRegions: [{ name: "westus" }] },
      },
    });
  });

  test("leaves out what is undefined, and keeps null inside what is one value", () => {
    expect(
      canonicalForm({
        location: "westus",
        tags: undefined,
        properties: {
          securityProfile: { uefiSettings: { additionalSignatures: { pk: null, kek: [] } } },
        },
      } as unknown as ImageVersionRequest),
    ).toStrictEqual({
      location: "westus",
      properties: {
        storageProfile: {},
        securityProfile: { uefiSettings: { additionalSignatures: { pk: null, kek: [] } } },
        publishingProfile: { targetRegions: [{ name: "westus" }] },
      },
    });
  });

  test("of a body without properties has those that are required", () => {
    expect(canonicalForm({ location: "westus" } as unknown as ImageVersionRequest)).toStrictEqual({
      location: "westus",
      properties: {
        storageProfile: {},
        publishingProfile: { targetRegions: [{ name: "westus" }] },
      },
    });
    expect(
      canonicalForm({ location: "westus", properties: {} } as unknown as ImageVersionRequest)
        .properties,
    ).toHaveProperty("storageProfile", {});
  });

  test("keeps what has no other spelling, and what is not of its form", () => {
    const form = changed({
      [`${PROFILE}/endOfLifeDate`]: "some day",
      [`${PROFILE}/replicationMode`]: "Newer",
      [`${REGIONS}/0/storageAccountType`]: "UltraSSD_LRS",
      [`${PROFILE}/excludeFromLatest`]: "yes",
    });
    const profile = form.properties.publishingProfile;
    expect(profile?.endOfLifeDate).toBe("some day");
    expect(profile?.replicationMode).toBe("Newer");
    expect(profile?.targetRegions?.[0]?.storageAccountType).toBe("UltraSSD_LRS");
    expect(profile?.excludeFromLatest).toBe("yes");
    expect(changed({ location: 7 }).location).toBe(7);
  });

  test.each([
    [`${PROFILE}/replicationMode`, ["Full", "Shallow"]],
    [`${PROFILE}/storageAccountStrategy`, ["PreferStandard_ZRS", "DefaultStandard_LRS"]],
    [`${STORAGE}/osDiskImage/hostCaching`, ["None", "ReadOnly", "ReadWrite"]],
    [
      "properties/securityProfile/uefiSettings/signatureTemplateNames",
      [
        "NoSignatureTemplate",
        "MicrosoftUefiCertificateAuthorityTemplate",
        "MicrosoftWindowsTemplate",
      ],
    ],
    [
      `${REGIONS}/0/encryption/osDiskImage/securityProfile/confidentialVMEncryptionType`,
      [
        "EncryptedVMGuestStateOnlyWithPmk",
        "EncryptedWithPmk",
        "EncryptedWithCmk",
        "NonPersistedTPM",
      ],
    ],
    [
      `${REGIONS}/0/encryption/dataDiskImages/0/securityProfile/confidentialVMEncryptionType`,
      ["DataDiskEncryptedWithCmk"],
    ],
    [
      "properties/securityProfile/secretsProvisioningSettings/components",
      ["OS", "CloudInit", "AzureGuestAgent", "SecretsProvisioningLibrary"],
    ],
  ])("has each word of %s as Azure spells it", (place, words) => {
    // Of a list the one item, and of an object in it the name.
    const held = (word: string): unknown =>
      place.endsWith("Names") ? [word] : place.endsWith("components") ? [{ name: word }] : word;
    for (const word of words) {
      const form = changed({ [place]: held(word.toUpperCase()) });
      expect(place.split("/").reduce<unknown>((at, name) => (at as Json)[name], form)).toEqual(
        held(word),
      );
    }
  });
});

test("the regions of a canonical request", () => {
  expect(targetRegionsOf(unchanged).map(({ name }) => name)).toEqual(["westus", "eastus2"]);
  expect(targetRegionsOf({ properties: {} } as unknown as ImageVersionRequest)).toEqual([]);
});
