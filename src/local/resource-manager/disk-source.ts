import { invalidParameter } from "./arm-error.js";
import {
  DEFAULT_SIZE_IN_GB,
  optional,
  requireSource,
  STORAGE_PATH,
  type ImageSource,
  type SourceContext,
  type SourceDisk,
} from "./image-source.js";
import type { DiskImage, StorageProfile } from "./image-version-shape.js";
import { parseComputeId } from "./resource-id.js";
import { securityTypeOfDisk } from "./security-type.js";

/** Of a disk or a snapshot. */
export interface DiskProperties {
  readonly osType?: string;
  readonly hyperVGeneration?: string;
  readonly diskSizeGB?: number;
  readonly encryption?: { readonly diskEncryptionSetId?: string };
  readonly supportedCapabilities?: { readonly architecture?: string };
  readonly securityProfile?: { readonly securityType?: string };
}

/** The largest virtual machine has 64 data disks. */
const LARGEST_LUN = 63;

/** Disks, snapshots or VHDs, each given for itself: an OS disk and any number of data disks. */
export function fromDiskImages(
  context: SourceContext,
  profile: StorageProfile,
): ImageSource {
  const { osDiskImage, dataDiskImages = [] } = profile;
  if (osDiskImage?.source === undefined)
    throw missing(`${STORAGE_PATH}.osDiskImage.source`);
  const os = fromDisk(context, osDiskImage, `${STORAGE_PATH}.osDiskImage`);
  const { properties } = os;
  return {
    osDisk: os.disk,
    dataDisks: dataDiskImages.map((image, index) => {
      const path = `${STORAGE_PATH}.dataDiskImages[${index}]`;
      if (image.lun === undefined) throw missing(`${path}.lun`);
      // "The value must be between <minValue> and <maxValue>, inclusive"; that they are 0 and 63 here is a guess.
      if (image.lun < 0 || image.lun > LARGEST_LUN)
        throw invalidParameter(
          `${path}.lun`,
          `The value '${image.lun}' of parameter '${path}.lun' is out of range. The value must be between 0 and ${LARGEST_LUN}, inclusive.`,
        );
      return { lun: image.lun, ...fromDisk(context, image, path).disk };
    }),
    ...optional("hyperVGeneration", properties?.hyperVGeneration),
    ...optional("osType", properties?.osType),
    ...optional(
      "architecture",
      properties?.supportedCapabilities?.architecture,
    ),
    ...(properties === undefined
      ? {}
      : {
          securityType: securityTypeOfDisk(
            properties.securityProfile?.securityType,
          ),
        }),
  };
}

function fromDisk(
  context: SourceContext,
  image: DiskImage,
  path: string,
): { disk: SourceDisk; properties?: DiskProperties } {
  const { id, uri, storageAccountId } = image.source ?? {};
  const hostCaching = image.hostCaching ?? "None";
  if (uri !== undefined) {
    // A page blob tells Compute nothing but its size; only that its account is named can be checked here.
    if (storageAccountId === undefined && id === undefined)
      throw missing(`${path}.source.storageAccountId`);
    return { disk: { sizeInGB: DEFAULT_SIZE_IN_GB, hostCaching } };
  }
  const target = `${path}.source.id`;
  const type = parseComputeId(id ?? "")?.type.toLowerCase();
  if (id === undefined || (type !== "disks" && type !== "snapshots"))
    throw invalidParameter(
      target,
      `The value '${id ?? ""}' of parameter '${target}' is not the resource id of a disk or a snapshot.`,
    );
  const properties = requireSource(context, id, target)
    .properties as DiskProperties;
  return {
    properties,
    disk: {
      sizeInGB: properties.diskSizeGB ?? DEFAULT_SIZE_IN_GB,
      hostCaching,
      ...optional(
        "diskEncryptionSetId",
        properties.encryption?.diskEncryptionSetId,
      ),
    },
  };
}

function missing(path: string) {
  return invalidParameter(
    path,
    `Required parameter '${path}' is missing (null).`,
  );
}
