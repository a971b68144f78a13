import { describe, expect, test } from "vitest";
import { canonicalForm } from "../../../src/image-version/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { differsFrom, readBack } from "../../../src/image-version/read-back.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  snapshotsRequest,
} from "../../support/requests.js";

const asked = canonicalForm(managedImageRequest());
const REGIONS = "/properties/publishingProfile/targetRegions";

type Profile = NonNullable<
  ImageVersionRequest["properties"]["publishingProfile"]
>;

/** What ARM answers: regions as display names, every default filled in, ids as it spells them. */
function arm(
  change: Partial<Profile> = {},
  storage: object = {
    source: { id: seedResource("images/myImage").toUpperCase() },
  },
): ImageVersionRequest {
  return {
    location: "westus",
    tags: { policy: "added" },
    properties: {
      publishingProfile: {
        replicaCount: 1,
        excludeFromLatest: false,
        replicationMode: "Full",
        targetRegions: [
          seedRegion("East US 2", "EASTUS2", {
            regionalReplicaCount: 1,
            storageAccountType: "Standard_LRS",
            excludeFromLatest: false,
          }),
          seedRegion("West US", "WestUS", {
            regionalReplicaCount: 2,
            storageAccountType: "Standard_LRS",
            excludeFromLatest: false,
          }),
        ],
        ...change,
      },
      storageProfile: storage,
    },
  };
}

const westus = seedRegion("West US", "WestUS", {
  regionalReplicaCount: 2,
  storageAccountType: "Standard_LRS",
});
const eastus2 = seedRegion("East US 2", "EastUS2", { regionalReplicaCount: 1 });

test("what ARM fills in, spells otherwise and has beyond the request is no finding", () => {
  expect(readBack(asked, arm())).toEqual([]);
  expect(differsFrom(asked, arm())).toEqual([]);
  expect(
    readBack(
      asked,
      arm({ targetRegions: [westus, eastus2, { name: "UK South" }] }),
    ),
  ).toEqual([]);
});

describe("what ARM lacks is found", () => {
  test.each<
    [string, ImageVersionRequest, { pointer: string; message: string }[]]
  >([
    [
      "a region",
      arm({ targetRegions: [westus] }),
      [
        {
          pointer: `${REGIONS}/1`,
          message:
            'The target region in Azure is absent; the request asks for "eastus2".',
        },
        {
          pointer: `${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`,
          message: expect.stringContaining(
            "disk encryption set of the OS disk in eastus2 in Azure is absent",
          ) as string,
        },
        {
          pointer: `${REGIONS}/1/encryption/dataDiskImages/0/diskEncryptionSetId`,
          message: expect.any(String) as string,
        },
      ],
    ],
    [
      "a replica",
      arm({ targetRegions: [{ ...westus, regionalReplicaCount: 1 }, eastus2] }),
      [
        {
          pointer: `${REGIONS}/0/regionalReplicaCount`,
          message:
            "The replica count of westus in Azure is 1; the request asks for 2.",
        },
      ],
    ],
    [
      "a storage type",
      arm({
        targetRegions: [
          { ...westus, storageAccountType: "Standard_ZRS" },
          eastus2,
        ],
      }),
      [
        {
          pointer: `${REGIONS}/0/storageAccountType`,
          message:
            'The storage account type of westus in Azure is "Standard_ZRS"; the request asks for "Standard_LRS".',
        },
      ],
    ],
    [
      "the key of a data disk",
      arm({
        targetRegions: [
          westus,
          {
            ...eastus2,
            encryption: { osDiskImage: eastus2.encryption?.osDiskImage ?? {} },
          },
        ],
      }),
      [
        {
          pointer: `${REGIONS}/1/encryption/dataDiskImages/0/diskEncryptionSetId`,
          message: `The disk encryption set of the data disk at LUN 0 in eastus2 in Azure is absent; the request asks for "${seedResource("diskEncryptionSets/EastUS2DiskEncryptionSet2")}".`,
        },
      ],
    ],
    [
      "all encryption of a region",
      arm({
        targetRegions: [westus, { name: "eastus2", regionalReplicaCount: 1 }],
      }),
      [
        {
          pointer: `${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`,
          message: expect.any(String) as string,
        },
        {
          pointer: `${REGIONS}/1/encryption/dataDiskImages/0/diskEncryptionSetId`,
          message: expect.any(String) as string,
        },
      ],
    ],
    [
      "the key that was asked for",
      arm({
        targetRegions: [
          westus,
          seedRegion("eastus2", "EastUS", { regionalReplicaCount: 1 }),
        ],
      }),
      [
        {
          pointer: `${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`,
          message: expect.stringContaining(
            "EastUSDiskEncryptionSet1",
          ) as string,
        },
        {
          pointer: `${REGIONS}/1/encryption/dataDiskImages/0/diskEncryptionSetId`,
          message: expect.any(String) as string,
        },
      ],
    ],
  ])("%s", (_, actual, findings) => {
    expect(readBack(asked, actual)).toEqual(
      findings.map((finding) => ({ code: "ReadBackMismatch", ...finding })),
    );
  });
});

describe("the source", () => {
  const image = seedResource("images/otherImage");
  const snapshots = canonicalForm(snapshotsRequest("eastus2"));
  const storage = snapshots.properties.storageProfile;

  test.each<[string, ImageVersionRequest, object, string[]]>([
    ["that ARM does not show is no finding", asked, {}, []],
    [
      "that is another image",
      asked,
      { source: { id: image } },
      ["/properties/storageProfile/source/id"],
    ],
    [
      "that is a disk instead of an image",
      asked,
      { osDiskImage: { source: { id: image } } },
      ["/properties/storageProfile/source"],
    ],
    [
      "that is an image instead of a disk",
      snapshots,
      { source: { id: image } },
      ["/properties/storageProfile/osDiskImage/source"],
    ],
    [
      "that is another snapshot",
      snapshots,
      { ...storage, osDiskImage: { source: { id: image } } },
      ["/properties/storageProfile/osDiskImage/source"],
    ],
    [
      "with its data disks in another order",
      snapshots,
      {
        ...storage,
        dataDiskImages: [{ lun: 7 }, ...(storage.dataDiskImages ?? [])],
      },
      [],
    ],
    [
      "with another data disk",
      snapshots,
      {
        ...storage,
        dataDiskImages: [{ lun: 7 }, { lun: 0, source: { id: image } }],
      },
      ["/properties/storageProfile/dataDiskImages/0/source"],
    ],
    [
      "without the data disks' sources",
      snapshots,
      { osDiskImage: storage.osDiskImage },
      [],
    ],
  ])("%s", (_, wanted, shown, pointers) => {
    const found = readBack(wanted, arm({}, shown)).map(
      ({ pointer }) => pointer,
    );
    expect(
      found.map((pointer) => pointer.replace(/\/source\/id$/u, "/source")),
    ).toEqual(
      pointers.map((pointer) => pointer.replace(/\/source\/id$/u, "/source")),
    );
  });

  test("is the same virtual machine by either of its names", () => {
    const id = seedResource("virtualMachines/myVM");
    const body = managedImageRequest();
    const vm = canonicalForm({
      ...body,
      properties: {
        ...body.properties,
        storageProfile: { source: { virtualMachineId: id } },
      },
    });
    expect(readBack(vm, arm({}, { source: { id } }))).toEqual([]);
    expect(readBack(vm, arm({}, { source: { id: `${id}2` } }))).toHaveLength(1);
  });

  test("is not looked for where ARM shows no storage profile at all", () => {
    const actual = arm();
    delete (actual.properties as { storageProfile?: object }).storageProfile;
    expect(readBack(asked, actual)).toEqual([]);
  });
});

describe("a version that another has made differs, too, by", () => {
  const more = (
    change: Partial<ImageVersionRequest>,
    profile: Partial<Profile> = {},
  ) =>
    canonicalForm({
      ...managedImageRequest(),
      ...change,
      properties: {
        ...managedImageRequest().properties,
        publishingProfile: {
          ...managedImageRequest().properties.publishingProfile,
          ...profile,
        },
      },
    });

  test.each<[string, ImageVersionRequest, ImageVersionRequest, string]>([
    [
      "a region beyond",
      asked,
      arm({ targetRegions: [westus, eastus2, { name: "UK South" }] }),
      REGIONS,
    ],
    [
      "a key beyond",
      more(
        {},
        { targetRegions: [{ name: "westus", regionalReplicaCount: 2 }] },
      ),
      arm({ targetRegions: [westus] }),
      `${REGIONS}/0/encryption`,
    ],
    [
      "its end of life",
      asked,
      arm({ endOfLifeDate: "2031-01-01T00:00:00+00:00" }),
      "/properties/publishingProfile/endOfLifeDate",
    ],
    [
      "its exclusion from latest",
      asked,
      arm({ excludeFromLatest: true }),
      "/properties/publishingProfile/excludeFromLatest",
    ],
    [
      "its replication mode",
      asked,
      arm({ replicationMode: "Shallow" }),
      "/properties/publishingProfile/replicationMode",
    ],
    [
      "a tag that is missing",
      more({ tags: { "a/b": "1" } }),
      arm(),
      "/tags/a~1b",
    ],
    [
      "a tag's value",
      more({ tags: { policy: "mine" } }),
      arm(),
      "/tags/policy",
    ],
  ])("%s", (_, wanted, actual, pointer) => {
    expect(readBack(wanted, actual)).toEqual([]);
    expect(
      differsFrom(wanted, actual).map((finding) => finding.pointer),
    ).toContain(pointer);
  });

  test("nothing when its end of life is written otherwise", () => {
    expect(
      differsFrom(
        more({}, { endOfLifeDate: "2031-01-01" }),
        arm({ endOfLifeDate: "2031-01-01T00:00:00+00:00" }),
      ),
    ).toEqual([]);
  });
});
