/**
 * The deletion of a version beside what is being done with it. Pure. It goes before everything that is queued: ARM takes a
 * DELETE while it creates or updates the version, and gives that up (OperationPreempted). Invariants:
 *  1. What has begun ends in the commit that notes that ARM has taken the DELETE, and not before: where ARM refuses it, or
 *     the deletion is canceled first, all goes on as if nobody had asked for it.
 *  2. While the DELETE is under way, the deletion is a member of what has begun, and the record's state is Deleting. Canceled
 *     then, it is not sent again, and ends once it is known whether Azure carries it out.
 */
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event, type Ending } from "../../operation/advance.js";
import { cancellation } from "../../operation/canceling.js";
import { failure as failed } from "../../operation/failing.js";
import { endOne } from "../../operation/members.js";
import type { TransitionContext } from "../../operation/ports.js";
import type {
  OperationFailure,
  OperationRecord,
} from "../../operation/records.js";
import { pollDelayMs } from "../../operation/waiting.js";
import { NOTHING_ASKED } from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import { started, untilQuiet } from "./accepting.js";
import { endedLife, lifeOver } from "./adoption.js";
import { includedAgain } from "./guarding.js";
import { deletes, inTurn } from "./queue.js";
import { isDeleting } from "./states.js";
import {
  batchOf,
  sentLast,
  type ImageVersionPair,
  type ImageVersionRecord,
  type QueuedRequest,
  type VersionRequest,
  type VersionState,
} from "./record.js";

/** The deletion whose turn it is: it has begun, or is the first in the queue. */
export function deletionIn({
  record,
  operation,
}: ImageVersionPair): QueuedRequest | undefined {
  const [first] = record.queued;
  if (isDeleting(record.state)) {
    // One before it was canceled, and is about to include the version in latest again.
    const begun = [operation, ...record.members].findLast(deletes);
    if (begun !== undefined)
      return {
        operation: begun,
        request: record.requests[begun.id] ?? NOTHING_ASKED,
      };
  }
  return first !== undefined && deletes(first.operation) ? first : undefined;
}

/** The deletions go before all else. The next step sends the DELETE: at once, where no PUT is under way. */
export function deleteNext(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const { record, operation } = pair;
  const first: ImageVersionPair = {
    ...pair,
    record: { ...record, queued: inTurn(record.queued) },
  };
  const isUnderWay =
    (record.state === "Creating" || record.state === "Updating") &&
    sentLast(record)?.outcome === "unknown";
  // Whoever has sent the PUT notes its answer, and with that the next step comes.
  return isUnderWay || deletes(operation)
    ? first
    : advance(first, context, { patch: {}, ...untilQuiet(record, context) });
}

/** The DELETE may be sent once this is stored, by whoever stored it. */
export function beginDelete(
  pair: ImageVersionPair,
  { operation, request }: QueuedRequest,
  context: TransitionContext,
): ImageVersionPair {
  const { deletionTakenTime: _, deletionSent, ...record } = pair.record;
  const before = deletionSent?.time;
  const again = record.state === "Deleting";
  const waited = record.queued.some((one) => one.operation.id === operation.id);
  return advance(
    {
      ...pair,
      record: waited ? withMember(record, operation, request) : record,
    },
    context,
    {
      patch: {
        state: "Deleting",
        consecutiveNotFound: 0,
        ticks: again ? record.ticks + 1 : 0,
        deletionSent: {
          time: context.now.toISOString(),
          ...(before !== undefined && { before }),
        },
      },
      ...(!again && {
        message: waited
          ? `Operation ${operation.id} is to delete the version: the delete request is sent to Azure Resource Manager.`
          : "The delete request is sent to Azure Resource Manager.",
      }),
      ...(again && {
        waits:
          "Azure Resource Manager does not delete the version: the delete request is sent again.",
      }),
      waitMs: context.pace.putTimeoutMs * 2,
      effects: again
        ? []
        : [
            event(
              operation,
              context,
              IMAGE_VERSION_EVENT.deleting,
              "deleting",
              {},
            ),
          ],
    },
  );
}

function withMember(
  record: ImageVersionRecord,
  operation: OperationRecord,
  request: VersionRequest,
): ImageVersionRecord {
  return {
    ...record,
    queued: record.queued.filter((one) => one.operation.id !== operation.id),
    members: [...record.members, operation],
    requests: { ...record.requests, [operation.id]: request },
  };
}

/** ARM has taken the DELETE, or is seen to delete the version. */
export function deleteTaken(
  pair: ImageVersionPair,
  deletion: QueuedRequest,
  armOperationUrl: string | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const alone = aloneWith(pair, deletion, context);
  const { armOperationUrl: _, deletionSent: __, ...record } = alone.record;
  return advance({ ...alone, record }, context, {
    patch: {
      state: "Deleting",
      deletionTakenTime: context.now.toISOString(),
      ...(armOperationUrl !== undefined && { armOperationUrl }),
    },
    waits: "Azure Resource Manager has accepted the delete request.",
    waitMs: pollDelayMs(record.ticks, context.pace),
  });
}

/** ARM has refused the DELETE, for now or for good: what became of one before it may not be known yet. */
export function deleteRefused(pair: ImageVersionPair): ImageVersionPair {
  const { deletionSent, ...record } = pair.record;
  const time = deletionSent?.before;
  return {
    ...pair,
    record: {
      ...record,
      ...(time !== undefined && { deletionSent: { time } }),
    },
  };
}

/** ARM has taken the DELETE, or may have: none that it has refused. */
export function mayBeDeleted({
  state,
  deletionTakenTime,
  deletionSent,
}: ImageVersionRecord): boolean {
  return (
    state === "Deleting" &&
    (deletionTakenTime !== undefined || deletionSent !== undefined)
  );
}

/** How long the DELETE that has no answer may be carried out yet, though a look shows the version at rest; 0 or less: no more. */
export function unansweredMs(
  { deletionSent }: Pick<ImageVersionRecord, "deletionSent">,
  { now, pace }: Pick<TransitionContext, "now" | "pace">,
): number {
  return deletionSent === undefined
    ? 0
    : Date.parse(deletionSent.time) + pace.staleMs - now.getTime();
}

/** Invariant 1: all but the deletion ends. */
function aloneWith(
  pair: ImageVersionPair,
  { operation: deletion, request }: QueuedRequest,
  context: TransitionContext,
): ImageVersionPair {
  const { record, operation } = pair;
  // The current one last: with its end the deletion leads.
  const others = [...record.members, operation].filter(
    ({ id }) => id !== deletion.id,
  );
  if (others.length === 0) return pair;
  const isCanceledCreation = others.some(({ id }) => {
    const { created, heir, decided } = record.requests[id] ?? {};
    return heir === true || (created === true && decided?.kind === "canceled");
  });
  const alone = others.reduce(
    (before, other) =>
      endOne(
        before,
        other.id,
        overtaken(record, other, deletion, context),
        context,
      ),
    pair,
  );
  return {
    ...alone,
    record: {
      ...started(record.key, record.resourceId, alone.record, context),
      requests: {
        [deletion.id]: {
          ...request,
          // Should Azure not delete the version after all, that is left to the deletion.
          ...(isCanceledCreation && { heir: true }),
        },
      },
    },
  };
}

function overtaken(
  { requests, regions }: ImageVersionRecord,
  operation: OperationRecord,
  deletion: OperationRecord,
  context: TransitionContext,
): Ending {
  const message = `Operation ${deletion.id} deletes the version`;
  const { decided } = requests[operation.id] ?? {};
  if (decided?.kind === "canceled")
    return cancellation(operation, `${message}.`, decided.by, context);
  const superseded = {
    code: "Superseded",
    message: `${message}: its regions are no longer followed.`,
    errors: [],
  };
  return failed(operation, decided ?? superseded, regions, context);
}

/** The deletion ends, and what had begun before it goes on; undefined where nothing had. */
export function withoutDeletion(
  pair: ImageVersionPair,
  { operation: deletion }: QueuedRequest,
  ending: Ending,
  context: TransitionContext,
): ImageVersionPair | undefined {
  const { record, operation } = pair;
  const waited = record.queued.some(
    ({ operation: { id } }) => id === deletion.id,
  );
  const others = [operation, ...record.members].some(
    ({ id }) => id !== deletion.id,
  );
  if (!others) return undefined;
  const { [deletion.id]: _, ...requests } = record.requests;
  const left = { ...record, requests };
  return advance(
    endOne({ ...pair, record: left }, deletion.id, ending, context),
    context,
    {
      patch: waited
        ? {}
        : { state: stateOf(left), consecutiveNotFound: 0, ticks: 0 },
      message: `Operation ${deletion.id} has ended ${ending.status}: operations that had begun before it go on.`,
      ...untilQuiet(record, context),
    },
  );
}

/** What had begun goes on from where it was: what is not sent yet is proven anew. */
function stateOf(record: ImageVersionRecord): VersionState {
  const { outcome, sentFor = [] } = sentLast(record) ?? {};
  const batch = batchOf(record);
  if (batch.some(([id]) => !sentFor.includes(id))) return "Accepted";
  if (outcome !== "unknown") return "Replicating";
  return record.exists ? "Updating" : "Creating";
}

/** What is to be sent before a deletion may end that came to nothing, and that nothing had begun beside; undefined where nothing is. */
export function leftUndone(
  record: ImageVersionRecord,
  request: VersionRequest,
): VersionRequest["changes"] | undefined {
  const { exists, opened, repairs } = record;
  if (!exists) return undefined;
  if (request.heir === true) return { [EXCLUDE_FROM_LATEST]: true };
  const again = includedAgain(request, record);
  if (again !== undefined) return again;
  const away = Object.values(repairs).some(
    ({ removed }) => removed !== undefined,
  );
  return away || opened ? {} : undefined;
}

/** How a deletion ends that has succeeded. */
export function deletionEnding(
  operation: OperationRecord,
  message: string,
  context: TransitionContext,
): Ending {
  return {
    status: "Succeeded",
    message,
    event: event(
      operation,
      context,
      IMAGE_VERSION_EVENT.deleted,
      "deleted",
      {},
    ),
  };
}

/** The version is gone. What was known of it was of a life that has ended. */
export function deleted(
  pair: ImageVersionPair,
  deletion: QueuedRequest,
  message: string,
  context: TransitionContext,
): ImageVersionPair {
  const alone = withoutAskedBefore(
    aloneWith(pair, deletion, context),
    deletion,
    context,
  );
  const {
    lastApplied: _,
    observed: __,
    publishedDate,
    lastAttempt: ____,
    writes: _________,
    overriddenRule: _____,
    unmanaged: ______,
    deletionTakenTime: _______,
    deletionSent: __________,
    excludedByCancel: ________,
    ...record
  } = alone.record;
  const life = deletion.request.publishedDate ?? publishedDate;
  const { softDelete, warnings } = deletion.operation;
  return advance({ ...alone, record }, context, {
    patch: {
      ...lifeOver(life, record, context.now),
      ...endedLife(alone.record, context.now),
      state: "Deleted",
      exists: false,
      opened: false,
      repairs: {},
      requests: {},
      updates: 0,
      consecutiveNotFound: 0,
    },
    operation: {
      ...(softDelete && { softDelete }),
      ...(warnings && { warnings }),
    },
    message,
    effects: [
      event(
        deletion.operation,
        context,
        IMAGE_VERSION_EVENT.deleted,
        "deleted",
        { ...(softDelete && { softDelete }) },
      ),
    ],
  });
}

/** What was asked of the life that has ended makes nothing again after it. */
function withoutAskedBefore(
  pair: ImageVersionPair,
  { request: deletion }: QueuedRequest,
  context: TransitionContext,
): ImageVersionPair {
  const life = deletion.publishedDate ?? pair.record.publishedDate;
  return pair.record.queued
    .filter(
      ({ operation, request }) =>
        !deletes(operation) &&
        (request.publishedDate === undefined ||
          life === undefined ||
          request.publishedDate === life),
    )
    .reduce(
      (before, { operation, request: { decided } }) =>
        endOne(
          before,
          operation.id,
          decided?.kind === "canceled"
            ? cancellation(operation, "It was deleted.", decided.by, context)
            : failed(operation, GONE, [], context),
          context,
        ),
      pair,
    );
}

/** What helps where a version is gone. */
export const HAVE_IT_AGAIN =
  "Where its gallery has soft delete, restore it with POST …/restore; else create it with its PUT and the header If-None-Match: *.";

const GONE: OperationFailure = {
  code: "ImageVersionGone",
  message: `The version was deleted before the request's turn came. ${HAVE_IT_AGAIN}`,
  errors: [],
};
