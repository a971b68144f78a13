import { describe, expect, test } from "vitest";
import { sourceDataDiskLuns } from "../../../../src/image-version/rules/source.js";
import {
  absent,
  COMPUTE,
  computeOf,
  confidentialRegion,
  denied,
  disk,
  finding,
  findings,
  GALLERY,
  IMAGE,
  MACHINE,
  OTHER,
  platformKeys,
  REGIONS,
  region,
  setId,
  source,
  STORAGE,
  subject,
  SUBSCRIPTION,
  type Changes,
  type Storage,
} from "./subject.js";
import type { ImageSource } from "../../../../src/image-version/resources.js";
import { naming } from "../../../support/naming.js";

const OS = `${COMPUTE}/snapshots/os`;
const DATA = `${COMPUTE}/snapshots/data`;
const SET = setId("of-the-source");
const DISKS: Storage = {
  osDiskImage: { source: { id: OS } },
  dataDiskImages: [{ lun: 0, source: { id: DATA } }],
};
const OWN_VERSION = `${GALLERY}/images/base/versions/1.0.0`;

/** The good image otherwise. */
function image(more: Partial<ImageSource>): Changes {
  return { sources: { [IMAGE]: source(IMAGE, more) } };
}

/** A machine with an OS disk and a data disk at LUN 0, as they are. */
function machine(osDisk: Partial<ImageSource> = {}, dataDisk: Partial<ImageSource> = {}): Changes {
  return {
    storage: { source: { virtualMachineId: MACHINE } },
    sources: {
      [MACHINE]: source(MACHINE, {
        osDisk: { id: OS },
        dataDisks: [{ lun: 0, id: DATA }],
      }),
      [OS]: disk(OS, osDisk),
      [DATA]: disk(DATA, dataDisk),
    },
  };
}

const codes = (changes: Changes) =>
  findings(changes).map(({ code, pointer }) => `${code} ${pointer}`);

describe("a source", () => {
  test("exists, wherever it is named", () => {
    expect(findings({ storage: DISKS, sources: { [OS]: absent, [DATA]: absent } })).toEqual(
      [
        { path: "osDiskImage", id: OS },
        { path: "dataDiskImages/0", id: DATA },
      ].map(({ path, id }) =>
        finding(
          "SourceNotFound",
          `${STORAGE}/${path}/source/id`,
          [id],
          [id, "az resource show --ids"],
        ),
      ),
    );
    expect(
      findings({
        storage: DISKS,
        sources: { [OS]: disk(OS), [DATA]: disk(DATA) },
      }),
    ).toEqual([]);
  });

  test("that is a virtual machine has its disks", () => {
    expect(findings(machine())).toEqual([]);
    expect(
      findings({
        ...machine(),
        sources: { ...machine().sources, [OS]: absent, [DATA]: absent },
      }),
    ).toEqual(
      [
        { id: OS, what: "OS disk" },
        { id: DATA, what: "data disk at LUN 0" },
      ].map(({ id, what }) =>
        finding(
          "SourceDiskNotFound",
          `${STORAGE}/source/virtualMachineId`,
          [id, what, MACHINE],
          [],
        ),
      ),
    );
  });

  test.each(["Creating", "Updating", "Failed"])(
    "is not %s, nor are its disks",
    (provisioningState) => {
      expect(findings(image({ provisioningState }))).toEqual([
        finding(
          "SourceNotReady",
          `${STORAGE}/source/id`,
          [IMAGE, provisioningState],
          [IMAGE, "az resource show --ids", "provisioningState"],
          "warning",
        ),
      ]);
      expect(findings(machine({}, { provisioningState }))).toEqual([
        finding(
          "SourceNotReady",
          `${STORAGE}/source/virtualMachineId`,
          [DATA, provisioningState],
          DATA,
          "warning",
        ),
      ]);
    },
  );

  test("that shows no provisioning state is taken for provisioned", () => {
    expect(findings(image({ provisioningState: "Unknown" }))).toEqual([]);
  });

  test("is in the version's location", () => {
    expect(findings(image({ regions: ["eastus2"] }))).toEqual([
      finding(
        "SourceInOtherRegion",
        `${STORAGE}/source/id`,
        [IMAGE, "eastus2", "westus"],
        ["eastus2"],
      ),
    ]);
    expect(
      codes({
        storage: DISKS,
        sources: {
          [OS]: disk(OS),
          [DATA]: disk(DATA, { regions: ["eastus"] }),
        },
      }),
    ).toEqual([`SourceInOtherRegion ${STORAGE}/dataDiskImages/0/source/id`]);
  });

  test("that is an image version is replicated to the version's location", () => {
    const from = (regions: string[]) =>
      findings({
        regions: [platformKeys("westus")],
        storage: { source: { id: OWN_VERSION } },
        sources: { [OWN_VERSION]: source(OWN_VERSION, { regions }) },
      });
    expect(from(["eastus2", "westus"])).toEqual([]);
    expect(from(["eastus2", "westeurope"])).toEqual([
      finding(
        "SourceInOtherRegion",
        `${STORAGE}/source/id`,
        [OWN_VERSION, "eastus2", "westeurope", "westus"],
        ["az sig image-version update"],
      ),
    ]);
  });

  test.each([
    ["OS disk", { osDisk: { diskEncryptionSetId: SET } }],
    ["data disk", { dataDisks: [{ lun: 0, diskEncryptionSetId: SET }] }],
  ])("that is an image version has no customer-managed key for its %s", (_, more) => {
    expect(
      findings({
        storage: { source: { id: OWN_VERSION } },
        regions: [{ name: "westus" }],
        sources: { [OWN_VERSION]: source(OWN_VERSION, more) },
      }),
    ).toEqual([finding("CustomerKeySource", `${STORAGE}/source/id`, [OWN_VERSION, SET], [])]);
  });
});

describe("a source that cannot be looked into", () => {
  const account = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a`;
  const vhd = (name: string) => ({
    storageAccountId: account,
    uri: `https://a.blob.core.windows.net/${name}.vhd`,
  });

  test("is told, place by place, and stops nothing", () => {
    expect(
      findings({
        regions: [{ name: "westus" }],
        storage: {
          osDiskImage: { source: vhd("os") },
          dataDiskImages: [{ lun: 0, source: vhd("data") }],
        },
      }),
    ).toEqual(
      [
        ["osDiskImage", "os"],
        ["dataDiskImages/0", "data"],
      ].map(([place, name]) =>
        finding("SourceNotLookedInto", `${STORAGE}/${place}/source/uri`, [name], [], "info"),
      ),
    );
  });

  test("is a community image, and not one of the own subscription", () => {
    const codes = (source: NonNullable<Storage["source"]>) =>
      findings({
        regions: [{ name: "westus" }],
        storage: { source },
      }).map(({ code }) => code);
    expect(codes({ communityGalleryImageId: "/CommunityGalleries/g/Images/i" })).toEqual([
      "SourceNotLookedInto",
    ]);
    expect(codes({ id: IMAGE })).toEqual([]);
  });
});

describe("a source with customer-managed keys", () => {
  const encrypted = { osDisk: { diskEncryptionSetId: SET } };
  const foreignSet = `${computeOf(OTHER)}/diskEncryptionSets/of-the-source`;
  const foreignImage = `${computeOf(OTHER)}/images/image`;

  test("and its sets are in the version's subscription", () => {
    expect(findings(image(encrypted))).toEqual([]);
    expect(
      findings(
        image({
          osDisk: { diskEncryptionSetId: foreignSet },
          dataDisks: [{ lun: 0, diskEncryptionSetId: foreignSet }],
        }),
      ),
    ).toEqual([
      finding(
        "EncryptedSourceInOtherSubscription",
        `${STORAGE}/source/id`,
        [IMAGE, foreignSet, SUBSCRIPTION],
        [OTHER],
      ),
    ]);
  });

  test("is in the version's subscription itself", () => {
    const from = (more: Partial<ImageSource>) =>
      findings({
        storage: { source: { id: foreignImage } },
        sources: { [foreignImage]: source(foreignImage, more) },
      });
    expect(from({})).toEqual([]);
    expect(from({ osDisk: { diskEncryptionSetId: foreignSet } })).toEqual([
      finding(
        "EncryptedSourceInOtherSubscription",
        `${STORAGE}/source/id`,
        [foreignImage, foreignSet, SUBSCRIPTION],
        OTHER,
      ),
    ]);
  });

  test("has its own keys looked up at the disks of a virtual machine", () => {
    const changes = machine({ osDisk: { diskEncryptionSetId: foreignSet } }, encrypted);
    expect(codes(changes)).toEqual([
      `EncryptedSourceInOtherSubscription ${STORAGE}/source/virtualMachineId`,
    ]);
  });

  test("is given a key for that disk in every region", () => {
    expect(findings({ ...image(encrypted), regions: [{ name: "westus" }] })).toEqual([
      finding(
        "PlatformKeysForEncryptedSource",
        `${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`,
        [IMAGE, SET, "westus"],
        [SUBSCRIPTION, "westus"],
      ),
    ]);
    expect(
      codes({
        ...machine({}, encrypted),
        regions: [{ name: "westus" }, { name: "eastus2" }],
      }),
    ).toEqual([
      `PlatformKeysForEncryptedSource ${REGIONS}/0/encryption/dataDiskImages`,
      `PlatformKeysForEncryptedSource ${REGIONS}/1/encryption/dataDiskImages`,
    ]);
  });

  test("is told once where other disks have a key", () => {
    expect(
      codes({
        ...image({
          ...encrypted,
          dataDisks: [{ lun: 0, diskEncryptionSetId: SET }, { lun: 1 }],
        }),
        regions: [region("westus"), { name: "eastus2" }],
      }),
    ).toEqual([
      `PlatformKeysForEncryptedSource ${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`,
      `PlatformKeysForEncryptedSource ${REGIONS}/1/encryption/dataDiskImages`,
      `DiskEncryptionSetMissing ${REGIONS}/0/encryption/dataDiskImages`,
      `DiskEncryptionSetMissing ${REGIONS}/1/encryption/dataDiskImages`,
    ]);
  });

  test("is told once where the request alone is wrong", () => {
    const only = region("westus");
    delete only.encryption?.osDiskImage;
    expect(codes({ ...image(encrypted), regions: [only] })).toEqual([
      `OsDiskEncryptionSetMissing ${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`,
    ]);
    const keyless = confidentialRegion("westus");
    delete keyless.encryption?.osDiskImage?.securityProfile?.secureVMDiskEncryptionSetId;
    expect(
      codes({
        ...image(encrypted),
        regions: [keyless],
        definition: { securityType: "ConfidentialVMSupported" },
      }),
    ).toEqual([
      `ConfidentialVmSetMismatch ${REGIONS}/0/encryption/osDiskImage/securityProfile/secureVMDiskEncryptionSetId`,
    ]);
  });

  test("does not become one with platform-managed keys of confidential virtual machines", () => {
    expect(
      codes({
        ...image({ ...encrypted, dataDisks: [] }),
        regions: [
          {
            name: "westus",
            encryption: {
              osDiskImage: {
                securityProfile: {
                  confidentialVMEncryptionType: "EncryptedWithPmk",
                },
              },
            },
          },
        ],
        definition: { securityType: "ConfidentialVMSupported" },
      }),
    ).toEqual([
      `PlatformKeysForEncryptedSource ${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`,
    ]);
  });
});

describe("own keys anywhere", () => {
  test("ask for a key of every disk in every region", () => {
    const told = (path: string, what: string) =>
      finding(
        "DiskEncryptionSetMissing",
        `${REGIONS}/1/encryption/${path}`,
        [what, "eastus2"],
        ["eastus2"],
      );
    expect(findings({ regions: [region("westus"), { name: "eastus2" }] })).toEqual([
      told("osDiskImage/diskEncryptionSetId", "the OS disk"),
      told("dataDiskImages", "the data disk at LUN 0"),
    ]);
  });

  test("of the OS disk alone leave out a data disk of the source", () => {
    expect(codes({ regions: [region("westus", []), region("eastus2", [])] })).toEqual([
      `DiskEncryptionSetMissing ${REGIONS}/0/encryption/dataDiskImages`,
      `DiskEncryptionSetMissing ${REGIONS}/1/encryption/dataDiskImages`,
    ]);
  });

  test("of a data disk alone leave out the OS disk, which is told once", () => {
    const only = region("westus");
    delete only.encryption?.osDiskImage;
    expect(codes({ regions: [only] })).toEqual([
      `OsDiskEncryptionSetMissing ${REGIONS}/0/encryption/osDiskImage/diskEncryptionSetId`,
    ]);
  });

  test("of a data disk may not be an entry without a set", () => {
    const bad = region("westus");
    bad.encryption = { ...bad.encryption, dataDiskImages: [{ lun: 0 }] };
    expect(codes({ regions: [bad] })).toEqual([
      `DiskEncryptionSetMissing ${REGIONS}/0/encryption/dataDiskImages/0/diskEncryptionSetId`,
    ]);
  });

  test("of nothing ask for nothing", () => {
    expect(findings({ regions: [{ name: "westus" }, { name: "eastus2" }] })).toEqual([]);
  });

  test("may not name a LUN that the source does not have, which is told where it is named", () => {
    expect(findings({ regions: [region("westus", [0, 1]), region("eastus2")] })).toEqual([
      finding(
        "LunNotInSource",
        `${REGIONS}/0/encryption/dataDiskImages/1/lun`,
        ["1", "westus", "0"],
        ["0"],
      ),
    ]);
  });

  test("may name the LUNs of the request's own disks", () => {
    const storage: Storage = {
      osDiskImage: { source: { id: OS } },
      dataDiskImages: [{ lun: 1, source: { id: DATA } }],
    };
    const sources = { [OS]: disk(OS), [DATA]: disk(DATA) };
    expect(findings({ storage, sources, regions: [region("westus", [1])] })).toEqual([]);
    expect(codes({ storage, sources, regions: [region("westus", [0])] })).toEqual([
      `LunNotInSource ${REGIONS}/0/encryption/dataDiskImages/0/lun`,
      `DiskEncryptionSetMissing ${REGIONS}/0/encryption/dataDiskImages`,
    ]);
  });

  test("of a source that has no data disks name none", () => {
    expect(findings({ ...image({ dataDisks: [] }) })[0]).toEqual(
      finding("LunNotInSource", `${REGIONS}/0/encryption/dataDiskImages/0/lun`, [], []),
    );
  });

  test("of a source that may not be seen are compared with each other", () => {
    expect(
      codes({
        regions: [region("westus", [0, 1]), region("eastus2")],
        sources: { [IMAGE]: denied(IMAGE) },
      }),
    ).toEqual([
      `InsufficientPermission ${STORAGE}/source/id`,
      `DiskEncryptionSetMissing ${REGIONS}/1/encryption/dataDiskImages`,
    ]);
  });
});

test("disks without a set are told in the order of their LUNs, and an entry without a set asks for none", () => {
  const regions = [
    region("westus", [10, 9, 1]),
    region("eastus2", [], {
      encryption: { osDiskImage: { diskEncryptionSetId: setId("eastus2-os") } },
    }),
    region("westeurope", [10, 9, 1], {
      encryption: {
        ...region("westeurope", [10, 9, 1]).encryption,
        dataDiskImages: [
          ...(region("westeurope", [10, 9, 1]).encryption?.dataDiskImages ?? []),
          { lun: 5 },
        ],
      },
    }),
  ];
  const missing = findings({
    regions,
    sources: { [IMAGE]: denied(IMAGE) },
  }).filter(({ code }) => code === "DiskEncryptionSetMissing");
  expect(missing.map(({ message }) => message)).toEqual(
    [1, 9, 10].map((lun) => naming([lun, "eastus2"]) as string),
  );
});

test("a version has the data disks of its source, or is not known to have any", () => {
  const luns = (changes: Changes) => {
    const { request, gathered } = subject(changes);
    return sourceDataDiskLuns(request, gathered);
  };
  expect(luns(image({ dataDisks: [{ lun: 2 }, { lun: 5 }] }))).toEqual([2, 5]);
  expect(luns({ storage: DISKS })).toEqual([0]);
  expect(luns(machine())).toEqual([0]);
  expect(luns({ sources: { [IMAGE]: absent } })).toBeUndefined();
  expect(luns({ storage: {} })).toBeUndefined();
});
