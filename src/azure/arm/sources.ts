import { canonicalRegion } from "../../resource-id.js";
import type {
  HostCaching,
  ImageSource,
  PurchasePlan,
  SourceDisk,
} from "../../image-version/ports.js";

/** The members of a source, of any type, that this file reads. */
export interface WireSource {
  readonly location?: string;
  /** Of a disk or snapshot. */
  readonly sku?: { readonly name?: string };
  /** Of a virtual machine. */
  readonly plan?: WirePlan | null;
  readonly properties?: {
    /** Of a disk or snapshot. */
    readonly purchasePlan?: WirePlan | null;
    readonly diskSizeGB?: number;
    readonly provisioningState?: string;
    readonly osType?: string;
    readonly hyperVGeneration?: string;
    readonly supportedCapabilities?: { readonly architecture?: string };
    readonly encryption?: { readonly type?: string; readonly diskEncryptionSetId?: string };
    readonly maxShares?: number;
    readonly securityProfile?: {
      readonly securityType?: string;
      readonly secureVMDiskEncryptionSetId?: string;
    };
    /** Of a disk or snapshot. Azure's documentation lets either reference name a gallery's version. */
    readonly creationData?: {
      readonly imageReference?: WireImageReference | null;
      readonly galleryImageReference?: WireImageReference | null;
      readonly sourceResourceId?: string | null;
    };
    /** Of a managed image. */
    readonly sourceVirtualMachine?: { readonly id?: string } | null;
    /** Of a virtual machine. */
    readonly instanceView?: {
      readonly statuses?: readonly { readonly code?: string }[];
    };
    readonly storageProfile?: {
      /** Of a virtual machine. */
      readonly imageReference?: WireImageReference | null;
      readonly osDisk?: WireDisk;
      readonly dataDisks?: readonly WireDisk[];
      readonly osDiskImage?: { readonly sizeInGB?: number };
      readonly dataDiskImages?: readonly {
        readonly lun?: number;
        readonly sizeInGB?: number;
      }[];
    };
    readonly publishingProfile?: {
      readonly targetRegions?: readonly WireTargetRegion[];
    };
  };
}

interface WireImageReference {
  readonly id?: string;
  readonly sharedGalleryImageId?: string;
  readonly communityGalleryImageId?: string;
  readonly publisher?: string;
  readonly offer?: string;
  readonly sku?: string;
  readonly version?: string;
  readonly exactVersion?: string;
}

export interface WirePlan {
  readonly name?: string;
  readonly publisher?: string;
  readonly product?: string;
}

/** A disk of a managed image, which has `diskEncryptionSet`, or of a virtual machine, which has `managedDisk`. */
interface WireDisk {
  readonly lun?: number;
  readonly osType?: string;
  readonly osState?: string;
  readonly diskSizeGB?: number;
  readonly caching?: HostCaching;
  readonly diskEncryptionSet?: { readonly id?: string };
  readonly diffDiskSettings?: unknown;
  readonly vhd?: unknown;
  readonly managedDisk?: {
    readonly id?: string;
    readonly storageAccountType?: string;
    readonly diskEncryptionSet?: { readonly id?: string };
    readonly securityProfile?: {
      readonly diskEncryptionSet?: { readonly id?: string };
    };
  };
}

interface WireTargetRegion {
  readonly name?: string;
  readonly encryption?: {
    readonly osDiskImage?: WireDiskEncryption;
    readonly dataDiskImages?: readonly (WireDiskEncryption & {
      readonly lun?: number;
    })[];
  };
}

interface WireDiskEncryption {
  readonly diskEncryptionSetId?: string;
  readonly securityProfile?: { readonly secureVMDiskEncryptionSetId?: string };
}

function setOf(image: WireDiskEncryption | undefined): string | undefined {
  return image?.diskEncryptionSetId ?? image?.securityProfile?.secureVMDiskEncryptionSetId;
}

/** Undefined for no plan: some tools write an empty one. */
export function toPlan(wire: WirePlan | null | undefined): PurchasePlan | undefined {
  const { name, publisher = "", product = "" } = wire ?? {};
  return name ? { name, publisher, product } : undefined;
}

/**
 * Translates ARM's source. `type` is the type in `id`, in lower case. A member that ARM does not
 * show is absent.
 */
export function toImageSource(id: string, type: string, wire: WireSource): ImageSource {
  const { location, properties } = wire;
  return {
    id,
    provisioningState: properties?.provisioningState ?? "Unknown",
    regions: [canonicalRegion(location ?? "")],
    ...madeOf(wire),
    ...(type === "images"
      ? managedImage(wire)
      : type === "virtualmachines"
        ? virtualMachine(wire)
        : type === "galleries/images/versions"
          ? imageVersion(wire)
          : disk(wire)),
  };
}

/** What the source was created from, according to Azure. */
function madeOf({
  properties: { creationData, sourceVirtualMachine, storageProfile } = {},
}: WireSource): Pick<ImageSource, "madeOf"> {
  const names = [
    nameOf(storageProfile?.imageReference),
    nameOf(creationData?.galleryImageReference),
    nameOf(creationData?.imageReference),
    creationData?.sourceResourceId ?? undefined,
    sourceVirtualMachine?.id,
  ].filter((name) => name !== undefined);
  return names.length === 0 ? {} : { madeOf: [...new Set(names)] };
}

/** A Marketplace image as a disk names it. */
const PLATFORM_IMAGE =
  /\/Publishers\/([^/]+)\/ArtifactTypes\/VMImage\/Offers\/([^/]+)\/Skus\/([^/]+)\/Versions\/([^/]+)$/iu;
/** An image definition or its latest version, also in a shared or community gallery. */
const ANY_NUMBER = /(galleries\/[^/]+\/images\/[^/]+)(?:\/versions\/latest)?$/iu;

/** A machine names the definition and the version number separately. */
function nameOf(reference: WireImageReference | null | undefined): string | undefined {
  const { id, sharedGalleryImageId, communityGalleryImageId } = reference ?? {};
  const { publisher, offer, sku, version, exactVersion } = reference ?? {};
  const named = id ?? sharedGalleryImageId ?? communityGalleryImageId;
  if (named === undefined)
    return publisher && [publisher, offer, sku, exactVersion ?? version].join(":");
  const platform = PLATFORM_IMAGE.exec(named);
  if (platform !== null) return platform.slice(1).join(":");
  return exactVersion === undefined
    ? named
    : named.replace(ANY_NUMBER, `$1/versions/${exactVersion}`);
}

type Shown = Pick<ImageSource, "osDisk" | "dataDisks"> & Partial<ImageSource>;

function managedImage({ properties }: WireSource): Shown {
  const { osDisk, dataDisks = [] } = properties?.storageProfile ?? {};
  const describe = (image: WireDisk | undefined) =>
    sourceDisk({
      diskEncryptionSetId: image?.diskEncryptionSet?.id,
      sizeInGB: image?.diskSizeGB,
    });
  return {
    osDisk: describe(osDisk),
    dataDisks: dataDisks.map((image) => ({
      lun: image.lun ?? 0,
      ...describe(image),
    })),
    ...traits({
      osType: osDisk?.osType,
      osState: osDisk?.osState,
      hyperVGeneration: properties?.hyperVGeneration,
    }),
  };
}

function virtualMachine({ plan, properties }: WireSource): Shown {
  const { osDisk, dataDisks = [] } = properties?.storageProfile ?? {};
  const describe = (attached: WireDisk | undefined) =>
    sourceDisk({
      id: attached?.managedDisk?.id,
      diskEncryptionSetId:
        attached?.managedDisk?.diskEncryptionSet?.id ??
        attached?.managedDisk?.securityProfile?.diskEncryptionSet?.id,
      sizeInGB: attached?.diskSizeGB,
      storageAccountType: attached?.managedDisk?.storageAccountType,
      caching: attached?.caching,
      ephemeral: attached?.diffDiskSettings != null || undefined,
      unmanaged: attached?.vhd != null || undefined,
    });
  return {
    osDisk: describe(osDisk),
    dataDisks: dataDisks.map((attached) => ({
      lun: attached.lun ?? 0,
      ...describe(attached),
    })),
    ...traits({
      osType: osDisk?.osType,
      osState: osStateOf(properties?.instanceView?.statuses),
      securityType: properties?.securityProfile?.securityType,
    }),
    ...defined({
      purchasePlan: toPlan(plan),
      powerState: powerStateOf(properties?.instanceView?.statuses),
    }),
  };
}

/** Azure's word behind `PowerState/`, such as deallocated. */
function powerStateOf(statuses: readonly { readonly code?: string }[] = []): string | undefined {
  return statuses
    .flatMap(({ code = "" }) => /^PowerState\/(.+)$/iu.exec(code)?.[1]?.toLowerCase() ?? [])
    .at(0);
}

/** "The OSState/generalized section for the VM should have the DisplayStatus set to VM generalized." */
function osStateOf(
  statuses: readonly { readonly code?: string }[] | undefined,
): string | undefined {
  return (
    statuses &&
    (statuses.some(({ code }) => code?.toLowerCase() === "osstate/generalized")
      ? "Generalized"
      : "Specialized")
  );
}

/** A disk or snapshot. */
function disk({ sku, properties }: WireSource): Shown {
  return {
    osDisk: sourceDisk({
      diskEncryptionSetId:
        properties?.encryption?.diskEncryptionSetId ??
        properties?.securityProfile?.secureVMDiskEncryptionSetId,
      sizeInGB: properties?.diskSizeGB,
      storageAccountType: sku?.name,
      encryptionType: properties?.encryption?.type,
      maxShares: properties?.maxShares,
    }),
    dataDisks: [],
    ...traits({
      osType: properties?.osType,
      hyperVGeneration: properties?.hyperVGeneration,
      architecture: properties?.supportedCapabilities?.architecture,
      securityType: properties?.securityProfile?.securityType,
    }),
    ...defined({ purchasePlan: toPlan(properties?.purchasePlan) }),
  };
}

/**
 * A disk with a set in one region has one in every region, so any region shows whether it is
 * encrypted with a customer-managed key.
 */
function imageVersion({ location, properties }: WireSource): Shown {
  const regions = properties?.publishingProfile?.targetRegions ?? [];
  const names = regions.map(({ name }) => canonicalRegion(name ?? ""));
  const osDiskSet = regions
    .map(({ encryption }) => setOf(encryption?.osDiskImage))
    .find((set) => set !== undefined);
  const dataDiskSet = (lun: number): string | undefined =>
    regions
      .flatMap(({ encryption }) => encryption?.dataDiskImages ?? [])
      .filter((image) => image.lun === lun)
      .map(setOf)
      .find((set) => set !== undefined);
  return {
    regions: names.length > 0 ? names : [canonicalRegion(location ?? "")],
    osDisk: sourceDisk({
      diskEncryptionSetId: osDiskSet,
      sizeInGB: properties?.storageProfile?.osDiskImage?.sizeInGB,
    }),
    dataDisks: (properties?.storageProfile?.dataDiskImages ?? []).map(({ lun = 0, sizeInGB }) => ({
      lun,
      ...sourceDisk({ diskEncryptionSetId: dataDiskSet(lun), sizeInGB }),
    })),
  };
}

function sourceDisk(shown: {
  readonly [name in keyof SourceDisk]: SourceDisk[name] | undefined;
}): SourceDisk {
  return defined(shown);
}

type Trait = "osType" | "osState" | "hyperVGeneration" | "architecture" | "securityType";

function traits(shown: Partial<Record<Trait, string | undefined>>): Partial<Record<Trait, string>> {
  return defined(shown);
}

/** Without the members that are undefined. */
function defined<T extends object>(shown: T): { [name in keyof T]?: Exclude<T[name], undefined> } {
  return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined)) as {
    [name in keyof T]?: Exclude<T[name], undefined>;
  };
}
