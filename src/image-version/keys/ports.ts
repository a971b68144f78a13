import type { CloudEvent } from "../../events/cloud-event.js";
import type { ImageDocuments } from "../../image-documents.js";
import type { EncryptionType } from "../resources.js";

/** A version of a key, as Azure Resource Manager shows it. Times are RFC 3339. */
export interface Key {
  readonly enabled: boolean;
  readonly notBefore?: string;
  readonly expires?: string;
  /** Of this version of the key. */
  readonly url?: string;
}

/**
 * Keys through the management plane: what a key is for is never asked of its vault. Each call throws what every call of Azure
 * Resource Manager does (image-version's ports.ts); none is retried inside.
 */
export interface KeyReader {
  /** `version` absent: the newest. Undefined where there is none, which may be for want of the vault. */
  getKey(vaultId: string, name: string, version?: string): Promise<Key | undefined>;
  /** False where there is none, or it was deleted and can be recovered. */
  hasVault(vaultId: string): Promise<boolean>;
}

/** What breaks by a problem: updates of the version, machines made of it, machines that run. */
export type Breakage = "update" | "deployment" | "runningMachines";

/** What is certain, and bad. */
export interface KeyProblem {
  readonly code: string;
  /** `error`: it breaks now; `warning`: it will, or may. */
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly remediation: string;
  readonly breaks: readonly Breakage[];
  /** By what it was seen: it is mended where that is seen again, and is well. */
  readonly seenBy: "set" | "key";
}

/** What nobody could look at, and why. */
export interface NotSeen {
  readonly code: string;
  readonly message: string;
}

/** One disk encryption set of an image definition's versions, as it was seen last. Times are RFC 3339. */
export interface KeyState {
  readonly diskEncryptionSetId: string;
  readonly lookedTime: string;
  readonly keyUrl?: string;
  /** Of the key, as it was seen last; absent where it has none, or an earlier release has looked. */
  readonly expiresTime?: string;
  readonly encryptionType?: EncryptionType;
  readonly problems: readonly KeyProblem[];
  readonly notSeen: readonly NotSeen[];
  /** Since when there are problems. */
  readonly since?: string;
  /** What of them was told last; absent: nothing, or that it is mended. */
  readonly told?: string;
  /** A problem of the key is among them. */
  readonly toldOfKey?: true;
  /** Since when looks have not found it. */
  readonly missingSince?: string;
  /** True where the last look has shown no version that has it. */
  readonly unused?: true;
  /** How often was told of it. */
  readonly sequence: number;
}

/** What is known of the keys of an image definition's versions, and is still to be told. */
export interface ImageKeys {
  readonly imageId: string;
  readonly sets: readonly KeyState[];
  /** When the last look at a set has failed, by its id in lower case; RFC 3339. */
  readonly failedTimes?: Readonly<Record<string, string>>;
  readonly untold: readonly CloudEvent[];
}

/** What looks after keys. */
export interface KeyDependencies {
  readonly keyReader: KeyReader;
  readonly keyStates: Pick<ImageDocuments<ImageKeys>, "read" | "put">;
  /** A key that expires within this time is at risk. */
  readonly keyExpiryMs: number;
}
