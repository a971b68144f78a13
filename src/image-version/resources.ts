/** What Azure shows, as Sigil looks at it. */
import type { RegionState } from "../operation/records.js";
import type { ImageVersionRequest } from "./contract.js";

/** ARM's words for how a disk is encrypted at rest (EncryptionType), and `Unknown` until its key has been read. */
export type EncryptionType =
  | "EncryptionAtRestWithPlatformKey"
  | "EncryptionAtRestWithCustomerKey"
  | "EncryptionAtRestWithPlatformAndCustomerKeys"
  | "ConfidentialVmEncryptedWithCustomerKey"
  | "Unknown";

/** A disk encryption set as ARM shows it. Times are RFC 3339. */
export interface DiskEncryptionSet {
  readonly id: string;
  /** Canonical region. */
  readonly region: string;
  readonly provisioningState: string;
  readonly encryptionType: EncryptionType;
  readonly tags?: Readonly<Record<string, string>>;
  /** The key's address in its vault; absent where the set has no active key. */
  readonly keyUrl?: string;
  /** Resource id of that vault; absent where Azure does not name it, as of a key in another subscription. */
  readonly vaultId?: string;
  /** Of the application by which the set reaches a key in another tenant. */
  readonly federatedClientId?: string;
  readonly rotationToLatestKeyVersionEnabled: boolean;
  readonly lastKeyRotationTime?: string;
  /** Why the key was not rotated; absent where rotation works or is off. */
  readonly autoKeyRotationError?: {
    readonly code: string;
    readonly message: string;
  };
}

/** A gallery, and how it is shared (`sharingProfile.permissions`): `Private` to nobody. */
export interface Gallery {
  readonly id: string;
  readonly sharing: string;
  /** A version that is deleted can be restored for a while (`softDeletePolicy.isSoftDeleteEnabled`). */
  readonly softDelete?: true;
  /** What it is called by those it is shared with: directly (`identifier.uniqueName`), and as a community gallery. */
  readonly uniqueName?: string;
  readonly publicNames?: readonly string[];
}

/** ARM's own values; `securityType` is the feature `SecurityType`, `Standard` where the definition has none. */
export interface ImageDefinition {
  readonly id: string;
  readonly osType: string;
  readonly osState: string;
  readonly hyperVGeneration: string;
  readonly architecture: string;
  readonly securityType: string;
  /** Absent where its images come from no offer of the Marketplace that has a plan. */
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

/** A plan of the Marketplace, under whose terms an image is used. ARM's words; `product` is what az calls an offer. */
export interface PurchasePlan {
  readonly name: string;
  readonly publisher: string;
  readonly product: string;
}

export type HostCaching = "None" | "ReadOnly" | "ReadWrite";

/** One disk of a source; what the resource does not show is absent. `id` is the managed disk of a virtual machine. */
export interface SourceDisk {
  readonly id?: string;
  readonly diskEncryptionSetId?: string;
  readonly sizeInGB?: number;
  /** Of a virtual machine's disk or a managed disk, such as Premium_LRS or UltraSSD_LRS. */
  readonly storageAccountType?: string;
  /** Of a virtual machine's disk: what its host caches. */
  readonly caching?: HostCaching;
  /** ARM's word, of a managed disk or snapshot. */
  readonly encryptionType?: string;
  /** Of a managed disk: how many machines may have it at once. */
  readonly maxShares?: number;
  /** True of a virtual machine's OS disk that is on the machine's host alone. */
  readonly ephemeral?: true;
  /** True of a virtual machine's disk that is a blob in a storage account. */
  readonly unmanaged?: true;
}

/**
 * Where an image version comes from: a managed image, virtual machine, disk, snapshot or image version. A disk or
 * snapshot is its own `osDisk`. Traits that the resource does not show are absent.
 */
export interface ImageSource {
  readonly id: string;
  readonly provisioningState: string;
  /** Canonical regions: the resource's own, and of an image version those it is replicated to. */
  readonly regions: readonly string[];
  readonly osDisk: SourceDisk;
  readonly dataDisks: readonly (SourceDisk & { readonly lun: number })[];
  readonly osType?: string;
  readonly osState?: string;
  /** Of a virtual machine: running, stopped, deallocated, and what is between. */
  readonly powerState?: string;
  readonly hyperVGeneration?: string;
  readonly architecture?: string;
  readonly securityType?: string;
  /** Of a virtual machine, disk or snapshot; the others do not show it. */
  readonly purchasePlan?: PurchasePlan;
  /** What Azure says it was made of: resource ids, and URNs of Marketplace images; absent: Azure does not say. */
  readonly madeOf?: readonly string[];
}

/** What a version was made of, as far as Azure said so right before the version was created. */
export interface Parentage {
  /** Ids of image versions as Sigil writes them, shared and community names, URNs of Marketplace images. */
  readonly ids: readonly string[];
  /** Resources beyond which Azure says nothing; absent: none. */
  readonly endsAt?: readonly string[];
  /** When it was last read; RFC 3339. */
  readonly time: string;
}

/** An image version as ARM shows it, in the wire's form, with each region's replication. */
export interface ObservedImageVersion {
  readonly provisioningState: string;
  /** As ARM shows it, whole: also what nobody may write, and what Sigil does not know. */
  readonly resource: ImageVersionRequest;
  /** RFC 3339; another one is another version under the same number. */
  readonly publishedDate?: string;
  readonly regions: readonly {
    /** Canonical region. */
    readonly name: string;
    readonly state: RegionState;
    readonly progress: number;
    readonly details?: string;
  }[];
}

/** An image version as Azure showed it last. */
export type LastShown = Pick<ObservedImageVersion, "resource" | "publishedDate">;

/** An image version as ARM lists it. */
export interface ListedImageVersion extends Omit<ObservedImageVersion, "regions"> {
  readonly name: string;
}

/**
 * A version that was deleted and can be restored, as ARM lists it. Times are ARM's own, RFC 3339; absent where it says none:
 * until `consumptionEndTime` machines can be made of it by its number, until `hardDeletionTargetTime` it can be restored.
 */
export interface DeletedImageVersion {
  readonly name: string;
  /** Canonical region that it was made in, and is restored in. */
  readonly location: string;
  readonly softDeletedTime?: string;
  readonly consumptionEndTime?: string;
  readonly hardDeletionTargetTime?: string;
}

/** What Azure showed at one time. */
export interface Look extends ObservedImageVersion {
  /** RFC 3339. */
  readonly time: string;
  /** When Azure showed the regions, RFC 3339; absent: at `time`. */
  readonly regionsTime?: string;
}

/** The regions of a version, as a look showed them. */
export type Seen = Pick<Look, "regions" | "time" | "publishedDate">;

/** ARM is changing the version, or has not shown that it has done with it: it refuses another update now. */
export function isBusy({
  provisioningState,
}: Pick<ObservedImageVersion, "provisioningState">): boolean {
  return !["Succeeded", "Failed"].includes(provisioningState);
}

/** ARM says so of the region, or has given the version up before the region was done. */
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

/** Azure has made the copies of these canonical regions, and does not take them away. */
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
