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
import type { ArmResource } from "./state.js";
import { parseComputeId } from "./resource-id.js";
import { securityTypeOfDisk } from "./security-type.js";

/** Properties of a disk or a snapshot. */
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
export function fromDiskImages(context: SourceContext, profile: StorageProfile): ImageSource {
  const { osDiskImage, dataDiskImages = [] } = profile;
  if (osDiskImage?.source === undefined) throw missing(`${STORAGE_PATH}.osDiskImage.source`);
  const { id, uri } = osDiskImage.source;
  requireDistinct([osDiskImage, ...dataDiskImages]);
  const os = fromDisk(context, osDiskImage, `${STORAGE_PATH}.osDiskImage`);
  const { properties } = os;
  return {
    id: id ?? uri ?? "",
    encryptable: [osDiskImage, ...dataDiskImages].every(({ source }) => source?.uri === undefined),
    ...(uri === undefined ? {} : { isImage: true as const }),
    osDisk: os.disk,
    dataDisks: dataDiskImages.map((image, index) => {
      const path = `${STORAGE_PATH}.dataDiskImages[${index}]`;
      if (image.lun === undefined) throw missing(`${path}.lun`);
      // "The value must be between <minValue> and <maxValue>, inclusive"; that they are 0 and 63 here is a guess.
      if (image.lun < 0 || image.lun > LARGEST_LUN)
        throw invalidParameter(
          `${path}.lun`,
          `The value '${image.lun}' of parameter '${path}.lun' is out of range. The value must be between 0 and ${LARGEST_LUN}, inclusive`,
        );
      return { lun: image.lun, ...fromDisk(context, image, path).disk };
    }),
    ...optional("hyperVGeneration", properties?.hyperVGeneration),
    ...optional("osType", properties?.osType),
    ...optional("architecture", properties?.supportedCapabilities?.architecture),
    ...(properties === undefined
      ? {}
      : {
          securityType: securityTypeOfDisk(properties.securityProfile?.securityType),
        }),
  };
}

/** No disk, snapshot or blob is given for two disks. */
function requireDistinct(images: readonly DiskImage[]): void {
  const path = `${STORAGE_PATH}.dataDiskImages`;
  const ids = images.flatMap(({ source }) => source?.id?.toLowerCase() ?? []);
  if (new Set(ids).size < ids.length)
    throw invalidParameter(
      path,
      "Duplicated source ids are found in the input disks. Source id should be unique for each disk",
    );
  const uris = images.flatMap(({ source }) => source?.uri ?? []);
  const twice = uris.find((uri, index) => uris.indexOf(uri) !== index);
  if (twice !== undefined)
    throw invalidParameter(
      path,
      `OSDiskImage and DataDiskImage cannot point to same blob ${twice}`,
    );
}

/**
 * Documented for a virtual machine's disks; that a disk as a source is refused with the same
 * message is a guess.
 */
export function requireNoUltraDisk(disk: ArmResource, target: string, machineId = disk.id): void {
  if (disk.sku?.name === "UltraSSD_LRS")
    throw invalidParameter(
      target,
      `Source virtual machine ${machineId} cannot contain disk ['${disk.id}'] stored in an UltraSSD account type`,
    );
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
      parseComputeId(id ?? "") === undefined
        ? `Property id '${id ?? ""}' at path '${target.replace("galleryImageVersion.", "")}' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.`
        : `The source id: ${id} must be a managed disk or snapshot`,
    );
  const resource = requireSource(context, id, target);
  requireNoUltraDisk(resource, target);
  const properties = resource.properties as DiskProperties;
  return {
    properties,
    disk: {
      sizeInGB: properties.diskSizeGB ?? DEFAULT_SIZE_IN_GB,
      hostCaching,
      ...optional("storageAccountType", resource.sku?.name),
      ...optional("diskEncryptionSetId", properties.encryption?.diskEncryptionSetId),
    },
  };
}

function missing(path: string) {
  return invalidParameter(path, `Required parameter '${path}' is missing (null).`);
}
