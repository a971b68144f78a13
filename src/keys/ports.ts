import type { CloudEvent } from "../events/cloud-event.js";
import type { ImageDocuments } from "../image-documents.js";

/**
 * ARM's words for how a disk is encrypted at rest (EncryptionType); `Unknown` until its key was
 * read.
 */
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
  /** The key's URL in its vault; absent: the set has no active key. */
  readonly keyUrl?: string;
  /**
   * Resource id of that vault; absent: Azure does not name it, as for a key in another
   * subscription.
   */
  readonly vaultId?: string;
  /** The application by which the set reaches a key in another tenant. */
  readonly federatedClientId?: string;
  readonly rotationToLatestKeyVersionEnabled: boolean;
  readonly lastKeyRotationTime?: string;
  /** Why the key was not rotated; absent: rotation works or is off. */
  readonly autoKeyRotationError?: {
    readonly code: string;
    readonly message: string;
  };
}

/** A version of a key, as Azure Resource Manager shows it. Times are RFC 3339. */
export interface Key {
  readonly enabled: boolean;
  readonly notBefore?: string;
  readonly expires?: string;
  /** With this version of the key. */
  readonly url?: string;
}

/**
 * Keys through the management plane: Sigil never asks a vault. Each call throws what every call of
 * Azure Resource Manager throws (image-version's ports.ts); none is retried inside.
 */
export interface KeyReader {
  /**
   * `version` absent: the newest. Undefined if there is no such key, perhaps because the vault is
   * gone.
   */
  getKey(vaultId: string, name: string, version?: string): Promise<Key | undefined>;
  /** False if there is none, or it is soft-deleted. */
  hasVault(vaultId: string): Promise<boolean>;
}

/** What a problem breaks: updates of the version, new machines, running machines. */
export type Breakage = "update" | "deployment" | "runningMachines";

/** A certain problem. */
export interface KeyProblem {
  readonly code: string;
  /** `error`: it breaks something now; `warning`: it will, or may. */
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly remediation: string;
  readonly breaks: readonly Breakage[];
  /** What showed it: the problem ends once that is seen again without it. */
  readonly seenBy: "set" | "key";
}

/** What Sigil could not look at, and why. */
export interface NotSeen {
  readonly code: string;
  readonly message: string;
}

/** The types that a set had when it encrypted its versions. */
export interface MadeWith {
  /** When their records were read; RFC 3339. */
  readonly readTime: string;
  /** Each type with the number of a version that has it. */
  readonly versions: Readonly<Partial<Record<EncryptionType, string>>>;
}

/**
 * The last known state of one disk encryption set of an image definition's versions. Times are RFC
 * 3339.
 */
export interface KeyState {
  readonly diskEncryptionSetId: string;
  readonly lookedTime: string;
  /** Absent until the records of its versions were read. */
  readonly madeWith?: MadeWith;
  readonly keyUrl?: string;
  /** The key's expiry, as last seen; absent: none, or an earlier release looked. */
  readonly expiresTime?: string;
  readonly encryptionType?: EncryptionType;
  readonly problems: readonly KeyProblem[];
  readonly notSeen: readonly NotSeen[];
  /** When the problems began. */
  readonly since?: string;
  /** The last report; absent: none, or that all is well. */
  readonly told?: string;
  /** True if the report has a problem of the key. */
  readonly toldOfKey?: true;
  /** Since when looks do not find it. */
  readonly missingSince?: string;
  /** True if the last look showed no version that uses it. */
  readonly unused?: true;
  /** How many reports were sent. */
  readonly sequence: number;
}

/** The known keys of an image definition's versions, and unsent reports. */
export interface ImageKeys {
  readonly imageId: string;
  readonly sets: readonly KeyState[];
  /** When the last look at a set failed, by its id in lower case; RFC 3339. */
  readonly failedTimes?: Readonly<Record<string, string>>;
  readonly untold: readonly CloudEvent[];
}

/** What the key guardian needs. */
export interface KeyDependencies {
  readonly keyReader: KeyReader;
  readonly keyStates: Pick<ImageDocuments<ImageKeys>, "read" | "put">;
  /** A key that expires within this time is at risk. */
  readonly keyExpiryMs: number;
}
