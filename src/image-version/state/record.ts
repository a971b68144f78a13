/**
 * The state of one image version. Everything is one of four: what was asked (`requests`), what was achieved through Sigil (`spec`),
 * what Azure is known to have (`status`), and the one request whose fate is not known yet (`write`). Example, names shortened:
 *
 *   spec      { location westus, westus/replicas 2 }         operation 1 has achieved that
 *   requests  { "…-2": { patch { eastus2/name … } },         operation 2 adds a region,
 *               "…-3": { patch { tags/build 4712 } } }       operation 3 sets a tag
 *   write     { changes { eastus2/name …, tags/build … },    both were sent in one update,
 *               answer accepted, sentFor [ "…-2", "…-3" ] }  and ARM works on it
 *   status    { provisioningState Succeeded, … }             the last look that is a fact: of before the update
 *
 * A look is one answer of Azure, and may be some minutes old. It is a fact where it shows what is known, or that and `write`. Any other
 * one is a fact once a second look, four minutes later, agrees with it, or where the last change that is known was ten minutes ago.
 * That the version is gone always takes two looks, and Azure's list without it (observe.ts). A write is over once a fact shows all of
 * it, or others' value of its fields; once ARM refuses it; or once looks at an idle version have not shown it for minutes (confirmed.ts).
 *
 * What shall be is never stored: it is the open requests, folded over what the fact shows (fold.ts). What is stricter (protection, the
 * end of a rule) holds from acceptance, the rest once it is applied. Another version that others make under the number is another
 * life: the requests of the one before end ReplacedOutside, and nothing is written to it.
 *
 * `latest` is said by flags that exclude (`excludeFromLatest`); `release` says it in words, and latest/ alone turns one into the other.
 * A region that comes has its flag by `release`: one of a later wave is out. Of two requests about latest the later takes over. A
 * machine (src/rollout promotes by rules; retention deletes) may ask only where ARM is idle and nothing else is asked. Where others have
 * changed flags under a rule it is `Paused`, and where a person has said otherwise the rule has ended: a machine asks nothing then.
 * Invariants:
 *  1. `status` is a fact: observe.ts alone writes it, and nothing else reads a look.
 *  2. There is at most one `write`, a PUT or DELETE. It is stored before it is sent, by whoever wins the record's ETag, and nothing is
 *     sent while there is one.
 *  3. A field that somebody else has changed is no longer in `spec`: it is theirs until a new request says it. An open request that asks
 *     it otherwise ends ChangedOutside (failures.ts): nothing is written over what others have said.
 *  4. `requests` has every operation that is not over, in the order in which they were accepted.
 *  5. A decision neither reads nor writes an operation, nor the outbox. It says what has happened (happened.ts), and telling/ tells it.
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
import type { EncryptionType, Look, Parentage } from "../resources.js";
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

/** What one operation asks of the version. */
export interface VersionRequest {
  /** By field, but for flags of latest; null: there shall be none. */
  readonly patch: Patch;
  /** What it says of latest. */
  readonly release?: ReleaseChange;
  /** The canonical body, where a whole one was sent: findings point into it. */
  readonly body?: ImageVersionRequest;
  /** True of a whole body: what it says and a fact shows is Sigil's once it is applied. */
  readonly adopts?: true;
  /** True of a PUT that may create the version. */
  readonly creates?: true;
  /** The life of the version that it is about (`publishedDate`); absent: whichever the first fact shows, until it is applied. */
  readonly life?: string;
  readonly deletion?: DeletionRequest;
  /** True for the restore of a deleted version, until Azure shows the version again. */
  readonly restores?: true;
  /** Canonical names of the regions that it asks for; absent: none. For a restore they are known once Azure shows the version. */
  readonly regions?: readonly string[];
  /** True of a promotion or deletion that no person has asked for: what its acceptance has asked (gate, keys, use) is asked again right before it is sent. */
  readonly machine?: true;
  /** True where it is asked, right before it is sent, who uses what it takes away: the version, or regions of it. */
  readonly guarded?: true;
  /** True where it may leave a region without a latest. */
  readonly allowNoLatest?: true;
  /** True once a write that has what it asks was sent. */
  readonly sent?: true;
  /** When a fact showed all that it asks; RFC 3339. From then on it waits for its regions alone. */
  readonly appliedTime?: string;
  /**
   * How its end is decided already. It asks nothing more, and ends so once what Sigil has begun for it is put right: a region taken away
   * for its repair is back, the permission to remove is shut, a canceled creation is out of latest, but in the regions that it
   * spares (sparing.ts).
   */
  readonly ending?: Ending;
}

export interface DeletionRequest {
  /** For good, also where the gallery has soft delete. */
  readonly bypassSoftDelete?: true;
  /** The release before it, which it has taken the version out of, as it is guarded: given back where it comes to nothing. */
  readonly before?: Release;
}

export type Ending =
  | {
      readonly kind: "canceled";
      readonly by: Requester;
      /** When that was asked; RFC 3339. */
      readonly time: string;
    }
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly message: string;
      readonly errors: readonly Finding[];
    };

/** The one PUT or DELETE that was sent and whose fate is not known. */
export interface Write {
  /** By field, of what the fact showed that it was decided by; null: there shall be none. A look recognises it by this. */
  readonly changes: Patch;
  /** RFC 3339. */
  readonly sentTime: string;
  readonly answer: "none" | "accepted";
  /** Ids of the operations that it was sent for; none: of Sigil's own. */
  readonly sentFor: readonly string[];
  readonly creates?: true;
  readonly restores?: true;
  /** It is a DELETE: that the version is gone shows it. */
  readonly deletes?: true;
  /** What `record.release` is once a fact shows it. */
  readonly release?: Release;
  /** A look has shown ARM at work on it. */
  readonly begun?: true;
  /** Since when looks at an idle version show nothing of it; RFC 3339. */
  readonly unshownSince?: string;
}

/** What the last looks have shown that is not a fact. */
interface Unconfirmed {
  /** A digest of it. */
  readonly shows: string;
  /** Since when each look has shown that; RFC 3339. */
  readonly since: string;
}

/** How often a region was repaired, and when it will be again; what it was while it is taken away. */
export interface Repair {
  readonly attempts: number;
  /** RFC 3339. */
  readonly dueTime?: string;
  /** The region's fields, while it is taken away to be added back. */
  readonly removed?: Patch;
  /** True where Azure would not take it back: a retry adds it. */
  readonly lost?: true;
  /** Why it is not taken away; absent: nothing is in the way, or nothing was proven yet. */
  readonly refused?: readonly Finding[];
}

/** What was told, and stays so until a request settles it. */
export interface Condition {
  readonly type: "Paused" | "ChangedOutside" | "RegionLost";
  /** The fields that others have changed, with what they had and have; RegionLost: the region's name field. */
  readonly fields: Readonly<Record<string, { readonly before?: unknown; readonly after: unknown }>>;
  readonly message: string;
  /** RFC 3339. */
  readonly since: string;
}

/** What src/rollout keeps of a version whose rule is by tests or waves. Times are RFC 3339. */
export interface RolloutRecord {
  /** Since when each wave has the version, the first one first. */
  readonly waves?: readonly string[];
  /** Id of the event by which a person was last told that it waits for one, or was rolled back; absent: it waits for nobody. */
  readonly told?: string;
  /** A person has said go for the next wave, whatever it waits for. */
  readonly goTime?: string;
}

export interface ImageVersionRecord extends TrackedRecord {
  readonly state: VersionState;
  /** The highest sequence of an operation that was accepted. */
  readonly lastSequence: number;
  /** By operation id. Invariant 4. */
  readonly requests: Readonly<Record<string, VersionRequest>>;
  /** How many of the open requests the next write has, after ARM has refused several; absent: all. */
  readonly window?: 1;
  /** Of the version's present life, or of the last one: the same again is the same version. */
  readonly publishedDate?: string;
  /** All requesters of the last creation sent; absent if others created the version. They may not approve it. */
  readonly publishedBy?: readonly Requester[];
  /** What the last creation sent was made of; absent: nothing was read of it, or others created the version. */
  readonly parentage?: Parentage;
  /** When each declared parent was declared, by its field's name; RFC 3339. */
  readonly declaredTimes?: Readonly<Record<string, string>>;
  /** What was achieved through Sigil, with its rule and protection; absent of a version that others made and nobody has adopted. */
  readonly spec?: Fields;
  /** What Azure is known to have; absent where that is no version. Invariant 1. */
  readonly status?: Look;
  /** What Azure showed last of a version that it has no more: it does not say it of a deleted one, and a restore proves the keys of it. */
  readonly left?: ImageVersionRequest;
  /** When `status` has changed last, by whomever; RFC 3339. */
  readonly changedTime?: string;
  readonly unconfirmed?: Unconfirmed;
  /** Invariant 2. */
  readonly write?: Write;
  readonly release?: Release;
  /** By canonical region. */
  readonly repairs: Readonly<Record<string, Repair>>;
  readonly conditions: readonly Condition[];
  readonly rollout?: RolloutRecord;
  /** What the polls of the regions have shown of their progress. */
  readonly pacing?: Pacing;
  /** ARM has answered 429, and asked for no other request before; RFC 3339. */
  readonly throttledUntil?: string;
  /** URL of ARM's asynchronous operation, read only for the reason of a failure. */
  readonly armOperationUrl?: string;
  /** Encryption type by disk encryption set id in lower case, as proven before a write. */
  readonly encryptionTypes: Readonly<Record<string, EncryptionType>>;
  /** LUNs of the source's data disks, as found before the creation. */
  readonly dataDiskLuns: readonly number[];
  /** How many updates were sent in the version's life. */
  readonly updates: number;
}

/** Without who has made it, and of what: it is another life. */
export function withoutOrigin({
  publishedBy: _,
  parentage: __,
  declaredTimes: ___,
  ...record
}: ImageVersionRecord): ImageVersionRecord {
  return record;
}

/** A version of which nothing is known yet. `time` is RFC 3339. */
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

/** What is kept of the preflight with the version: how its disks will be encrypted, and what was worth a warning. */
export interface Proven extends Pick<
  ImageVersionRecord,
  "encryptionTypes" | "dataDiskLuns" | "parentage"
> {
  readonly warnings: readonly Finding[];
}

export type ImageVersionPair = Pair<ImageVersionRecord>;

/** The pair with these members of its record. */
export function changed(
  pair: ImageVersionPair,
  members: Partial<ImageVersionRecord>,
): ImageVersionPair {
  return { ...pair, record: { ...pair.record, ...members } };
}

/** Each value changed. */
export function mapped<From, To>(
  values: Readonly<Record<string, From>>,
  change: (value: From, name: string) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, change(value, name)]),
  );
}

/** With another request of that operation; undefined: with none. */
export function withRequest(
  record: ImageVersionRecord,
  operationId: string,
  request: VersionRequest | undefined,
): ImageVersionRecord {
  const { [operationId]: _, ...others } = record.requests;
  const requests = request === undefined ? others : { ...record.requests, [operationId]: request };
  return { ...record, requests };
}
