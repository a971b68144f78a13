/**
 * A canceled operation leaves the fold: Sigil writes nothing more for it. What Azure has accepted
 * stays, and is reported. Pure. Invariant: a DELETE or restore that was sent may still be carried
 * out, and the operation ends once its outcome is known.
 */
import { omit } from "../../objects.js";
import { TOGETHER } from "../../operation/canceling.js";
import type { Requester } from "../../operation/records.js";
import { endDecided, endLater, goingOn, untilOut } from "./ending.js";
import type { Time } from "./confirmed.js";
import { requestsOf } from "./fold.js";
import { nothing, type Outcome } from "./happened.js";
import {
  DELETE_SENT,
  GOES_ON,
  isFinal,
  NOTHING_DELETED,
  NOTHING_SENT,
  RESTORE_SENT,
} from "./states.js";
import {
  withRequest,
  type Ending,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { leavesLatest, OUT } from "./sparing.js";

/** Undefined if nothing is left to end. */
export function decideCancel(
  record: ImageVersionRecord,
  id: string,
  by: Requester,
  time: Time,
  { why = "", allowNoLatest = false }: Canceling = {},
): Outcome | undefined {
  const asked = record.requests[id];
  if (isFinal(record.state) || asked === undefined) return undefined;
  // `allowNoLatest` of the request itself does not apply to its cancel.
  const { allowNoLatest: isAllowed = false, ...rest } = asked;
  const request = { ...rest, ...(allowNoLatest && { allowNoLatest }) };
  if (request.ending !== undefined)
    return allowNoLatest && !isAllowed && leavesLatest(request)
      ? outEverywhere(record, id, { ...request, ending: request.ending }, time)
      : nothing(record);
  const ending = { kind: "canceled", by, time: time.now.toISOString() } as const;
  const sent = sentAlready(record, request);
  if (sent !== undefined)
    return endLater(record, id, { ...request, ending }, `Canceled. ${sent}`, time);
  const consequence = [why, consequenceOf(record, request)].filter(Boolean).join(" ");
  const after = endDecided(withRequest(record, id, request), id, ending, time, consequence);
  return id in after.record.requests ? after : goingOn(after);
}

export interface Canceling {
  /** A sentence to report as well. */
  readonly why?: string;
  /** A canceled creation leaves latest everywhere. */
  readonly allowNoLatest?: boolean;
}

/** Canceled again: regions that it spared are no longer spared. */
function outEverywhere(
  record: ImageVersionRecord,
  id: string,
  request: VersionRequest & { readonly ending: Ending },
  time: Time,
): Outcome {
  const asked = { ...omit(request, "appliedTime"), release: OUT };
  return endLater(record, id, asked, `Canceled. It ends once ${untilOut(request)}.`, time);
}

function sentAlready(
  { write }: ImageVersionRecord,
  { deletion }: VersionRequest,
): string | undefined {
  if (write?.restores === true) return RESTORE_SENT;
  return deletion && write?.deletes ? DELETE_SENT : undefined;
}

/** A write that ARM refused for now is not in flight. */
function consequenceOf(
  { status, write, requests }: ImageVersionRecord,
  { sent, deletion }: VersionRequest,
): string {
  if (deletion !== undefined) return NOTHING_DELETED;
  if (sent !== true || (status ?? write) === undefined) return NOTHING_SENT;
  return Object.keys(requests).length === 1 ? GOES_ON : TOGETHER;
}

/** Operations whose cancel waits for Azure. */
export function cancelingIds(record: ImageVersionRecord): readonly string[] {
  return requestsOf(record).flatMap(([id, { ending }]) =>
    ending?.kind === "canceled" ? [id] : [],
  );
}
