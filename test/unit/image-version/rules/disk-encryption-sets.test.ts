import { describe, expect, test } from "vitest";
import {
  absent,
  computeOf,
  confidentialRegion,
  denied,
  finding,
  findings,
  OTHER,
  REGIONS,
  region,
  setId,
  SUBSCRIPTION,
  type Changes,
} from "./subject.js";
import type { DiskEncryptionSet } from "../../../../src/keys/ports.js";

const POINTER = `${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`;
const ID = setId("eastus2-os");
const NAMES = `--subscription ${SUBSCRIPTION} --resource-group rg --name eastus2-os`;

/** The set of the OS disk in eastus2 otherwise. */
const changed = (change: Partial<DiskEncryptionSet>) =>
  findings({ sets: { "eastus2-os": change } });

describe("a disk encryption set", () => {
  test("exists", () => {
    expect(findings({ sets: { "eastus2-os": absent } })).toEqual([
      finding(
        "DiskEncryptionSetNotFound",
        POINTER,
        [ID, "eastus2"],
        [NAMES, "az disk-encryption-set create --location eastus2"],
      ),
    ]);
  });

  test("that may not be seen is not taken for absent, nor for a good one", () => {
    expect(findings({ sets: { "eastus2-os": denied(ID) } }).map(({ code }) => code)).toEqual([
      "InsufficientPermission",
    ]);
  });

  test("is in the region that it is given for", () => {
    expect(changed({ region: "westus" })).toEqual([
      finding(
        "DiskEncryptionSetInOtherRegion",
        POINTER,
        [ID, "westus", "eastus2"],
        ["az disk-encryption-set create --location eastus2"],
      ),
    ]);
  });

  test("of one region does not serve for another", () => {
    const shared: NonNullable<Changes["regions"]> = [
      region("westus"),
      { name: "eastus2", encryption: { ...region("westus").encryption } },
    ];
    expect(findings({ regions: shared }).map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      `DiskEncryptionSetInOtherRegion ${POINTER}`,
      `DiskEncryptionSetInOtherRegion ${REGIONS}/1/encryption/dataDiskImages/0/diskEncryptionSetId`,
    ]);
  });

  test.each(["Creating", "Failed", "Unknown"])("is not %s", (provisioningState) => {
    expect(changed({ provisioningState })).toEqual([
      finding(
        "DiskEncryptionSetNotReady",
        POINTER,
        [ID, provisioningState],
        [NAMES, "az disk-encryption-set show"],
      ),
    ]);
  });

  test("of confidential virtual machines does not encrypt a disk at rest", () => {
    expect(changed({ encryptionType: "ConfidentialVmEncryptedWithCustomerKey" })).toEqual([
      finding(
        "DiskEncryptionSetOfWrongType",
        POINTER,
        [
          ID,
          "ConfidentialVmEncryptedWithCustomerKey",
          "eastus2",
          "EncryptionAtRestWithCustomerKey",
          "EncryptionAtRestWithPlatformAndCustomerKeys",
        ],
        [
          "az disk-encryption-set create --location eastus2 --encryption-type EncryptionAtRestWithCustomerKey",
        ],
      ),
    ]);
  });

  test("has an active key", () => {
    const { keyUrl: _, ...keyless } = {
      id: ID,
      region: "eastus2",
      provisioningState: "Succeeded",
      encryptionType: "EncryptionAtRestWithCustomerKey" as const,
      keyUrl: "",
      rotationToLatestKeyVersionEnabled: false,
    };
    expect(findings({ sets: { "eastus2-os": { kind: "found", value: keyless } } })).toEqual([
      finding(
        "DiskEncryptionSetWithoutKey",
        POINTER,
        [ID, "eastus2"],
        [NAMES, "az disk-encryption-set update"],
      ),
    ]);
  });

  test("whose key no longer rotates is worth a warning", () => {
    expect(
      changed({
        autoKeyRotationError: {
          code: "KeyVaultAccessForbidden",
          message: "Access to the vault was denied.",
        },
      }),
    ).toEqual([
      finding(
        "DiskEncryptionSetKeyRotationFailing",
        POINTER,
        [ID, "https://vault.vault.azure.net/keys/eastus2-os/1", "KeyVaultAccessForbidden"],
        [NAMES, "az disk-encryption-set update"],
        "warning",
      ),
    ]);
    expect(changed({ rotationToLatestKeyVersionEnabled: true })).toEqual([]);
  });

  describe("is in the version's subscription", () => {
    const regionsWith = (os: string): NonNullable<Changes["regions"]> => [
      region("westus"),
      {
        name: "eastus2",
        encryption: {
          osDiskImage: { diskEncryptionSetId: os },
          dataDiskImages: [{ lun: 0, diskEncryptionSetId: setId("eastus2-0") }],
        },
      },
    ];
    const foreign = `${computeOf(OTHER.toUpperCase())}/diskEncryptionSets/eastus2-os`;
    const told = finding(
      "DiskEncryptionSetInOtherSubscription",
      POINTER,
      [foreign, OTHER, SUBSCRIPTION, "eastus2"],
      [SUBSCRIPTION, "eastus2"],
    );

    test("whatever the case of either", () => {
      const same = ID.replace(SUBSCRIPTION, SUBSCRIPTION.toUpperCase());
      expect(findings({ regions: regionsWith(same) })).toEqual([]);
      expect(
        findings({
          regions: regionsWith(foreign),
          sets: { [foreign]: { region: "eastus2" } },
        }),
      ).toEqual([told]);
    });

    test("and of another it does not matter that it does not exist", () => {
      expect(
        findings({
          regions: regionsWith(foreign),
          sets: { [foreign]: absent },
        }),
      ).toEqual([told]);
    });
  });
});

describe("double encryption", () => {
  const double = {
    encryptionType: "EncryptionAtRestWithPlatformAndCustomerKeys",
  } as const;

  test("may be had in every region, of one disk as well", () => {
    expect(findings({ sets: { "westus-os": double, "eastus2-os": double } })).toEqual([]);
  });

  test("in some regions alone is worth a warning", () => {
    expect(changed(double)).toEqual([
      finding(
        "MixedEncryptionTypes",
        POINTER,
        [
          "EncryptionAtRestWithCustomerKey",
          "westus",
          "EncryptionAtRestWithPlatformAndCustomerKeys",
          "eastus2",
        ],
        [
          "az disk-encryption-set create --location eastus2 --encryption-type EncryptionAtRestWithCustomerKey",
        ],
        "warning",
      ),
    ]);
  });
});

describe("keys of confidential virtual machines", () => {
  const type = {
    encryptionType: "ConfidentialVmEncryptedWithCustomerKey",
  } as const;
  const definition = { securityType: "ConfidentialVMSupported" };
  const SECURE = `${REGIONS}/0/encryption/osDiskImage/securityProfile/secureVMDiskEncryptionSetId`;

  test("are of sets of that type", () => {
    const regions = [confidentialRegion("westus")];
    expect(findings({ regions, definition, sets: { "westus-os": type } })).toEqual([]);
    expect(findings({ regions, definition })).toEqual([
      finding(
        "DiskEncryptionSetOfWrongType",
        SECURE,
        ["westus", "ConfidentialVmEncryptedWithCustomerKey"],
        ["ConfidentialVmEncryptedWithCustomerKey"],
      ),
    ]);
    expect(findings({ regions, definition, sets: { "westus-os": absent } })).toEqual([
      finding(
        "DiskEncryptionSetNotFound",
        SECURE,
        ["westus"],
        [
          "ConfidentialVmEncryptedWithCustomerKey",
          "diskEncryptionSets",
          "2025-01-02",
          "westus",
          "SystemAssigned",
          "encryptionType",
          "activeKey",
          "keyUrl",
        ],
      ),
    ]);
  });

  test("in one region ask for a key of every disk in every region", () => {
    expect(
      findings({
        regions: [confidentialRegion("westus", []), { name: "eastus2" }],
        definition,
        sets: { "westus-os": type },
      }).map(({ code, pointer }) => `${code} ${pointer}`),
    ).toEqual([
      `DiskEncryptionSetMissing ${REGIONS}/0/encryption/dataDiskImages`,
      `DiskEncryptionSetMissing ${REGIONS}/1/encryption/osDiskImage/diskEncryptionSetId`,
      `DiskEncryptionSetMissing ${REGIONS}/1/encryption/dataDiskImages`,
    ]);
  });
});
