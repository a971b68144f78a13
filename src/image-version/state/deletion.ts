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
import {
  operationIn,
  type OperationFailure,
  type OperationRecord,
  type SoftDeleteRecord,
} from "../../operation/records.js";
import { pollDelayMs } from "../../operation/waiting.js";
import type { Release } from "../latest/release.js";
import { requestsOf } from "./fold.js";
import { gone, isOfOtherLife, isOtherLife } from "./fact.js";
import { endDecided, endLater } from "./ends.js";
import {
  withRequest,
  type DeletionRequest,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { answered, goingOn, writePostponed } from "./write.js";

export interface Deletion {
  readonly operation: OperationRecord;
  readonly request: VersionRequest & { readonly deletion: DeletionRequest };
}

/** The deletion whose turn it is: a guarded one, once the version is out of latest, or gone. */
export function deletionIn(pair: ImageVersionPair): Deletion | undefined {
  for (const [id, request] of requestsOf(pair.record)) {
    const { deletion, release, appliedTime } = request;
    const { status } = pair.record;
    if (deletion === undefined) continue;
    // What others have made under the number is not held back: the one that was to be deleted is gone.
    if (
      release !== undefined &&
      appliedTime === undefined &&
      status !== undefined &&
      !isOfOtherLife(request, status)
    )
      continue;
    const operation = operationIn(pair, id);
    if (operation !== undefined)
      return { operation, request: { ...request, deletion } };
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
      isByPolicy: found[1].machine === true && record.write?.deletes !== true,
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
  id: string,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const isAgain = record.write !== undefined;
  const operation = operationIn(pair, id);
  return advance(pair, context, {
    patch: {
      state: "Deleting",
      write: {
        changes: {},
        sentTime: context.now.toISOString(),
        answer: "none",
        sentFor: [id],
        deletes: true,
      },
      ticks: isAgain ? record.ticks + 1 : 0,
    },
    ...(isAgain
      ? {
          waits:
            "Azure Resource Manager does not delete the version: the delete request is sent again.",
        }
      : {
          message: `The delete request${record.members.length > 0 ? ` of operation ${id}` : ""} is sent to Azure Resource Manager.`,
        }),
    waitMs: context.pace.putTimeoutMs * 2,
    effects:
      isAgain || operation === undefined
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
  });
}

/** ARM has taken the DELETE, or is seen to delete the version. Invariant 1. */
export function deleteTaken(
  pair: ImageVersionPair,
  id: string,
  armOperationUrl: string | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const alone = aloneWith(pair, id, context);
  const record = answered(alone.record, armOperationUrl);
  return advance({ ...alone, record }, context, {
    patch: { state: "Deleting" },
    waits: "Azure Resource Manager has accepted the delete request.",
    waitMs: pollDelayMs(record.ticks, context.pace),
  });
}

function aloneWith(
  pair: ImageVersionPair,
  id: string,
  context: TransitionContext,
): ImageVersionPair {
  const { record, operation } = pair;
  // The current one last: with its end the deletion leads.
  return [...record.members, operation]
    .filter((one) => one.id !== id)
    .reduce(
      (before, other) =>
        endOne(
          withRequest(before, other.id, undefined),
          other.id,
          superseded(record, other, id, context),
          context,
        ),
      pair,
    );
}

function superseded(
  { requests, regions }: ImageVersionRecord,
  operation: OperationRecord,
  by: string,
  context: TransitionContext,
): Ending {
  const message = `Operation ${by} deletes the version`;
  const { decided } = requests[operation.id] ?? {};
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

/** The version is gone, by whomever. What was achieved was of a life that has ended. `softDelete`: whether it can be undone. */
export function deleted(
  pair: ImageVersionPair,
  id: string,
  { message, softDelete }: DeletionEnd,
  context: TransitionContext,
): ImageVersionPair {
  const { status, publishedDate = "", requests } = pair.record;
  const life = requests[id]?.life ?? publishedDate;
  const isAnotherThere =
    status !== undefined && isOtherLife({ publishedDate: life }, status);
  const alone = aloneWith(pair, id, context);
  const {
    spec: _,
    release: __,
    rollout: ___,
    ...record
  } = gone(alone.record, context);
  return advance(
    {
      ...alone,
      record: {
        ...record,
        ...(isAnotherThere && { status }),
        requests: {},
        updates: 0,
      },
    },
    context,
    {
      patch: { state: "Deleted" },
      operation: { ...(softDelete && { softDelete }) },
      message,
      effects: [
        event(
          alone.operation,
          context,
          IMAGE_VERSION_EVENT.deleted,
          "deleted",
          { ...(softDelete && { softDelete }) },
        ),
      ],
    },
  );
}

export interface DeletionEnd {
  readonly message: string;
  readonly softDelete: SoftDeleteRecord | undefined;
}

/** The deletion comes to nothing. What had begun beside it goes on. Invariant 2. */
export function deletionInVain(
  given: ImageVersionPair,
  id: string,
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const pair =
    given.record.write?.deletes === true
      ? writePostponed(given, context)
      : given;
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
  return endLater(
    { ...pair, record: { ...record, state: "Accepted" } },
    id,
    { ...rest, decided, release: { kind: "set", release: before } },
    `${failure.message} It ends once the version is in latest again as it was.`,
    { waitMs: 0 },
    context,
  );
}

/** What had begun beside the deletion goes on from where it was. */
export function leftState({
  record,
}: ImageVersionPair): ImageVersionRecord["state"] {
  if (record.members.length === 0) return record.state;
  return record.write === undefined ? "Accepted" : "Replicating";
}
