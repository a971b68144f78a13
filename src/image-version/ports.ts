import type { ErrorCode } from "../errors.js";
import type { ImageVersionId } from "../resource-id.js";
import type { OperationDependencies, StateStore, Stored } from "../operation/ports.js";
import type { UseDependencies } from "../image-use/ports.js";
import type { KeyMemory } from "./keys/memory.js";
import type { KeyDependencies } from "./keys/ports.js";
import type { SeeDependencies } from "./keys/see-sets.js";
import type { Registrable, Subscriptions } from "../subscription/ports.js";
import type { Turns } from "../turns.js";
import type { ImageVersionRequest, PromotionRule } from "./contract.js";
import type { ReleaseChange } from "./latest/release.js";
import type { ImageVersionRecord } from "./state/record.js";
import type { RollbackStateRecord } from "./rollback-record.js";
import type {
  DeletedImageVersion,
  DiskEncryptionSet,
  LastShown,
  Gallery,
  ImageDefinition,
  ImageSource,
  ListedGallery,
  ListedImageDefinition,
  ListedImageVersion,
  Look,
  ObservedImageVersion,
  Seen,
} from "./resources.js";
import type { Breach } from "./rules/rule.js";
import type { Increment } from "./version-numbers.js";

/** A version and its current operation, as stored. */
export type StoredVersion = Stored<ImageVersionRecord>;

/** The numbers that were given to an image definition's versions, each to one request. */
export interface VersionNumbers {
  /** The number that was given last, and the one that the request has. */
  read(
    imageId: string,
    requestKey?: string,
  ): Promise<{ readonly last?: string; readonly bound?: string }>;
  /**
   * Gives the request the next number above all that were given, or answers the one that it has. Throws ServiceError
   * ImageVersionConflict where no number is left, StateConflict when too many ask at once.
   */
  allocate(imageId: string, request: NumberRequest): Promise<string>;
}

export interface NumberRequest {
  readonly requestKey: string;
  /** A number that the given one is to be above. */
  readonly above: string | undefined;
  readonly increment: Increment;
  /** The number that the request has and can make no use of. */
  readonly instead?: string;
}

/** A request as it goes over the wire to ARM, but for its credentials. */
export interface ArmRequest {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

/*
 * Azure Resource Manager. Reads answer undefined for 404 and throw ServiceError ResourceManagerForbidden, with the
 * `action` and `scope` in its fields, for 403. Every other failure is a ServiceError: terminal, or retryable with the
 * time ARM asked for. No call is retried inside: each is one request on the wire.
 */

/** Gallery image versions. */
export interface ResourceManager {
  getImageVersion(id: ImageVersionId): Promise<ObservedImageVersion | undefined>;
  /** Every version of an image definition, in no order, without its replication; undefined where there is no such definition. */
  listImageVersions(imageId: string): Promise<readonly ListedImageVersion[] | undefined>;
  /** Sends one PUT and does not wait for what it starts; answers the URL of ARM's asynchronous operation, if any. */
  putImageVersion(id: ImageVersionId, request: ImageVersionRequest): Promise<string | undefined>;
  /**
   * Sends one DELETE; answers the URL of ARM's asynchronous operation, if any. What is not there is deleted.
   * `bypassSoftDelete`: for good, also where the gallery has soft delete.
   */
  deleteImageVersion(
    id: ImageVersionId,
    options?: { readonly bypassSoftDelete?: boolean },
  ): Promise<string | undefined>;
  /** The versions of an image definition that can be restored, in no order; undefined where there is no such definition. */
  listDeletedVersions(imageId: string): Promise<readonly DeletedImageVersion[] | undefined>;
  /** Sends one PUT that asks for a deleted version as it was, in the region that it was made in; answers as `putImageVersion`. */
  restoreImageVersion(id: ImageVersionId, location: string): Promise<string | undefined>;
  /** Sends one DELETE that deletes a soft-deleted version for good; false where ARM has none. */
  purgeImageVersion(id: ImageVersionId): Promise<boolean>;
  /** The very request that `putImageVersion` would send; sends nothing. */
  previewPut(id: ImageVersionId, request: ImageVersionRequest): Promise<ArmRequest>;
  /** Why the asynchronous operation failed, if it says so. */
  getOperationError(url: string): Promise<{ code: string; message: string } | undefined>;
}

/** The resources that a request names. */
export interface ResourceReader {
  getGallery(id: string): Promise<Gallery | undefined>;
  getImageDefinition(id: string): Promise<ImageDefinition | undefined>;
  /**
   * Every gallery of every subscription whose galleries may be listed, in no order. Throws ResourceManagerForbidden where those of
   * none may.
   */
  listGalleries(): Promise<readonly ListedGallery[]>;
  /** Every image definition of a gallery, in no order; undefined where there is no such gallery. */
  listImageDefinitions(galleryId: string): Promise<readonly ListedImageDefinition[] | undefined>;
  getDiskEncryptionSet(id: string): Promise<DiskEncryptionSet | undefined>;
  getSource(id: string): Promise<ImageSource | undefined>;
  /** One page of a subscription's sets, as ARM pages them; undefined where there is no such subscription. */
  listDiskEncryptionSets(
    subscriptionId: string,
    continuationToken?: string,
  ): Promise<DiskEncryptionSetPage | undefined>;
}

interface DiskEncryptionSetPage {
  readonly value: readonly DiskEncryptionSet[];
  /** Opaque; absent on the last page. */
  readonly continuationToken?: string;
}

/** A list of Azure's, and when it was read (RFC 3339). */
export interface Listing<Item> {
  readonly time: string;
  readonly items: readonly Item[];
}

/** The versions of an image definition; `candidates`: those that its latest can be found of (latest-after.ts). */
export interface ListedVersions extends Listing<ListedImageVersion> {
  readonly candidates: readonly ListedImageVersion[];
}

/** Looks at Azure for those who only read, shared by all who ask. Where a read is not sent, what was read before stands in. */
export interface Looks {
  /**
   * What Azure shows of a version; undefined if there is none. `anew`: seen at most five seconds ago; `after`: by a read that began later
   * (RFC 3339). Throws what the read throws.
   */
  version(
    id: ImageVersionId,
    options?: { readonly anew?: boolean; readonly after?: string | undefined },
  ): Promise<Look | undefined>;
  /** The versions of an image definition, as listed at most `maxAgeMs` ago; undefined where there is no such definition. */
  versions(imageId: string, maxAgeMs?: number): Promise<ListedVersions | undefined>;
  /** The galleries whose image definitions may be listed, kept for an hour; `anew`: for five seconds. */
  galleries(anew: boolean): Promise<Listing<ListedGallery>>;
  /** The image definitions of a gallery, likewise; undefined where there is no such gallery. */
  images(galleryId: string, anew: boolean): Promise<Listing<ListedImageDefinition> | undefined>;
  /** Disk encryption sets, their keys and vaults. */
  readonly keys: KeyMemory;
  /** What `read` finds of something else, under a key of its own: kept as a version is, and stands in as that does. */
  once<T>(key: string, read: () => Promise<T>): Promise<T>;
  /** True where what Azure has shown of the version is kept: who asks for it reads nothing. */
  has(id: ImageVersionId): boolean;
  /** What this instance saw last of its regions, however long ago. */
  seen(id: ImageVersionId): Seen | undefined;
  /** A step has seen whether the version replicates. */
  noteReplicating(id: ImageVersionId, replicates: boolean): void;
  /** How many versions steps saw replicate in the subscription, in the last ten minutes. */
  replicatingIn(subscriptionId: string): number;
  /** Azure shows this now; undefined: it has no such version. */
  see(id: ImageVersionId, shown: ObservedImageVersion | undefined): void;
  /** What was kept of a version and its list is not to be shown again: it is written to, or a request is judged by a newer look. */
  forget(id: ImageVersionId, imageId: string): void;
}

/** What is about to be done with a version, and the rest of Sigil may have something against. */
export type Deed =
  /**
   * It comes into latest in these canonical regions; `any`: nobody knows in which. `restored`: what Azure showed last of the deleted
   * version that it restores; absent: it is no restore, or Sigil never saw the version. `record`: what the version is about to be;
   * absent: it is as stored.
   */
  | {
      readonly kind: "enterLatest";
      readonly regions: readonly string[] | "any";
      readonly restored?: LastShown | undefined;
      readonly record?: ImageVersionRecord | undefined;
    }
  /** It is the latest where others are taken out of latest. `target`: a rollback leads to it, in these canonical regions. */
  | { readonly kind: "fallBackTo"; readonly target?: readonly string[] }
  /** Its rule is to promote it; it is tested; another version is made of it; it is deleted for good. */
  | { readonly kind: "followRule" | "test" | "build" | "purge" }
  /** What a rule has begun is sent. */
  | {
      readonly kind: "obeyRule";
      readonly record: ImageVersionRecord;
      readonly change: ReleaseChange;
    }
  /** What its retention policy has begun is sent. */
  | { readonly kind: "deleteByPolicy" };

/** Why it is not to be done, and what a person may do about it. */
export interface Objection extends Breach {
  readonly code: ErrorCode;
  /** Canonical regions in which it is not to come into latest; absent: in none. */
  readonly regions?: readonly string[];
  /** The revocation that holds it there, as the end of a sentence. */
  readonly why?: string;
}

/** What the use cases need. */
export interface Dependencies extends OperationDependencies<ImageVersionRecord>, UseDependencies {
  readonly looks: Looks;
  /** Of image definitions; the same store as that of versions, under other keys. */
  readonly rollbacks: StateStore<RollbackStateRecord>;
  readonly versionNumbers: VersionNumbers;
  readonly resourceManager: ResourceManager;
  readonly resources: ResourceReader;
  readonly subscriptions: Subscriptions;
  /** What is read for plans, each fact once for all who ask within seconds; `note` is told when it was read. Absent: anew. */
  readonly sharedFacts?: (
    note: (readMs: number) => void,
  ) => Partial<Pick<Dependencies, "resources" | "subscriptions" | "looks">>;
  /** Plans are made in turn, a few at a time. Absent: all at once. */
  readonly plansInTurn?: Turns;
  /** What a subscription must have registered before an image version is made in it. */
  readonly requiredRegistrations: readonly Registrable[];
  /** How many distinct resources may be read of Azure for one request. */
  readonly maxReads: number;
  /** Where a promotion rule waits for what cannot come about, in the target regions; absent where nobody knows. */
  readonly hindrancesOf?: (
    imageId: string,
    rule: PromotionRule,
    targets: readonly string[],
  ) => Promise<readonly Breach[]>;
  /** Absent where nobody looks after keys. */
  readonly keyGuardian?: KeyDependencies;
  readonly noteKeys?: NonNullable<SeeDependencies["noteKeys"]>;
  /**
   * Asked before every way into latest, and of what a machine has begun: as it is accepted, and again right before it is sent. None:
   * the rest of Sigil has nothing against it.
   */
  readonly objections: (id: ImageVersionId, deed: Deed) => Promise<readonly Objection[]>;
}
