import { describe, expect, test } from "vitest";
import type { Finding } from "../../../src/errors.js";
import { canonicalForm } from "../../../src/image-version/canonical-form.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import type {
  DiskEncryptionSet,
  ImageSource,
} from "../../../src/image-version/ports.js";
import { parseImageVersionId } from "../../../src/image-version/resource-id.js";
import type { Facts } from "../../../src/image-version/rules/rule.js";
import {
  checkFacts,
  checkRequest,
} from "../../../src/image-version/rules/rules.js";

const SUBSCRIPTION = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const OTHER = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const COMPUTE = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute`;
const REGIONS = "/properties/publishingProfile/targetRegions";
const STORAGE = "/properties/storageProfile";
const set = (name: string): string => `${COMPUTE}/diskEncryptionSets/${name}`;

type Region = NonNullable<
  NonNullable<
    ImageVersionRequest["properties"]["publishingProfile"]
  >["targetRegions"]
>[number];
type Storage = ImageVersionRequest["properties"]["storageProfile"];

const image: Storage = { source: { id: `${COMPUTE}/images/image` } };

function region(name: string, luns: readonly number[], more = {}): Region {
  return {
    name,
    encryption: {
      osDiskImage: { diskEncryptionSetId: set(`${name}-os`) },
      dataDiskImages: luns.map((lun) => ({
        lun,
        diskEncryptionSetId: set(`${name}-${lun}`),
      })),
    },
    ...more,
  };
}

function versionId(name = "1.0.0") {
  const id = parseImageVersionId(
    `${COMPUTE}/galleries/gallery/images/image/versions/${name}`,
  );
  if (id === undefined) throw new TypeError(name);
  return id;
}

function requestOf(
  targetRegions: Region[],
  storageProfile: Storage = image,
  location = "westus",
): ImageVersionRequest {
  return canonicalForm({
    location,
    properties: { publishingProfile: { targetRegions }, storageProfile },
  });
}

/** What ARM says: a set for each that `region` makes, in its region; the image with a data disk at LUN 0. */
function factsOf(
  change: {
    sets?: Record<string, Partial<DiskEncryptionSet> | undefined>;
    sources?: Record<string, ImageSource | undefined>;
  } = {},
): Facts {
  const sets = ["westus", "eastus2"].flatMap((name) =>
    ["os", 0, 1].map((disk): [string, DiskEncryptionSet] => [
      set(`${name}-${disk}`),
      {
        id: set(`${name}-${disk}`),
        region: name,
        provisioningState: "Succeeded",
        encryptionType: "EncryptionAtRestWithCustomerKey",
      },
    ]),
  );
  const diskEncryptionSets = new Map<string, DiskEncryptionSet | undefined>(
    sets.map(([id, value]) => [id.toLowerCase(), value]),
  );
  for (const [name, patch] of Object.entries(change.sets ?? {})) {
    const key = set(name).toLowerCase();
    const known = diskEncryptionSets.get(key) ?? sets[0]?.[1];
    diskEncryptionSets.set(
      key,
      patch && known && { ...known, id: set(name), ...patch },
    );
  }
  return {
    diskEncryptionSets,
    sources: new Map<string, ImageSource | undefined>([
      [
        `${COMPUTE}/images/image`.toLowerCase(),
        { id: `${COMPUTE}/images/image`, dataDiskLuns: [0] },
      ],
      ...Object.entries(change.sources ?? {}).map(
        ([id, source]) => [id.toLowerCase(), source] as const,
      ),
    ]),
  };
}

function brokenBy(request: ImageVersionRequest, name?: string) {
  return checkRequest(versionId(name), request);
}

const good = requestOf([region("westus", [0]), region("eastus2", [0])]);

test("a request that meets every rule has no finding", () => {
  expect(brokenBy(good)).toEqual([]);
  expect(checkFacts(versionId(), good, factsOf())).toEqual([]);
});

describe("a version's name", () => {
  test.each(["0.0.0", "2147483647.2147483647.2147483647", "10.20.30"])(
    "may be %s",
    (name) => expect(brokenBy(good, name)).toEqual([]),
  );

  test.each(["2147483648.0.0", "1.0.9999999999", "01.0.0", "1.00.0"])(
    "may not be %s",
    (name) =>
      expect(brokenBy(good, name)).toEqual([
        {
          code: "InvalidVersionName",
          pointer: "",
          message: `"${name}" is not a version name: each of its three integers must be at most 2147483647 and have no leading zeros.`,
        },
      ]),
  );
});

describe("target regions", () => {
  test("are given once each, in whatever spelling", () => {
    expect(
      brokenBy(
        requestOf([
          region("westus", [0]),
          region("eastus2", [0]),
          { ...region("westus", [0]), name: "West US" },
        ]),
      ),
    ).toEqual([
      {
        code: "DuplicateRegion",
        pointer: `${REGIONS}/2/name`,
        message:
          '"westus" is given twice: case and spaces do not make another region. Keep one entry for it.',
      },
    ]);
  });

  test("include the version's location", () => {
    expect(
      brokenBy(requestOf([region("eastus2", [0])], image, "West US")),
    ).toEqual([
      {
        code: "LocationNotInTargetRegions",
        pointer: REGIONS,
        message:
          'The version\'s own location "westus" is not among its target regions (eastus2). Add it: Azure requires a replica there.',
      },
    ]);
  });

  test("may ask for a hundred replicas, all together", () => {
    const replicas = (...counts: [number, number, number]) =>
      brokenBy(
        requestOf([
          region("westus", [0], {
            regionalReplicaCount: counts[0],
            additionalReplicaSets: [
              {
                regionalReplicaCount: counts[2],
                storageAccountType: "Premium_LRS",
              },
            ],
          }),
          region("eastus2", [0], { regionalReplicaCount: counts[1] }),
        ]),
      );
    expect(replicas(50, 49, 1)).toEqual([]);
    expect(replicas(50, 49, 2)).toEqual([
      {
        code: "TooManyReplicas",
        pointer: REGIONS,
        message:
          "The regions ask for 101 replicas in total; Azure allows 100 a version. Lower regionalReplicaCount.",
      },
    ]);
  });

  test("give each data disk one set", () => {
    expect(brokenBy(requestOf([region("westus", [0, 1, 0])]))).toEqual([
      {
        code: "DuplicateLun",
        pointer: `${REGIONS}/0/encryption/dataDiskImages/2/lun`,
        message:
          "LUN 0 is given twice in westus. Give each data disk one disk encryption set.",
      },
    ]);
  });
});

describe("a version's source", () => {
  const disk = (name: string) => ({
    source: { id: `${COMPUTE}/disks/${name}` },
  });
  const vhd = {
    source: {
      storageAccountId:
        "/subscriptions/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a",
      uri: "https://a.blob.core.windows.net/vhds/os.vhd",
    },
  };
  const from = (storage: Storage) =>
    brokenBy(requestOf([{ name: "westus" }], storage));

  test.each<[string, Storage]>([
    ["a managed image", image],
    [
      "a virtual machine",
      { source: { virtualMachineId: `${COMPUTE}/virtualMachines/vm` } },
    ],
    [
      "a community gallery image",
      { source: { communityGalleryImageId: "/CommunityGalleries/g/Images/i" } },
    ],
    [
      "disks",
      { osDiskImage: disk("os"), dataDiskImages: [{ lun: 0, ...disk("d") }] },
    ],
    ["a VHD", { osDiskImage: vhd }],
  ])("may be %s", (_, storage) => expect(from(storage)).toEqual([]));

  test.each<[string, Storage, Partial<Finding>[]]>([
    [
      "nothing",
      {},
      [
        {
          code: "MissingSource",
          pointer: STORAGE,
          message:
            "The version has no source. Give exactly one: source.id (managed image, image version), source.virtualMachineId, source.communityGalleryImageId, or osDiskImage.source (disk, snapshot, VHD) with dataDiskImages.",
        },
      ],
    ],
    [
      "data disks without an OS disk",
      { dataDiskImages: [{ lun: 0, ...disk("d") }] },
      [{ code: "MissingSource", pointer: STORAGE }],
    ],
    [
      "an image and an OS disk",
      { ...image, osDiskImage: disk("os") },
      [
        {
          code: "SeveralSources",
          pointer: STORAGE,
          message: expect.stringContaining(
            "The version has 2 sources (source.id, osDiskImage.source).",
          ) as string,
        },
      ],
    ],
    [
      "an image and a virtual machine",
      {
        source: {
          ...image.source,
          virtualMachineId: `${COMPUTE}/virtualMachines/vm`,
        },
      },
      [{ code: "SeveralSources", pointer: STORAGE }],
    ],
    [
      "a disk that is a VHD as well",
      { osDiskImage: { source: { ...vhd.source, ...disk("os").source } } },
      [
        {
          code: "SeveralSources",
          pointer: `${STORAGE}/osDiskImage/source`,
          message:
            "Give either id (a managed disk or snapshot) or storageAccountId and uri (a VHD), one of the two.",
        },
      ],
    ],
    [
      "a VHD without its account",
      { osDiskImage: { source: { uri: vhd.source.uri } } },
      [
        {
          code: "MissingSource",
          pointer: `${STORAGE}/osDiskImage/source/storageAccountId`,
          message: "A VHD needs both storageAccountId and uri.",
        },
      ],
    ],
    [
      "a VHD without its address",
      {
        osDiskImage: {
          source: { storageAccountId: vhd.source.storageAccountId },
        },
      },
      [{ code: "MissingSource", pointer: `${STORAGE}/osDiskImage/source/uri` }],
    ],
    [
      "two data disks at one LUN",
      {
        osDiskImage: disk("os"),
        dataDiskImages: [
          { lun: 3, ...disk("a") },
          { lun: 3, ...disk("b") },
        ],
      },
      [
        {
          code: "DuplicateLun",
          pointer: `${STORAGE}/dataDiskImages/1/lun`,
          message: "LUN 3 is given twice. Each data disk has a LUN of its own.",
        },
      ],
    ],
  ])("may not be %s", (_, storage, findings) =>
    expect(from(storage)).toMatchObject(findings),
  );
});

describe("a resource id in a request", () => {
  test("that is none is refused where it stands", () => {
    const bad = region("westus", []);
    bad.encryption = { osDiskImage: { diskEncryptionSetId: "my-set" } };
    expect(brokenBy(requestOf([bad]))).toEqual([
      {
        code: "InvalidResourceId",
        pointer: `${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`,
        message:
          '"/my-set" is not a resource id. Write it as /subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/diskEncryptionSets/{name}.',
      },
    ]);
  });

  test.each<[string, Storage, string]>([
    [
      "a snapshot as a virtual machine",
      { source: { virtualMachineId: `${COMPUTE}/snapshots/a` } },
      "source/virtualMachineId",
    ],
    [
      "a gallery as an image",
      { source: { id: `${COMPUTE}/galleries/a` } },
      "source/id",
    ],
    [
      "an image as a disk",
      { osDiskImage: { source: { id: `${COMPUTE}/images/a` } } },
      "osDiskImage/source/id",
    ],
    [
      "an image as a data disk",
      {
        osDiskImage: { source: { id: `${COMPUTE}/disks/a` } },
        dataDiskImages: [{ lun: 0, source: { id: `${COMPUTE}/images/a` } }],
      },
      "dataDiskImages/0/source/id",
    ],
  ])("that names %s is refused", (_, storage, path) => {
    expect(brokenBy(requestOf([{ name: "westus" }], storage))).toMatchObject([
      {
        code: "WrongResourceType",
        pointer: `${STORAGE}/${path}`,
        message: expect.stringContaining(
          "is not one of Microsoft.Compute/",
        ) as string,
      },
    ]);
  });
});

test("all mistakes of a request are told at once", () => {
  expect(
    brokenBy(
      requestOf(
        [region("eastus2", [0, 0]), region("eastus2", [0])],
        {},
        "westus",
      ),
      "01.0.0",
    ).map(({ code }) => code),
  ).toEqual([
    "InvalidVersionName",
    "DuplicateRegion",
    "LocationNotInTargetRegions",
    "MissingSource",
    "DuplicateLun",
  ]);
});

describe("a disk encryption set", () => {
  const POINTER = `${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`;
  const check = (change: Parameters<typeof factsOf>[0]) =>
    checkFacts(versionId(), good, factsOf(change));

  test("exists", () => {
    expect(check({ sets: { "eastus2-os": undefined } })).toEqual([
      {
        code: "DiskEncryptionSetNotFound",
        pointer: POINTER,
        message: `${set("eastus2-os")}, given for the OS disk in eastus2, does not exist, or Sigil's identity may not read it. Create it in eastus2 first, correct the id, or give the identity the Reader role there.`,
      },
    ]);
  });

  test("is in the region that it is given for", () => {
    expect(check({ sets: { "eastus2-os": { region: "westus" } } })).toEqual([
      {
        code: "DiskEncryptionSetInOtherRegion",
        pointer: POINTER,
        message: `${set("eastus2-os")} is in westus but is given for the OS disk in eastus2. Use a disk encryption set that is in eastus2, or correct the region's name.`,
      },
    ]);
  });

  test.each(["Creating", "Failed", "Unknown"])(
    "is not %s",
    (provisioningState) => {
      expect(check({ sets: { "eastus2-os": { provisioningState } } })).toEqual([
        {
          code: "DiskEncryptionSetNotReady",
          pointer: POINTER,
          message: `${set("eastus2-os")} is in provisioning state ${provisioningState}. Wait until it is Succeeded, or repair it.`,
        },
      ]);
    },
  );

  test("may be one of double encryption", () => {
    expect(
      check({
        sets: {
          "eastus2-os": {
            encryptionType: "EncryptionAtRestWithPlatformAndCustomerKeys",
          },
        },
      }),
    ).toEqual([]);
  });

  test("of confidential virtual machines does not encrypt a disk", () => {
    expect(
      check({
        sets: {
          "eastus2-os": {
            encryptionType: "ConfidentialVmEncryptedWithCustomerKey",
          },
        },
      }),
    ).toEqual([
      {
        code: "DiskEncryptionSetOfWrongType",
        pointer: POINTER,
        message: `${set("eastus2-os")} is of type ConfidentialVmEncryptedWithCustomerKey; the OS disk in eastus2 needs EncryptionAtRestWithCustomerKey or EncryptionAtRestWithPlatformAndCustomerKeys. Use a set of that type.`,
      },
    ]);
  });

  test("is in the version's subscription, whatever the case of either", () => {
    const foreign = set("eastus2-os").replace(
      SUBSCRIPTION,
      OTHER.toUpperCase(),
    );
    const request = requestOf([
      region("westus", [0]),
      {
        name: "eastus2",
        encryption: {
          osDiskImage: { diskEncryptionSetId: foreign },
          dataDiskImages: [
            {
              lun: 0,
              diskEncryptionSetId: set("eastus2-0").replace(
                SUBSCRIPTION,
                SUBSCRIPTION.toUpperCase(),
              ),
            },
          ],
        },
      },
    ]);
    const facts = factsOf();
    const findings = checkFacts(versionId(), request, {
      ...facts,
      diskEncryptionSets: new Map([
        ...facts.diskEncryptionSets,
        [
          foreign.toLowerCase(),
          facts.diskEncryptionSets.get(set("eastus2-os").toLowerCase()),
        ],
      ]),
    });
    expect(findings).toEqual([
      {
        code: "DiskEncryptionSetInOtherSubscription",
        pointer: POINTER,
        message: `${foreign} is in subscription ${OTHER}; the image version is in ${SUBSCRIPTION}. Use a disk encryption set of ${SUBSCRIPTION}.`,
      },
    ]);
  });
});

describe("keys of confidential virtual machines", () => {
  const confidential = (name: string, luns: readonly number[]): Region => ({
    name,
    encryption: {
      osDiskImage: {
        securityProfile: {
          confidentialVMEncryptionType: "EncryptedWithCmk",
          secureVMDiskEncryptionSetId: set(`${name}-os`),
        },
      },
      dataDiskImages: luns.map((lun) => ({
        lun,
        diskEncryptionSetId: set(`${name}-${lun}`),
      })),
    },
  });
  const type = {
    encryptionType: "ConfidentialVmEncryptedWithCustomerKey" as const,
  };

  test("are of sets of that type", () => {
    const request = requestOf([confidential("westus", [0])]);
    expect(
      checkFacts(
        versionId(),
        request,
        factsOf({ sets: { "westus-os": type } }),
      ),
    ).toEqual([]);
    expect(checkFacts(versionId(), request, factsOf())).toMatchObject([
      {
        code: "DiskEncryptionSetOfWrongType",
        pointer: `${REGIONS}/0/encryption/osDiskImage/securityProfile/secureVMDiskEncryptionSetId`,
        message: expect.stringContaining(
          "the confidential OS disk in westus needs ConfidentialVmEncryptedWithCustomerKey",
        ) as string,
      },
    ]);
  });

  test("in one region ask for a key of every disk in every region", () => {
    expect(
      checkFacts(
        versionId(),
        requestOf([confidential("westus", []), { name: "eastus2" }]),
        factsOf({ sets: { "westus-os": type } }),
      ).map(({ code, pointer }) => `${code} ${pointer}`),
    ).toEqual([
      `DiskEncryptionSetMissing ${REGIONS}/0/encryption/dataDiskImages`,
      `DiskEncryptionSetMissing ${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`,
      `DiskEncryptionSetMissing ${REGIONS}/1/encryption/dataDiskImages`,
    ]);
  });
});

describe("own keys anywhere", () => {
  const missing = (regions: Region[], storage = image, facts = factsOf()) =>
    checkFacts(versionId(), requestOf(regions, storage), facts);

  test("ask for a key of every disk in every region", () => {
    expect(missing([region("westus", [0]), { name: "eastus2" }])).toEqual([
      {
        code: "DiskEncryptionSetMissing",
        pointer: `${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`,
        message:
          "No disk encryption set is given for the OS disk in eastus2, though other disks of this version have one. Give a set that is in eastus2, or none for any disk in any region.",
      },
      {
        code: "DiskEncryptionSetMissing",
        pointer: `${REGIONS}/1/encryption/dataDiskImages`,
        message:
          "No disk encryption set is given for the data disk at LUN 0 in eastus2, though other disks of this version have one. Give a set that is in eastus2, or none for any disk in any region.",
      },
    ]);
  });

  test("of the OS disk alone leave out a data disk of the source", () => {
    expect(
      missing([region("westus", []), region("eastus2", [])]).map(
        ({ pointer }) => pointer,
      ),
    ).toEqual([
      `${REGIONS}/0/encryption/dataDiskImages`,
      `${REGIONS}/1/encryption/dataDiskImages`,
    ]);
  });

  test("of a data disk alone leave out the OS disk", () => {
    const only = region("westus", [0]);
    delete only.encryption?.osDiskImage;
    expect(missing([only]).map(({ pointer }) => pointer)).toEqual([
      `${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`,
    ]);
  });

  test("of a data disk may not be an entry without a set", () => {
    const bad = region("westus", [0]);
    bad.encryption = { ...bad.encryption, dataDiskImages: [{ lun: 0 }] };
    expect(missing([bad]).map(({ pointer }) => pointer)).toEqual([
      `${REGIONS}/0/encryption/dataDiskImages/0/diskEncryptionSetId`,
    ]);
  });

  test("of nothing ask for nothing", () => {
    expect(missing([{ name: "westus" }, { name: "eastus2" }])).toEqual([]);
  });

  test("may not name a LUN that the source does not have", () => {
    expect(missing([region("westus", [0, 1])])).toEqual([
      {
        code: "LunNotInSource",
        pointer: `${REGIONS}/0/encryption/dataDiskImages/1/lun`,
        message:
          "The source has no data disk at LUN 1: it has 0. Correct the LUN or leave this entry out.",
      },
    ]);
  });

  test("may name the LUNs of the request's own disks", () => {
    const storage: Storage = {
      osDiskImage: { source: { id: `${COMPUTE}/snapshots/os` } },
      dataDiskImages: [{ lun: 1, source: { id: `${COMPUTE}/snapshots/data` } }],
    };
    const facts = factsOf({
      sources: {
        [`${COMPUTE}/snapshots/os`]: { id: "os" },
        [`${COMPUTE}/snapshots/data`]: { id: "data" },
      },
    });
    expect(missing([region("westus", [1])], storage, facts)).toEqual([]);
    expect(
      missing([region("westus", [0])], storage, facts).map(({ code }) => code),
    ).toEqual(["LunNotInSource", "DiskEncryptionSetMissing"]);
  });

  test("of a source that has no data disks name none", () => {
    const id = `${COMPUTE}/images/small`;
    expect(
      missing(
        [region("westus", [0])],
        { source: { id } },
        factsOf({ sources: { [id]: { id, dataDiskLuns: [] } } }),
      )[0]?.message,
    ).toBe(
      "The source has no data disk at LUN 0: it has no data disks. Correct the LUN or leave this entry out.",
    );
  });
});

test("every source that is not there is told where it is named", () => {
  const storage: Storage = {
    osDiskImage: { source: { id: `${COMPUTE}/snapshots/os` } },
    dataDiskImages: [{ lun: 0, source: { id: `${COMPUTE}/snapshots/data` } }],
  };
  expect(
    checkFacts(
      versionId(),
      requestOf([{ name: "westus" }], storage),
      factsOf(),
    ),
  ).toEqual([
    {
      code: "SourceNotFound",
      pointer: `${STORAGE}/osDiskImage/source/id`,
      message: `${COMPUTE}/snapshots/os does not exist, or Sigil's identity may not read it. Correct the id, or give the identity the Reader role there.`,
    },
    {
      code: "SourceNotFound",
      pointer: `${STORAGE}/dataDiskImages/0/source/id`,
      message: `${COMPUTE}/snapshots/data does not exist, or Sigil's identity may not read it. Correct the id, or give the identity the Reader role there.`,
    },
  ]);
});
