import { invalidParameter } from "./arm-error.js";
import type { DefinitionProperties } from "./image-definition.js";
import {
  DEFAULT_SIZE_IN_GB,
  optional,
  sourceElsewhere,
  sourceNotFound,
  type ImageSource,
  type SourceContext,
  type SourceDisk,
} from "./image-source.js";
import { settleImageVersion } from "./image-version-settling.js";
import type { DiskImage } from "./image-version-shape.js";
import { parentId, resourceKey } from "./resource-id.js";
import { securityTypeFeature, securityTypeOfVersion } from "./security-type.js";

/** Another image version; what it does not tell itself, its definition does. */
export function fromImageVersion(
  { store, location }: SourceContext,
  id: string,
  target: string,
): ImageSource {
  const key = resourceKey(id);
  const found = store.state.imageVersions[key];
  // Its creation or its deletion may have ended without anyone having looked since.
  if (found !== undefined) settleImageVersion(store, key, found);
  const record = store.state.imageVersions[key];
  if (record === undefined) throw sourceNotFound(id, target);
  // "An image version that uses customer-managed keys can't be copied or shared": it is the source of no other.
  if (record.usesCustomerKeys)
    throw invalidParameter(
      target,
      `The gallery image version '${record.id}' is encrypted with customer-managed keys and cannot be used as a source.`,
    );
  if (!record.regions.some(({ region }) => region === location))
    throw sourceElsewhere(record.id, target);
  const definition = store.requireResource(parentId(record.id));
  const properties = definition.properties as DefinitionProperties;
  const { osDiskImage, dataDiskImages = [] } = record.properties.storageProfile ?? {};
  return {
    id: record.id,
    encryptable: false,
    isImage: true,
    osDisk: describe(osDiskImage),
    dataDisks: dataDiskImages.map((disk) => ({
      lun: disk.lun ?? 0,
      ...describe(disk),
    })),
    architecture: properties.architecture ?? "x64",
    securityType: securityTypeOfVersion(securityTypeFeature(properties)),
    ...optional("hyperVGeneration", properties.hyperVGeneration),
    ...optional("osType", properties.osType),
    ...optional("osState", properties.osState),
  };
}

function describe(disk: DiskImage | undefined): SourceDisk {
  return {
    sizeInGB: disk?.sizeInGB ?? DEFAULT_SIZE_IN_GB,
    hostCaching: disk?.hostCaching ?? "None",
  };
}
