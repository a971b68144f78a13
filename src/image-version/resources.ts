/** Azure's resources, as far as Sigil reads them. */
import type { RegionState } from "../operation/records.js";
import type { ImageVersionRequest } from "./contract.js";

/** A gallery, and how it is shared (`sharingProfile.permissions`): `Private` with nobody. */
export interface Gallery {
  readonly id: string;
  readonly sharing: string;
  /**
   * Present: a deleted version can be restored for a while
   * (`softDeletePolicy.isSoftDeleteEnabled`).
   */
  readonly softDelete?: true;
  /**
   * Its names for those it is shared with: directly (`identifier.uniqueName`), and as a community
   * gallery.
   */
  readonly uniqueName?: string;
  readonly publicNames?: readonly string[];
}

/**
 * ARM's own values; `securityType` is the feature `SecurityType`, `Standard` if the definition has
 * none.
 */
export interface ImageDefinition {
  readonly id: string;
  readonly osType: string;
  readonly osState: string;
  readonly hyperVGeneration: string;
  readonly architecture: string;
  readonly securityType: string;
  /** Absent: its images come from no Marketplace offer with a plan. */
  readonly purchasePlan?: PurchasePlan;
  /** RFC 3339. */
  readonly endOfLifeDate?: string;
}

/** A gallery as ARM lists it. */
export interface ListedGallery {
  readonly id: string;
  readonly name: string;
  /** Canonical region. */
  readonly region: string;
  readonly description?: string;
}

/** An image definition as ARM lists it. */
export interface ListedImageDefinition extends ImageDefinition {
  readonly name: string;
  /** Canonical region. */
  readonly region: string;
  readonly description?: string;
}

/** A Marketplace plan, under whose terms an image is used. ARM's words; `product` is az's offer. */
export interface PurchasePlan {
  readonly name: string;
  readonly publisher: string;
  readonly product: string;
}

export type HostCaching = "None" | "ReadOnly" | "ReadWrite";

/**
 * One disk of a source; absent: the resource does not show it. `id` is the managed disk of a
 * virtual machine.
 */
export interface SourceDisk {
  readonly id?: string;
  readonly diskEncryptionSetId?: string;
  readonly sizeInGB?: number;
  /** For a virtual machine's disk or a managed disk, such as Premium_LRS or UltraSSD_LRS. */
  readonly storageAccountType?: string;
  /** For a virtual machine's disk: the host's caching. */
  readonly caching?: HostCaching;
  /** ARM's word, for a managed disk or snapshot. */
  readonly encryptionType?: string;
  /** For a managed disk: how many machines may attach it at once. */
  readonly maxShares?: number;
  /** True for a virtual machine's OS disk that exists only on the machine's host. */
  readonly ephemeral?: true;
  /** True for a virtual machine's disk that is a blob in a storage account. */
  readonly unmanaged?: true;
}

/**
 * The source of an image version: a managed image, virtual machine, disk, snapshot or image
 * version. A disk or snapshot is its own `osDisk`. Absent: the resource does not show the trait.
 */
export interface ImageSource {
  readonly id: string;
  readonly provisioningState: string;
  /** Canonical regions: the resource's own; for an image version, those of its copies. */
  readonly regions: readonly string[];
  readonly osDisk: SourceDisk;
  readonly dataDisks: readonly (SourceDisk & { readonly lun: number })[];
  readonly osType?: string;
  readonly osState?: string;
  /** For a virtual machine: running, stopped, deallocated, or between these. */
  readonly powerState?: string;
  readonly hyperVGeneration?: string;
  readonly architecture?: string;
  readonly securityType?: string;
  /** For a virtual machine, disk or snapshot; other sources do not show it. */
  readonly purchasePlan?: PurchasePlan;
  /**
   * Its origin as Azure reports it: resource ids, and URNs of Marketplace images; absent: Azure
   * reports none.
   */
  readonly madeOf?: readonly string[];
}

/** The origin of a version, as far as Azure reported it right before the version was created. */
export interface Parentage {
  /**
   * Ids of image versions in Sigil's spelling, shared and community names, URNs of Marketplace
   * images.
   */
  readonly ids: readonly string[];
  /** Resources whose own origin Azure does not report; absent: none. */
  readonly endsAt?: readonly string[];
  /** When it was last read; RFC 3339. */
  readonly time: string;
}

/** An image version as ARM returns it, with each region's replication. */
export interface ObservedImageVersion {
  readonly provisioningState: string;
  /** ARM's whole answer, with read-only members and those that Sigil does not know. */
  readonly resource: ImageVersionRequest;
  /** RFC 3339; a different one means another version under the same number. */
  readonly publishedDate?: string;
  readonly regions: readonly {
    /** Canonical region. */
    readonly name: string;
    readonly state: RegionState;
    readonly progress: number;
    readonly details?: string;
  }[];
}

/** The last look at an image version. */
export type LastShown = Pick<ObservedImageVersion, "resource" | "publishedDate">;

/** An image version as ARM lists it. */
export interface ListedImageVersion extends Omit<ObservedImageVersion, "regions"> {
  readonly name: string;
}

/**
 * A deleted version that can be restored, as ARM lists it. Times are ARM's own, RFC 3339; absent:
 * ARM lists none. Until `consumptionEndTime` machines can be created from it by number, until
 * `hardDeletionTargetTime` it can be restored.
 */
export interface DeletedImageVersion {
  readonly name: string;
  /** Canonical region where it was created and will be restored. */
  readonly location: string;
  readonly softDeletedTime?: string;
  readonly consumptionEndTime?: string;
  readonly hardDeletionTargetTime?: string;
}

/** One answer from Azure, at one time. */
export interface Look extends ObservedImageVersion {
  /** RFC 3339. */
  readonly time: string;
  /** When Azure showed the regions, RFC 3339; absent: at `time`. */
  readonly regionsTime?: string;
}

/** The regions of a version, as a look showed them. */
export type Seen = Pick<Look, "regions" | "time" | "publishedDate">;

/**
 * Whether ARM is changing the version, or did not show that it finished: it refuses another update
 * now.
 */
export function isBusy({
  provisioningState,
}: Pick<ObservedImageVersion, "provisioningState">): boolean {
  return !["Succeeded", "Failed"].includes(provisioningState);
}

/** Whether ARM reports the region as failed, or gave up the version before the region was done. */
export function hasFailed(
  look: Pick<ObservedImageVersion, "regions" | "provisioningState">,
  region: string,
): boolean {
  const seen = look.regions.find(({ name }) => name === region);
  return (
    seen !== undefined &&
    (seen.state === "Failed" || (look.provisioningState === "Failed" && seen.state !== "Completed"))
  );
}

/** Whether Azure has copies in these canonical regions, and is not removing them. */
export function areReady(
  look: ObservedImageVersion | undefined,
  names: readonly string[],
): boolean {
  return (
    look !== undefined &&
    look.provisioningState !== "Deleting" &&
    names.every((name) => {
      const region = look.regions.find((one) => one.name === name);
      return region === undefined
        ? look.provisioningState === "Succeeded"
        : region.state === "Completed";
    })
  );
}

/**
 * Whether a deletion can be undone, by ARM's answers. Times are RFC 3339; absent: ARM did not
 * return them.
 */
export interface SoftDeleteRecord {
  /** Absent: it could not be read. */
  readonly isSoftDeleteEnabled?: boolean;
  readonly softDeletedTime?: string;
  /** Until when machines can be created from the version by its number. */
  readonly consumptionEndTime?: string;
  /** Until when the version can be restored. */
  readonly hardDeletionTargetTime?: string;
}
