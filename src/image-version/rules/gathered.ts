import type { Seen } from "../../bounded-reads.js";
import type { OfferedRegion, RegistrationState } from "../../subscription/ports.js";
import type { Finding } from "../../errors.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Fields } from "../properties/fields.js";
import type { Patch } from "../properties/patch.js";
import type { KeySight } from "../../keys/judge.js";
import type { KeyStatesBySet } from "../../keys/version-keys.js";
import type {
  DeletedImageVersion,
  Gallery,
  ImageDefinition,
  ImageSource,
  ObservedImageVersion,
  Parentage,
} from "../resources.js";
import type { DiskEncryptionSet } from "../../keys/ports.js";

/** Keys of maps are resource ids in lower case. */
export interface Gathered {
  readonly gallery: Seen<Gallery>;
  readonly imageDefinition: Seen<ImageDefinition>;
  readonly imageVersion: Seen<ObservedImageVersion>;
  /** The soft-deleted version that has the number; absent: there can be none. */
  readonly deletedVersion?: Seen<DeletedImageVersion>;
  readonly diskEncryptionSets: ReadonlyMap<string, Seen<DiskEncryptionSet>>;
  /** The request's sources, and the managed disks of a virtual machine among them. */
  readonly sources: ReadonlyMap<string, Seen<ImageSource>>;
  /** The parents of the sources; absent: the request names none, or they were not read. */
  readonly parentage?: Omit<Parentage, "time">;
  /** Image definitions of the image versions among the sources. */
  readonly sourceDefinitions: ReadonlyMap<string, Seen<ImageDefinition>>;
  /**
   * Whether the subscription accepted the terms of the image definition's purchase plan; absent: it
   * has none.
   */
  readonly terms?: Seen<boolean>;
  /** The regions that the subscription offers. */
  readonly regions: Seen<readonly OfferedRegion[]>;
  /**
   * What Sigil needs registered in the subscription, by name, such as
   * `Microsoft.Compute/SIGEncryption`.
   */
  readonly registrations: ReadonlyMap<string, Seen<RegistrationState>>;
  /**
   * The keys of the request's disk encryption sets; absent: it has none, or no key guardian runs.
   */
  readonly keys?: GatheredKeys;
  /** What Sigil itself is doing with the version; absent: nothing. */
  readonly known?: Known;
  /** The change to the version; absent: Azure does not have it. */
  readonly change?: Change;
}

/** Keys of maps are ids of disk encryption sets in lower case. */
interface GatheredKeys {
  readonly bySet: ReadonlyMap<string, KeySight>;
  /** The key guardian's last looks, for what cannot be seen now. */
  readonly lastKnown: KeyStatesBySet;
  /** Sigil warns of a key that expires within this time. */
  readonly expiryMs: number;
}

/** The operations on this version. */
export interface Known {
  readonly operationId: string;
  /** The operation that does, or did, the same. */
  readonly sameRequest?: string;
  /** True while the version is being deleted. */
  readonly deleting: boolean;
  /** True while the version is being restored, until Azure has it. */
  readonly restoring?: true;
  /** Fields that an open operation sets to another value. */
  readonly conflicts: readonly (Finding & { readonly operationId: string })[];
}

/** How a request changes a version that Azure has. */
export interface Change {
  /** The version as Azure shows it, in canonical form. */
  readonly observed: ImageVersionRequest;
  /** The changes to it. */
  readonly patch: Patch;
  readonly lastApplied?: Fields;
  /**
   * True if Sigil neither created nor adopted the version, and the caller did not name the version
   * it saw.
   */
  readonly unmanaged?: boolean;
}
