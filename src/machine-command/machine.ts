/** What a machine made by hand of a version in one region needs, as the version is encrypted there. Pure. */
import type { ImageVersionRequest } from "../image-version/contract.js";
import type {
  ImageDefinition,
  PurchasePlan,
} from "../image-version/resources.js";
import { canonicalRegion } from "../resource-id.js";

export interface MachineDisk {
  /** Absent: the operating system's. */
  readonly lun?: number;
  readonly diskEncryptionSetId?: string;
}

/** Ids and names are those of Azure, or have passed the document's patterns; each is quoted where it is written. */
export interface Machine {
  readonly name: string;
  readonly resourceGroupName: string;
  readonly subscriptionId: string;
  /** Absent: whoever makes the machine says which. */
  readonly subnetId?: string;
  readonly size: string;
  /** Canonical. */
  readonly region: string;
  readonly imageVersionId: string;
  readonly osType: "Linux" | "Windows";
  /** A specialized image has its users, its name and its keys already. */
  readonly isSpecialized: boolean;
  /** Absent: neither. */
  readonly securityType?: "TrustedLaunch" | "ConfidentialVM";
  /** Of a confidential machine's OS disk, whose `diskEncryptionSetId` then is that of the guest's state, too. */
  readonly confidential?: ConfidentialEncryption;
  readonly purchasePlan?: PurchasePlan;
  readonly osDisk: MachineDisk;
  /** In the order in which Azure shows them: by that az knows them. */
  readonly dataDisks: readonly (MachineDisk & { readonly lun: number })[];
}

/** ARM's SecurityEncryptionTypes. */
export type ConfidentialEncryption =
  "DiskWithVMGuestState" | "VMGuestStateOnly" | "NonPersistedTPM";

/** What a caller may choose. */
export interface MachineChoice {
  readonly name?: string;
  readonly resourceGroupName: string;
  readonly subscriptionId: string;
  readonly subnetId?: string;
  readonly machineSize?: string;
}

const DEFAULT_NAME = "image-test";

/** Undefined where the version is not in the region. */
export function machineOf(
  imageVersionId: string,
  version: ImageVersionRequest,
  definition: ImageDefinition,
  region: string,
  { name, machineSize, ...place }: MachineChoice,
): Machine | undefined {
  const { publishingProfile, storageProfile } = version.properties;
  const target = publishingProfile?.targetRegions?.find(
    (one) => canonicalRegion(one.name) === region,
  );
  if (target === undefined) return undefined;
  const { osDiskImage, dataDiskImages } = target.encryption ?? {};
  const { securityProfile } = osDiskImage ?? {};
  const securityType = securityTypeOf(
    definition.securityType,
    securityProfile?.confidentialVMEncryptionType !== undefined,
  );
  const isConfidential = securityType === "ConfidentialVM";
  const luns = (storageProfile?.dataDiskImages ?? []).map(({ lun }) => lun);
  const { purchasePlan } = definition;
  return {
    ...place,
    name: name ?? DEFAULT_NAME,
    size: machineSize ?? sizeFor(definition, isConfidential),
    region,
    imageVersionId,
    osType: definition.osType === "Windows" ? "Windows" : "Linux",
    isSpecialized: definition.osState === "Specialized",
    ...(securityType && { securityType }),
    ...(isConfidential && {
      confidential: confidentialOf(
        securityProfile?.confidentialVMEncryptionType,
      ),
    }),
    ...(purchasePlan && { purchasePlan }),
    osDisk: withSet(
      isConfidential
        ? securityProfile?.secureVMDiskEncryptionSetId
        : osDiskImage?.diskEncryptionSetId,
    ),
    dataDisks: luns.map((lun) => ({
      lun,
      ...withSet(
        dataDiskImages?.find((image) => image.lun === lun)?.diskEncryptionSetId,
      ),
    })),
  };
}

/** A definition that supports both makes what its version is encrypted for; else Trusted Launch, as Azure itself does. */
function securityTypeOf(
  feature: string,
  isConfidential: boolean,
): Machine["securityType"] {
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

/** `confidentialVMEncryptionType` of a version, as a machine says the same. */
function confidentialOf(type: string | undefined): ConfidentialEncryption {
  switch (type) {
    case "EncryptedWithCmk":
    case "EncryptedWithPmk":
      return "DiskWithVMGuestState";
    case "NonPersistedTPM":
      return "NonPersistedTPM";
    default:
      return "VMGuestStateOnly";
  }
}

function sizeFor(
  { architecture }: ImageDefinition,
  isConfidential: boolean,
): string {
  if (isConfidential) return "Standard_DC2as_v5";
  return architecture === "Arm64" ? "Standard_D2ps_v5" : "Standard_D2s_v5";
}

function withSet(diskEncryptionSetId: string | undefined): {
  readonly diskEncryptionSetId?: string;
} {
  return diskEncryptionSetId === undefined ? {} : { diskEncryptionSetId };
}
