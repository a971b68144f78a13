import type {
  DiskEncryptionSet,
  Gallery,
  ImageDefinition,
  ImageSource,
  ObservedImageVersion,
} from "./ports.js";
import type { RegistrationState } from "../subscription/ports.js";
import type { ImageVersionRequest } from "./contract.js";
import type { VersionState } from "./records.js";

/** What a read has shown: the resource, that there is none, or that Sigil's identity may not look. */
export type Seen<T> =
  | { readonly kind: "found"; readonly value: T }
  | { readonly kind: "absent" }
  | Denied;

/** Which action on which scope ARM would not allow. */
export interface Denied {
  readonly kind: "denied";
  readonly action: string;
  readonly scope: string;
}

/** Keys of maps are resource ids in lower case. */
export interface Facts {
  readonly gallery: Seen<Gallery>;
  readonly imageDefinition: Seen<ImageDefinition>;
  readonly imageVersion: Seen<ObservedImageVersion>;
  readonly diskEncryptionSets: ReadonlyMap<string, Seen<DiskEncryptionSet>>;
  /** What the request names as a source, and the managed disks of a virtual machine among them. */
  readonly sources: ReadonlyMap<string, Seen<ImageSource>>;
  /** Image definitions of the image versions among the sources. */
  readonly sourceDefinitions: ReadonlyMap<string, Seen<ImageDefinition>>;
  /** Canonical names of the regions that the subscription offers. */
  readonly regions: Seen<readonly string[]>;
  /** What Sigil needs registered in the subscription, by name, such as `Microsoft.Compute/SIGEncryption`. */
  readonly registrations: ReadonlyMap<string, Seen<RegistrationState>>;
  /** What Sigil itself was asked for under this version's name; absent where that came to nothing or never was. */
  readonly known?: Known;
}

/** A version that Sigil makes or has made. */
export interface Known {
  readonly state: VersionState;
  /** As it shall be: what is being done, and what waits. */
  readonly request: ImageVersionRequest;
  /** What the version is as far as operations on it have succeeded; absent until it is made. */
  readonly base?: ImageVersionRequest;
  readonly operationId: string;
  /** The operation that does, or has done, what a request of this fingerprint asks. */
  readonly operations: ReadonlyMap<string, string>;
  /** True where the caller has confirmed that regions which the request leaves out are to be removed. */
  readonly regionRemovalAllowed?: boolean;
}

/** What was seen, where something was. */
export function found<T>(seen: Seen<T> | undefined): T | undefined {
  return seen?.kind === "found" ? seen.value : undefined;
}
