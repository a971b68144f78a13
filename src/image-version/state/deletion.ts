/**
 * The deletion of a version, beside what is being done with it. Pure. ARM is asked once it is idle; a guarded version leaves latest
 * first, and nobody may need it. Example:
 *
 *   DeletionRequested ──▶ Updating, Replicating   it leaves latest, as by a demotion, and the delay passes
 *                     ──▶ Deleting                nobody needs it: the DELETE is sent, and accepted
 *                     ──▶ Deleted                 Azure shows it no longer, look after look, and does not list it
 *                         or Failed               it is in latest again as it was
 *
 * Invariants:
 *  1. What has begun ends in the commit that notes that ARM has taken the DELETE, and not before.
 *  2. Where a guarded deletion comes to nothing, the version is in latest again as it was.
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
import type { Release } from "../latest/release.js";
import { requestsOf } from "./fold.js";
import { gone, isOfOtherLife, isOtherLife } from "./fact.js";
import { endDecided } from "./ends.js";
import type {
  DeletionRequest,
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "./record.js";
import { goingOn } from "./write.js";

export interface Deletion {
  readonly operation: OperationRecord;
  readonly request: VersionRequest & { readonly deletion: DeletionRequest };
}

/** The deletion whose turn it is: a guarded one, once the version is out of latest, or gone. */
export function deletionIn({
  record,
  operation,
}: ImageVersionPair): Deletion | undefined {
  for (const [id, request] of requestsOf(record)) {
    const { deletion, release, appliedTime } = request;
    const { status } = record;
    if (deletion === undefined) continue;
    // What others have made under the number is not held back: the one that was to be deleted is gone.
    if (
      release !== undefined &&
      appliedTime === undefined &&
      status !== undefined &&
      !isOfOtherLife(request, status)
    )
      continue;
    const found = [operation, ...record.members].find((one) => one.id === id);
    if (found !== undefined)
      return { operation: found, request: { ...request, deletion } };
  }
  return undefined;
}

export interface OpenDeletion {
  readonly id: string;
  /** Its policy judges it again before the DELETE is sent. */
  readonly isByPolicy: boolean;
}

/** The operation that is to delete the version, whether or not its turn has come; none that was canceled. */
export function openDeletionIn(
  record: ImageVersionRecord,
): OpenDeletion | undefined {
  const found = requestsOf(record).find(
    ([, { deletion, decided }]) =>
      deletion !== undefined && decided === undefined,
  );
  return (
    found && {
      id: found[0],
      isByPolicy:
        found[1].machine === true && found[1].deletion?.sentTime === undefined,
    }
  );
}

/** The release that a guarded deletion has taken the version out of, and gives back where it comes to nothing; undefined: none has. */
export function releaseBeforeDeletion(
  record: ImageVersionRecord,
): Release | undefined {
  return requestsOf(record).find(
    ([, { deletion, appliedTime }]) =>
      deletion?.before !== undefined && appliedTime !== undefined,
  )?.[1].deletion?.before;
}

/** The DELETE may be sent once this is stored, by whoever stored it. */
export function beginDelete(
  pair: ImageVersionPair,
  { operation, request }: Deletion,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const isAgain = request.deletion.sentTime !== undefined;
  return advance(
    withDeletion(pair, operation.id, {
      ...request.deletion,
      sentTime: context.now.toISOString(),
    }),
    context,
    {
      patch: {
        state: "Deleting",
        ticks: isAgain ? record.ticks + 1 : 0,
      },
      ...(isAgain
        ? {
            waits:
              "Azure Resource Manager does not delete the version: the delete request is sent again.",
          }
        : {
            message: `The delete request${record.members.length > 0 ? ` of operation ${operation.id}` : ""} is sent to Azure Resource Manager.`,
          }),
      waitMs: context.pace.putTimeoutMs * 2,
      effects: isAgain
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

function withDeletion(
  pair: ImageVersionPair,
  id: string,
  deletion: DeletionRequest,
): ImageVersionPair {
  const { record } = pair;
  const request = record.requests[id];
  return request === undefined
    ? pair
    : {
        ...pair,
        record: {
          ...record,
          requests: { ...record.requests, [id]: { ...request, deletion } },
        },
      };
}

/** ARM has taken the DELETE, or is seen to delete the version. Invariant 1. */
export function deleteTaken(
  pair: ImageVersionPair,
  deletion: Deletion,
  armOperationUrl: string | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const { id } = deletion.operation;
  const alone = withDeletion(aloneWith(pair, deletion, context), id, {
    ...deletion.request.deletion,
    acceptedTime: context.now.toISOString(),
  });
  const { armOperationUrl: _, ...record } = alone.record;
  return advance({ ...alone, record }, context, {
    patch: {
      state: "Deleting",
      ...(armOperationUrl !== undefined && { armOperationUrl }),
    },
    waits: "Azure Resource Manager has accepted the delete request.",
    waitMs: pollDelayMs(record.ticks, context.pace),
  });
}

/** ARM has refused the DELETE, for now: none is under way. */
export function deletePostponed(
  pair: ImageVersionPair,
  id: string,
): ImageVersionPair {
  const { sentTime: _, ...deletion } = pair.record.requests[id]?.deletion ?? {};
  return withDeletion(pair, id, deletion);
}

function aloneWith(
  pair: ImageVersionPair,
  { operation: deletion }: Deletion,
  context: TransitionContext,
): ImageVersionPair {
  const { record, operation } = pair;
  // The current one last: with its end the deletion leads.
  const others = [...record.members, operation].filter(
    ({ id }) => id !== deletion.id,
  );
  return others.reduce((before, other) => {
    const { [other.id]: request, ...requests } = before.record.requests;
    return endOne(
      { ...before, record: { ...before.record, requests } },
      other.id,
      superseded(request, record, other, deletion, context),
      context,
    );
  }, pair);
}

function superseded(
  request: VersionRequest | undefined,
  { regions }: ImageVersionRecord,
  operation: OperationRecord,
  deletion: OperationRecord,
  context: TransitionContext,
): Ending {
  const message = `Operation ${deletion.id} deletes the version`;
  const { decided } = request ?? {};
  return decided?.kind === "canceled"
    ? cancellation(operation, `${message}.`, decided.by, context)
    : failed(
        operation,
        decided ?? {
          code: "Superseded",
          message: `${message}: its regions are no longer followed.`,
          errors: [],
        },
        regions,
        context,
      );
}

/** The version is gone, by whomever. What was achieved was of a life that has ended. */
export function deleted(
  pair: ImageVersionPair,
  deletion: Deletion,
  message: string,
  context: TransitionContext,
): ImageVersionPair {
  const { operation } = deletion;
  const { softDelete, warnings } = operation;
  const { status } = pair.record;
  const isThere =
    status !== undefined &&
    isOtherLife(
      {
        publishedDate: deletion.request.life ?? pair.record.publishedDate ?? "",
      },
      status,
    );
  const alone = aloneWith(pair, deletion, context);
  const {
    spec: _,
    release: __,
    rollout: ___,
    ...record
  } = gone(alone.record, context);
  const told = event(
    operation,
    context,
    IMAGE_VERSION_EVENT.deleted,
    "deleted",
    {
      ...(softDelete && { softDelete }),
    },
  );
  return advance(
    {
      ...alone,
      record: {
        ...record,
        ...(isThere && status && { status }),
        requests: {},
        updates: 0,
      },
    },
    context,
    {
      patch: { state: "Deleted" },
      operation: {
        ...(softDelete && { softDelete }),
        ...(warnings && { warnings }),
      },
      message,
      effects: [told],
    },
  );
}

/** The deletion comes to nothing. What had begun beside it goes on. Invariant 2. */
export function deletionInVain(
  pair: ImageVersionPair,
  { operation: { id } }: Deletion,
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const request = record.requests[id];
  if (request === undefined) return pair;
  const decided = request.decided ?? { kind: "failed" as const, ...failure };
  const { deletion, appliedTime, release: _, ...rest } = request;
  const before = deletion?.before;
  if (
    before === undefined ||
    appliedTime === undefined ||
    record.status === undefined
  )
    return goingOn(
      endDecided(
        { ...pair, record: { ...record, state: leftState(pair) } },
        id,
        decided,
        context,
      ),
      context,
    );
  return advance(
    {
      ...pair,
      record: {
        ...record,
        requests: {
          ...record.requests,
          [id]: { ...rest, decided, release: { kind: "set", release: before } },
        },
      },
    },
    context,
    {
      patch: { state: "Accepted" },
      state: decided.kind === "canceled" ? "Canceling" : "Failing",
      message: `${failure.message} It ends once the version is in latest again as it was.`,
      concerns: [id],
      waitMs: 0,
    },
  );
}

/** What had begun beside the deletion goes on from where it was. */
export function leftState({
  record,
}: ImageVersionPair): ImageVersionRecord["state"] {
  if (record.members.length === 0) return record.state;
  return record.write === undefined ? "Accepted" : "Replicating";
}
