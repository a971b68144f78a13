import { describe, expect, test } from "vitest";
import { type Named, naming } from "../../../support/naming.js";
import {
  COMPUTE,
  confidentialRegion,
  finding,
  findings,
  IMAGE,
  MACHINE,
  REGIONS,
  region,
  setId,
  STORAGE,
  subject,
  SUBSCRIPTION,
  type Changes,
  type Storage,
} from "./subject.js";
import { checkGathered, checkRequest } from "../../../../src/image-version/rules/rules.js";

describe("a version's name", () => {
  test.each(["0.0.0", "2147483647.2147483647.2147483647", "10.20.30"])("may be %s", (name) =>
    expect(findings({ name })).toEqual([]),
  );

  test.each(["2147483648.0.0", "1.0.9999999999", "01.0.0", "1.00.0", "1.0", "1.0.0.0", "latest"])(
    "may not be %s",
    (name) =>
      expect(findings({ name })).toEqual([
        finding("InvalidVersionName", "", [name, "2147483647"], ["1.0.0"]),
      ]),
  );
});

describe("target regions", () => {
  test("are given once each, in whatever spelling", () => {
    expect(
      findings({
        regions: [region("westus"), region("eastus2"), region("westus", [0], { name: "West US" })],
      }),
    ).toEqual([
      finding("DuplicateRegion", `${REGIONS}/2/name`, ['"westus"', "0", "2"], ["westus"]),
    ]);
  });

  test("include the version's location", () => {
    expect(findings({ regions: [region("eastus2")], location: "West US" })).toEqual([
      finding(
        "LocationNotInTargetRegions",
        REGIONS,
        ['"westus"', "eastus2"],
        ["westus", "targetRegions"],
      ),
    ]);
  });

  test("that ask for more than a hundred replicas, all together, are told so", () => {
    const replicas = (...counts: [number, number, number]) =>
      findings({
        regions: [
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
        ],
      });
    expect(replicas(50, 49, 1)).toEqual([]);
    expect(replicas(50, 49, 2)).toEqual([
      finding("TooManyReplicas", REGIONS, ["101"], ["regionalReplicaCount", "1"], "warning"),
    ]);
  });

  test("have one set for each data disk", () => {
    expect(findings({ regions: [region("westus", [0, 0])] })).toEqual([
      finding(
        "DuplicateLun",
        `${REGIONS}/0/encryption/dataDiskImages/1/lun`,
        ["0", "westus", "1"],
        [],
      ),
    ]);
  });
});

describe("a publishing profile", () => {
  test("may give a strategy and let a region differ", () => {
    expect(
      findings({
        publishing: { storageAccountStrategy: "PreferStandard_ZRS" },
        regions: [region("westus", [0], { storageAccountType: "Premium_LRS" })],
      }),
    ).toEqual([]);
  });

  test("may not give a strategy and a type", () => {
    expect(
      findings({
        publishing: {
          storageAccountStrategy: "PreferStandard_ZRS",
          storageAccountType: "Standard_LRS",
        },
      }),
    ).toEqual([
      finding(
        "StorageAccountStrategyConflict",
        "/properties/publishingProfile/storageAccountStrategy",
        ["storageAccountStrategy", "PreferStandard_ZRS", "storageAccountType", "Standard_LRS"],
        ["storageAccountStrategy", "storageAccountType", "Standard_LRS", "targetRegions"],
      ),
    ]);
  });

  test("may end a version's life now or later", () => {
    for (const endOfLifeDate of ["2026-01-01", "2030-12-01T12:00:00Z"])
      expect(findings({ publishing: { endOfLifeDate } })).toEqual([]);
  });

  test("is warned of an end of a version's life in the past", () => {
    expect(findings({ publishing: { endOfLifeDate: "2025-12-31" } })).toEqual([
      finding(
        "EndOfLifeDateInPast",
        "/properties/publishingProfile/endOfLifeDate",
        ["2025-12-31T00:00:00.000Z", "2026-01-01T00:00:00.000Z"],
        [],
        "warning",
      ),
    ]);
  });
});

describe("a plan says what storage Azure chooses for a region", () => {
  const { storageAccountType: _, ...silent } = region("westus");
  const planned = (changes: Changes) =>
    checkGathered(subject(changes)).filter(({ code }) => code === "StorageChosenByAzure");
  const chosen = (at: number, name: string, otherwise: string) =>
    finding(
      "StorageChosenByAzure",
      `${REGIONS}/${at}`,
      [name, otherwise],
      [name, "storageAccountType"],
      "info",
    );

  test("that says none", () => {
    expect(planned({ regions: [silent, { ...silent, name: "eastus2" }] })).toEqual([
      chosen(0, "westus", "Standard_LRS"),
      chosen(1, "eastus2", "Standard_ZRS"),
    ]);
  });

  test("by what each region has, where Azure does not tell of zones", () => {
    const gathered: Changes["gathered"] = {
      regions: { kind: "found", value: [{ name: "westus" }] },
    };
    expect(planned({ regions: [silent], gathered })).toEqual([
      chosen(0, "westus", "Standard_ZRS if the region has zones, else Standard_LRS"),
    ]);
  });

  test("by the strategy that is asked", () => {
    const publishing = {
      storageAccountStrategy: "DefaultStandard_LRS",
    } as const;
    expect(planned({ regions: [silent], publishing })).toEqual([
      chosen(0, "westus", "Standard_LRS"),
    ]);
  });

  test("and nothing where the profile says one, or the version has the region", () => {
    const publishing = { storageAccountType: "Premium_LRS" };
    expect(planned({ regions: [silent], publishing })).toEqual([]);
    const regions = [silent, { ...silent, name: "eastus2" }];
    expect(planned({ regions, existing: { regions: [silent] } })).toMatchObject([
      { pointer: `${REGIONS}/1` },
    ]);
  });
});

describe("a promotion rule", () => {
  test.each<NonNullable<Changes["promotion"]>>([
    { when: "manual" },
    { when: "allRegionsReady" },
    { when: "regions", regions: ["West US"] },
  ])("may be $when", (promotion) => {
    expect(findings({ promotion })).toEqual([]);
  });

  test("may come with the exclusion that it means itself", () => {
    const promotion = { when: "manual" } as const;
    const publishing = { excludeFromLatest: true };
    expect(findings({ promotion, publishing })).toEqual([]);
    expect(findings({ promotion, publishing, existing: { publishing } })).toEqual([]);
  });

  test("waits for regions that are named, and for target regions alone", () => {
    expect(findings({ promotion: { when: "regions" } })).toEqual([
      finding("InvalidPromotion", "/sigil/promotion", ['"regions"'], []),
    ]);
    expect(
      findings({
        promotion: { when: "regions", regions: ["westus", "North Europe"] },
      }),
    ).toEqual([
      finding("InvalidPromotion", "/sigil/promotion/regions/1", ['"northeurope"', "westus"], []),
    ]);
  });

  test("names no region where it waits for none", () => {
    expect(findings({ promotion: { when: "manual", regions: ["westus"] } })).toEqual([
      finding("InvalidPromotion", "/sigil/promotion/regions", ['"manual"'], []),
    ]);
  });

  const results = ["smoke"];
  test("that waits for tests may say which results count, and where", () => {
    expect(findings({ promotion: { when: "tested", regions: ["westus"], results } })).toEqual([]);
    expect(findings({ promotion: { when: "tested" } })).toEqual([]);
    expect(findings({ promotion: { when: "tested", regions: ["uksouth"] } })).toMatchObject([
      {
        pointer: "/sigil/promotion/regions/0",
        message: naming(["uksouth", "westus", "eastus2"]),
      },
    ]);
    expect(findings({ promotion: { when: "manual", results } })).toEqual([
      finding("InvalidPromotion", "/sigil/promotion/results", ['"manual"'], ['"when"', '"tested"']),
    ]);
  });
});

describe("a promotion rule of waves", () => {
  const waves = (...regions: readonly string[][]) => ({
    when: "waves" as const,
    waves: regions.map((names) => ({
      regions: names,
      after: "manual" as const,
    })),
  });
  const WAVES = waves(["westus"], ["East US 2"]);
  const excluded = { excludeFromLatest: true };
  const held = {
    publishing: excluded,
    regions: [region("westus", [0], excluded), region("eastus2", [0], excluded)],
  };
  const refused = (changes: Changes) =>
    findings(changes).filter(({ code }) => code === "InvalidPromotion");
  const wrong = (pointer: string, message: Named, remediation: Named = []) =>
    finding("InvalidPromotion", `/sigil/promotion${pointer}`, message, remediation);

  test("names each target region of a new version once, in whatever spelling", () => {
    expect(findings({ promotion: WAVES })).toEqual([]);
    expect(findings({ promotion: { ...WAVES, onFailure: "rollBack" } })).toEqual([]);
  });

  test.each<[string, Changes["promotion"], readonly unknown[]]>([
    ["that has none", { when: "waves" }, [wrong("", ['"waves"'], ["waves"])]],
    [
      "with a region that is no target",
      waves(["westus", "eastus2"], ["UK South"]),
      [wrong("/waves/1/regions/0", ["uksouth", "westus", "eastus2"])],
    ],
    [
      "with a region in two waves",
      waves(["westus", "eastus2"], ["West US"]),
      [wrong("/waves/1/regions/0", ["westus"])],
    ],
    [
      "with a region in none",
      waves(["westus"]),
      [wrong("/waves", ["eastus2"], ["sigil.promotion"])],
    ],
    [
      "with two regions in none",
      waves(["westus", "westus"]),
      [wrong("/waves/0/regions/1", ["westus"]), wrong("/waves", ["eastus2"])],
    ],
    ["with all regions in none", waves([]), [wrong("/waves", ["westus", "eastus2"])]],
  ])("%s is refused", (_, promotion, expected) => {
    expect(findings(promotion === undefined ? {} : { promotion })).toEqual(expected);
  });

  test.each(["manual", "allRegionsReady"] as const)(
    "is the only one that has waves: %s has none",
    (when) => {
      expect(
        findings({
          promotion: { when, waves: WAVES.waves, onFailure: "rollBack" },
        }),
      ).toEqual([
        wrong(
          "/waves",
          `The rule "${when}" has no waves.`,
          'Leave waves out, or set "when": "waves".',
        ),
        wrong(
          "/onFailure",
          `The rule "${when}" has no waves.`,
          'Leave onFailure out, or set "when": "waves".',
        ),
      ]);
    },
  );

  test("says which regions are excluded: a new version does not", () => {
    expect(
      findings({
        promotion: WAVES,
        regions: [region("westus"), region("eastus2", [0], { excludeFromLatest: false })],
      }),
    ).toEqual([
      finding("InvalidPromotion", `${REGIONS}/1/excludeFromLatest`, [], ["excludeFromLatest"]),
    ]);
  });

  test("names regions that the version has and the request does not mention", () => {
    const both = { ...held, promotion: WAVES };
    expect(
      refused({
        promotion: waves(["westus"]),
        regions: [region("westus")],
        existing: both,
      }).map(({ pointer }) => pointer),
    ).toEqual(["/sigil/promotion/waves"]);
  });
});

describe("a version that is excluded from latest", () => {
  const excluded = { excludeFromLatest: true };
  const included = { excludeFromLatest: false };
  const regions = [region("westus"), region("eastus2", [0], included)];
  const told = [
    finding(
      "ExcludedEverywhere",
      `${REGIONS}/1/excludeFromLatest`,
      ["eastus2"],
      ["excludeFromLatest", "eastus2"],
      "warning",
    ),
  ];

  test("is told to be in latest in a region that the request includes", () => {
    expect(findings({ publishing: excluded, regions })).toEqual(told);
  });

  test.each<[string, Changes]>([
    ["where it is not excluded", { regions }],
    ["where it is included by name", { publishing: included, regions }],
    ["where no region says otherwise", { publishing: excluded }],
    [
      "where a region says the same",
      {
        publishing: excluded,
        regions: [region("westus"), region("eastus2", [0], excluded)],
      },
    ],
  ])("is told nothing %s", (_, changes) => {
    expect(findings(changes)).toEqual([]);
  });
});

describe("a version's source", () => {
  const from = (storage: Storage) =>
    checkRequest(subject({ regions: [{ name: "westus" }], storage }));
  const disk = (name: string) => ({
    source: { id: `${COMPUTE}/disks/${name}` },
  });
  const account = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a`;
  const uri = "https://a.blob.core.windows.net/vhds/os.vhd";
  const vhd = { source: { storageAccountId: account, uri } };
  const EXACTLY_ONE = "Set exactly one: source.id";

  test.each<[string, Storage]>([
    ["a managed image", { source: { id: IMAGE } }],
    ["a virtual machine", { source: { virtualMachineId: MACHINE } }],
    [
      "a community gallery image",
      { source: { communityGalleryImageId: "/CommunityGalleries/g/Images/i" } },
    ],
    ["disks", { osDiskImage: disk("os"), dataDiskImages: [{ lun: 0, ...disk("d") }] }],
    ["a VHD", { osDiskImage: vhd }],
    [
      "an image whose data disks are told apart by their caching",
      {
        source: { id: IMAGE },
        dataDiskImages: [{ lun: 0, hostCaching: "ReadOnly" }],
      },
    ],
  ])("may be %s", (_, storage) => expect(from(storage)).toEqual([]));

  test.each<[string, Storage, unknown[]]>([
    ["nothing", {}, [finding("MissingSource", STORAGE, [], EXACTLY_ONE)]],
    [
      "data disks without an OS disk",
      { dataDiskImages: [{ lun: 0, ...disk("d") }] },
      [finding("MissingSource", STORAGE, [], EXACTLY_ONE)],
    ],
    [
      "an OS disk, and a data disk from nowhere",
      { osDiskImage: disk("os"), dataDiskImages: [{ lun: 4 }] },
      [finding("MissingSource", `${STORAGE}/dataDiskImages/0/source`, ["4"], [])],
    ],
    [
      "an image and an OS disk",
      { source: { id: IMAGE }, osDiskImage: disk("os") },
      [finding("SeveralSources", STORAGE, ["2", "osDiskImage"], ["osDiskImage"])],
    ],
    [
      "an image and a data disk",
      {
        source: { id: IMAGE },
        dataDiskImages: [{ lun: 0, ...disk("d") }],
      },
      [finding("SeveralSources", STORAGE, ["2", "dataDiskImages"], [])],
    ],
    [
      "an image and a virtual machine",
      { source: { id: IMAGE, virtualMachineId: MACHINE } },
      [finding("SeveralSources", STORAGE, ["virtualMachineId"], [])],
    ],
    [
      "a disk that is a VHD as well",
      { osDiskImage: { source: { ...vhd.source, ...disk("os").source } } },
      [
        finding(
          "SeveralSources",
          `${STORAGE}/osDiskImage/source`,
          [COMPUTE, uri],
          ["storageAccountId"],
        ),
      ],
    ],
    [
      "a VHD without its account",
      { osDiskImage: { source: { uri } } },
      [
        finding(
          "MissingSource",
          `${STORAGE}/osDiskImage/source/storageAccountId`,
          [uri, "storageAccountId"],
          ["storageAccountId"],
        ),
      ],
    ],
    [
      "a VHD without its address",
      { osDiskImage: { source: { storageAccountId: account } } },
      [
        finding(
          "MissingSource",
          `${STORAGE}/osDiskImage/source/uri`,
          [account, "storageAccountId"],
          [],
        ),
      ],
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
      [finding("DuplicateLun", `${STORAGE}/dataDiskImages/1/lun`, ["3", "0", "1"], [])],
    ],
  ])("may not be %s", (_, storage, expected) => expect(from(storage)).toEqual(expected));
});

describe("a resource id", () => {
  test("that is none is refused where it stands", () => {
    expect(
      findings({
        regions: [
          region("westus", [0], {
            encryption: {
              osDiskImage: { diskEncryptionSetId: "my-set" },
              dataDiskImages: [{ lun: 0, diskEncryptionSetId: setId("westus-0") }],
            },
          }),
        ],
      }),
    ).toEqual([
      finding(
        "InvalidResourceId",
        `${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`,
        ['"/my-set"'],
        [
          "/subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/diskEncryptionSets/{name}.",
        ],
      ),
    ]);
  });

  test("of a storage account is well formed", () => {
    expect(
      findings({
        regions: [{ name: "westus" }],
        storage: {
          osDiskImage: {
            source: { storageAccountId: "a", uri: "https://a/b" },
          },
        },
      }).filter(({ severity }) => severity === "error"),
    ).toEqual([
      finding(
        "InvalidResourceId",
        `${STORAGE}/osDiskImage/source/storageAccountId`,
        ['"/a"'],
        ["storageAccounts"],
      ),
    ]);
  });

  test("of a disk encryption set names one, and is not looked for otherwise", () => {
    const id = `${COMPUTE}/disks/westus-os`;
    expect(
      findings({
        regions: [
          region("westus", [0], {
            encryption: {
              ...region("westus").encryption,
              osDiskImage: { diskEncryptionSetId: id },
            },
          }),
        ],
        sets: { [id]: { kind: "absent" } },
      }),
    ).toEqual([
      finding(
        "WrongResourceType",
        `${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`,
        [id, "diskEncryptionSets"],
        [],
      ),
    ]);
  });

  test.each<[string, Storage, string]>([
    [
      "a snapshot as a virtual machine",
      { source: { virtualMachineId: `${COMPUTE}/snapshots/a` } },
      "source/virtualMachineId",
    ],
    ["a gallery as an image", { source: { id: `${COMPUTE}/galleries/a` } }, "source/id"],
    ["an image as a disk", { osDiskImage: { source: { id: IMAGE } } }, "osDiskImage/source/id"],
    [
      "an image as a data disk",
      {
        osDiskImage: { source: { id: `${COMPUTE}/disks/a` } },
        dataDiskImages: [{ lun: 0, source: { id: IMAGE } }],
      },
      "dataDiskImages/0/source/id",
    ],
  ])("that names %s is refused", (_, storage, path) => {
    expect(findings({ regions: [{ name: "westus" }], storage })).toEqual([
      finding("WrongResourceType", `${STORAGE}/${path}`, [], "/subscriptions/{guid}/"),
    ]);
  });
});

describe("keys of a region", () => {
  const withOsDisk = (osDiskImage: object) =>
    findings({
      regions: [
        region("westus", [0], {
          encryption: { ...region("westus").encryption, osDiskImage },
        }),
      ],
      definition: { securityType: "ConfidentialVMSupported" },
      sets: {
        "westus-os": {
          encryptionType: "ConfidentialVmEncryptedWithCustomerKey",
        },
      },
    });
  const PROFILE = `${REGIONS}/0/encryption/osDiskImage/securityProfile`;

  test("of a data disk ask for one of the OS disk", () => {
    expect(withOsDisk({})).toEqual([
      finding(
        "OsDiskEncryptionSetMissing",
        `${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`,
        ["westus"],
        ["westus"],
      ),
    ]);
  });

  test("of a confidential OS disk are those of its profile", () => {
    const confidential = confidentialRegion("westus").encryption?.osDiskImage;
    expect(withOsDisk(confidential ?? {})).toEqual([]);
    expect(
      withOsDisk({
        securityProfile: { confidentialVMEncryptionType: "EncryptedWithPmk" },
      }),
    ).toEqual([]);
  });

  test("name a confidential set where the encryption is with a customer-managed key", () => {
    expect(
      withOsDisk({
        securityProfile: { confidentialVMEncryptionType: "EncryptedWithCmk" },
      }),
    ).toEqual([
      finding(
        "ConfidentialVmSetMismatch",
        `${PROFILE}/secureVMDiskEncryptionSetId`,
        [
          "confidentialVMEncryptionType",
          "EncryptedWithCmk",
          "westus",
          "secureVMDiskEncryptionSetId",
        ],
        ["ConfidentialVmEncryptedWithCustomerKey", "westus"],
      ),
    ]);
  });

  test.each(["EncryptedWithPmk", undefined])(
    "name no confidential set where the encryption is %s",
    (confidentialVMEncryptionType) => {
      expect(
        withOsDisk({
          securityProfile: {
            confidentialVMEncryptionType,
            secureVMDiskEncryptionSetId: setId("westus-os"),
          },
        }),
      ).toEqual([
        finding(
          "ConfidentialVmSetMismatch",
          `${PROFILE}/secureVMDiskEncryptionSetId`,
          [confidentialVMEncryptionType ?? "absent", "confidentialVMEncryptionType"],
          ["confidentialVMEncryptionType", "EncryptedWithCmk"],
        ),
      ]);
    },
  );
});
