/**
 * The decided end of an operation: ARM refuses it, a confirmed look contradicts it, or its caller
 * cancels it. It ends at once or, if Sigil must clean up after it, when that is done. Pure.
 * Invariants:
 *  1. The last operation does not end before a region removed for repair is added back.
 *  2. If a guarded deletion fails, the version is in latest again as before.
 *  3. A version whose creation was sent and then canceled is excluded from latest, wherever another
 *     version takes over (sparing.ts).
 */
import { omit } from "../../objects.js";
import type { OperationFailure } from "../../operation/records.js";
import { withApplied } from "../properties/patch.js";
import { PROTECTED } from "../properties/table.js";
import type { Time } from "./confirmed.js";
import { isRepairing, openRequests } from "./fold.js";
import { forEach, nothing, type End, type Outcome } from "./happened.js";
import { untilQuiet } from "./observe.js";
import { mustShut } from "./reconcile.js";
import {
  withRequest,
  type Ending,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { lostRegions, sentence } from "./repairs.js";
import { namingSnapshots } from "./snapshots-left.js";
import { OUT } from "./sparing.js";

const STATUS = {
  succeeded: "Succeeded",
  failed: "Failed",
  replicationFailed: "Failed",
  canceled: "Canceled",
} as const;

/** What an operation has at its end. */
export function endOf(record: ImageVersionRecord, id: string) {
  const { regions = [] } = record.requests[id] ?? {};
  return {
    id,
    regions: record.regions.filter(({ name }) => regions.includes(name)),
    lost: lostRegions(record),
  };
}

/** Ends an operation that has begun. If it is the last, the record's state becomes its outcome. */
export function ended(record: ImageVersionRecord, end: End): Outcome {
  const after = withRequest(record, end.id, undefined);
  const isLast = Object.keys(after.requests).length === 0;
  return {
    record: isLast ? { ...after, state: STATUS[end.kind] } : withoutUnsent(after),
    happened: [end],
  };
}

/** Drops regions that were requested and never sent, once their operation has ended. */
function withoutUnsent(record: ImageVersionRecord): ImageVersionRecord {
  const wanted = Object.values(record.requests).flatMap(({ regions = [] }) => regions);
  return {
    ...record,
    regions: record.regions.filter(({ name, attempts }) => attempts > 0 || wanted.includes(name)),
  };
}

/** A requested protection takes effect on acceptance, and stays even if the rest fails. */
function keepingProtection(
  record: ImageVersionRecord,
  { patch }: VersionRequest,
): ImageVersionRecord {
  return patch[PROTECTED] === true && record.status !== undefined
    ? { ...record, spec: withApplied(record.spec, { [PROTECTED]: true }) }
    : record;
}

/** `consequence`: what happens to what it has begun, if it is canceled and ends at once. */
export function endDecided(
  record: ImageVersionRecord,
  id: string,
  ending: Ending,
  time: Time,
  consequence?: string,
): Outcome {
  const request = record.requests[id];
  if (request === undefined) return nothing(record);
  const kept = keepingProtection(record, request);
  // What had begun together with a deletion continues.
  const after: ImageVersionRecord = request.deletion ? { ...kept, state: "Accepted" } : kept;
  const all = bothFailures(request, ending);
  const left = workBeforeEnd(after, id, request, all);
  if (left === undefined) return ended(after, decidedEnd(endOf(after, id), all, consequence));
  const { until, ...what } = left;
  return endLater(
    after,
    id,
    {
      ...omit(request, "appliedTime", "release", "deletion"),
      patch: {},
      ...what,
      ending: all,
    },
    `${all.kind === "canceled" ? "Canceled." : sentence(all.message)} It ends once ${until}.`,
    time,
  );
}

/** Fails these operations; the others continue. */
export function fails(
  record: ImageVersionRecord,
  ids: readonly string[],
  failure: OperationFailure,
  time: Time,
): Outcome {
  const isThere = record.status !== undefined;
  const endingOf = (request: VersionRequest | undefined) =>
    ({
      kind: "failed",
      ...(request ? namingSnapshots(failure, request, isThere, time.now) : failure),
    }) as const;
  return goingOn(
    forEach(record, ids, (next, id) =>
      endDecided(next, id, endingOf(next.requests[id]), time, failure.message),
    ),
  );
}

/** This step's message also served the others, so they continue with another one. */
export function goingOn({ record, happened }: Outcome): Outcome {
  const isOver = Object.keys(record.requests).length === 0;
  return { record, happened, ...(!isOver && { waitMs: 0 }) };
}

/** The cleanup to do first, and its description. */
function workBeforeEnd(
  record: ImageVersionRecord,
  operationId: string,
  request: VersionRequest,
  ending: Ending,
): (Pick<VersionRequest, "release"> & { readonly until: string }) | undefined {
  const { before } = request.deletion ?? {};
  // What others did to latest since then stays.
  const { by } = record.write?.release ?? record.release ?? {};
  if (before !== undefined && by === "deletion")
    return {
      release: { kind: "set", release: before },
      until: "the version is in latest again as it was",
    };
  if (request.ending !== undefined) return undefined;
  if (ending.kind === "canceled" && isToBeExcluded(record, operationId, request))
    return { release: OUT, until: untilOut(request) };
  const isLeft =
    record.status !== undefined &&
    Object.keys(record.requests).length === 1 &&
    (isRepairing(record) || mustShut(record));
  return isLeft ? { until: "regions removed for a repair are added back" } : undefined;
}

/** What a canceled creation waits for. */
export function untilOut({ allowNoLatest }: VersionRequest): string {
  return `the version is excluded from latest${allowNoLatest === true ? "" : " wherever another version takes over"}`;
}

/**
 * Invariant 3: unless another operation has set the release since, or this was an update of an
 * existing version.
 */
function isToBeExcluded(
  { write, status, publishedDate, ...record }: ImageVersionRecord,
  operationId: string,
  { creates, sent, life }: VersionRequest,
): boolean {
  return (
    creates === true &&
    sent === true &&
    !openRequests(record).some(
      ([id, { release }]) => id !== operationId && release !== undefined,
    ) &&
    (write?.creates === true ||
      (status !== undefined && (life === undefined || life === publishedDate)))
  );
}

/** The outcome is decided; cleanup comes first. */
export function endLater(
  record: ImageVersionRecord,
  id: string,
  request: VersionRequest & { readonly ending: Ending },
  message: string,
  time: Time,
): Outcome {
  return {
    record: withRequest(record, id, request),
    happened: [{ kind: "endsLater", ids: [id], ending: request.ending, message }],
    ...untilQuiet(record, time),
  };
}

/** The earlier outcome counts. If the cleanup failed too, both are reported. */
function bothFailures({ ending: before }: VersionRequest, now: Ending): Ending {
  if (before === undefined) return now;
  return before.kind === "failed" && now.kind === "failed" && now.message !== before.message
    ? {
        ...before,
        message: `${sentence(before.message)} The remaining work could not be done: ${now.message}`,
        errors: [...before.errors, ...now.errors],
      }
    : before;
}

/** `consequence`: for a canceled operation, what happens to what it has begun. */
export function decidedEnd(
  end: ReturnType<typeof endOf>,
  ending: Ending,
  consequence?: string,
): End {
  return ending.kind === "canceled"
    ? { ...end, kind: "canceled", by: ending.by, consequence }
    : { ...end, ...ending };
}
