/**
 * The machine that a test creates from an image version in one region, in the domain's words. Pure.
 */
import { createHash } from "node:crypto";
import type {
  DiskImageEncryption,
  ImageVersionRequest,
  ImageDefinition,
} from "../image-version/index.js";
import type { DiskEncryptionSet } from "../keys/ports.js";
import { groupId, type Group } from "../leftovers/ports.js";
import type { TestedDisk } from "./region-record.js";
import { canonicalRegion, sameResourceId, type ImageVersionId } from "../resource-id.js";
import type { TestPlace } from "./profile.js";

/** How a disk should be encrypted. */
export interface DiskPlan {
  /** Absent: the OS disk. */
  readonly lun?: number;
  readonly diskEncryptionSetId?: string;
  /**
   * ARM's SecurityEncryptionTypes, for a confidential machine. The last value is for its data
   * disks.
   */
  readonly confidential?:
    | "DiskWithVMGuestState"
    | "VMGuestStateOnly"
    | "NonPersistedTPM"
    | "DataDiskEncryptedWithCustomerKey";
  /**
   * The type that Azure should show for it; absent: the set's type could not be read, and only its
   * id is compared.
   */
  readonly encryptionType?: string;
}

/** Everything about a machine except its name. */
export interface MachinePlan {
  /** Canonical. */
  readonly region: string;
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  readonly subnetId: string;
  readonly size: string;
  readonly imageVersionId: string;
  readonly osType: "Linux" | "Windows";
  /** A specialized image already has its users, computer name and keys. */
  readonly isSpecialized: boolean;
  /** Absent: neither. */
  readonly securityType?: "TrustedLaunch" | "ConfidentialVM";
  readonly purchasePlan?: ImageDefinition["purchasePlan"];
  /** The OS disk first. */
  readonly disks: readonly DiskPlan[];
  /** Whether its serial log can be read. */
  readonly hasBootDiagnostics: boolean;
}

/** A machine's name and resource group. */
export interface MachineName extends Group {
  readonly name: string;
}

/**
 * Derived only from the operation, region and attempt, so that a machine that Azure created and
 * Sigil did not record can be found.
 */
export function machineName(operationId: string, region: string, attempt: number): string {
  const hash = createHash("sha256")
    .update(`${operationId}/${canonicalRegion(region)}`)
    .digest("hex")
    .slice(0, 20);
  return `sigiltest-${hash}-${attempt}`;
}

export function diskName(machine: string, lun: number | undefined): string {
  return lun === undefined ? `${machine}-os` : `${machine}-lun${lun}`;
}

/** Azure may append to this name. */
export function interfaceName(machine: string): string {
  return `${machine}-nic`;
}

export function machineId({ subscriptionId, resourceGroupName, name }: MachineName): string {
  return `${groupId({ subscriptionId, resourceGroupName })}/providers/Microsoft.Compute/virtualMachines/${name}`;
}

export function diskId({ name, ...group }: MachineName, lun: number | undefined): string {
  return `${groupId(group)}/providers/Microsoft.Compute/disks/${diskName(name, lun)}`;
}

/**
 * The machine to create from the version in one region, with its encryption there. `sets` are the
 * disk encryption sets that could be read, by id in lower case.
 */
export function planMachine(
  id: ImageVersionId & { readonly resourceId: string },
  version: ImageVersionRequest,
  definition: ImageDefinition,
  place: TestPlace,
  sets: ReadonlyMap<string, DiskEncryptionSet>,
  proofKind: string,
): MachinePlan {
  const { publishingProfile, storageProfile } = version.properties;
  const encryption = publishingProfile?.targetRegions?.find(
    ({ name }) => canonicalRegion(name) === place.region,
  )?.encryption;
  const osDisk = encryption?.osDiskImage;
  const confidentialType = osDisk?.securityProfile?.confidentialVMEncryptionType;
  const securityType = securityTypeOf(definition.securityType, confidentialType !== undefined);
  const luns = (storageProfile?.dataDiskImages ?? []).map(({ lun }) => lun);
  return {
    region: place.region,
    subscriptionId: id.subscriptionId,
    resourceGroupName: place.resourceGroupName,
    subnetId: place.subnetId,
    size: place.machineSize,
    imageVersionId: id.resourceId,
    osType: definition.osType === "Windows" ? "Windows" : "Linux",
    isSpecialized: definition.osState === "Specialized",
    ...(securityType !== undefined && { securityType }),
    ...(definition.purchasePlan && { purchasePlan: definition.purchasePlan }),
    disks: [
      securityType === "ConfidentialVM"
        ? confidentialDisk(confidentialType, osDisk?.securityProfile?.secureVMDiskEncryptionSetId)
        : plainDisk(osDisk?.diskEncryptionSetId, sets),
      ...luns.map((lun) => ({
        lun,
        ...dataDisk(
          encryption?.dataDiskImages?.find((disk) => disk.lun === lun),
          sets,
        ),
      })),
    ],
    hasBootDiagnostics: proofKind === "serialLog",
  };
}

function dataDisk(
  image: DiskImageEncryption | undefined,
  sets: ReadonlyMap<string, DiskEncryptionSet>,
): DiskPlan {
  const secure = image?.securityProfile?.secureVMDiskEncryptionSetId;
  return secure === undefined
    ? plainDisk(image?.diskEncryptionSetId, sets)
    : // How Azure shows such a disk, except for its set, is not documented, so it is not compared.
      {
        confidential: "DataDiskEncryptedWithCustomerKey",
        diskEncryptionSetId: secure,
      };
}

/**
 * A definition that supports both gives what its version is encrypted for; else Trusted Launch, as
 * in Azure.
 */
function securityTypeOf(feature: string, isConfidential: boolean): MachinePlan["securityType"] {
  switch (feature.toLowerCase()) {
    case "confidentialvm":
      return "ConfidentialVM";
    case "confidentialvmsupported":
      return isConfidential ? "ConfidentialVM" : undefined;
    case "trustedlaunchandconfidentialvmsupported":
      return isConfidential ? "ConfidentialVM" : "TrustedLaunch";
    case "trustedlaunch":
    case "trustedlaunchsupported":
      return "TrustedLaunch";
    default:
      return undefined;
  }
}

function plainDisk(
  diskEncryptionSetId: string | undefined,
  sets: ReadonlyMap<string, DiskEncryptionSet>,
): DiskPlan {
  if (diskEncryptionSetId === undefined)
    return { encryptionType: "EncryptionAtRestWithPlatformKey" };
  const known = sets.get(diskEncryptionSetId.toLowerCase());
  return {
    diskEncryptionSetId,
    ...(known && { encryptionType: known.encryptionType }),
  };
}

/**
 * Translates a version's `confidentialVMEncryptionType` to the values of a machine and its disk.
 */
function confidentialDisk(type: string | undefined, setId: string | undefined): DiskPlan {
  switch (type) {
    case "EncryptedWithCmk":
      return {
        confidential: "DiskWithVMGuestState",
        ...(setId !== undefined && { diskEncryptionSetId: setId }),
        encryptionType: "ConfidentialVM_DiskEncryptedWithCustomerKey",
      };
    case "EncryptedWithPmk":
      return {
        confidential: "DiskWithVMGuestState",
        encryptionType: "ConfidentialVM_DiskEncryptedWithPlatformKey",
      };
    case "NonPersistedTPM":
      return {
        confidential: "NonPersistedTPM",
        encryptionType: "ConfidentialVM_NonPersistedTPM",
      };
    default:
      return {
        confidential: "VMGuestStateOnly",
        encryptionType: "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey",
      };
  }
}

/** How a disk in Azure differs from what the version asked for; undefined if it does not. */
export function mismatchOf(
  { lun, diskEncryptionSetId, encryptionType }: DiskPlan,
  found: TestedDisk | undefined,
): string | undefined {
  const disk = lun === undefined ? "The OS disk" : `The data disk of LUN ${lun}`;
  if (found === undefined) return `${disk} is not there.`;
  const wanted = describe(encryptionType, diskEncryptionSetId);
  const isAsWanted =
    (encryptionType === undefined || found.encryptionType === encryptionType) &&
    (diskEncryptionSetId === undefined
      ? found.diskEncryptionSetId === undefined
      : found.diskEncryptionSetId !== undefined &&
        sameResourceId(found.diskEncryptionSetId, diskEncryptionSetId));
  return isAsWanted
    ? undefined
    : `${disk} should be ${wanted}. It is ${describe(found.encryptionType, found.diskEncryptionSetId)}.`;
}

function describe(encryptionType: string | undefined, setId: string | undefined): string {
  return [
    encryptionType ?? "encrypted",
    setId === undefined ? "without a disk encryption set" : `by ${setId}`,
  ].join(" ");
}
