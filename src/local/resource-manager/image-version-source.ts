import { ArmError, invalidParameter } from "./arm-error.js";
import type { DiskImage, StorageProfile } from "./image-version-shape.js";
import { canonicalRegion } from "./regions.js";
import { parseComputeId, resourceKey } from "./resource-id.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

export interface SourceDisk {
  readonly sizeInGB: number;
  readonly hostCaching: string;
  /** The disk encryption set of the source itself; undefined: platform key. */
  readonly diskEncryptionSetId?: string;
}

/** What a version is made from, as far as Compute checks it. */
export interface ImageSource {
  readonly osDisk: SourceDisk;
  readonly dataDisks: readonly (SourceDisk & { readonly lun: number })[];
  /** Undefined where the source does not say: a VHD, a data disk. */
  readonly hyperVGeneration?: string;
  readonly osType?: string;
  readonly osState?: string;
}

export interface SourceContext {
  readonly store: Store;
  readonly subscriptionId: string;
  /** Of the version that is made. */
  readonly location: string;
}

const STORAGE = "galleryImageVersion.properties.storageProfile";
const DEFAULT_SIZE_IN_GB = 30;

/** Finds the source that the storage profile names; throws what Compute answers when it is absent or unfit. */
export function findSource(
  context: SourceContext,
  profile: StorageProfile,
): ImageSource {
  const { source } = profile;
  const named = [
    source?.id,
    source?.virtualMachineId,
    source?.communityGalleryImageId,
  ].filter((id) => id !== undefined);
  const fromDisks = [
    profile.osDiskImage,
    ...(profile.dataDiskImages ?? []),
  ].some(
    (disk) => disk?.source?.id !== undefined || disk?.source?.uri !== undefined,
  );
  if (named.length + (fromDisks ? 1 : 0) !== 1)
    throw invalidParameter(
      `${STORAGE}.source`,
      "Exactly one source must be given: a managed image, a gallery image version or a virtual machine in 'source', or disks, snapshots or VHDs in 'osDiskImage' and 'dataDiskImages'.",
    );
  if (source?.communityGalleryImageId !== undefined)
    throw new ArmError(
      404,
      "GalleryImageNotFound",
      `The community gallery image '${source.communityGalleryImageId}' is not found.`,
      { target: `${STORAGE}.source.communityGalleryImageId` },
    );
  if (source?.virtualMachineId !== undefined)
    return fromNamed(context, source.virtualMachineId, "virtualMachineId");
  if (source?.id !== undefined) return fromNamed(context, source.id, "id");
  return fromDiskImages(context, profile);
}

function fromNamed(
  context: SourceContext,
  id: string,
  member: "id" | "virtualMachineId",
): ImageSource {
  const target = `${STORAGE}.source.${member}`;
  const parsed = parseComputeId(id);
  const type = parsed?.type.toLowerCase();
  const allowed =
    member === "id"
      ? ["images", "virtualmachines", "galleries/images/versions"]
      : ["virtualmachines"];
  if (type === undefined || !allowed.includes(type))
    throw invalidParameter(
      target,
      `The value '${id}' of parameter '${target}' is not the resource id of a supported source.`,
    );
  if (type === "galleries/images/versions")
    return fromImageVersion(context, id, target);
  const resource = requireInRegion(context, id, target);
  return type === "images"
    ? fromManagedImage(resource)
    : fromVirtualMachine(context, resource);
}

function fromManagedImage(resource: ArmResource): ImageSource {
  const properties = resource.properties as ManagedImageProperties;
  const { osDisk = {}, dataDisks = [] } = properties.storageProfile ?? {};
  return {
    osDisk: describeImageDisk(osDisk),
    dataDisks: dataDisks.map((disk) => ({
      lun: disk.lun ?? 0,
      ...describeImageDisk(disk),
    })),
    hyperVGeneration: properties.hyperVGeneration ?? "V1",
    ...(osDisk.osType === undefined ? {} : { osType: osDisk.osType }),
    ...(osDisk.osState === undefined ? {} : { osState: osDisk.osState }),
  };
}

function describeImageDisk(disk: ManagedImageDisk): SourceDisk {
  return {
    sizeInGB: disk.diskSizeGB ?? DEFAULT_SIZE_IN_GB,
    hostCaching: disk.caching ?? "None",
    ...(disk.diskEncryptionSet?.id === undefined
      ? {}
      : { diskEncryptionSetId: disk.diskEncryptionSet.id }),
  };
}

function fromVirtualMachine(
  context: SourceContext,
  resource: ArmResource,
): ImageSource {
  const { storageProfile } = resource.properties as VirtualMachineProperties;
  const { osDisk = {}, dataDisks = [] } = storageProfile ?? {};
  const osResource =
    osDisk.managedDisk?.id === undefined
      ? undefined
      : context.store.findResource(osDisk.managedDisk.id);
  const osProperties = osResource?.properties as DiskProperties | undefined;
  return {
    osDisk: describeMachineDisk(context, osDisk),
    dataDisks: dataDisks.map((disk) => ({
      lun: disk.lun ?? 0,
      ...describeMachineDisk(context, disk),
    })),
    ...(osProperties?.hyperVGeneration === undefined
      ? {}
      : { hyperVGeneration: osProperties.hyperVGeneration }),
    ...(osDisk.osType === undefined ? {} : { osType: osDisk.osType }),
  };
}

function describeMachineDisk(
  context: SourceContext,
  disk: VirtualMachineDisk,
): SourceDisk {
  const resource =
    disk.managedDisk?.id === undefined
      ? undefined
      : context.store.findResource(disk.managedDisk.id);
  const properties = resource?.properties as DiskProperties | undefined;
  const setId =
    disk.managedDisk?.diskEncryptionSet?.id ??
    properties?.encryption?.diskEncryptionSetId;
  return {
    sizeInGB: disk.diskSizeGB ?? properties?.diskSizeGB ?? DEFAULT_SIZE_IN_GB,
    hostCaching: disk.caching ?? "None",
    ...(setId === undefined ? {} : { diskEncryptionSetId: setId }),
  };
}

function fromImageVersion(
  context: SourceContext,
  id: string,
  target: string,
): ImageSource {
  const { store, location } = context;
  const key = resourceKey(id);
  const record = store.state.imageVersions[key];
  if (record === undefined) throw store.notFound(id, target);
  // "An image version that uses customer-managed keys can't be copied or shared": it is the source of no other.
  if (record.usesCustomerKeys)
    throw invalidParameter(
      target,
      `The gallery image version '${record.id}' is encrypted with customer-managed keys and cannot be used as a source.`,
    );
  if (!record.regions.some(({ region }) => region === location))
    throw invalidParameter(
      target,
      `The source gallery image version '${record.id}' is not replicated to region '${location}'.`,
    );
  const definition = store.requireResource(
    id.split("/").slice(0, -2).join("/"),
  );
  const { osType, osState, hyperVGeneration } =
    definition.properties as DefinitionProperties;
  const { osDiskImage, dataDiskImages = [] } =
    record.properties.storageProfile ?? {};
  return {
    osDisk: describeDiskImage(osDiskImage),
    dataDisks: dataDiskImages.map((disk) => ({
      lun: disk.lun ?? 0,
      ...describeDiskImage(disk),
    })),
    ...(hyperVGeneration === undefined ? {} : { hyperVGeneration }),
    ...(osType === undefined ? {} : { osType }),
    ...(osState === undefined ? {} : { osState }),
  };
}

function describeDiskImage(disk: DiskImage | undefined): SourceDisk {
  return {
    sizeInGB: disk?.sizeInGB ?? DEFAULT_SIZE_IN_GB,
    hostCaching: disk?.hostCaching ?? "None",
  };
}

function fromDiskImages(
  context: SourceContext,
  profile: StorageProfile,
): ImageSource {
  const { osDiskImage, dataDiskImages = [] } = profile;
  if (osDiskImage?.source === undefined)
    throw invalidParameter(
      `${STORAGE}.osDiskImage.source`,
      `Required parameter '${STORAGE}.osDiskImage.source' is missing (null).`,
    );
  const os = fromDisk(context, osDiskImage, `${STORAGE}.osDiskImage`);
  return {
    osDisk: os.disk,
    dataDisks: dataDiskImages.map((image, index) => {
      const path = `${STORAGE}.dataDiskImages[${index}]`;
      if (image.lun === undefined)
        throw invalidParameter(
          `${path}.lun`,
          `Required parameter '${path}.lun' is missing (null).`,
        );
      return { lun: image.lun, ...fromDisk(context, image, path).disk };
    }),
    ...(os.properties?.hyperVGeneration === undefined
      ? {}
      : { hyperVGeneration: os.properties.hyperVGeneration }),
    ...(os.properties?.osType === undefined
      ? {}
      : { osType: os.properties.osType }),
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
      throw invalidParameter(
        `${path}.source.storageAccountId`,
        `Required parameter '${path}.source.storageAccountId' is missing (null).`,
      );
    return { disk: { sizeInGB: DEFAULT_SIZE_IN_GB, hostCaching } };
  }
  const target = `${path}.source.id`;
  const type = parseComputeId(id ?? "")?.type.toLowerCase();
  if (id === undefined || (type !== "disks" && type !== "snapshots"))
    throw invalidParameter(
      target,
      `The value '${id ?? ""}' of parameter '${target}' is not the resource id of a disk or a snapshot.`,
    );
  const resource = requireInRegion(context, id, target);
  const properties = resource.properties as DiskProperties;
  const setId = properties.encryption?.diskEncryptionSetId;
  return {
    properties,
    disk: {
      sizeInGB: properties.diskSizeGB ?? DEFAULT_SIZE_IN_GB,
      hostCaching,
      ...(setId === undefined ? {} : { diskEncryptionSetId: setId }),
    },
  };
}

function requireInRegion(
  { store, location }: SourceContext,
  id: string,
  target: string,
): ArmResource {
  const resource = store.requireResource(id, target);
  if (canonicalRegion(resource.location ?? "") !== location)
    throw invalidParameter(
      target,
      `The source '${resource.id}' is in region '${resource.location}'. It must be in the region of the gallery image version, '${location}'.`,
    );
  return resource;
}

interface ManagedImageDisk {
  readonly lun?: number;
  readonly osType?: string;
  readonly osState?: string;
  readonly diskSizeGB?: number;
  readonly caching?: string;
  readonly diskEncryptionSet?: { readonly id?: string };
}

interface ManagedImageProperties {
  readonly hyperVGeneration?: string;
  readonly storageProfile?: {
    readonly osDisk?: ManagedImageDisk;
    readonly dataDisks?: readonly ManagedImageDisk[];
  };
}

interface VirtualMachineDisk {
  readonly lun?: number;
  readonly osType?: string;
  readonly diskSizeGB?: number;
  readonly caching?: string;
  readonly managedDisk?: {
    readonly id?: string;
    readonly diskEncryptionSet?: { readonly id?: string };
  };
}

interface VirtualMachineProperties {
  readonly storageProfile?: {
    readonly osDisk?: VirtualMachineDisk;
    readonly dataDisks?: readonly VirtualMachineDisk[];
  };
}

interface DiskProperties {
  readonly osType?: string;
  readonly hyperVGeneration?: string;
  readonly diskSizeGB?: number;
  readonly encryption?: { readonly diskEncryptionSetId?: string };
}

export interface DefinitionProperties {
  readonly osType?: string;
  readonly osState?: string;
  readonly hyperVGeneration?: string;
}
