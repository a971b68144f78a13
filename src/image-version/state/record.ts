/**
 * The state of one image version, in four parts: what was asked (`requests`), what Sigil has
 * achieved (`spec`), what Azure is known to have (`status`), and the one write whose outcome is
 * unknown (`write`). An example, with names shortened:
 *
 *   spec      { location westus, westus/replicas 2 }         operation 1 achieved this
 *   requests  { "…-2": { patch { eastus2/name … } },         operation 2 adds a region
 *               "…-3": { patch { tags/build 4712 } } }       operation 3 sets a tag
 *   write     { changes { eastus2/name …, tags/build … },    one update carries both,
 *               answer accepted, sentFor [ "…-2", "…-3" ] }  and ARM is working on it
 *   status    { provisioningState Succeeded, … }             confirmed before the update
 *
 * Words:
 *  - A look is one answer from Azure. It may be minutes old.
 *  - A look is confirmed when Sigil trusts it: at once, if it shows what is known, or that plus
 *    `write`. Any other look is confirmed when a second look, four minutes later, agrees with it,
 *    or when the last known change was ten minutes ago. That the version is gone takes two looks,
 *    and a list in Azure without it (observe.ts).
 *  - A write is over when a confirmed look shows all of it, or others' values in its fields; when
 *    ARM refuses it; or when looks at an idle version have not shown it for minutes (confirmed.ts).
 *  - A request is applied when a confirmed look shows everything it asks for. Then it only waits
 *    for its regions.
 *  - The window is the set of open requests that the next write carries.
 *  - A life lasts from the creation of a version to its deletion, and has one `publishedDate`. If
 *    others create another version under the number, that is another life: requests of the earlier
 *    life end with ReplacedOutside, and Sigil writes nothing to the new version for them.
 *  - The release is the set of regions where the version is in latest. Azure only has flags that
 *    exclude (`excludeFromLatest`); only latest/ converts between the two.
 *  - Others are everyone who changes the version in Azure without Sigil. Automation is src/rollout,
 *    which promotes by rules, and retention, which deletes.
 *
 * The desired state is never stored: it is the open requests, folded over the confirmed look
 * (fold.ts). Restrictions (protection, the end of a rule) take effect on acceptance, everything
 * else when the request is applied.
 *
 * The release gives a new region its flag: a region of a later wave starts excluded. If two
 * requests set the release, the later wins. Automation adds a request only if ARM is idle and no
 * other request is open. If others change flags under a rule, the rule is `Paused`; if a person
 * sets the release, the rule has ended. Automation then adds no request.
 *
 * Invariants:
 *  1. `status` is confirmed. Only observe.ts writes it, and nothing else reads a look.
 *  2. There is at most one `write`, a PUT or DELETE. The step that wins the record's ETag stores it
 *     before it is sent, and nothing else is sent while it exists.
 *  3. A field that others change leaves `spec`, and Sigil leaves it alone until a new request sets
 *     it. An open request with another value for it ends with ChangedOutside (failures.ts), so
 *     Sigil never overwrites others' changes.
 *  4. `requests` has every unfinished operation, in the order of acceptance.
 *  5. A decision neither reads nor writes an operation or the outbox. It returns what happened
 *     (happened.ts), and telling/ reports it.
 */
import type { Finding } from "../../errors.js";
import {
  newRecord,
  type Pair,
  type Requester,
  type TrackedRecord,
} from "../../operation/records.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Release, ReleaseChange } from "../latest/release.js";
import type { Look, Parentage } from "../resources.js";
import type { EncryptionType } from "../../keys/ports.js";
import { omit } from "../../objects.js";
import type { Fields } from "../properties/fields.js";
import type { Patch } from "../properties/patch.js";
import type { Pacing } from "./pace.js";

export type VersionState =
  | "Accepted"
  | "Creating"
  | "Updating"
  | "Replicating"
  | "Succeeded"
  | "Failed"
  | "Canceled"
  | "DeletionRequested"
  | "Deleting"
  | "Deleted"
  | "RestoreRequested"
  | "Restoring";

/** The changes that one operation asks for. */
export interface VersionRequest {
  /** New values by field, without flags of latest; null removes the field. */
  readonly patch: Patch;
  /** The change to the release; absent: none. */
  readonly release?: ReleaseChange;
  /** The canonical body, if the client sent a whole one. Findings point into it. */
  readonly body?: ImageVersionRequest;
  /** Id of the machine whose disks the snapshots in `body` are of. */
  readonly capture?: string;
  /**
   * True for a whole body: once applied, each of its fields that a confirmed look shows belongs to
   * `spec`.
   */
  readonly adopts?: true;
  /** True for a PUT that may create the version. */
  readonly creates?: true;
  /**
   * The life that it applies to, as a `publishedDate`; absent: the life that the first confirmed
   * look shows, until it is applied.
   */
  readonly life?: string;
  readonly deletion?: DeletionRequest;
  /** True for the restore of a deleted version, until Azure shows the version again. */
  readonly restores?: true;
  /**
   * Canonical regions that it asks for; absent: none. For a restore they are known once Azure shows
   * the version.
   */
  readonly regions?: readonly string[];
  /**
   * True for a promotion or deletion by automation. Its acceptance checks (gate, keys, use) run
   * again right before it is sent.
   */
  readonly machine?: true;
  /**
   * True if Sigil must check, right before it is sent, who uses the version or the regions that it
   * removes.
   */
  readonly guarded?: true;
  /** True if it may leave a region without a latest version. */
  readonly allowNoLatest?: true;
  /** True once a write that carries it was sent. */
  readonly sent?: true;
  /**
   * When a confirmed look first showed everything it asks for; RFC 3339. From then on it only waits
   * for its regions.
   */
  readonly appliedTime?: string;
  /**
   * Its decided outcome. The request changes nothing more, and ends once Sigil has cleaned up after
   * it: a region removed for repair is back, the permission to remove regions is off, a canceled
   * creation is out of latest except in the regions that it spares (sparing.ts).
   */
  readonly ending?: Ending;
}

export interface DeletionRequest {
  /** Deletes permanently, even if the gallery has soft delete. */
  readonly bypassSoftDelete?: true;
  /**
   * The release before a guarded deletion excluded the version from latest. Restored if the
   * deletion fails or is canceled.
   */
  readonly before?: Release;
}

export type Ending =
  | {
      readonly kind: "canceled";
      readonly by: Requester;
      /** When the cancel was requested; RFC 3339. */
      readonly time: string;
    }
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly message: string;
      readonly errors: readonly Finding[];
    };

/** The one PUT or DELETE that was sent and whose outcome is unknown. */
export interface Write {
  /**
   * New values by field, relative to the look it was decided on; null removes the field. A look is
   * matched to the write by these.
   */
  readonly changes: Patch;
  /** RFC 3339. */
  readonly sentTime: string;
  readonly answer: "none" | "accepted";
  /** Ids of the operations that it was sent for; empty: Sigil's own write. */
  readonly sentFor: readonly string[];
  readonly creates?: true;
  readonly restores?: true;
  /** True for a DELETE, which is done when the version is gone. */
  readonly deletes?: true;
  /** The value of `record.release` once a confirmed look shows the write. */
  readonly release?: Release;
  /** A look showed ARM working on it. */
  readonly begun?: true;
  /** When a look at an idle version first did not show it; RFC 3339. */
  readonly unshownSince?: string;
}

/** The last looks, if they are not confirmed. */
interface Unconfirmed {
  /** A digest of the look. */
  readonly shows: string;
  /** When the first of these looks was taken; all since then showed the same. RFC 3339. */
  readonly since: string;
}

/**
 * How often a region was repaired, when the next repair is due, and its fields while it is removed.
 */
export interface Repair {
  readonly attempts: number;
  /** RFC 3339. */
  readonly dueTime?: string;
  /** The region's fields, while it is removed and will be added back. */
  readonly removed?: Patch;
  /** True if Azure refused to add it back. A retry adds it. */
  readonly lost?: true;
  /** Why it was not removed; absent: nothing prevents it, or it was not checked yet. */
  readonly refused?: readonly Finding[];
}

/** A reported condition, which holds until a request settles it. */
export interface Condition {
  readonly type: "Paused" | "ChangedOutside" | "RegionLost";
  /**
   * The fields that others changed, with old and new values; for RegionLost, the region's name
   * field.
   */
  readonly fields: Readonly<Record<string, { readonly before?: unknown; readonly after: unknown }>>;
  readonly message: string;
  /** RFC 3339. */
  readonly since: string;
}

/** What src/rollout stores for a version whose rule uses tests or waves. Times are RFC 3339. */
export interface RolloutRecord {
  /** When each wave got the version, first wave first. */
  readonly waves?: readonly string[];
  /**
   * Id of the last event that told a person that the version waits for one, or was rolled back;
   * absent: it waits for nobody.
   */
  readonly waitsEventId?: string;
  /** When a person started the next wave, whatever it was waiting for. */
  readonly goTime?: string;
}

export interface ImageVersionRecord extends TrackedRecord {
  readonly state: VersionState;
  /** The highest sequence of an accepted operation. */
  readonly lastSequence: number;
  /** By operation id. Invariant 4. */
  readonly requests: Readonly<Record<string, VersionRequest>>;
  /**
   * How many open requests the next write carries, after ARM refused several together; absent: all.
   */
  readonly window?: 1;
  /**
   * The date of the present life, or of the last one. A version that comes back with the same date
   * is the same version.
   */
  readonly publishedDate?: string;
  /**
   * All requesters of the last creation sent, who may not approve it; absent: others created the
   * version.
   */
  readonly publishedBy?: readonly Requester[];
  /**
   * The sources of the last creation sent; absent: none were read, or others created the version.
   */
  readonly parentage?: Parentage;
  /** When each declared parent was declared, by its field's name; RFC 3339. */
  readonly declaredTimes?: Readonly<Record<string, string>>;
  /**
   * What Sigil has achieved, with rule and protection; absent: others created the version, and
   * nobody has adopted it.
   */
  readonly spec?: Fields;
  /** What Azure is known to have; absent: no version. Invariant 1. */
  readonly status?: Look;
  /**
   * The last confirmed look at a version that is gone. Azure does not return it for a deleted
   * version, and a restore needs it to check the keys.
   */
  readonly left?: ImageVersionRequest;
  /** When `status` last changed, whoever changed it; RFC 3339. */
  readonly changedTime?: string;
  readonly unconfirmed?: Unconfirmed;
  /** Invariant 2. */
  readonly write?: Write;
  readonly release?: Release;
  /** By canonical region. */
  readonly repairs: Readonly<Record<string, Repair>>;
  readonly conditions: readonly Condition[];
  readonly rollout?: RolloutRecord;
  /** Replication progress in the regions, by their polls. */
  readonly pacing?: Pacing;
  /** ARM answered 429, and no request may be sent before; RFC 3339. */
  readonly throttledUntil?: string;
  /** URL of ARM's asynchronous operation, read only to learn why a write failed. */
  readonly armOperationUrl?: string;
  /** Encryption type by disk encryption set id in lower case, as checked before a write. */
  readonly encryptionTypes: Readonly<Record<string, EncryptionType>>;
  /** LUNs of the source's data disks, as read before the creation. */
  readonly dataDiskLuns: readonly number[];
  /** How many updates were sent in this life. */
  readonly updates: number;
}

/** The record without creator and sources, for another life. */
export function withoutOrigin(record: ImageVersionRecord): ImageVersionRecord {
  return omit(record, "publishedBy", "parentage", "declaredTimes");
}

/** The record of a version that nothing is known about. `time` is RFC 3339. */
export function emptyRecord(key: string, resourceId: string, time: string): ImageVersionRecord {
  return {
    ...newRecord({ key, resourceId, state: "Accepted", sequence: 0 }, time),
    lastSequence: 0,
    requests: {},
    repairs: {},
    conditions: [],
    updates: 0,
    encryptionTypes: {},
    dataDiskLuns: [],
  };
}

/** What the record keeps of the preflight: how the disks will be encrypted, and the warnings. */
export interface ProofKept extends Pick<
  ImageVersionRecord,
  "encryptionTypes" | "dataDiskLuns" | "parentage"
> {
  readonly warnings: readonly Finding[];
}

export type ImageVersionPair = Pair<ImageVersionRecord>;

/** The pair, with these members of its record replaced. */
export function changed(
  pair: ImageVersionPair,
  members: Partial<ImageVersionRecord>,
): ImageVersionPair {
  return { ...pair, record: { ...pair.record, ...members } };
}

/** Applies `change` to each value. */
export function mapped<From, To>(
  values: Readonly<Record<string, From>>,
  change: (value: From, name: string) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, change(value, name)]),
  );
}

/** Replaces the operation's request; undefined: removes it. */
export function withRequest(
  record: ImageVersionRecord,
  operationId: string,
  request: VersionRequest | undefined,
): ImageVersionRecord {
  const others = omit(record.requests, operationId);
  const requests = request === undefined ? others : { ...record.requests, [operationId]: request };
  return { ...record, requests };
}
