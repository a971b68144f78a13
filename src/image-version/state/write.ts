/**
 * The life of a write: it is stored before it is sent, then ARM accepts or refuses it, and a
 * confirmed look shows it (observe.ts). Pure. Invariants, in addition to those of every transition
 * (operation/advance.ts):
 *  1. Before a PUT is sent, the message for the step that reads its outcome is already queued.
 *  2. A write is stored before it is sent. A look is matched to it by its changes.
 *  3. If ARM refuses several requests together, they are sent again one by one: the one at fault
 *     fails, the others do not.
 */
import { omit } from "../../objects.js";
import type { OperationFailure, RegionRecord, Requester } from "../../operation/records.js";
import { mapped, type ImageVersionRecord, type Repair, type Write } from "./record.js";
import type { ImageVersionRequest } from "../contract.js";
import { isFlag } from "../latest/flags.js";
import { diskEncryptionReferences } from "../properties/disk-encryption-references.js";
import { addedBy, regionField, regionOf, regionsIn, removedBy } from "../properties/fields.js";
import type { Time } from "./confirmed.js";
import { fails, goingOn } from "./ending.js";
import { inTurn, nothing, type Happened, type Outcome, type Updating } from "./happened.js";
import { beginPacing } from "./pace.js";
import { notAddedBack, withoutRepairs } from "./repairs.js";
import type { Put } from "./reconcile.js";
import { usualEnd, withBegun, type UsualTimes } from "./usual.js";

/** What a step knows about a PUT, in addition to the decision. */
interface Known {
  readonly usual?: UsualTimes | undefined;
  /** It is Sigil's own, and an earlier attempt was not accepted yet. */
  readonly isAgain?: boolean;
  /** The requesters of the creation. */
  readonly publishedBy?: readonly Requester[];
}

/** Whoever stores this may then send the PUT. */
export function beginWrite(
  record: ImageVersionRecord,
  put: Put,
  { now, pace }: Time,
  { usual, isAgain = false, publishedBy = [] }: Known = {},
): Outcome {
  const { requests, regions } = record;
  const { creates, changes, release, sentFor: ids } = put;
  const updates = record.updates + (creates || isAgain ? 0 : 1);
  const isTold = isAgain || ids.some((id) => requests[id]?.sent === true);
  return {
    record: {
      ...record,
      state: creates ? "Creating" : "Updating",
      requests: mapped(requests, (request, id) =>
        ids.includes(id) ? { ...request, sent: true } : request,
      ),
      repairs: repairsWith(record, put),
      ...(creates && { publishedBy }),
      updates,
      write: {
        changes,
        sentTime: now.toISOString(),
        answer: "none",
        sentFor: ids,
        ...(creates && { creates }),
        ...(release && { release }),
      },
      regions: withBegun(regions, copiedBy(put), usual, now),
      ticks: 0,
    },
    happened: isTold ? [] : begun(put, updates),
    // Invariant 1: the look comes when the PUT can no longer be in flight.
    waitMs: pace.putTimeoutMs * 2,
  };
}

function begun(put: Put, updates: number): readonly Happened[] {
  const { creates, sentFor: ids } = put;
  const regions = repairedBy(put);
  return creates
    ? [{ kind: "creating", ids }]
    : [
        { kind: "updating", ids, updates, ...regions },
        ...regions.removed.map((region) => ({ kind: "regionRepairing", region, updates }) as const),
      ];
}

/** The regions that a PUT removes for repair, and those that it adds back. */
export function repairedBy({ removes, addsBack }: Put): Updating {
  return { removed: Object.keys(removes), back: addsBack };
}

/** The regions that Azure copies the version to; for a shallow version none. */
function copiedBy({ body, changes }: Put): readonly string[] {
  return body.properties.publishingProfile?.replicationMode === "Shallow" ? [] : addedBy(changes);
}

function repairsWith(
  { repairs }: ImageVersionRecord,
  { removes }: Put,
): ImageVersionRecord["repairs"] {
  const begun = mapped(removes, (removed, name): Repair => ({
    attempts: repairs[name]?.attempts ?? 0,
    removed,
  }));
  return { ...repairs, ...begun };
}

export function newRegion(name: string): RegionRecord {
  return { name, state: "Unknown", progress: 0, attempts: 0 };
}

/** ARM accepted the write. */
export function writeAccepted(
  before: ImageVersionRecord,
  armOperationUrl: string | undefined,
  time: Time,
): Outcome {
  const record = answered(before, armOperationUrl);
  return {
    record: {
      ...record,
      state: "Replicating",
      ticks: 0,
      pacing: beginPacing(record.pacing, time),
      regions: followed(record.regions, time),
    },
    happened: [{ kind: "writeAccepted", ids: record.write?.sentFor ?? [] }],
    waitMs: time.pace.pollInitialMs,
  };
}

/** Marks the write as accepted, whatever state the version is in by now. */
export function answered(
  record: ImageVersionRecord,
  armOperationUrl: string | undefined,
): ImageVersionRecord {
  const { write } = record;
  return {
    ...omit(record, "armOperationUrl"),
    ...(write && {
      write: { ...write, answer: "accepted" as const },
      ...copying(record, write),
    }),
    ...(armOperationUrl !== undefined && { armOperationUrl }),
  };
}

/**
 * After ARM accepted the write: regions that it copies, or copies again, are reported Completed
 * again, as another attempt.
 */
export function copying(
  { regions, repairs }: ImageVersionRecord,
  { changes, creates }: Write,
): Pick<ImageVersionRecord, "regions" | "repairs"> {
  if (creates === true) return { regions, repairs };
  const added = addedBy(changes);
  const changed = regionsIn(changes).filter((name) =>
    Object.keys(changes).some(
      (field) => regionOf(field) === name && field !== regionField(name) && !isFlag(field),
    ),
  );
  return {
    regions: regions.map((region) =>
      added.includes(region.name)
        ? addedAgain(region)
        : changed.includes(region.name)
          ? copiedAgain(region)
          : region,
    ),
    repairs: mapped(repairs, (repair, name) =>
      added.includes(name) && repair.removed !== undefined
        ? { ...repair, attempts: repair.attempts + 1 }
        : repair,
    ),
  };
}

function addedAgain({ name, attempts, attemptsAllowed, begunTime, usual }: RegionRecord) {
  return {
    ...newRegion(name),
    attempts: attempts + 1,
    ...(begunTime !== undefined && { begunTime }),
    ...(usual && { usual }),
    ...(attemptsAllowed !== undefined && { attemptsAllowed }),
  };
}

function copiedAgain(region: RegionRecord): RegionRecord {
  if (region.completedTime === undefined) return region;
  // Copying an existing region again tells nothing about a first copy.
  const anew = omit(region, "completedTime", "published", "begunTime", "usual");
  return {
    ...anew,
    state: "Unknown",
    progress: 0,
    attempts: region.attempts + 1,
    recopying: "sent",
  };
}

export function followed(
  regions: readonly RegionRecord[],
  { now }: Pick<Time, "now">,
): readonly RegionRecord[] {
  return regions.map((region) => {
    const end = usualEnd(region, now);
    return {
      ...region,
      attempts: Math.max(1, region.attempts),
      // Progress is expected from now on.
      lastProgressTime: region.lastProgressTime ?? now.toISOString(),
      ...(end !== undefined && { expectedEndTime: end }),
    };
  });
}

/**
 * ARM does not accept it now: nothing has begun, and regions to remove still exist, and are still
 * due.
 */
export function writePostponed(
  record: ImageVersionRecord,
  { now }: Pick<Time, "now">,
): ImageVersionRecord {
  const { write, ...rest } = record;
  if (write === undefined) return record;
  const dueTime = now.toISOString();
  const repairs = mapped(record.repairs, (repair, name): Repair =>
    repair.removed !== undefined && write.changes[regionField(name)] === null
      ? { attempts: repair.attempts, dueTime }
      : repair,
  );
  return { ...rest, repairs };
}

/** ARM refuses it for good. Invariant 3. */
export function writeRefused(
  record: ImageVersionRecord,
  failure: OperationFailure,
  time: Time,
): Outcome {
  const { write, requests } = record;
  const without = writePostponed(record, time);
  if (write === undefined) return nothing(without);
  const { code, message } = failure;
  const [only, ...others] = write.sentFor;
  if (others.length > 0)
    return splitUp(
      without,
      write.sentFor,
      `Azure refused the update for several operations. Sigil now sends each separately. ${message}`,
    );
  if (only !== undefined)
    return fails(without, [only], pointedAtSets(failure, requests[only]?.body), time);
  // Sigil's own write: a repair ends with ARM's reason.
  const refused = Object.fromEntries(
    removedBy(write.changes).map((name) => [name, [{ code, pointer: "", message }]]),
  );
  return goingOn(
    inTurn(
      without,
      (next) => notAddedBack(next, failure),
      (next) => nothing(withoutRepairs(next, refused)),
    ),
  );
}

/** Sends several requests one by one, so that only the one at fault fails. */
export function splitUp(
  record: ImageVersionRecord,
  ids: readonly string[],
  message: string,
): Outcome {
  return {
    record: { ...record, window: 1 },
    happened: [{ kind: "splitUp", ids, message }],
    waitMs: 0,
  };
}

/** A set may have vanished since it was checked. ARM then names its id, but no field. */
function pointedAtSets(
  failure: OperationFailure,
  body: ImageVersionRequest | undefined,
): OperationFailure {
  const references = body ? diskEncryptionReferences(body) : [];
  const errors = failure.errors.map((error) => {
    const words = error.message.toLowerCase().split(/[\s'",;]+|\.(?=\s|$)/u);
    const named =
      error.pointer === ""
        ? references.find(({ diskEncryptionSetId }) =>
            words.includes(diskEncryptionSetId.toLowerCase()),
          )
        : undefined;
    return named ? { ...error, pointer: named.pointer } : error;
  });
  return { ...failure, errors };
}
