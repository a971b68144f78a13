/** What is left to do when an operation is canceled that has begun. Pure. */
import { advance } from "../../operation/advance.js";
import { cancel } from "../../operation/canceling.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { Requester } from "../../operation/records.js";
import { isFinal } from "./states.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import {
  sentLast,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { untilQuiet } from "./accepting.js";

/**
 * An operation that has begun is canceled. Where others go on, or nothing is left undone, it ends at once. Else its end
 * comes when the version is as it should be: a region that was taken away is added back, the permission to remove
 * regions is taken back, and a version that was being made is excluded from latest.
 */
export function beginCancel(
  pair: ImageVersionPair,
  operationId: string,
  by: Requester,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const { record } = pair;
  const request = record.requests[operationId];
  if (request === undefined || isFinal(record.state)) return undefined;
  if (request.decided !== undefined) return pair;
  if (record.members.length > 0)
    return withoutRequest(cancel(pair, operationId, by, context), operationId);
  const changes = leavesUndone(record, request);
  if (changes === undefined)
    return withoutRequest(cancel(pair, operationId, by, context), operationId);
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
  return advance(
    { ...pair, record: { ...record, requests: { [operationId]: decided } } },
    context,
    {
      patch: {},
      operation: { canceledBy: by },
      state: "Canceling",
      message:
        "Canceled: it ends once the version is left as it should be, when Azure has done with what was sent.",
      waitMs: untilQuiet(record, context),
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
  { created }: VersionRequest,
): VersionRequest["changes"] | undefined {
  if (created === true && (record.exists || sentLast(record) !== undefined))
    return { [EXCLUDE_FROM_LATEST]: true };
  const away = Object.values(record.repairs).some(
    ({ removed }) => removed !== undefined,
  );
  return away || record.opened ? {} : undefined;
}
