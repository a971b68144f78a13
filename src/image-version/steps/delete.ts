/**
 * Deletes a version, and knows it deleted only when ARM shows it no longer, look after look. Invariants:
 *  1. Deleted is reached only from several looks in a row at which ARM answered 404, and where none was taken from a list that
 *     lacks it, too; or from a look that shows a later life.
 *  2. A DELETE of which the outcome is unknown is sent again once ARM shows the version and is not deleting it, and for a
 *     version that was never shown, which may be on its way yet: deleting twice is deleting once.
 *  3. A DELETE is sent only after a look of that very step has shown the life that is to be deleted: another one is others'.
 *  4. No DELETE is sent while a PUT of Sigil's may be under way.
 *  5. Of a guarded version no DELETE is sent before it was excluded from latest, the delay has passed since, and nobody was seen who
 *     needs it, scale sets in Azure Resource Manager itself (guarding.ts). What a retention policy has begun is done only while
 *     that would delete the version still. What could not be seen is no pass. All of it is asked before each DELETE.
 *  6. Once it is canceled, or is to be kept, no DELETE is sent. It ends when a look shows the version at rest, and no DELETE that
 *     was sent can be under way any more, or shows it gone.
 *  7. Of a guarded version, which may be in latest, and in use, and of one that Azure has shown before, beside which nothing has
 *     begun, no look that shows none sends the first DELETE.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { cancellation } from "../../operation/canceling.js";
import { failure as failed } from "../../operation/failing.js";
import type { TransitionContext } from "../../operation/ports.js";
import { advance } from "../../operation/advance.js";
import type {
  OperationFailure,
  OperationRecord,
  SoftDeleteRecord,
} from "../../operation/records.js";
import { contextOf, commitStep } from "../../operation/steps.js";
import { pollDelayMs, wait } from "../../operation/waiting.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type {
  Dependencies,
  StepDependencies,
  StoredVersion,
} from "../ports.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { mustNotBeNeeded } from "../preflight/use.js";
import { isGone, lookAt } from "../queries/look-at.js";
import { latestRegions, latestRegionsWith } from "../queries/use.js";
import { rollbackTarget } from "../rollback/target.js";
import { untilQuiet } from "../state/accepting.js";
import {
  BEHIND,
  isBehind,
  isNotMeant,
  known,
  mayBeFromBefore,
} from "../state/adoption.js";
import {
  beginDelete,
  deleted,
  deleteRefused,
  deleteTaken,
  deletionEnding,
  deletionIn,
  leftUndone,
  unansweredMs,
  withoutDeletion,
} from "../state/deleting.js";
import {
  dueTimeOf,
  excludeFirst,
  isExcludedEverywhere,
  withRuleAgain,
} from "../state/guarding.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  QueuedRequest,
} from "../state/record.js";
import { attemptAfter, latestOf } from "../state/attempts.js";
import { see } from "../state/see.js";
import type { Look } from "../resources.js";
import { isUnanswered, postponeOrEnd } from "./end-batch.js";

const DELAYED =
  "Azure Resource Graph may not show yet who uses the version: it is asked once that has passed.";

const LISTED =
  "Azure Resource Manager does not show the version, and lists it, or has made or restored it a few minutes ago: the answer may be older than that.";

const INCLUDED =
  "Azure Resource Manager shows the version in latest, as before Sigil has excluded it; or others have included it again: the next polls decide.";

const TAKEN =
  "Azure Resource Manager has accepted the delete request, but does not show the deletion yet.";

const UNANSWERED =
  "The delete request that was sent has no answer: whether Azure carries it out is not known yet.";

/** Consecutive 404s that prove a version deleted: one may come of a replica of ARM that is ahead of the others. */
const NOT_FOUND_OF_DELETED = 3;

export async function takeDeletionStep(
  deps: StepDependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  deletion: QueuedRequest,
): Promise<void> {
  const { record } = stored;
  const { decided, guard, byPolicy } = deletion.request;
  const isDecided = decided !== undefined;
  const refuse = (pair: ImageVersionPair, failure: OperationFailure) =>
    deletionRefused(pair, present(pair, deletion), failure, contextOf(deps));
  // Invariant 6.
  const keep = (pair: ImageVersionPair, failure: OperationFailure) =>
    unansweredMs(pair.record, contextOf(deps)) > 0
      ? keptWhereItCan(pair, present(pair, deletion), failure, contextOf(deps))
      : refuse(pair, failure);
  // Of what a person has taken over meanwhile the next step judges nothing.
  const keepByPolicy = (pair: ImageVersionPair, failure: OperationFailure) =>
    present(pair, deletion).request.byPolicy === true
      ? keep(pair, failure)
      : advance(pair, contextOf(deps), { patch: {}, waitMs: 0 });
  // Invariant 4.
  const quiet = untilQuiet(record, contextOf(deps));
  if (record.state !== "Deleting" && quiet.waits !== undefined)
    return later(deps, stored, quiet.waits, quiet.waitMs);
  let shown: Look | undefined;
  try {
    shown = await lookAt(deps, id);
  } catch (error) {
    if (isDecided && error instanceof ServiceError)
      return later(
        deps,
        stored,
        error.message,
        error.retryAfterMs ?? deps.pace.pollMaxMs,
      );
    return postponeOrEnd(deps, stored, error, { end: refuse });
  }
  if (shown !== undefined && isBehind(record, shown))
    return later(deps, stored, BEHIND, deps.pace.pollMaxMs);
  // Invariant 3.
  if (shown !== undefined && isNotMeant(record, deletion.request, shown)) {
    const other = `another version under the number now, published ${shown.publishedDate}`;
    await commitStep(deps, stored, (pair) =>
      deletion.request.absent === true &&
      mayBeFromBefore(shown, deletion.operation.createdTime)
        ? refuse(pair, {
            code: "ChangedOutside",
            message: `When the deletion was asked Azure showed no version, and it has ${other}, which others have made at about that time. It is left as it is: send the request again if it is meant for that version.`,
            errors: [],
          })
        : gone(
            pair,
            present(pair, deletion),
            `Azure has ${other}: the one that was to be deleted is gone, and the other is left as it is.`,
            contextOf(deps),
          ),
    );
    deps.looks.forget(id, imageIdOf(id));
    return;
  }
  const reason = await reasonOf(deps, stored, shown);
  if (reason !== undefined) {
    const { code, message } = reason;
    await commitStep(deps, stored, (pair) =>
      refuse(withLook(pair, shown, contextOf(deps)), {
        code,
        message: `Azure has not deleted the version. It says: ${message}`,
        errors: [{ code, pointer: "", message }],
      }),
    );
    return;
  }
  const leftMs = unansweredMs(record, contextOf(deps));
  const isUnseen =
    shown === undefined &&
    !isDecided &&
    // Beside others that have begun it goes on as if it were there.
    (guard === undefined
      ? record.observed !== undefined && record.state === "DeletionRequested"
      : record.state !== "Deleting");
  // Invariants 2 and 7.
  if (
    isUnseen ||
    (record.state === "Deleting" &&
      (shown === undefined
        ? record.deletionTakenTime !== undefined || (isDecided && leftMs <= 0)
        : shown.provisioningState === "Deleting"))
  ) {
    const isLast = shown === undefined && isLastLook(record);
    const list = (imageId: string) =>
      deps.resourceManager.listImageVersions(imageId);
    try {
      if (isLast && !(await isGone(deps, id, record, list)))
        return later(deps, stored, LISTED, deps.pace.pollInitialMs);
    } catch (error) {
      return postponeOrEnd(deps, stored, error, { end: refuse });
    }
    const softDelete = isLast
      ? await softDeletionOf(deps, id, deletion)
      : deletion.operation.softDelete;
    const late = isLast ? await neededAfter(deps, id, deletion) : [];
    await commitStep(deps, stored, (pair) => {
      const { operation, request } = present(pair, deletion);
      return look(
        withLook(pair, shown, contextOf(deps)),
        {
          request,
          operation: {
            ...operation,
            ...(softDelete && { softDelete }),
            ...(late.length > 0 && {
              warnings: [...(operation.warnings ?? []), ...late],
            }),
          },
        },
        shown === undefined,
        contextOf(deps),
      );
    });
    // Who reads here sees it gone at once; another instance within half a minute.
    if (shown === undefined) deps.looks.forget(id, imageIdOf(id));
    return;
  }
  if (isTaken(record, deps))
    return later(deps, stored, TAKEN, deps.pace.pollInitialMs);
  // Invariant 6.
  if (isDecided) {
    if (leftMs > 0)
      return later(
        deps,
        stored,
        UNANSWERED,
        Math.min(leftMs, deps.pace.pollMaxMs),
      );
    await commitStep(deps, stored, (pair) =>
      refuse(
        withLook(pair, shown, contextOf(deps)),
        decided.kind === "failed" ? decided : KEPT,
      ),
    );
    return;
  }
  // Invariant 5.
  if (
    (guard !== undefined || byPolicy === true) &&
    !(await mayBeDeleted(deps, stored, id, deletion, shown, {
      keep,
      keepByPolicy,
    }))
  )
    return;
  const mine = await commitStep(deps, stored, (pair) =>
    beginDelete(
      withLook(pair, shown, contextOf(deps)),
      present(pair, deletion),
      contextOf(deps),
    ),
  );
  if (mine === undefined) return;
  // Invariant 5: a rollback that was stored before that commit is seen by the judgement, or now. One that is stored after it is refused.
  if (
    present(mine, deletion).request.byPolicy === true &&
    (await rollbackTarget(deps, imageIdOf(id))) === id.versionName
  )
    return postponeOrEnd(deps, mine, kept(LED_TO), {
      prepare: deleteRefused,
      end: keepByPolicy,
    });
  let url: string | undefined;
  try {
    url = await deps.resourceManager.deleteImageVersion(
      id,
      deletion.request.bypassSoftDelete && { bypassSoftDelete: true },
    );
  } catch (error) {
    return postponeOrEnd(deps, mine, error, {
      ...(!isUnanswered(error) && { prepare: deleteRefused }),
      end: refuse,
    });
  }
  await commitStep(deps, mine, (pair) =>
    deleteTaken(pair, present(pair, deletion), url, contextOf(deps)),
  );
}

/** The deletion as it is when its step is committed: a person may have taken it over meanwhile. */
function present(
  pair: ImageVersionPair,
  deletion: QueuedRequest,
): QueuedRequest {
  return deletionIn(pair) ?? deletion;
}

const LED_TO = "A rollback that is running leads to it.";

const KEPT: OperationFailure = {
  code: "NotDeleted",
  message: "Azure has not deleted the version, and shows it at rest.",
  errors: [],
};

function isLastLook({
  consecutiveNotFound,
}: Pick<ImageVersionRecord, "consecutiveNotFound">): boolean {
  return consecutiveNotFound + 1 >= NOT_FOUND_OF_DELETED;
}

/** Until when it can be undone, where Azure says so now: that holds up nothing. */
async function softDeletionOf(
  deps: Dependencies,
  id: ImageVersionId,
  { operation: { softDelete } }: QueuedRequest,
): Promise<SoftDeleteRecord | undefined> {
  if (softDelete?.isSoftDeleteEnabled === false) return softDelete;
  try {
    const listed = await deletedVersion(deps, id);
    if (listed === undefined) return softDelete;
    const { name: _, location: __, ...times } = listed;
    return { isSoftDeleteEnabled: true, ...times };
  } catch (error) {
    if (error instanceof ServiceError) return softDelete;
    throw error;
  }
}

/** Who has come to need a guarded version between the last question and its DELETE. It is too late for more than to tell. */
async function neededAfter(
  deps: Dependencies,
  id: ImageVersionId,
  { request }: QueuedRequest,
): Promise<readonly Finding[]> {
  if (request.guard === undefined) return [];
  try {
    await mustNotBeNeeded(deps, {
      id,
      latestIn: [],
      pointer: "",
      confirms: true,
    });
    return [];
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const inUse = error.code === "ImageVersionInUse";
    const names = error.findings.map(({ message }) => message);
    return [
      {
        code: inUse ? "ImageVersionInUse" : "UseUnknown",
        pointer: "",
        message: inUse
          ? `While it was being deleted somebody has come to need it. ${error.message} ${names.join(" ")}`
          : `Whether somebody has come to need it while it was being deleted could not be seen. ${error.message}`,
        severity: "warning",
        remediation:
          "Let what needs it use another version, or restore it where the gallery has soft delete.",
      },
    ];
  }
}

type End = (
  pair: ImageVersionPair,
  failure: OperationFailure,
) => ImageVersionPair;

/** Invariant 5. False where the step has ended otherwise. */
async function mayBeDeleted(
  deps: StepDependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  deletion: QueuedRequest,
  shown: Look | undefined,
  { keep, keepByPolicy }: Record<"keep" | "keepByPolicy", End>,
): Promise<boolean> {
  const { useDelayMs } = deps;
  const { guard, byPolicy } = deletion.request;
  const due = dueTimeOf(deletion.request, useDelayMs);
  const leftMs = due === undefined ? 0 : due - deps.now().getTime();
  // What Sigil has written counts over an older look.
  const seen = latestOf(stored.record, shown, contextOf(deps)) ?? shown;
  const isOut = seen === undefined || isExcludedEverywhere(seen.resource);
  // Others may have included it since, and it may be used again. Where a DELETE was sent, nothing is written.
  const again =
    due !== undefined && !isOut && stored.record.state !== "Deleting";
  const toExclude = guard && (due === undefined || again) ? seen : undefined;
  // No DELETE is sent of what may be in latest again.
  if (
    due !== undefined &&
    leftMs <= 0 &&
    isOut &&
    stored.record.state !== "Deleting" &&
    shown !== undefined &&
    !isExcludedEverywhere(shown.resource)
  ) {
    await later(deps, stored, INCLUDED, deps.pace.pollInitialMs);
    return false;
  }
  let unasked: unknown;
  if (guard !== undefined && (toExclude === undefined || again) && leftMs <= 0)
    try {
      // Excluded for its deletion, it is needed where nothing else has become the latest.
      await mustNotBeNeeded(deps, {
        id,
        latestIn: !isOut
          ? await latestRegions(deps, id)
          : seen === undefined
            ? []
            : await latestRegionsWith(deps, id, seen, guard.was ?? {}),
        pointer: "",
        confirms: true,
      });
    } catch (error) {
      unasked = error;
    }
  try {
    // Last, as the question may take long; its verdict comes first, as nobody need be asked of what is kept.
    const why = byPolicy && (await deps.keptByPolicy(id));
    if (why !== undefined) throw kept(why);
  } catch (error) {
    await postponeOrEnd(deps, stored, error, { end: keepByPolicy });
    return false;
  }
  if (unasked !== undefined)
    await postponeOrEnd(deps, stored, unasked, { end: keep });
  else if (toExclude !== undefined)
    await commitStep(deps, stored, (pair) =>
      excludeFirst(
        withLook(pair, toExclude, contextOf(deps)),
        present(pair, deletion),
        toExclude,
        useDelayMs,
        contextOf(deps),
      ),
    );
  else if (leftMs > 0) await later(deps, stored, DELAYED, leftMs);
  else return true;
  return false;
}

function kept(why: string): ServiceError {
  return new ServiceError(
    "KeptByRetention",
    `The retention policy that has begun the deletion keeps the version now: ${why}`,
  );
}

/** A DELETE that was sent may be carried out yet: it is followed until that is known. */
function keptWhereItCan(
  pair: ImageVersionPair,
  { operation: { id }, request }: QueuedRequest,
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const decided = { kind: "failed" as const, ...failure };
  const requests = { ...record.requests, [id]: { ...request, decided } };
  return advance({ ...pair, record: { ...record, requests } }, context, {
    patch: {},
    state: "Failing",
    message: `${failure.message} The delete request is not sent again. Azure may carry out one that was sent: the operation ends once it is known whether it has, Succeeded if the version is gone.`,
    waitMs: context.pace.pollInitialMs,
  });
}

async function later(
  deps: Dependencies,
  stored: StoredVersion,
  reason: string,
  waitMs: number,
): Promise<void> {
  await commitStep(deps, stored, (pair) =>
    wait(pair, reason, waitMs, contextOf(deps)),
  );
}

/** A look may be older than the DELETE that ARM has taken: another one might meet what others make after it. */
function isTaken(
  { state, deletionTakenTime }: StoredVersion["record"],
  { now, pace }: Pick<Dependencies, "now" | "pace">,
): boolean {
  return (
    state === "Deleting" &&
    deletionTakenTime !== undefined &&
    now().getTime() - Date.parse(deletionTakenTime) < pace.staleMs
  );
}

/**
 * What is seen now is known, and told, as at any look: the deletion may come to nothing. The life that is to be deleted is
 * known from the first look on.
 */
function withLook(
  pair: ImageVersionPair,
  shown: Look | undefined,
  context: TransitionContext,
): ImageVersionPair {
  if (shown === undefined) return pair;
  const { publishedDate } = shown;
  const before = { ...pair, record: known(pair.record, shown) };
  if (shown.provisioningState !== "Deleting") {
    const seen = see(before, shown, undefined, context);
    return { ...seen, record: withLife(seen.record, publishedDate) };
  }
  const lastAttempt = attemptAfter(before.record, shown);
  return {
    ...before,
    record: {
      ...withLife(before.record, publishedDate),
      observed: shown,
      ...(lastAttempt && { lastAttempt }),
    },
  };
}

function withLife(
  record: ImageVersionRecord,
  publishedDate: string | undefined,
): ImageVersionRecord {
  return record.publishedDate !== undefined || publishedDate === undefined
    ? record
    : { ...record, publishedDate };
}

/** Why the DELETE came to nothing, where ARM says so: an explanation holds up nothing else. */
async function reasonOf(
  deps: Dependencies,
  { record: { state, deletionTakenTime, armOperationUrl } }: StoredVersion,
  shown: Look | undefined,
): Promise<{ code: string; message: string } | undefined> {
  if (
    shown === undefined ||
    shown.provisioningState === "Deleting" ||
    state !== "Deleting" ||
    deletionTakenTime === undefined ||
    armOperationUrl === undefined
  )
    return undefined;
  try {
    return await deps.resourceManager.getOperationError(armOperationUrl);
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}

/** The deletion ends, Canceled if that was wished. What had begun before goes on. Where nothing had, the version is left as it should be before the deletion ends. */
function deletionRefused(
  pair: ImageVersionPair,
  deletion: QueuedRequest,
  failure: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const { operation } = deletion;
  const { decided = { kind: "failed", ...failure } } = deletion.request;
  const isCanceled = decided.kind === "canceled";
  const ending = isCanceled
    ? cancellation(operation, failure.message, decided.by, context)
    : failed(operation, failure, record.regions, context);
  const goesOn = withoutDeletion(pair, deletion, ending, context);
  if (goesOn !== undefined) return goesOn;
  const { id } = operation;
  const { appliedTime: _, ...request } =
    record.requests[id] ?? deletion.request;
  const changes = leftUndone(record, request);
  if (changes === undefined)
    return advance(pair, context, {
      patch: { state: isCanceled ? "Canceled" : "Failed" },
      ending: () => ending,
    });
  const requests = {
    ...record.requests,
    [id]: { ...request, changes, decided },
  };
  const left = withRuleAgain({ ...record, requests }, request);
  return advance({ ...pair, record: left }, context, {
    patch: { state: "Accepted" },
    state: isCanceled ? "Canceling" : "Failing",
    message: `${failure.message} It ends once ${
      request.guard === undefined
        ? "regions removed for a repair are added back and an unfinished version is excluded from latest"
        : "it is in latest again as it was"
    }.`,
    waitMs: 0,
  });
}

/** Another life of the version is there: this one's deletion has nothing left to do. */
function gone(
  pair: ImageVersionPair,
  deletion: QueuedRequest,
  message: string,
  context: TransitionContext,
): ImageVersionPair {
  const ending = deletionEnding(deletion.operation, message, context);
  return (
    withoutDeletion(pair, deletion, ending, context) ??
    deleted(pair, deletion, message, context)
  );
}

/** Invariant 1. */
function look(
  pair: ImageVersionPair,
  deletion: QueuedRequest,
  isGone: boolean,
  context: TransitionContext,
): ImageVersionPair {
  const consecutiveNotFound = isGone ? pair.record.consecutiveNotFound + 1 : 0;
  const ticks = pair.record.ticks + 1;
  if (!isGone && pair.record.deletionTakenTime === undefined)
    return deleteTaken(pair, deletion, undefined, context);
  if (!isGone || !isLastLook(pair.record))
    return advance(pair, context, {
      patch: { consecutiveNotFound, ticks },
      waits: isGone
        ? "Azure Resource Manager does not show the version: further polls check it again."
        : "Azure Resource Manager is deleting the version.",
      waitMs: isGone
        ? context.pace.pollInitialMs
        : pollDelayMs(ticks, context.pace),
    });
  return deleted(
    pair,
    deletion,
    `Azure Resource Manager has answered ${consecutiveNotFound} times in a row that the version does not exist. ${undoOf(deletion.operation)}`.trim(),
    context,
  );
}

/** For people: until when it can be undone. */
function undoOf({
  softDelete = {},
}: Pick<OperationRecord, "softDelete">): string {
  const {
    isSoftDeleteEnabled,
    softDeletedTime,
    consumptionEndTime,
    hardDeletionTargetTime,
  } = softDelete;
  if (isSoftDeleteEnabled === undefined) return "";
  if (!isSoftDeleteEnabled) return "It cannot be restored.";
  if (softDeletedTime === undefined)
    return "Azure does not list it yet among the deleted versions, from which it can be restored.";
  const until = (time: string | undefined): string =>
    time === undefined ? "" : ` until ${time}`;
  return `It can be restored${until(hardDeletionTargetTime)}; machines can be made of it by its number${until(consumptionEndTime)}.`;
}
