import { describe, expect, test } from "vitest";
import {
  absent,
  COMPUTE,
  confidentialRegion,
  DEFINITION,
  denied,
  disk,
  finding,
  findings,
  GALLERY,
  GOOD_DEFINITION,
  IMAGE,
  KNOWN,
  MACHINE,
  OPERATION_ID,
  platformKeys,
  REGIONS,
  region,
  seen,
  source,
  STORAGE,
  subject,
  SUBSCRIPTION,
  VERSION,
} from "./subject.js";
import type { Seen } from "../../../../src/bounded-reads.js";
import type {
  ImageDefinition,
  ImageSource,
  ObservedImageVersion,
} from "../../../../src/image-version/resources.js";

const NAMES = `--subscription ${SUBSCRIPTION} --resource-group rg --gallery-name gallery`;

describe("a gallery", () => {
  test("exists, or nothing in it does", () => {
    expect(findings({ gathered: { gallery: absent, imageDefinition: absent } })).toEqual([
      finding("GalleryNotFound", "", [GALLERY], [NAMES, "az sig create", "westus"]),
    ]);
  });

  test("has an image definition whose end of life is not past, where a version is made", () => {
    const past = { endOfLifeDate: "2020-12-31T00:00:00Z" };
    expect(findings({ definition: past })).toEqual([
      finding(
        "ImageDefinitionEndOfLife",
        "",
        [DEFINITION, past.endOfLifeDate],
        [NAMES, "az sig image-definition update"],
        "warning",
      ),
    ]);
    const later = { endOfLifeDate: "2091-12-31T00:00:00Z" };
    expect(findings({ definition: later })).toEqual([]);
  });

  test("has the image definition", () => {
    expect(findings({ gathered: { imageDefinition: absent } })).toEqual([
      finding(
        "ImageDefinitionNotFound",
        "",
        [DEFINITION],
        [NAMES, "az sig image-definition create"],
      ),
    ]);
  });

  const shared = (sharing: string) => ({
    gathered: { gallery: seen({ id: GALLERY, sharing }) },
  });

  test.each(["Groups", "Community"])(
    "that is shared with %s holds no version with customer-managed keys",
    (sharing) => {
      expect(findings(shared(sharing))).toEqual([
        finding(
          "SharedGalleryWithCustomerKeys",
          REGIONS,
          [GALLERY, sharing],
          [NAMES, "az sig share reset"],
        ),
      ]);
    },
  );

  test("that is shared holds versions with platform-managed keys", () => {
    expect(findings({ ...shared("Groups"), regions: [{ name: "westus" }] })).toEqual([]);
    expect(findings(shared("private"))).toEqual([]);
  });
});

describe("a version that others have made in Azure", () => {
  const imageVersion = seen<ObservedImageVersion>({
    provisioningState: "Succeeded",
    resource: subject().request,
    regions: [],
  });

  test("as it is asked for is adopted", () => {
    expect(findings({ existing: { unmanaged: true }, gathered: { imageVersion } })).toEqual([
      finding("ImageVersionExists", "", [VERSION], [], "info"),
    ]);
  });

  test("otherwise is a conflict, wherever it differs", () => {
    const existing = {
      unmanaged: true,
      regions: [
        region("westus", [0], { regionalReplicaCount: 3 }),
        region("eastus2", [0], { regionalReplicaCount: 1 }),
      ],
    };
    expect(
      findings({
        existing,
        regions: [region("westus", [0], { regionalReplicaCount: 2 }), region("eastus2")],
        gathered: { imageVersion },
      }),
    ).toEqual([
      finding(
        "ImageVersionConflict",
        `${REGIONS}/0/regionalReplicaCount`,
        ["regionalReplicaCount", "westus", "3", "2"],
        [],
      ),
    ]);
  });

  test("is no conflict where Sigil has made or adopted it", () => {
    const more = [region("westus", [0], { regionalReplicaCount: 3 })];
    expect(
      findings({
        regions: [...more, region("eastus2")],
        existing: {},
        gathered: { imageVersion },
      }),
    ).toEqual([]);
  });
});

describe("a version that Sigil was asked for before", () => {
  test("with the same properties is the same operation", () => {
    expect(findings({ gathered: { known: { ...KNOWN, sameRequest: OPERATION_ID } } })).toEqual([
      finding("AlreadyRequested", "", [VERSION, OPERATION_ID], [OPERATION_ID], "info"),
    ]);
  });

  test("with others is a conflict, wherever they contradict each other", () => {
    const pointer = `${REGIONS}/0/regionalReplicaCount`;
    const conflicts = [
      {
        code: "Differs",
        pointer,
        message: "One says 3, the other 1.",
        operationId: OPERATION_ID,
      },
      {
        code: "Differs",
        pointer: "/tags",
        message: "One has another.",
        operationId: "queued",
      },
    ];
    expect(findings({ gathered: { known: { ...KNOWN, conflicts } } })).toEqual([
      finding(
        "ImageVersionRequestedOtherwise",
        pointer,
        [OPERATION_ID, VERSION, "3", "1"],
        [OPERATION_ID],
      ),
      finding("ImageVersionRequestedOtherwise", "/tags", [], []),
    ]);
  });

  test("with what adds to it is none", () => {
    expect(findings({ gathered: { known: KNOWN } })).toEqual([]);
  });

  test("that is being deleted is a conflict, whatever is asked", () => {
    const known = { ...KNOWN, deleting: true };
    expect(findings({ gathered: { known } })).toEqual([
      finding("ImageVersionRequestedOtherwise", "", [OPERATION_ID, VERSION], [OPERATION_ID]),
    ]);
  });
});

describe("an image definition", () => {
  const traits = [
    ["osType", "Linux", "Windows", "OsTypeMismatch", "--os-type"],
    ["osState", "Generalized", "Specialized", "OsStateMismatch", "--os-state"],
    ["hyperVGeneration", "V2", "V1", "HyperVGenerationMismatch", "--hyper-v-generation"],
    ["architecture", "x64", "Arm64", "ArchitectureMismatch", "--architecture"],
  ] as const;

  test.each(traits)("has the %s of the source", (trait, same, other, code, option) => {
    const check = (value: string) =>
      findings({ sources: { [IMAGE]: source(IMAGE, { [trait]: value }) } });
    expect(check(same.toUpperCase())).toEqual([]);
    expect(check(other)).toEqual([
      finding(
        code,
        `${STORAGE}/source/id`,
        [trait, IMAGE, other, DEFINITION, same],
        [option, other, "az sig image-definition create"],
      ),
    ]);
  });

  test.each(traits)(
    "is compared in its %s with the OS disk that the request names",
    (trait, _, other, code) => {
      const id = `${COMPUTE}/snapshots/os`;
      expect(
        findings({
          storage: {
            osDiskImage: { source: { id } },
            dataDiskImages: [{ lun: 0, source: { id: `${id}-data` } }],
          },
          sources: {
            [id]: disk(id, { [trait]: other }),
            // What a data disk was made for says nothing.
            [`${id}-data`]: disk(`${id}-data`, { [trait]: "Other" }),
          },
        }).map((told) => [told.code, told.pointer]),
      ).toEqual([[code, `${STORAGE}/osDiskImage/source/id`]]);
    },
  );

  test.each(traits)(
    "is compared in its %s with the definition of the image version that is the source",
    (trait, _, other, code) => {
      const definition = `${COMPUTE}/galleries/gallery/images/base`;
      const id = `${definition}/versions/1.0.0`;
      const bare = disk(id, { dataDisks: [{ lun: 0 }] });
      const check = (shown: Partial<ImageDefinition>) =>
        findings({
          regions: [platformKeys("westus")],
          storage: { source: { id } },
          sources: { [id]: bare },
          gathered: {
            sourceDefinitions: new Map([
              [definition.toLowerCase(), seen({ ...GOOD_DEFINITION, id: definition, ...shown })],
            ]),
          },
        });
      expect(check({})).toEqual([]);
      expect(check({ [trait]: other }).map((told) => told.code)).toEqual([code]);
    },
  );

  test("is compared with the OS disk of a virtual machine where that shows what the machine does not", () => {
    const osDisk = `${COMPUTE}/disks/os`;
    const check = (more: Partial<ImageSource>) =>
      findings({
        storage: { source: { virtualMachineId: MACHINE } },
        sources: {
          [MACHINE]: disk(MACHINE, {
            osDisk: { id: osDisk },
            dataDisks: [{ lun: 0 }],
            osType: "Linux",
          }),
          [osDisk]: disk(osDisk, { osType: "Windows", ...more }),
        },
      });
    expect(check({ hyperVGeneration: "V2", architecture: "x64" })).toEqual([]);
    expect(
      check({ hyperVGeneration: "V1", architecture: "Arm64" }).map(
        ({ code, pointer }) => `${code} ${pointer}`,
      ),
    ).toEqual([
      `HyperVGenerationMismatch ${STORAGE}/source/virtualMachineId`,
      `ArchitectureMismatch ${STORAGE}/source/virtualMachineId`,
    ]);
  });

  test("a machine that nobody has generalized is told how", () => {
    expect(
      findings({
        storage: { source: { virtualMachineId: MACHINE } },
        sources: { [MACHINE]: source(MACHINE, { osState: "Specialized" }) },
      }),
    ).toEqual([
      finding(
        "OsStateMismatch",
        `${STORAGE}/source/virtualMachineId`,
        [MACHINE, "osState"],
        ["az vm generalize --subscription"],
      ),
    ]);
  });

  test("that may not be seen is compared with nothing", () => {
    expect(
      findings({
        sources: { [IMAGE]: source(IMAGE, { osType: "Windows" }) },
        gathered: { imageDefinition: denied(DEFINITION) },
      }).map(({ code }) => code),
    ).toEqual(["InsufficientPermission"]);
  });
});

describe("purchase plans", () => {
  const PLAN = { name: "9", publisher: "contoso", product: "linux" };
  const OTHER = { ...PLAN, name: "it's" };
  const check = (
    type: string,
    ofSource: typeof PLAN | undefined,
    ofDefinition: typeof PLAN | undefined,
  ) => {
    const id = `${COMPUTE}/${type}/it`;
    return findings({
      regions: [{ name: "westus" }],
      storage: {
        ...(type === "virtualMachines" && { source: { virtualMachineId: id } }),
        ...(type === "images" && { source: { id } }),
        ...(type === "snapshots" && { osDiskImage: { source: { id } } }),
      },
      sources: { [id]: source(id, ofSource && { purchasePlan: ofSource }) },
      definition: { ...(ofDefinition && { purchasePlan: ofDefinition }) },
    });
  };

  test("a machine's is that of the image definition, in whatever case", () => {
    expect(check("virtualMachines", undefined, undefined)).toEqual([]);
    expect(check("virtualMachines", PLAN, { ...PLAN, publisher: "Contoso" })).toEqual([]);
    // What Azure does not show is not compared.
    expect(check("virtualMachines", PLAN, { ...PLAN, product: "" })).toEqual([]);
    expect(check("virtualMachines", OTHER, undefined)).toEqual([
      finding(
        "PurchasePlanMismatch",
        `${STORAGE}/source/virtualMachineId`,
        [DEFINITION],
        String.raw`--plan-name 'it'\''s' --plan-publisher contoso --plan-product linux`,
      ),
    ]);
    expect(check("virtualMachines", OTHER, PLAN).map(({ severity }) => severity)).toEqual([
      "error",
    ]);
  });

  test.each([
    ["virtualMachines", undefined, PLAN],
    ["snapshots", PLAN, undefined],
    ["snapshots", undefined, PLAN],
    ["snapshots", OTHER, PLAN],
  ])("of %s, %j where the definition has %j is a warning", (type, one, other) => {
    expect(check(type, one, other).map(({ code, severity }) => `${code} ${severity}`)).toEqual([
      "PurchasePlanDiffers warning",
    ]);
  });

  test("a managed image does not show one", () => {
    expect(check("images", undefined, PLAN)).toEqual([]);
  });

  test.each<[string, Seen<boolean>, string]>([
    ["PurchaseTermsNotAccepted", seen(false), "az vm image terms accept"],
    ["PurchasePlanNotFound", absent, "az vm image terms show"],
    ["PurchaseTermsNotSeen", denied("/subscriptions"), "az vm image terms show"],
    ["PurchaseTermsNotSeen", { kind: "unread" }, "az vm image terms show"],
  ])("terms: %s", (code, terms, az) => {
    expect(findings({ definition: { purchasePlan: OTHER }, gathered: { terms } })).toEqual([
      finding(
        code,
        "",
        [],
        String.raw`${az} --subscription ${SUBSCRIPTION} --publisher contoso --offer linux --plan 'it'\''s'`,
        "warning",
      ),
    ]);
    expect(
      findings({
        definition: { purchasePlan: OTHER },
        gathered: { terms: seen(true) },
      }),
    ).toEqual([]);
  });

  test("that of an image version is its definition's", () => {
    const version = `${GALLERY}/images/other/versions/1.0.0`;
    const definition = { ...GOOD_DEFINITION, id: `${GALLERY}/images/other` };
    const told = (purchasePlan?: typeof PLAN) =>
      findings({
        regions: [{ name: "westus" }],
        storage: { source: { id: version } },
        sources: { [version]: source(version) },
        gathered: {
          sourceDefinitions: new Map([
            [
              definition.id.toLowerCase(),
              seen({ ...definition, ...(purchasePlan && { purchasePlan }) }),
            ],
          ]),
        },
      }).map(({ code }) => code);
    expect(told()).toEqual([]);
    expect(told(PLAN)).toEqual(["PurchasePlanDiffers"]);
  });
});

describe("security types", () => {
  const check = (
    ofSource: string | undefined,
    ofDefinition: string,
    type: "images" | "disks" | "virtualMachines" = "disks",
  ) => {
    const id = `${COMPUTE}/${type}/it`;
    return findings({
      regions: [
        ofDefinition === "ConfidentialVM"
          ? {
              ...platformKeys("westus"),
              encryption: {
                osDiskImage: {
                  securityProfile: {
                    confidentialVMEncryptionType: "EncryptedWithPmk",
                  },
                },
              },
            }
          : platformKeys("westus"),
      ],
      storage: {
        ...(type === "images" && { source: { id } }),
        ...(type === "disks" && { osDiskImage: { source: { id } } }),
        ...(type === "virtualMachines" && { source: { virtualMachineId: id } }),
      },
      sources: {
        [id]: source(id, ofSource === undefined ? {} : { securityType: ofSource }),
      },
      definition: { securityType: ofDefinition },
    });
  };

  test.each([
    [undefined, "Standard"],
    ["Standard", "TrustedLaunchSupported"],
    ["Standard", "TrustedLaunchAndConfidentialVmSupported"],
    ["TrustedLaunch", "TrustedLaunch"],
    ["TrustedLaunch", "trustedlaunchsupported"],
    ["TrustedLaunch", "TrustedLaunchAndConfidentialVMSupported"],
    ["ConfidentialVM", "ConfidentialVM"],
    ["ConfidentialVM", "ConfidentialVMSupported"],
    ["ConfidentialVM_DiskEncryptedWithCustomerKey", "ConfidentialVM"],
  ])("%s of a source suits %s of a definition", (ofSource, ofDefinition) => {
    expect(check(ofSource, ofDefinition)).toEqual([]);
  });

  test.each([
    ["TrustedLaunch", "Standard", "SecurityType=TrustedLaunch "],
    ["TrustedLaunch", "ConfidentialVM", "SecurityType=TrustedLaunch "],
    ["ConfidentialVM", "TrustedLaunch", "SecurityType=ConfidentialVM "],
    ["ConfidentialVM_NonPersistedTPM", "Standard", "SecurityType=Confid"],
    [undefined, "TrustedLaunch", "SecurityType=TrustedLaunchSupported"],
    ["Standard", "ConfidentialVM", "SecurityType=ConfidentialVMSupported"],
  ])("%s of a source does not suit %s of a definition", (ofSource, ofDefinition, remedy) => {
    for (const type of ["disks", "virtualMachines"] as const)
      expect(check(ofSource, ofDefinition, type)).toEqual([
        finding(
          "SecurityTypeMismatch",
          `${STORAGE}/${type === "disks" ? "osDiskImage/source/id" : "source/virtualMachineId"}`,
          [COMPUTE, type, ofSource ?? "Standard", DEFINITION, ofDefinition],
          remedy,
        ),
      ]);
  });

  test("ConfidentialVM takes no image", () => {
    expect(check(undefined, "ConfidentialVM", "images")).toEqual([
      finding(
        "SecurityTypeMismatch",
        `${STORAGE}/source/id`,
        [COMPUTE],
        ["SecurityType", "ConfidentialVMSupported"],
      ),
    ]);
    expect(check(undefined, "ConfidentialVMSupported", "images")).toEqual([]);
  });

  test.each(["TrustedLaunchSupported", "ConfidentialVmSupported"])(
    "%s takes no virtual machine",
    (ofDefinition) => {
      expect(check("Standard", ofDefinition, "virtualMachines")).toEqual([
        finding(
          "SecurityTypeMismatch",
          `${STORAGE}/source/virtualMachineId`,
          [COMPUTE, DEFINITION, ofDefinition, "virtualMachines"],
          [],
        ),
      ]);
    },
  );

  test("of a VHD, and of what its definition leaves open, are not known", () => {
    const account = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a`;
    const base = `${GALLERY}/images/base`;
    const version = `${base}/versions/1.0.0`;
    const definition = { securityType: "TrustedLaunch" };
    expect(
      findings({
        regions: [{ name: "westus" }],
        storage: {
          osDiskImage: {
            source: { storageAccountId: account, uri: "https://a/b.vhd" },
          },
        },
        definition,
      }).map(({ severity }) => severity),
    ).toEqual(["info"]);
    expect(
      findings({
        regions: [platformKeys("westus")],
        storage: { source: { id: version } },
        sources: { [version]: source(version) },
        definition,
        gathered: {
          sourceDefinitions: new Map([
            [
              base.toLowerCase(),
              seen({
                ...GOOD_DEFINITION,
                securityType: "TrustedLaunchSupported",
              }),
            ],
          ]),
        },
      }),
    ).toEqual([]);
  });

  test("allow confidential encryption", () => {
    const regions = [confidentialRegion("westus")];
    const sets = {
      "westus-os": {
        encryptionType: "ConfidentialVmEncryptedWithCustomerKey",
      },
    } as const;
    const told = (securityType: string) =>
      findings({ regions, sets, definition: { securityType } });
    expect(told("confidentialvmsupported")).toEqual([]);
    expect(told("TrustedLaunchSupported")).toEqual([
      finding(
        "SecurityTypeMismatch",
        `${REGIONS}/0/encryption/osDiskImage/securityProfile/confidentialVMEncryptionType`,
        [
          DEFINITION,
          "confidentialVMEncryptionType",
          "EncryptedWithCmk",
          "westus",
          "TrustedLaunchSupported",
        ],
        ["securityProfile"],
      ),
    ]);
  });
});

describe("the number of a version that was deleted", () => {
  const deleted = (more: { readonly hardDeletionTargetTime?: string } = {}) => ({
    deletedVersion: seen({ name: "1.0.0", location: "westus", ...more }),
  });

  test.each([
    ["and can be restored until then", "2026-02-01T00:00:00Z", ["2026-02-01T00:00:00Z"]],
    ["and can be restored", undefined, []],
  ])("%s is not free", (_, hardDeletionTargetTime, until) => {
    const gathered = deleted(
      hardDeletionTargetTime === undefined ? {} : { hardDeletionTargetTime },
    );
    expect(findings({ gathered })).toEqual([
      finding("ImageVersionSoftDeleted", "", [VERSION, ...until], []),
    ]);
  });

  test("is free where Azure has the version again, or keeps none", () => {
    const codes = (changes: Parameters<typeof findings>[0]) =>
      findings(changes).map(({ code }) => code);
    expect(codes({ gathered: deleted(), existing: {} })).toEqual([]);
    expect(codes({ gathered: { deletedVersion: absent } })).toEqual([]);
  });
});
