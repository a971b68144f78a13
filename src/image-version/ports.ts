import type { ImageVersionId } from "../resource-id.js";
import type {
  Moment,
  OperationDependencies,
  Stored,
} from "../operation/ports.js";
import type { Registrable, Subscriptions } from "../subscription/ports.js";
import type { Pair, RegionState } from "../operation/records.js";
import type { ImageVersionRequest } from "./contract.js";
import type { EncryptionType, ImageVersionRecord } from "./records.js";
import type { Increment } from "./version-numbers.js";

/** A version and its current operation, as stored. */
export type StoredVersion = Stored<ImageVersionRecord>;

/** First come, first kept: a caller's Idempotency-Key and what it was used for. */
export interface IdempotencyKeys {
  /** Stores `value` under `key` unless one is stored already; answers what is stored. */
  claim(key: string, value: IdempotencyClaim): Promise<IdempotencyClaim>;
}

export interface IdempotencyClaim {
  readonly resourceKey: string;
  readonly fingerprint: string;
  readonly operationId: string;
}

/** The numbers of an image definition's versions: those in Azure, and those that were given, each to one request. */
export interface VersionNumbers {
  /** The names of the versions in Azure, in no order; undefined where Azure has no such image definition. */
  listPublished(imageId: string): Promise<readonly string[] | undefined>;
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

/** A disk encryption set as ARM shows it. Times are RFC 3339. */
export interface DiskEncryptionSet {
  readonly id: string;
  /** Canonical region. */
  readonly region: string;
  readonly provisioningState: string;
  readonly encryptionType: EncryptionType;
  /** The key's address in its vault; absent where the set has no active key. */
  readonly keyUrl?: string;
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
}

/** ARM's own values; `securityType` is the feature `SecurityType`, `Standard` where the definition has none. */
export interface ImageDefinition {
  readonly id: string;
  readonly osType: string;
  readonly osState: string;
  readonly hyperVGeneration: string;
  readonly architecture: string;
  readonly securityType: string;
}

/** One disk of a source. `id` is the managed disk of a virtual machine. */
export interface SourceDisk {
  readonly id?: string;
  readonly diskEncryptionSetId?: string;
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
  readonly hyperVGeneration?: string;
  readonly architecture?: string;
  readonly securityType?: string;
}

/** An image version as ARM shows it, in the wire's form, with each region's replication. */
export interface ObservedImageVersion {
  readonly provisioningState: string;
  readonly request: ImageVersionRequest;
  readonly regions: readonly {
    /** Canonical region. */
    readonly name: string;
    readonly state: RegionState;
    readonly progress: number;
    readonly details?: string;
  }[];
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
  getImageVersion(
    id: ImageVersionId,
  ): Promise<ObservedImageVersion | undefined>;
  /** Sends one PUT and does not wait for what it starts; answers the URL of ARM's asynchronous operation, if any. */
  putImageVersion(
    id: ImageVersionId,
    request: ImageVersionRequest,
  ): Promise<string | undefined>;
  /** Sends one DELETE; answers the URL of ARM's asynchronous operation, if any. What is not there is deleted. */
  deleteImageVersion(id: ImageVersionId): Promise<string | undefined>;
  /** The very request that `putImageVersion` would send; sends nothing. */
  previewPut(
    id: ImageVersionId,
    request: ImageVersionRequest,
  ): Promise<ArmRequest>;
  /** Why the asynchronous operation failed, if it says so. */
  getOperationError(
    url: string,
  ): Promise<{ code: string; message: string } | undefined>;
}

/** The resources that a request names. */
export interface ResourceReader {
  getGallery(id: string): Promise<Gallery | undefined>;
  getImageDefinition(id: string): Promise<ImageDefinition | undefined>;
  getDiskEncryptionSet(id: string): Promise<DiskEncryptionSet | undefined>;
  getSource(id: string): Promise<ImageSource | undefined>;
  /** One page of a subscription's sets, as ARM pages them; undefined where there is no such subscription. */
  listDiskEncryptionSets(
    subscriptionId: string,
    continuationToken?: string,
  ): Promise<DiskEncryptionSetPage | undefined>;
}

export interface DiskEncryptionSetPage {
  readonly value: readonly DiskEncryptionSet[];
  /** Opaque; absent on the last page. */
  readonly continuationToken?: string;
}

/** What the use cases need. */
export interface Dependencies extends OperationDependencies<ImageVersionRecord> {
  afterEnd(
    this: void,
    pair: Pair<ImageVersionRecord>,
    moment: Moment,
  ): Pair<ImageVersionRecord>;
  readonly idempotencyKeys: IdempotencyKeys;
  readonly versionNumbers: VersionNumbers;
  readonly resourceManager: ResourceManager;
  readonly resources: ResourceReader;
  readonly subscriptions: Subscriptions;
  /** What a subscription must have registered before an image version is made in it. */
  readonly requiredRegistrations: readonly Registrable[];
}
