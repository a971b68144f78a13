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

type Change = (body: ReturnType<typeof draft>) => unknown;

/** A request in full, free to be changed. */
function draft() {
  return {
    location: "westus",
    tags: { team: "images", stage: "test" } as Record<string, string>,
    properties: {
      publishingProfile: {
        endOfLifeDate: "2030-01-01T00:00:00Z" as string | undefined,
        excludeFromLatest: undefined as boolean | undefined | null,
        replicationMode: undefined as string | undefined,
        replicaCount: undefined as number | undefined,
        storageAccountType: undefined as string | undefined,
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
        ] as {
          name: string;
          regionalReplicaCount?: number;
          storageAccountType?: string;
          excludeFromLatest?: boolean;
          encryption?: ReturnType<typeof keys> | object;
        }[],
        targetExtendedLocations: undefined as object[] | undefined,
      },
      storageProfile: {
        source: { id: `${SUBSCRIPTION}/images/image` } as Record<string, string>,
        osDiskImage: undefined as object | undefined | null,
        dataDiskImages: undefined as object[] | undefined,
      },
      safetyProfile: undefined as object | undefined,
      securityProfile: undefined as object | undefined,
    },
  };
}

function keys(name: string, luns: readonly number[]) {
  return {
    osDiskImage: {
      diskEncryptionSetId: `${SUBSCRIPTION}/diskEncryptionSets/${name}`,
    },
    dataDiskImages: luns.map((lun) => ({
      lun,
      diskEncryptionSetId: `${SUBSCRIPTION}/diskEncryptionSets/${name}${lun}`,
    })),
  };
}

function changed(change: Change): ImageVersionRequest {
  const body = draft();
  change(body);
  // As it comes over the wire: what is undefined is not there.
  return canonicalForm(JSON.parse(JSON.stringify(body)) as ImageVersionRequest);
}

const unchanged = changed(() => undefined);
const regionsOf = (body: ReturnType<typeof draft>) =>
  body.properties.publishingProfile.targetRegions;
const regionAt = (body: ReturnType<typeof draft>, i: number) => {
  const region = regionsOf(body)[i];
  if (region === undefined) throw new RangeError(`no region ${i}`);
  return region;
};
const profileOf = (body: ReturnType<typeof draft>) => body.properties.publishingProfile;

describe("two requests mean the same when one", () => {
  test.each<[string, Change]>([
    ["spells a region with capitals and spaces", (body) => (regionAt(body, 0).name = "West US")],
    ["spells the location with capitals and spaces", (body) => (body.location = "West  US ")],
    ["lists the regions in another order", (body) => regionsOf(body).reverse()],
    [
      "lists the data disks of a region in another order",
      (body) => {
        for (const region of regionsOf(body))
          (region.encryption as ReturnType<typeof keys>).dataDiskImages.reverse();
      },
    ],
    [
      "lists everything in another order",
      (body) => {
        regionsOf(body).reverse();
        for (const region of regionsOf(body))
          (region.encryption as ReturnType<typeof keys>).dataDiskImages.reverse();
      },
    ],
    [
      "has its members in another order",
      (body) => {
        const { properties } = body;
        body.properties = {
          ...properties,
          storageProfile: properties.storageProfile,
          publishingProfile: { ...properties.publishingProfile },
        };
        regionsOf(body)[0] = {
          encryption: keys("a", [0, 1]),
          storageAccountType: "Standard_LRS",
          regionalReplicaCount: 2,
          name: "westus",
        };
      },
    ],
    ["has its tags in another order", (body) => (body.tags = { stage: "test", team: "images" })],
    [
      "writes a storage type in lower case",
      (body) => (regionAt(body, 0).storageAccountType = "standard_lrs"),
    ],
    [
      "leaves out an id's leading slash",
      (body) =>
        (body.properties.storageProfile.source["id"] = `${SUBSCRIPTION}/images/image`.slice(1)),
    ],
    [
      "ends an id with a slash",
      (body) => (body.properties.storageProfile.source["id"] = `${SUBSCRIPTION}/images/image/`),
    ],
    [
      "writes an id in capitals",
      (body) =>
        (body.properties.storageProfile.source["id"] =
          `${SUBSCRIPTION}/images/image`.toUpperCase()),
    ],
    [
      "writes the id of a set in capitals",
      (body) => {
        const encryption = keys("a", [0, 1]);
        encryption.osDiskImage.diskEncryptionSetId =
          encryption.osDiskImage.diskEncryptionSetId.toUpperCase();
        regionAt(body, 0).encryption = encryption;
      },
    ],
    [
      "writes the same moment in another time zone",
      (body) => (profileOf(body).endOfLifeDate = "2029-12-31T23:00:00.000-01:00"),
    ],
    [
      "writes the same day without a time",
      (body) => (profileOf(body).endOfLifeDate = "2030-01-01"),
    ],
    [
      "says null for what it does not want to say",
      (body) => (profileOf(body).excludeFromLatest = null),
    ],
    ["says that replication is full", (body) => (profileOf(body).replicationMode = "full")],
    [
      "leaves out a replica count of one",
      (body) => delete regionsOf(body)[1]?.regionalReplicaCount,
    ],
    [
      "says that regions have one replica where they say nothing",
      (body) => (profileOf(body).replicaCount = 1),
    ],
    [
      "has an empty object where the other has none",
      (body) => (body.properties.safetyProfile = {}),
    ],
    [
      "has objects that hold only empty ones",
      (body) =>
        (body.properties.securityProfile = {
          uefiSettings: { additionalSignatures: {} },
        }),
    ],
    [
      "has an empty list where the other has none",
      (body) => (profileOf(body).targetExtendedLocations = []),
    ],
    [
      "has an empty list of data disks",
      (body) => (body.properties.storageProfile.dataDiskImages = []),
    ],
    ["says null for a whole disk", (body) => (body.properties.storageProfile.osDiskImage = null)],
  ])("%s", (_, change) => {
    const other = changed(change);
    expect(fingerprintOf(other)).toBe(fingerprintOf(unchanged));
  });
});

describe("two requests differ when one has", () => {
  test.each<[string, Change]>([
    ["another location", (body) => (body.location = "eastus2")],
    ["another source", (body) => (body.properties.storageProfile.source["id"] += "2")],
    ["another replica count", (body) => (regionAt(body, 1).regionalReplicaCount = 3)],
    ["another storage type", (body) => (regionAt(body, 0).storageAccountType = "Premium_LRS")],
    ["a region more", (body) => regionsOf(body).unshift({ name: "uksouth" })],
    [
      "another set for a data disk",
      (body) => {
        const encryption = keys("b", [0, 1]);
        encryption.dataDiskImages.reverse();
        (encryption.dataDiskImages[1] ?? { diskEncryptionSetId: "" }).diskEncryptionSetId += "x";
        regionAt(body, 1).encryption = encryption;
        regionsOf(body).reverse();
      },
    ],
    ["another end of life", (body) => (profileOf(body).endOfLifeDate = "2030-01-02")],
    ["no end of life", (body) => (profileOf(body).endOfLifeDate = undefined)],
    ["exclusion from latest", (body) => (profileOf(body).excludeFromLatest = true)],
    ["shallow replication", (body) => (profileOf(body).replicationMode = "Shallow")],
    ["another value of a tag", (body) => (body.tags["team"] = "IMAGES")],
    ["a tag more, whose name has to be escaped", (body) => (body.tags["a/b~c"] = "1")],
    [
      "protection",
      (body) =>
        (body.properties.safetyProfile = {
          blockDeletionBeforeEndOfLife: true,
        }),
    ],
    ["a region less", (body) => regionsOf(body).pop()],
    ["a key of a data disk less", (body) => (regionAt(body, 0).encryption = keys("a", [1]))],
    ["a region's encryption less", (body) => delete regionsOf(body)[0]?.encryption],
    ["a source less", (body) => (body.properties.storageProfile.source = {})],
  ])("%s", (_, change) => {
    expect(fingerprintOf(changed(change))).not.toBe(fingerprintOf(unchanged));
  });

  test.each<[string, Change]>([
    [
      "a version is not excluded from latest",
      (body) => (profileOf(body).excludeFromLatest = false),
    ],
    [
      "a region is not excluded from latest",
      (body) => (regionAt(body, 1).excludeFromLatest = false),
    ],
  ])("saying that %s: it may undo what somebody has set in the portal", (_, change) => {
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
      changed((body) => {
        profileOf(body).targetExtendedLocations = [zone("zone1", one), zone("zone2", two)];
      });
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
        {
          name: "eastus2",
          regionalReplicaCount: 1,
          storageAccountType: "Standard_LRS",
        },
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
    const form = changed((body) => {
      Object.assign(profileOf(body), {
        replicaCount: 4,
        storageAccountType: "premium_lrs",
        targetRegions: [{ name: "westus" }, { name: "eastus2", regionalReplicaCount: 1 }],
      });
    });
    expect(form.properties.publishingProfile?.targetRegions).toEqual([
      {
        name: "westus",
        regionalReplicaCount: 4,
        storageAccountType: "Premium_LRS",
      },
      {
        name: "eastus2",
        regionalReplicaCount: 1,
        storageAccountType: "Premium_LRS",
      },
    ]);
  });

  test("without target regions has the location alone", () => {
    const form = canonicalForm({
      location: "West US",
      properties: {
        storageProfile: managedImage.properties.storageProfile,
      },
    });
    expect(form.properties.publishingProfile?.targetRegions).toEqual([{ name: "westus" }]);
  });

  test("keeps an empty list of target regions, for a rule to refuse", () => {
    const form = changed((body) => (profileOf(body).targetRegions = []));
    expect(form.properties.publishingProfile?.targetRegions).toEqual([]);
  });

  test("keeps tags as they are: empty values, case, and names of properties", () => {
    const tags = { Id: "Subscriptions/x/", type: "STANDARD_LRS", empty: "" };
    expect(changed((body) => Object.assign(body, { tags })).tags).toEqual(tags);
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
    canonicalForm(body as unknown as ImageVersionRequest);
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
          securityProfile: {
            uefiSettings: { additionalSignatures: { pk: null, kek: [] } },
          },
        },
      } as unknown as ImageVersionRequest),
    ).toStrictEqual({
      location: "westus",
      properties: {
        storageProfile: {},
        securityProfile: {
          uefiSettings: { additionalSignatures: { pk: null, kek: [] } },
        },
        publishingProfile: { targetRegions: [{ name: "westus" }] },
      },
    });
  });

  test("of a body without properties has those that are required", () => {
    expect(
      canonicalForm({
        location: "westus",
      } as unknown as ImageVersionRequest),
    ).toStrictEqual({
      location: "westus",
      properties: {
        storageProfile: {},
        publishingProfile: { targetRegions: [{ name: "westus" }] },
      },
    });
    expect(
      canonicalForm({
        location: "westus",
        properties: {},
      } as unknown as ImageVersionRequest).properties,
    ).toHaveProperty("storageProfile", {});
  });

  test("keeps what has no other spelling, and what is not of its form", () => {
    const form = changed((body) => {
      profileOf(body).endOfLifeDate = "some day";
      profileOf(body).replicationMode = "Newer";
      regionAt(body, 0).storageAccountType = "UltraSSD_LRS";
      profileOf(body).excludeFromLatest = "yes" as unknown as boolean;
    });
    const profile = form.properties.publishingProfile;
    expect(profile?.endOfLifeDate).toBe("some day");
    expect(profile?.replicationMode).toBe("Newer");
    expect(profile?.targetRegions?.[0]?.storageAccountType).toBe("UltraSSD_LRS");
    expect(profile?.excludeFromLatest).toBe("yes");
    expect(changed((body) => (body.location = 7 as unknown as string)).location).toBe(7);
  });

  test("has each word as Azure spells it", () => {
    const spelledAs = (words: readonly string[], at: string): unknown[] =>
      words.map((word) => {
        const form = changed((body) => {
          Object.assign(profileOf(body), {
            storageAccountStrategy: word,
            replicationMode: word,
          });
          body.properties.storageProfile.osDiskImage = { hostCaching: word };
          body.properties.securityProfile = {
            uefiSettings: { signatureTemplateNames: [word] },
            secretsProvisioningSettings: { components: [{ name: word }] },
          };
          regionAt(body, 0).encryption = {
            osDiskImage: {
              securityProfile: { confidentialVMEncryptionType: word },
            },
            dataDiskImages: [
              {
                lun: 0,
                securityProfile: { confidentialVMEncryptionType: word },
              },
            ],
          };
        });
        return at
          .split("/")
          .reduce<unknown>(
            (value, part) => (value as Record<string, unknown>)[part],
            form.properties,
          );
      });
    for (const [at, words] of [
      ["publishingProfile/replicationMode", ["Full", "Shallow"]],
      ["publishingProfile/storageAccountStrategy", ["PreferStandard_ZRS", "DefaultStandard_LRS"]],
      ["storageProfile/osDiskImage/hostCaching", ["None", "ReadOnly", "ReadWrite"]],
      [
        "securityProfile/uefiSettings/signatureTemplateNames/0",
        [
          "NoSignatureTemplate",
          "MicrosoftUefiCertificateAuthorityTemplate",
          "MicrosoftWindowsTemplate",
        ],
      ],
      [
        "publishingProfile/targetRegions/0/encryption/osDiskImage/securityProfile/confidentialVMEncryptionType",
        [
          "EncryptedVMGuestStateOnlyWithPmk",
          "EncryptedWithPmk",
          "EncryptedWithCmk",
          "NonPersistedTPM",
        ],
      ],
      [
        "publishingProfile/targetRegions/0/encryption/dataDiskImages/0/securityProfile/confidentialVMEncryptionType",
        ["DataDiskEncryptedWithCmk"],
      ],
      [
        "securityProfile/secretsProvisioningSettings/components/0/name",
        ["OS", "CloudInit", "AzureGuestAgent", "SecretsProvisioningLibrary"],
      ],
    ] as const) {
      expect(
        spelledAs(
          words.map((word) => word.toUpperCase()),
          at,
        ),
      ).toEqual(words);
    }
  });
});

test("the regions of a canonical request", () => {
  expect(targetRegionsOf(unchanged).map(({ name }) => name)).toEqual(["westus", "eastus2"]);
  expect(targetRegionsOf({ properties: {} } as unknown as ImageVersionRequest)).toEqual([]);
});
