/** What Azure makes no version of: each refused before it is asked, and never where Azure would take it. */
import { describe, expect, test } from "vitest";
import type { SourceDisk } from "../../../../src/image-version/resources.js";
import {
  COMPUTE,
  disk,
  finding,
  findings,
  GALLERY,
  MACHINE,
  platformKeys,
  REGIONS,
  region,
  setId,
  source,
  STORAGE,
  SUBSCRIPTION,
  type Changes,
  type Storage,
} from "./subject.js";
import { naming } from "../../../support/naming.js";

const OS = `${COMPUTE}/disks/os`;
const DATA = `${COMPUTE}/disks/data`;
const FROM_MACHINE = `${STORAGE}/source/virtualMachineId`;

/** A machine whose OS disk and data disk at LUN 0 show this. */
function machine(osDisk: Partial<SourceDisk>, dataDisk: Partial<SourceDisk> = {}): Changes {
  return {
    storage: { source: { virtualMachineId: MACHINE } },
    sources: {
      [MACHINE]: source(MACHINE, {
        osDisk: { id: OS, ...osDisk },
        dataDisks: [{ lun: 0, id: DATA, ...dataDisk }],
      }),
      [OS]: disk(OS),
      [DATA]: disk(DATA),
    },
  };
}

const DISKS: Storage = {
  osDiskImage: { source: { id: OS } },
  dataDiskImages: [{ lun: 0, source: { id: DATA } }],
};
/** Managed disks, each as it shows itself. */
function disks(osDisk: SourceDisk, dataDisk: SourceDisk = {}, more: Changes = {}): Changes {
  return {
    storage: DISKS,
    sources: {
      [OS]: disk(OS, { osDisk }),
      [DATA]: disk(DATA, { osDisk: dataDisk }),
    },
    ...more,
  };
}

describe("a virtual machine is no source", () => {
  test("with an ephemeral OS disk", () => {
    expect(findings(machine({ ephemeral: true }))).toEqual([
      finding("EphemeralOsDisk", FROM_MACHINE, [], []),
    ]);
  });

  test("with a disk that is a blob", () => {
    const { id: _, ...blob } = { id: "", unmanaged: true as const };
    expect(findings(machine({}, blob))).toEqual([
      finding("UnmanagedDisk", FROM_MACHINE, [DATA, "0"], ["az vm convert"]),
    ]);
  });

  test("where source.id names it, unless the version was made so", () => {
    const storage: Storage = { source: { id: MACHINE } };
    const { sources } = machine({});
    expect(findings({ storage, sources: sources ?? {} })).toEqual([
      finding("VirtualMachineInSourceId", `${STORAGE}/source/id`, [MACHINE], ["virtualMachineId"]),
    ]);
    expect(findings({ storage, sources: sources ?? {}, existing: { storage } })).toEqual([]);
  });
});

describe("a Trusted Launch machine", () => {
  const trusted = (
    osDisk: Partial<SourceDisk>,
    dataDisk: Partial<SourceDisk> = {},
    type = "TrustedLaunch",
  ): Changes => ({
    storage: { source: { virtualMachineId: MACHINE } },
    definition: { securityType: type },
    sources: {
      [MACHINE]: source(MACHINE, {
        osDisk: { id: OS },
        dataDisks: [{ lun: 3, id: DATA }],
        securityType: type,
      }),
      [OS]: disk(OS, { osDisk }),
      [DATA]: disk(DATA, { osDisk: dataDisk }),
    },
    regions: [region("westus", [3])],
    sets: { "westus-3": {} },
  });
  const set = { diskEncryptionSetId: setId("of-the-source") };
  const snapshot = (place: string) => `${COMPUTE}/snapshots/vm-1.0.0-${place}`;

  test("whose disk has a customer's key is no source: snapshots of its disks are", () => {
    const [found, ...others] = findings(trusted(set));
    expect(others).toEqual([]);
    expect(found).toEqual(
      finding(
        "TrustedLaunchWithCustomerKeys",
        FROM_MACHINE,
        [MACHINE, OS, set.diskEncryptionSetId],
        [],
      ),
    );
    const at = `az snapshot create --subscription ${SUBSCRIPTION} --resource-group rg --name`;
    expect(found?.remediation.split("Create them: ")[1]).toBe(
      [
        `${at} vm-1.0.0-os --location westus --source ${OS} --hyper-v-generation V2 --encryption-type "$(az disk show --ids ${OS} --query encryption.type --output tsv)" --disk-encryption-set ${set.diskEncryptionSetId}`,
        " && ",
        `${at} vm-1.0.0-lun3 --location westus --source ${DATA}`,
        " Then repeat the request with this storageProfile: ",
        JSON.stringify({
          osDiskImage: { source: { id: snapshot("os") } },
          dataDiskImages: [{ lun: 3, source: { id: snapshot("lun3") } }],
        }),
      ].join(""),
    );
    expect(findings(trusted({}, set))).toMatchObject([{ code: "TrustedLaunchWithCustomerKeys" }]);
  });

  test("with platform keys is one, as is another machine with customers' keys", () => {
    expect(findings(trusted({}))).toEqual([]);
    expect(findings(trusted(set, {}, "Standard"))).toEqual([]);
  });
});

describe("the type of a disk", () => {
  test("is not Ultra, whether the machine shows it or the disk itself", () => {
    const ultra = { storageAccountType: "UltraSSD_LRS" };
    const told = (pointer: string, id: string, what: string) =>
      finding("UltraDisk", pointer, [id, what, "UltraSSD_LRS"], []);
    expect(findings(machine({}, ultra))).toEqual([told(FROM_MACHINE, DATA, "data disk at LUN 0")]);
    expect(findings(disks(ultra))).toEqual([
      told(`${STORAGE}/osDiskImage/source/id`, OS, "OS disk"),
    ]);
  });

  test("is not Premium SSD v2", () => {
    expect(findings(disks({}, { storageAccountType: "PremiumV2_LRS" }))).toEqual([
      finding(
        "PremiumV2Disk",
        `${STORAGE}/dataDiskImages/0/source/id`,
        [DATA, "0", "PremiumV2_LRS"],
        [],
      ),
    ]);
  });
});

describe("the size of a disk", () => {
  const shallow = {
    regions: [region("westus")],
    publishing: { replicationMode: "Shallow" as const },
  };
  test.each<[string, number, Changes, boolean]>([
    ["2048 GB", 2048, {}, true],
    ["2049 GB", 2049, {}, false],
    ["2049 GB, shallow", 2049, shallow, true],
    ["32768 GB, shallow", 32_768, shallow, true],
    ["32769 GB, shallow", 32_769, shallow, false],
  ])("of %s", (_, sizeInGB, more, taken) => {
    const found = findings(disks({}, { sizeInGB }, more));
    if (taken) expect(found).toEqual([]);
    else
      expect(found).toEqual([
        finding(
          "SourceDiskTooLarge",
          `${STORAGE}/dataDiskImages/0/source/id`,
          [DATA, sizeInGB, "0"],
          [],
        ),
      ]);
  });
});

describe("a disk is given once", () => {
  test("as a resource, in whatever case", () => {
    const storage: Storage = {
      osDiskImage: { source: { id: OS } },
      dataDiskImages: [{ lun: 0, source: { id: OS.toUpperCase() } }],
    };
    expect(findings({ storage, sources: { [OS]: disk(OS) } })).toMatchObject([
      {
        code: "DuplicateSource",
        pointer: `${STORAGE}/dataDiskImages/0/source/id`,
        message: naming([OS.toUpperCase(), STORAGE, "0", "osDiskImage"]),
      },
    ]);
  });

  test("as a VHD", () => {
    const vhd = (uri: string) => ({
      source: {
        uri,
        storageAccountId: `${COMPUTE.replace("Compute", "Storage")}/storageAccounts/a`,
      },
    });
    const one = vhd("https://a.blob.core.windows.net/c/one.vhd");
    const other = vhd("https://a.blob.core.windows.net/c/other.vhd");
    const regions = [platformKeys("westus")];
    const codes = (second: typeof one) =>
      findings({
        regions,
        storage: {
          osDiskImage: one,
          dataDiskImages: [{ lun: 0, ...second }],
        },
      })
        .filter(({ severity }) => severity === "error")
        .map(({ code, pointer }) => `${code} ${pointer}`);
    expect(codes(one)).toEqual([`DuplicateSource ${STORAGE}/dataDiskImages/0/source/uri`]);
    expect(codes(other)).toEqual([]);
  });
});

describe("customer-managed keys", () => {
  const version = `${GALLERY}/images/base/versions/1.0.0`;
  const ofVersion = (more: Changes = {}): Changes => ({
    storage: { source: { id: version } },
    sources: { [version]: source(version) },
    ...more,
  });
  const codes = (changes: Changes) =>
    findings(changes)
      .filter(({ severity }) => severity === "error")
      .map(({ code, pointer }) => `${code} ${pointer}`);

  test("need a source that Azure can encrypt", () => {
    const code = "EncryptionNotSupportedForSource";
    expect(codes(ofVersion())).toEqual([`${code} ${STORAGE}/source/id`]);
    expect(
      codes({
        storage: {
          source: { communityGalleryImageId: "/CommunityGalleries/g/images/i" },
        },
      }),
    ).toEqual([`${code} ${STORAGE}/source/communityGalleryImageId`]);
    expect(
      codes({
        storage: {
          osDiskImage: {
            source: {
              uri: "https://a.blob.core.windows.net/c/os.vhd",
              storageAccountId: `${COMPUTE.replace("Compute", "Storage")}/storageAccounts/a`,
            },
          },
          dataDiskImages: [{ lun: 0, source: { id: DATA } }],
        },
        sources: { [DATA]: disk(DATA) },
      }),
    ).toEqual([`${code} ${STORAGE}/osDiskImage/source/uri`]);
  });

  test("are not asked for without them, and not again of a version that is made", () => {
    expect(codes(ofVersion({ regions: [platformKeys("westus")] }))).toEqual([]);
    const { storage } = ofVersion();
    expect(codes(ofVersion({ existing: { storage: storage ?? {} } }))).toEqual([]);
  });
});

describe("a version of confidential virtual machines", () => {
  const confidential = (type: "NonPersistedTPM" | "EncryptedWithPmk", ...names: string[]) =>
    names.map((name) => ({
      ...platformKeys(name),
      encryption: {
        osDiskImage: {
          securityProfile: { confidentialVMEncryptionType: type },
        },
      },
    }));
  const of = (more: Changes): Changes => ({
    definition: { securityType: "ConfidentialVM" },
    storage: { osDiskImage: { source: { id: OS } } },
    sources: { [OS]: disk(OS, { securityType: "ConfidentialVM" }) },
    ...more,
  });

  test("says how it is encrypted in each region", () => {
    expect(findings(of({ regions: [platformKeys("westus")] }))).toEqual([
      finding(
        "ConfidentialEncryptionMissing",
        `${REGIONS}/0/encryption/osDiskImage/securityProfile/confidentialVMEncryptionType`,
        ["confidentialVMEncryptionType", "westus"],
        ["EncryptedWithPmk"],
      ),
    ]);
  });

  test("stays in its own location", () => {
    expect(
      findings(of({ regions: confidential("EncryptedWithPmk", "westus", "eastus2") })),
    ).toEqual([
      finding(
        "ConfidentialVmOutsideHomeRegion",
        `${REGIONS}/1`,
        ["westus", "eastus2"],
        ["eastus2"],
      ),
    ]);
  });

  test.each<[string, Changes]>([
    ["alone there", of({ regions: confidential("EncryptedWithPmk", "westus") })],
    [
      "without a kept state of its own",
      of({ regions: confidential("NonPersistedTPM", "westus", "eastus2") }),
    ],
    [
      "where Azure has taken it elsewhere",
      of({
        regions: confidential("EncryptedWithPmk", "westus", "eastus2"),
        existing: {
          storage: { osDiskImage: { source: { id: OS } } },
          regions: confidential("EncryptedWithPmk", "westus", "eastus2"),
        },
      }),
    ],
    [
      "of a definition that takes other machines, too",
      {
        definition: { securityType: "ConfidentialVMSupported" },
        regions: confidential("EncryptedWithPmk", "westus", "eastus2"),
      },
    ],
  ])("is taken %s", (_, changes) => {
    expect(findings(changes)).toEqual([]);
  });
});

describe("shallow replication", () => {
  const shallow = (...regions: NonNullable<Changes["regions"]>): Changes => ({
    regions,
    publishing: { replicationMode: "Shallow" },
  });
  test("has one replica in one region", () => {
    expect(findings(shallow(region("westus")))).toEqual([]);
    const code = "InvalidShallowReplication";
    expect(findings(shallow(region("westus"), region("eastus2")))).toMatchObject([
      { code, pointer: `${REGIONS}/1` },
    ]);
    expect(findings(shallow(region("westus", [0], { regionalReplicaCount: 2 })))).toMatchObject([
      { code, pointer: `${REGIONS}/0/regionalReplicaCount` },
    ]);
    expect(
      findings(
        shallow(
          region("westus", [0], {
            additionalReplicaSets: [{ storageAccountType: "Premium_LRS" }],
          }),
        ),
      ),
    ).toMatchObject([{ code, pointer: `${REGIONS}/0/additionalReplicaSets` }]);
  });

  test("is not what Full is", () => {
    expect(
      findings({
        publishing: { replicationMode: "Full" },
        regions: [region("westus", [0], { regionalReplicaCount: 2 }), region("eastus2")],
      }),
    ).toEqual([]);
  });
});

describe("zone-redundant storage", () => {
  const zonal = (name: string) => region(name, [0], { storageAccountType: "Standard_ZRS" });

  test("is in regions that have zones", () => {
    expect(findings({ regions: [zonal("westus"), zonal("eastus2")] })).toEqual([
      finding(
        "ZoneRedundantStorageNotOffered",
        `${REGIONS}/0/storageAccountType`,
        ["westus"],
        ["storageAccountType", "Standard_LRS", "Premium_LRS", "westus"],
      ),
    ]);
    expect(
      findings({
        regions: [
          region("westus", [0], {
            additionalReplicaSets: [{ storageAccountType: "standard_zrs" }],
          }),
        ],
      }),
    ).toMatchObject([{ pointer: `${REGIONS}/0/additionalReplicaSets/0/storageAccountType` }]);
  });

  test("is let pass where Azure tells of no zones, or has it already", () => {
    expect(
      findings({
        regions: [zonal("westus")],
        gathered: { regions: { kind: "found", value: [{ name: "westus" }] } },
      }),
    ).toEqual([]);
    expect(
      findings({
        regions: [zonal("westus")],
        existing: { regions: [zonal("westus")] },
      }),
    ).toEqual([]);
  });
});
