import { invalidParameter } from "./arm-error.js";
import { STORAGE_PATH, type ImageSource } from "./image-source.js";
import type { TargetRegion } from "./image-version-shape.js";
import {
  mismatch,
  securityTypeFeature,
  suitable,
  validateSecurityType,
} from "./security-type.js";
import type { ArmResource } from "./state.js";

export interface DefinitionProperties {
  readonly osType?: string;
  readonly osState?: string;
  readonly hyperVGeneration?: string;
  /** Absent: x64. */
  readonly architecture?: string;
  readonly features?: readonly {
    readonly name?: string;
    readonly value?: string;
  }[];
}

const REGIONS_PATH =
  "galleryImageVersion.properties.publishingProfile.targetRegions";

/**
 * What Compute compares of source and definition before it accepts the request; what the source does not tell is not
 * compared. OS type and state are documented; that the architecture is refused by the PUT, and its code, are guesses.
 */
export function validateAgainstDefinition(
  definition: ArmResource,
  source: ImageSource,
): void {
  const properties = definition.properties as DefinitionProperties;
  const { osType, osState, architecture = "x64" } = properties;
  for (const [what, ofSource, ofDefinition] of [
    ["OS type", source.osType, osType],
    ["OS state", source.osState, osState],
    ["architecture", source.architecture, architecture],
  ] as const)
    if (
      ofSource !== undefined &&
      ofDefinition !== undefined &&
      ofSource !== ofDefinition
    )
      throw invalidParameter(
        `${STORAGE_PATH}.source`,
        `The ${what} '${ofSource}' of the source does not match the ${what} '${ofDefinition}' of the gallery image '${definition.id}'.`,
      );
  validateSecurityType(
    { id: definition.id, feature: securityTypeFeature(properties) },
    source,
    `${STORAGE_PATH}.source`,
  );
  const luns = source.dataDisks.map(({ lun }) => lun);
  const twice = luns.find((lun, index) => luns.indexOf(lun) !== index);
  if (twice !== undefined)
    throw invalidParameter(
      `${STORAGE_PATH}.dataDiskImages`,
      `The LUN ${twice} is given twice.`,
    );
}

/** Refuses confidential encryption in a region of a version whose definition does not know confidential machines. */
export function validateConfidentialRegions(
  definition: ArmResource,
  regions: readonly TargetRegion[],
): void {
  const feature = securityTypeFeature(
    definition.properties as DefinitionProperties,
  );
  if (suitable(feature).includes("ConfidentialVM")) return;
  regions.forEach(({ encryption }, index) => {
    const type =
      encryption?.osDiskImage?.securityProfile?.confidentialVMEncryptionType;
    if (type !== undefined)
      throw mismatch(
        definition.id,
        feature,
        `${REGIONS_PATH}[${index}].encryption.osDiskImage.securityProfile.confidentialVMEncryptionType`,
        `the confidential VM encryption type '${type}'`,
      );
  });
}

/** The refusal that arrives only through the operation: a Hyper-V generation that does not match. */
export function lateRefusal(
  definition: ArmResource,
  source: ImageSource,
): { code: string; message: string } | undefined {
  const wanted =
    (definition.properties as DefinitionProperties).hyperVGeneration ?? "V1";
  const given = source.hyperVGeneration;
  if (given === undefined || given === wanted) return undefined;
  return {
    code: "Conflict",
    message: `The Hyper-V generation '${given}' of the source does not match the Hyper-V generation '${wanted}' of the gallery image '${definition.id}'.`,
  };
}
