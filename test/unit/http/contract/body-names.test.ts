import type { OpenAPIV3 } from "openapi-types";
import { describe, expect, it } from "vitest";
import { FOREIGN_WORDS } from "../../../../src/http/contract/foreign-words.js";
import { resolve } from "../../../../src/http/contract/openapi-document.js";
import { content, managedImageBody, validator } from "./document.js";
import { naming } from "../../../support/naming.js";

const COMPUTE =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/myRG/providers/Microsoft.Compute";
const put = (body: unknown) => validator.validateBody("putImageVersion", body);
const told = (body: unknown) =>
  put(body).findings.map(({ pointer, message }) => [pointer, message]);

/** The seed's New-AzGalleryImageVersion, its parameters and hashtables as ConvertTo-Json writes them. */
const powerShellJson = {
  ResourceGroupName: "myRG",
  GalleryName: "myGallery",
  GalleryImageDefinitionName: "myImage",
  Name: "1.0.0",
  Location: "West US",
  SourceImageId: `${COMPUTE}/images/myImage`,
  ReplicaCount: 2,
  StorageAccountType: "Standard_LRS",
  PublishingProfileEndOfLifeDate: "2020-12-01",
  TargetRegion: [
    {
      Name: "West US",
      ReplicaCount: 1,
      StorageAccountType: "Standard_LRS",
      Encryption: {
        OSDiskImage: {
          DiskEncryptionSetId: `${COMPUTE}/diskEncryptionSets/myDESet`.slice(1),
        },
        DataDiskImages: [
          {
            DiskEncryptionSetId: `${COMPUTE}/diskEncryptionSets/myDESet1`,
            Lun: 1,
          },
        ],
      },
    },
  ],
};

describe("a body in PowerShell's words", () => {
  const says = (word: string, path: string) => `PowerShell's ${word} is ${path} here.`;
  const inUrl = (word: string) => naming([word, "URL"]);
  const PUBLISHING = "properties.publishingProfile";
  const REGION = "/TargetRegion/0";

  it("is told Azure Resource Manager's word for each, at every level at once, and nothing else", () => {
    const expected = [
      ["/ResourceGroupName", inUrl("ResourceGroupName")],
      ["/GalleryName", inUrl("GalleryName")],
      ["/GalleryImageDefinitionName", inUrl("GalleryImageDefinitionName")],
      ["/Name", inUrl("Name")],
      ["/Location", says("Location", "location")],
      ["/SourceImageId", says("SourceImageId", "properties.storageProfile.source.id")],
      ["/ReplicaCount", says("ReplicaCount", `${PUBLISHING}.replicaCount`)],
      ["/StorageAccountType", says("StorageAccountType", `${PUBLISHING}.storageAccountType`)],
      [
        "/PublishingProfileEndOfLifeDate",
        says("PublishingProfileEndOfLifeDate", `${PUBLISHING}.endOfLifeDate`),
      ],
      ["/TargetRegion", says("TargetRegion", `${PUBLISHING}.targetRegions`)],
      [`${REGION}/Name`, says("Name", "name")],
      [`${REGION}/ReplicaCount`, says("ReplicaCount", "regionalReplicaCount")],
      [`${REGION}/StorageAccountType`, says("StorageAccountType", "storageAccountType")],
      [`${REGION}/Encryption`, says("Encryption", "encryption")],
      [`${REGION}/Encryption/OSDiskImage`, says("OSDiskImage", "osDiskImage")],
      [
        `${REGION}/Encryption/OSDiskImage/DiskEncryptionSetId`,
        says("DiskEncryptionSetId", "diskEncryptionSetId"),
      ],
      [`${REGION}/Encryption/DataDiskImages`, says("DataDiskImages", "dataDiskImages")],
      [
        `${REGION}/Encryption/DataDiskImages/0/DiskEncryptionSetId`,
        says("DiskEncryptionSetId", "diskEncryptionSetId"),
      ],
      [`${REGION}/Encryption/DataDiskImages/0/Lun`, says("Lun", "lun")],
    ];
    expect(told(powerShellJson).sort()).toEqual(expected.sort());
    expect(new Set(put(powerShellJson).findings.map(({ code }) => code))).toEqual(
      new Set(["UnknownProperty"]),
    );
  });

  it("is told what is wrong below them, too, where it was written", () => {
    const body = structuredClone(powerShellJson) as unknown as {
      TargetRegion: object[];
    };
    body.TargetRegion = [{ ReplicaCount: 101 }];
    expect(told(body)).toEqual(
      expect.arrayContaining([
        ["/TargetRegion/0/ReplicaCount", "Must be from 1 to 100, is 101. A number of replicas."],
        [
          "/TargetRegion/0/name",
          "`name` is missing. A region's name, in either case, with or without spaces.",
        ],
      ]),
    );
  });
});

describe("an unknown name", () => {
  const withRegion = (region: object) => ({
    location: "westus",
    properties: {
      publishingProfile: { targetRegions: [{ name: "westus", ...region }] },
    },
  });
  const REGION = "/properties/publishingProfile/targetRegions/0";

  it.each([
    [
      { "os-snapshot": `${COMPUTE}/snapshots/os` },
      "/os-snapshot",
      "az's os-snapshot is properties.storageProfile.osDiskImage.source.id here.",
    ],
    [
      { osSnapshot: `${COMPUTE}/snapshots/os` },
      "/osSnapshot",
      "az's osSnapshot is properties.storageProfile.osDiskImage.source.id here.",
    ],
    [
      { "data-snapshots": ["d1"] },
      "/data-snapshots",
      "az's data-snapshots is properties.storageProfile.dataDiskImages[].source.id here.",
    ],
    [
      { publishing_profile: {} },
      "/publishing_profile",
      "`publishing_profile` is unknown. It belongs in `properties`.",
    ],
  ])("%j is told where it belongs", (wrong, pointer, message) => {
    expect(told({ location: "westus", properties: {}, ...wrong })).toEqual([[pointer, message]]);
  });

  it.each([
    [
      { encryption: { osDiskImage: { diskEncryptionSet: "a/b" } } },
      "/encryption/osDiskImage/diskEncryptionSet",
      "Azure Resource Manager's diskEncryptionSet is diskEncryptionSetId here.",
    ],
    [
      {
        encryption: {
          OSDiskImage: {
            CVMEncryptionType: "EncryptedWithCmk",
            CVMDiskEncryptionSetID: "des",
          },
        },
      },
      "/encryption/OSDiskImage/CVMEncryptionType",
      "PowerShell's CVMEncryptionType is securityProfile.confidentialVMEncryptionType here.",
    ],
    [
      { regional_replica_count: 1 },
      "/regional_replica_count",
      "`regional_replica_count` is unknown. Did you mean `regionalReplicaCount`?",
    ],
    [
      { replicaCount: 1 },
      "/replicaCount",
      "PowerShell's replicaCount is regionalReplicaCount here.",
    ],
  ])("of a region, %j, is told what it is", (region, pointer, message) => {
    expect(told(withRegion(region))).toContainEqual([`${REGION}${pointer}`, message]);
  });

  it("does not take the place of a known one", () => {
    expect(told(withRegion({ regionalReplicaCount: 1, ReplicaCount: 101 }))).toEqual([
      [`${REGION}/ReplicaCount`, "PowerShell's ReplicaCount is regionalReplicaCount here."],
    ]);
  });

  it("of which there are many is told up to a hundred times", () => {
    const body = {
      location: "westus",
      properties: {
        publishingProfile: {
          targetRegions: Array.from({ length: 100 }, () => ({
            Name: "westus",
            ReplicaCount: 1,
          })),
        },
      },
    };
    expect(put(body).findings).toHaveLength(100);
    expect(told(body).at(-1)).toEqual(["", naming([101])]);
  });
});

it.each(FOREIGN_WORDS.filter(({ schema, path }) => schema !== "query" && path !== undefined))(
  "$tool's $schema $word leads to a property: $path",
  ({ schema, path }) => {
    let at = resolve<OpenAPIV3.SchemaObject>(content, {
      $ref: `#/components/schemas/${schema}`,
    });
    for (const name of (path ?? "").split(".")) {
      const property = at.properties?.[name.replace("[]", "")];
      expect(property).toBeDefined();
      at = resolve(content, property ?? {});
      if (name.endsWith("[]") && at.type === "array") at = resolve(content, at.items);
    }
  },
);

describe("read-only members", () => {
  const examples = (content.components?.responses?.["ImageVersion"] as OpenAPIV3.ResponseObject)
    .content?.["application/json"]?.examples as Record<string, { value: Record<string, unknown> }>;

  it("of Sigil's own answer are left out, so that it is a body", () => {
    const { value, pasted, findings } = put(examples["replicating"]?.value);
    expect(findings).toEqual([]);
    expect(pasted).toBe(true);
    expect(value).toEqual({
      location: "westus",
      properties: {
        publishingProfile: {
          targetRegions: [
            {
              name: "West US",
              regionalReplicaCount: 2,
              storageAccountType: "Standard_LRS",
            },
            { name: "East US 2" },
          ],
        },
        storageProfile: {
          source: {
            id: "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/images/myImage",
          },
          osDiskImage: { hostCaching: "ReadWrite" },
        },
        safetyProfile: { allowDeletionOfReplicatedLocations: false },
      },
    });
  });

  it("of Azure Resource Manager's answer are left out, and what is empty without them", () => {
    const { value, pasted, findings } = put({
      id: `${COMPUTE}/galleries/g/images/i/versions/1.0.0`,
      name: "1.0.0",
      type: "Microsoft.Compute/galleries/images/versions",
      etag: '"1"',
      systemData: { createdBy: "somebody" },
      location: "westus",
      tags: {},
      properties: {
        provisioningState: "Succeeded",
        publishingProfile: {
          targetRegions: [{ name: "West US", regionalReplicaCount: 1 }],
          publishedDate: "2026-01-01T00:00:10.1234567+00:00",
          endOfLifeDate: "2030-12-01T00:00:00+00:00",
        },
        storageProfile: {
          source: { id: `${COMPUTE}/images/myImage` },
          osDiskImage: { sizeInGB: 30 },
          dataDiskImages: [{ lun: 0, sizeInGB: 10 }],
        },
        safetyProfile: {
          reportedForPolicyViolation: false,
          policyViolations: [],
        },
        replicationStatus: { aggregatedState: "Completed", summary: [] },
        validationsProfile: { validationEtag: "x" },
      },
    });
    expect(findings).toEqual([]);
    expect(pasted).toBe(true);
    expect(value).toEqual({
      location: "westus",
      tags: {},
      properties: {
        publishingProfile: {
          targetRegions: [{ name: "West US", regionalReplicaCount: 1 }],
          endOfLifeDate: "2030-12-01T00:00:00+00:00",
        },
        storageProfile: {
          source: { id: `${COMPUTE}/images/myImage` },
          dataDiskImages: [{ lun: 0 }],
        },
      },
    });
  });

  it("leave what is required, though it is empty without them", () => {
    const body = {
      location: "westus",
      properties: { provisioningState: "Succeeded" },
    };
    expect(put(body)).toEqual({
      value: { location: "westus", properties: {} },
      pasted: true,
      findings: [],
    });
  });

  it("are none in a body that was never an answer, which stays as it is", () => {
    expect(put(managedImageBody)).toEqual({
      value: managedImageBody,
      pasted: false,
      findings: [],
    });
  });

  it("are not those of an answer where type is the only one, which a client may send in every body", () => {
    const type = "Microsoft.Compute/galleries/images/versions";
    expect(put({ type, ...managedImageBody })).toEqual({
      value: managedImageBody,
      pasted: false,
      findings: [],
    });
  });

  it("are those of sigil but for the promotion", () => {
    const { value, pasted, findings } = put({
      location: "westus",
      properties: {},
      sigil: {
        managedBy: "Sigil",
        latestIn: [],
        regions: [],
        promotion: { when: "manual" },
      },
    });
    expect([findings, pasted]).toEqual([[], true]);
    expect(value).toMatchObject({
      sigil: { promotion: { when: "manual" } },
    });
  });
});

it("restore: false says nothing, and is left out", () => {
  expect(put({ location: "westus", properties: { restore: false } })).toEqual({
    value: { location: "westus", properties: {} },
    pasted: false,
    findings: [],
  });
});

describe("a merge patch", () => {
  const patch = (body: unknown) => validator.validateBody("patchImageVersion", body);

  it("may hold any part of a version, and null", () => {
    const body = {
      tags: { build: null },
      properties: { publishingProfile: { endOfLifeDate: null } },
    };
    expect(patch(body)).toEqual({ value: body, pasted: false, findings: [] });
  });

  it("has no read-only members", () => {
    expect(patch({ id: "x", properties: { provisioningState: null } })).toEqual({
      value: { properties: {} },
      pasted: true,
      findings: [],
    });
  });

  it("in other words is told the right ones", () => {
    expect(patch({ properties: { publishingProfile: { TargetRegion: [] } } }).findings).toEqual([
      {
        code: "UnknownProperty",
        pointer: "/properties/publishingProfile/TargetRegion",
        message: naming(["TargetRegion", "targetRegions"]),
      },
    ]);
  });

  it.each([[[]], ["text"], [null]])("is an object, not %j", (body) => {
    expect(patch(body).findings).toMatchObject([{ code: "WrongType" }]);
  });
});
