import { imageIdOf, isComputeResourceId } from "../../../resource-id.js";
import { targetRegionsOf } from "../../properties/canonical-form.js";
import type { ImageVersionRequest } from "../../contract.js";
import { CAPTURE } from "../capture-remedy.js";
import { found } from "../../../bounded-reads.js";
import { sourceOf, type Trait } from "../source.js";
import { sourceReferences } from "../../properties/source-references.js";
import { STORAGE_PROFILE, TARGET_REGIONS, type Breach, type GatheredRule } from "../rule.js";

type VmType = "TrustedLaunch" | "ConfidentialVM";

/** Security types of image definitions from which such a VM can be created. */
const ALLOWING: Readonly<Record<VmType, readonly string[]>> = {
  TrustedLaunch: [
    "TrustedLaunch",
    "TrustedLaunchSupported",
    "TrustedLaunchAndConfidentialVMSupported",
  ],
  ConfidentialVM: [
    "ConfidentialVM",
    "ConfidentialVMSupported",
    "TrustedLaunchAndConfidentialVMSupported",
  ],
};

export const securityType: GatheredRule = {
  name: "security-type",
  code: "SecurityTypeMismatch",
  severity: "error",
  basis: { documented: "images" },
  summary:
    "The image definition's security type allows that of the source and of the request's confidential encryption, and is not stricter than the source.",
  check: ({ id, request, gathered }) => {
    const definition = found(gathered.imageDefinition);
    if (definition === undefined) return [];
    const shown = definition.securityType;
    const definitionId = imageIdOf(id);
    const source = sourceOf(request, gathered)?.securityType;
    const confidential = allows(shown, "ConfidentialVM")
      ? []
      : targetRegionsOf(request).flatMap(({ name, encryption = {} }, i) =>
          [
            { path: "osDiskImage", image: encryption.osDiskImage },
            ...(encryption.dataDiskImages ?? []).map((image, j) => ({
              path: `dataDiskImages/${j}`,
              image,
            })),
          ].flatMap(({ path, image }): Breach[] => {
            const type = image?.securityProfile?.confidentialVMEncryptionType;
            return type === undefined
              ? []
              : [
                  {
                    pointer: `${TARGET_REGIONS}/${i}/encryption/${path}/securityProfile/confidentialVMEncryptionType`,
                    message: `confidentialVMEncryptionType ${type} in ${name} is for confidential virtual machines; the security type of the image definition ${definitionId} is ${shown}.`,
                    remediation: `Leave the securityProfile out, or use an image definition that allows confidential virtual machines: ${create("ConfidentialVM")}`,
                  },
                ];
          }),
        );
    return [
      ...(ofMachine(request, shown, definitionId) ??
        ofImage(request, shown, definitionId) ??
        ofSource(source, shown, definitionId)),
      ...confidential,
    ];
  },
};

/**
 * "Currently only Vhd Blob, User Image and Gallery Image Version sources are supported" is Azure's
 * answer for a virtual machine and a type that only supports others, such as
 * TrustedLaunchSupported: those images have no guest state.
 */
function ofMachine(
  request: ImageVersionRequest,
  shown: string,
  definitionId: string,
): Breach[] | undefined {
  const machine = sourceReferences(request).find(({ id }) =>
    isComputeResourceId(id, "virtualMachines"),
  );
  if (machine === undefined || !/Supported$/iu.test(shown)) return undefined;
  return [
    {
      pointer: machine.pointer,
      message: `The source ${machine.id} is a virtual machine, which the image definition ${definitionId}, of security type ${shown}, does not accept.`,
      remediation: `${CAPTURE} Or use a managed image, an image version or a VHD, or an image definition of the machine's own security type: ${create("TrustedLaunch")}`,
    },
  ];
}

/**
 * "Currently Snapshot, Disk and VM sources are supported for the Confidential VM security type" is
 * Azure's answer for a managed image. Any other source that is no disk of such a machine has no
 * guest state, either.
 */
function ofImage(
  request: ImageVersionRequest,
  shown: string,
  definitionId: string,
): Breach[] | undefined {
  if (shown.toLowerCase() !== "confidentialvm") return undefined;
  const { source, osDiskImage } = request.properties.storageProfile;
  const [path, what] =
    osDiskImage?.source?.uri !== undefined
      ? ["osDiskImage/source/uri", osDiskImage.source.uri]
      : source?.communityGalleryImageId !== undefined
        ? ["source/communityGalleryImageId", source.communityGalleryImageId]
        : ["source/id", source?.id];
  return what === undefined
    ? undefined
    : [
        {
          pointer: `${STORAGE_PROFILE}/${path}`,
          message: `${what} is not a disk, snapshot or virtual machine, and the image definition ${definitionId}, of security type ConfidentialVM, accepts nothing else.`,
          remediation: `Use a confidential virtual machine, or its disks or snapshots, or an image definition that accepts images: az sig image-definition create --features SecurityType=ConfidentialVMSupported …`,
        },
      ];
}

function ofSource(source: Trait | undefined, shown: string, definitionId: string): Breach[] {
  const type = source && vmTypeOf(source.value);
  if (source === undefined || type === undefined) return [];
  const { pointer, id } = source;
  const message = `The security type of the source ${id} is ${source.value}; that of the image definition ${definitionId} is ${shown}.`;
  if (type !== "Standard" && !allows(shown, type))
    return [
      {
        pointer,
        message,
        remediation: `Use an image definition that allows ${type}: ${create(type)}`,
      },
    ];
  const wanted = vmTypeOf(shown);
  return wanted === undefined || wanted === "Standard" || wanted === type
    ? []
    : [
        {
          pointer,
          message,
          remediation: `Use a source of security type ${wanted}, or an image definition that accepts others: az sig image-definition create --features SecurityType=${wanted}Supported …`,
        },
      ];
}

/** The type of VM that a source comes from; undefined if it only shows which are possible. */
function vmTypeOf(value: string): VmType | "Standard" | undefined {
  // Disks have longer values, such as ConfidentialVM_DiskEncryptedWithCustomerKey.
  switch (value.toLowerCase().split("_")[0]) {
    case "standard":
      return "Standard";
    case "trustedlaunch":
      return "TrustedLaunch";
    case "confidentialvm":
      return "ConfidentialVM";
    default:
      return undefined;
  }
}

function allows(definition: string, type: VmType): boolean {
  return ALLOWING[type].some((value) => value.toLowerCase() === definition.toLowerCase());
}

function create(type: VmType): string {
  return `az sig image-definition create --features SecurityType=${type} …`;
}
