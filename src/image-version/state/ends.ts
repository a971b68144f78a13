/**
 * Continues and ends operations by a confirmed look, each on its own. Pure. Invariants, in addition
 * to those of applied.ts, failures.ts and ending.ts:
 *  1. An operation is Succeeded only if it is applied, and each of its regions is Completed.
 */
import { omit } from "../../objects.js";
import type { RegionRecord } from "../../operation/records.js";
import { PROMOTION } from "../properties/table.js";
import { hasFailed, type Look } from "../resources.js";
import { withApplications } from "./applied.js";
import { decidedEnd, endDecided, endOf, ended } from "./ending.js";
import { failuresBy, type OperationReason } from "./failures.js";
import { isRepairing } from "./fold.js";
import type { Confirmed, Time } from "./confirmed.js";
import { forEach, inTurn, nothing, type End, type Outcome } from "./happened.js";
import { withFindings } from "./proven.js";
import { withRequest, type ImageVersionRecord, type VersionRequest } from "./record.js";
import { afterCancel } from "./sparing.js";
import { ruleStays, stayingFlags } from "./staying.js";

/** Applies a confirmed look: ends the operations that it ends, and applies those that it shows. */
export function goOnBy(
  record: ImageVersionRecord,
  confirmed: Confirmed,
  reason: OperationReason | undefined,
  time: Time,
): Outcome {
  const isMadeBySigil = record.write !== undefined || confirmed.write?.fate === "shown";
  const isOthers = confirmed.life === "begun" && !isMadeBySigil;
  return inTurn(
    record,
    () =>
      forEach(record, failuresBy(record, confirmed), (next, [id, failure]) =>
        endDecided(next, id, { kind: "failed", ...failure }, time, failure.message),
      ),
    (next) => forEach(next, isOthers ? Object.entries(next.requests) : [], adopting),
    (next) => withApplications(next, time),
    (next) => forEach(next, Object.keys(next.requests), (one, id) => settled(one, id, reason)),
  );
}

/**
 * A creation that meets others' version, which is as requested, sets no release and no rule, like
 * any PUT of an existing version.
 */
function adopting(
  record: ImageVersionRecord,
  [id, asked]: readonly [string, VersionRequest],
): Outcome {
  const { status } = record;
  if (asked.creates !== true) return nothing(record);
  const request = omit(asked, "creates", "release");
  const { [PROMOTION]: rule, ...patch } = request.patch;
  return withFindings(
    withRequest(record, id, { ...request, patch }),
    [id],
    [
      ...(request.body && status ? stayingFlags(request.body, status.resource) : []),
      ...(rule === undefined ? [] : [ruleStays()]),
    ],
  );
}

/** Ends an operation that has nothing to wait for; the last one ends the record's work. */
function settled(
  record: ImageVersionRecord,
  id: string,
  reason: OperationReason | undefined,
): Outcome {
  const request = record.requests[id];
  const end = request && endingOf(record, id, request, reason);
  return end === undefined ? nothing(record) : ended(record, end);
}

function endingOf(
  record: ImageVersionRecord,
  id: string,
  request: VersionRequest,
  reason: OperationReason | undefined,
): End | undefined {
  const { status, requests } = record;
  const { appliedTime, deletion, ending } = request;
  if (appliedTime === undefined || deletion !== undefined || status === undefined) return undefined;
  const isLast = Object.keys(requests).length === 1;
  if (isLast && isRepairing(record)) return undefined; // Invariant 1 of ending.ts.
  const end = endOf(record, id);
  if (ending !== undefined) return decidedEnd(end, ending, afterCancel(request));
  const { regions } = end;
  if (regions.some((region) => isOpen(record, region, status))) return undefined;
  return namesOfFailed(regions).length > 0 || isGivenUp(record, regions, status)
    ? { ...end, kind: "replicationFailed", reason, request }
    : { ...end, kind: "succeeded", failed: namesOfFailed(record.regions) };
}

function namesOfFailed(regions: readonly RegionRecord[]): readonly string[] {
  return regions.filter(({ state }) => state === "Failed").map(({ name }) => name);
}

/** Whether the region is waiting for its copy, a second look, or its repair. */
function isOpen(
  { repairs }: ImageVersionRecord,
  { name, state, unconfirmed }: RegionRecord,
  status: Look,
): boolean {
  const { removed, lost, dueTime } = repairs[name] ?? {};
  return (
    (state !== "Completed" && state !== "Failed") ||
    unconfirmed !== undefined ||
    (state === "Completed" && hasFailed(status, name)) ||
    (removed !== undefined && lost !== true) ||
    (state === "Failed" && dueTime !== undefined)
  );
}

/**
 * Whether ARM has given the version up although each of its regions has its copy, so that nothing
 * would ever follow.
 */
function isGivenUp(
  { regions }: ImageVersionRecord,
  own: readonly RegionRecord[],
  status: Look,
): boolean {
  const isOwn = (name: string): boolean => own.some((one) => one.name === name);
  return (
    own.length > 0 &&
    status.provisioningState === "Failed" &&
    regions.every(({ state }) => state === "Completed") &&
    // A failed region that nobody requested through Sigil.
    !status.regions.some(({ name }) => !isOwn(name) && hasFailed(status, name))
  );
}
