import { invalidParameter, type ArmError } from "./arm-error.js";

/*
 * Security types of image definitions (`features[]`, name `SecurityType`) against sources.
 *
 * Documented ("Deploy a Trusted Launch VM from an Azure Compute Gallery image", "Create a confidential VM from an Azure
 * Compute Gallery image"): the type is TrustedLaunch or ConfidentialVM for a capture of such a virtual machine, a managed
 * OS disk or its snapshot; ...Supported for a VHD, a managed image or another gallery image version, without guest state.
 * Seen in Azure: the words and the code InvalidParameter with which a virtual machine is refused for ...Supported, and the words for a
 * managed image for ConfidentialVM; that a VHD and an image version are refused in these, too, is assumed.
 * Guessed: code, words and target of the other refusals; that a disk or snapshot that is plain is refused for TrustedLaunch
 * and ConfidentialVM; that one with guest state is welcome for ...Supported; that ...Supported for confidential virtual
 * machines refuses a virtual machine as TrustedLaunchSupported does; that `confidentialVMEncryptionType` asks for a
 * definition that knows confidential virtual machines. Not enforced: that the definition is of generation V2, which the
 * generation of the source shows anyway, and that a ConfidentialVM image stays in its region, which may have changed.
 */

/** A source's type: Standard has no guest state. */
export type SecurityType = "Standard" | "TrustedLaunch" | "ConfidentialVM";

/** Feature values in lower case: documentation and tools differ in `Vm` and `VM`. */
const SUITS: Readonly<Record<string, readonly SecurityType[]>> = {
  trustedlaunch: ["TrustedLaunch"],
  trustedlaunchsupported: ["Standard", "TrustedLaunch"],
  confidentialvm: ["ConfidentialVM"],
  confidentialvmsupported: ["Standard", "ConfidentialVM"],
  trustedlaunchandconfidentialvmsupported: ["Standard", "TrustedLaunch", "ConfidentialVM"],
};

/** The value of a definition's feature SecurityType. */
export function securityTypeFeature(definition: {
  readonly features?: readonly {
    readonly name?: string;
    readonly value?: string;
  }[];
}): string | undefined {
  return definition.features?.find(({ name }) => name?.toLowerCase() === "securitytype")?.value;
}

export function securityTypeOfMachine(given: string | undefined): SecurityType {
  return given === "TrustedLaunch" || given === "ConfidentialVM" ? given : "Standard";
}

/** `ConfidentialVM_DiskEncryptedWithPlatformKey` and its like are all confidential. */
export function securityTypeOfDisk(given: string | undefined): SecurityType {
  return securityTypeOfMachine(given?.replace(/^ConfidentialVM_.*$/u, "ConfidentialVM"));
}

/**
 * A version's type, by its definition's feature: one that is ...Supported has "No VM Guest State
 * information".
 */
export function securityTypeOfVersion(feature: string | undefined): SecurityType {
  const suits = suitable(feature);
  return suits.includes("Standard") ? "Standard" : (suits[0] ?? "Standard");
}

/** Refuses a source whose known security type does not suit the definition's. */
export function validateSecurityType(
  definition: { readonly id: string; readonly feature: string | undefined },
  source: {
    readonly id: string;
    readonly securityType?: SecurityType;
    readonly virtualMachineId?: string;
    readonly isImage?: true;
  },
  target: string,
): void {
  const { id, feature } = definition;
  const suits = suitable(feature);
  if (feature !== undefined && source.virtualMachineId !== undefined && suits.length > 1)
    throw invalidParameter(
      target,
      `The security type '${feature}' is not supported for the source id '${source.virtualMachineId}'. Currently only Vhd Blob, User Image and Gallery Image Version sources are supported for '${feature}' images.`,
    );
  // hashicorp/packer-plugin-azure#372.
  if (feature?.toLowerCase() === "confidentialvm" && source.isImage === true)
    throw invalidParameter(
      target,
      `Confidential VM is not supported for the source id '${source.id}'. Currently Snapshot, Disk and VM sources are supported for the Confidential VM security type.`,
    );
  if (source.securityType !== undefined && !suits.includes(source.securityType))
    throw mismatch(id, feature, target, `the source's, '${source.securityType}'`);
}

/** The security types of sources that suit a definition with this feature. */
export function suitable(feature: string | undefined): readonly SecurityType[] {
  return SUITS[feature?.toLowerCase() ?? ""] ?? ["Standard"];
}

/** InvalidParameter: the definition does not allow `what`. */
export function mismatch(
  definitionId: string,
  feature: string | undefined,
  target: string,
  what: string,
): ArmError {
  return invalidParameter(
    target,
    `The security type '${feature ?? "Standard"}' of the gallery image '${definitionId}' does not allow ${what}.`,
  );
}
