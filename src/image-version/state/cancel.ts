/** What is left to do when an operation is canceled that has begun. Pure. */
import { advance } from "../../operation/advance.js";
import { cancel, cancellation } from "../../operation/canceling.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationRecord, Requester } from "../../operation/records.js";
import { deletionIn, withoutDeletion } from "./deleting.js";
import { DELETE_SENT, isFinal, NOTHING_SENT } from "./states.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../properties/table.js";
import {
  sentLast,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { untilQuiet } from "./accepting.js";

/**
 * An operation that has begun is canceled. Where nothing is left undone, or others see to it, it ends at once. Else its end
 * comes when the version is as it should be: a region that was taken away is added back, the permission to remove
 * regions is taken back, and a version that was being made is excluded from latest, whoever else works on it.
 */
export function beginCancel(
  pair: ImageVersionPair,
  operationId: string,
  by: Requester,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const { record } = pair;
  const request = record.requests[operationId];
  if (isFinal(record.state)) return undefined;
  if (request === undefined)
    return record.queued.some(
      (one) =>
        one.operation.id === operationId && one.request.decided !== undefined,
    )
      ? pair
      : undefined;
  if (request.decided !== undefined) return pair;
  const deletion = deletionIn(pair);
  if (deletion?.operation.id === operationId) {
    const { operation } = deletion;
    const ending = cancellation(operation, DELETE_SENT, by, context);
    return withoutDeletion(pair, deletion, ending, context);
  }
  const changes = leavesUndone(record, operationId, request);
  if (changes === undefined)
    return withoutRequest(
      cancel(
        pair,
        operationId,
        by,
        context,
        consequenceOf(record, operationId, request),
      ),
      operationId,
    );
  const { appliedTime: _, ...kept } = request;
  const decided: VersionRequest = {
    ...kept,
    changes,
    repeats: {},
    creates: false,
    byHand: true,
    retries: [],
    decided: { kind: "canceled", by },
  };
  const canceled = (one: OperationRecord): OperationRecord =>
    one.id === operationId ? { ...one, canceledBy: by } : one;
  return advance(
    {
      ...pair,
      operation: canceled(pair.operation),
      record: {
        ...record,
        members: record.members.map(canceled),
        requests: { ...record.requests, [operationId]: decided },
      },
    },
    context,
    {
      patch: {},
      state: "Canceling",
      message:
        "Canceled: it ends once the version is left as it should be, when Azure has done with what was sent.",
      concerns: [operationId],
      ...untilQuiet(record, context),
    },
  );
}

function withoutRequest(
  pair: ImageVersionPair,
  operationId: string,
): ImageVersionPair {
  const { [operationId]: _, ...requests } = pair.record.requests;
  return { ...pair, record: { ...pair.record, requests } };
}

/** What is to be sent before the operation may end; undefined where nothing is. */
function leavesUndone(
  record: ImageVersionRecord,
  operationId: string,
  { created }: VersionRequest,
): VersionRequest["changes"] | undefined {
  if (created === true && (record.exists || sentLast(record) !== undefined))
    return othersOf(record, operationId).some(includesInLatest)
      ? undefined
      : { [EXCLUDE_FROM_LATEST]: true };
  if (record.members.length > 0) return undefined;
  const away = Object.values(record.repairs).some(
    ({ removed }) => removed !== undefined,
  );
  return away || record.opened ? {} : undefined;
}

/** What the other operations ask that are not over. */
function othersOf(
  { requests, queued }: ImageVersionRecord,
  operationId: string,
): readonly VersionRequest[] {
  return [
    ...Object.entries(requests).flatMap(([id, request]) =>
      id === operationId ? [] : [request],
    ),
    ...queued.map(({ request }) => request),
  ].filter(({ decided }) => decided === undefined);
}

/** It says so, or has a rule by which the version is included without anybody's doing. */
function includesInLatest({ changes, repeats }: VersionRequest): boolean {
  const rule = (changes[PROMOTION] ?? repeats[PROMOTION]) as
    { readonly when?: string } | null | undefined;
  return (
    changes[EXCLUDE_FROM_LATEST] === false ||
    (rule != null && rule.when !== "manual")
  );
}

const REFUSED =
  "Azure has refused what was sent for it, and nothing more will be sent.";

/** What Azure has got of an operation; undefined where its state says so, as of what release 0.1.0 has sent. */
function consequenceOf(
  { lastAttempt }: ImageVersionRecord,
  operationId: string,
  { appliedTime }: VersionRequest,
): string | undefined {
  if (appliedTime !== undefined) return undefined;
  if (lastAttempt === undefined) return NOTHING_SENT;
  const { sentFor, outcome } = lastAttempt;
  if (sentFor === undefined) return undefined;
  if (!sentFor.includes(operationId)) return NOTHING_SENT;
  return outcome === "refused" ? REFUSED : undefined;
}
