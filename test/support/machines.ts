/** Machines of a version as a test says it is encrypted in westus. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type { ImageDefinition } from "../../src/image-version/resources.js";
import { machineOf, type Machine } from "../../src/machine-command/machine.js";
import { idOf } from "./dependencies.js";
import { seedResource, seedVersionId } from "./requests.js";

export const VERSION = seedVersionId("1.0.0");
export const SUBSCRIPTION = VERSION.split("/")[2] ?? "";
export const setId = (name: string): string => seedResource(`diskEncryptionSets/${name}`);

export const DEFINITION: ImageDefinition = {
  id: VERSION.replace(/\/versions\/.*$/u, ""),
  osType: "Linux",
  osState: "Generalized",
  hyperVGeneration: "V2",
  architecture: "x64",
  securityType: "Standard",
};

type Encryption = object;

export function version(
  encryption: Encryption | undefined,
  luns: readonly number[] = [],
): ImageVersionRequest {
  return {
    location: "westus",
    properties: {
      publishingProfile: {
        targetRegions: [
          { name: "East US 2" },
          { name: "West US", ...(encryption && { encryption }) },
        ],
      },
      storageProfile: { dataDiskImages: luns.map((lun) => ({ lun })) },
    },
  };
}

export function machine(
  encryption?: Encryption,
  {
    luns,
    definition,
    choice,
  }: {
    luns?: readonly number[];
    definition?: Partial<ImageDefinition>;
    choice?: object;
  } = {},
): Machine {
  const made = machineOf(
    idOf(VERSION),
    version(encryption, luns),
    { ...DEFINITION, ...definition },
    "westus",
    { ...choice },
  );
  if (made === undefined) throw new TypeError("it is not in the region");
  return made;
}

/** Of the OS disk and the data disks at LUN 0 and 7. */
export const OWN_KEYS = {
  osDiskImage: { diskEncryptionSetId: setId("os") },
  dataDiskImages: [
    { lun: 0, diskEncryptionSetId: setId("zero") },
    { lun: 7, diskEncryptionSetId: setId("seven") },
  ],
};
