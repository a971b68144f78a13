import type { OfferedRegion, RegistrationState } from "../../subscription/ports.js";
import type { Finding } from "../../errors.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Fields } from "../properties/fields.js";
import type { Patch } from "../properties/patch.js";
import type { KeySight } from "../keys/judge.js";
import type { KeyStatesBySet } from "../keys/version-keys.js";
import type {
  DeletedImageVersion,
  DiskEncryptionSet,
  Gallery,
  ImageDefinition,
  ImageSource,
  ObservedImageVersion,
  Parentage,
} from "../resources.js";

/**
 * What a read has shown: the resource, that there is none, or that Sigil's identity may not look; `unread` where the
 * subscription was refused first.
 */
export type Seen<T> =
  | { readonly kind: "found"; readonly value: T }
  | { readonly kind: "absent" }
  | { readonly kind: "unread" }
  | Denied;

/** Which action on which scope ARM would not allow. */
export interface Denied {
  readonly kind: "denied";
  readonly action: string;
  readonly scope: string;
}

/** Keys of maps are resource ids in lower case. */
export interface Gathered {
  readonly gallery: Seen<Gallery>;
  readonly imageDefinition: Seen<ImageDefinition>;
  readonly imageVersion: Seen<ObservedImageVersion>;
  /** The deleted version that has the number; absent where there is none to look for. */
  readonly deletedVersion?: Seen<DeletedImageVersion>;
  readonly diskEncryptionSets: ReadonlyMap<string, Seen<DiskEncryptionSet>>;
  /** What the request names as a source, and the managed disks of a virtual machine among them. */
  readonly sources: ReadonlyMap<string, Seen<ImageSource>>;
  /** What the sources were made of; absent: the request names none, or they were not read. */
  readonly parentage?: Omit<Parentage, "time">;
  /** Image definitions of the image versions among the sources. */
  readonly sourceDefinitions: ReadonlyMap<string, Seen<ImageDefinition>>;
  /** Whether the subscription has accepted the terms of the image definition's purchase plan; absent where it has none. */
  readonly terms?: Seen<boolean>;
  /** What the subscription offers. */
  readonly regions: Seen<readonly OfferedRegion[]>;
  /** What Sigil needs registered in the subscription, by name, such as `Microsoft.Compute/SIGEncryption`. */
  readonly registrations: ReadonlyMap<string, Seen<RegistrationState>>;
  /** Of the sets that the request puts to use; absent where there are none, or nobody looks after keys. */
  readonly keys?: GatheredKeys;
  /** What Sigil itself does with the version; absent where it does nothing. */
  readonly known?: Known;
  /** What the request changes; absent where Azure does not have the version. */
  readonly change?: Change;
}

/** Keys of maps are ids of disk encryption sets in lower case. */
interface GatheredKeys {
  readonly bySet: ReadonlyMap<string, KeySight>;
  /** What the key guardian has seen last, where something could not be seen now. */
  readonly lastKnown: KeyStatesBySet;
  /** A key that expires within this time is warned of. */
  readonly expiryMs: number;
}

/** What was asked of Sigil for this version. */
export interface Known {
  readonly operationId: string;
  /** The operation that does, or has done, the same. */
  readonly sameRequest?: string;
  /** True while the version is being deleted. */
  readonly deleting: boolean;
  /** True until Azure has the version that is being restored. */
  readonly restoring?: true;
  /** Where the request changes what an open operation changes otherwise. */
  readonly conflicts: readonly (Finding & { readonly operationId: string })[];
}

/** What a request changes of a version that Azure has. */
export interface Change {
  /** What Azure shows, in canonical form. */
  readonly observed: ImageVersionRequest;
  /** What it shall show. */
  readonly patch: Patch;
  readonly lastApplied?: Fields;
  /** True where Sigil neither made the version nor adopted it, and the caller has not said which version it saw. */
  readonly unmanaged?: boolean;
}

/** What was seen, where something was. */
export function found<T>(seen: Seen<T> | undefined): T | undefined {
  return seen?.kind === "found" ? seen.value : undefined;
}
