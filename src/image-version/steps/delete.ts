/**
 * Deletes a version, and knows it deleted only when ARM shows it no longer, look after look. Invariants:
 *  1. Deleted is reached only from several looks in a row at which ARM answered 404, or from one that shows a later life.
 *  2. A DELETE of which the outcome is unknown is sent again once ARM shows the version and is not deleting it, and for a
 *     version that was never shown, which may be on its way yet: deleting twice is deleting once.
 *  3. A DELETE is sent only after a look of that very step has shown the life that is to be deleted: another one is others'.
 */
import { ServiceError } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import { end, postponeOrFail } from "../../operation/postponing.js";
import { contextOf, commitStep } from "../../operation/steps.js";
import { pollDelayMs, wait } from "../../operation/waiting.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { lookAt } from "../queries/look-at.js";
import { isBehind, isOfOtherLife } from "../state/adoption.js";
import type { ImageVersionPair } from "../state/record.js";
import type { Look } from "../resources.js";

const BEHIND =
  "Azure Resource Manager shows a version that was under the number before.";

/** Consecutive 404s that prove a version deleted: one may come of a replica of ARM that is ahead of the others. */
const NOT_FOUND_OF_DELETED = 3;

export async function takeDeletionStep(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<void> {
  const { record, operation } = stored;
  let shown: Look | undefined;
  try {
    shown = await lookAt(deps, id);
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
  if (shown !== undefined && isBehind(record, shown)) {
    await commitStep(deps, stored, (pair) =>
      wait(pair, BEHIND, deps.pace.pollMaxMs, contextOf(deps)),
    );
    return;
  }
  // Invariant 3.
  if (
    shown !== undefined &&
    isOfOtherLife(record, record.requests[operation.id], shown)
  ) {
    const { publishedDate } = shown;
    await commitStep(deps, stored, (pair) =>
      deleted(
        pair,
        `Azure has another version under the number now, published ${publishedDate}: the one that was to be deleted is gone, and the other is left as it is.`,
        contextOf(deps),
      ),
    );
    deps.looks.forget(id, imageIdOf(id));
    return;
  }
  const failure = await reasonOf(deps, stored, shown);
  if (failure !== undefined) {
    const { code, message } = failure;
    return end(deps, stored, {
      code,
      message: `Azure has not deleted the version. It says: ${message}`,
      errors: [{ code, pointer: "", message }],
    });
  }
  // Invariant 2.
  if (
    record.state === "Deleting" &&
    (shown === undefined
      ? record.observed !== undefined || record.deletionTaken === true
      : shown.provisioningState === "Deleting")
  ) {
    const seen = shown;
    await commitStep(deps, stored, (pair) =>
      look(withLook(pair, seen), seen === undefined, contextOf(deps)),
    );
    // Who reads here sees it gone at once; another instance within half a minute.
    if (seen === undefined) deps.looks.forget(id, imageIdOf(id));
    return;
  }
  const mine = await commitStep(deps, stored, (pair) =>
    beginDeletion(withLook(pair, shown), contextOf(deps)),
  );
  if (mine === undefined) return;
  let url: string | undefined;
  try {
    url = await deps.resourceManager.deleteImageVersion(id);
  } catch (error) {
    return postponeOrFail(deps, mine, error);
  }
  await commitStep(deps, mine, (pair) =>
    advance(pair, contextOf(deps), {
      patch: {
        state: "Deleting",
        ticks: 0,
        deletionTaken: true,
        ...(url !== undefined && { armOperationUrl: url }),
      },
      waitMs: deps.pace.pollInitialMs,
    }),
  );
}

/** What is shown is what is known; the life that is to be deleted is known from the first look on. */
function withLook(
  pair: ImageVersionPair,
  shown: Look | undefined,
): ImageVersionPair {
  if (shown === undefined) return pair;
  const { publishedDate } = shown;
  return {
    ...pair,
    record: {
      ...pair.record,
      observed: shown,
      ...(publishedDate !== undefined && { publishedDate }),
    },
  };
}

/** Why the DELETE came to nothing, where ARM says so: an explanation holds up nothing else. */
async function reasonOf(
  deps: Dependencies,
  { record: { state, armOperationUrl } }: StoredVersion,
  shown: Look | undefined,
): Promise<{ code: string; message: string } | undefined> {
  if (
    shown === undefined ||
    shown.provisioningState === "Deleting" ||
    state !== "Deleting" ||
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

/** The DELETE may be sent once this is stored, by whoever stored it. */
function beginDeletion(
  pair: ImageVersionPair,
  context: TransitionContext,
): ImageVersionPair {
  const again = pair.record.state === "Deleting";
  const { armOperationUrl: _, deletionTaken: __, ...record } = pair.record;
  return advance({ ...pair, record }, context, {
    patch: {
      state: "Deleting",
      consecutiveNotFound: 0,
      ticks: again ? record.ticks + 1 : 0,
    },
    ...(!again && {
      message: "The delete request is sent to Azure Resource Manager.",
    }),
    waitMs: context.pace.putTimeoutMs * 2,
    effects: again
      ? []
      : [
          event(
            pair.operation,
            context,
            IMAGE_VERSION_EVENT.deleting,
            "deleting",
            {},
          ),
        ],
  });
}

/** Invariant 1. */
function look(
  pair: ImageVersionPair,
  gone: boolean,
  context: TransitionContext,
): ImageVersionPair {
  const consecutiveNotFound = gone ? pair.record.consecutiveNotFound + 1 : 0;
  const ticks = pair.record.ticks + 1;
  if (consecutiveNotFound < NOT_FOUND_OF_DELETED)
    return advance(pair, context, {
      patch: { state: "Deleting", consecutiveNotFound, ticks },
      waits: gone
        ? "Azure Resource Manager does not show the version: further looks make sure."
        : "Azure Resource Manager deletes the version.",
      waitMs: gone
        ? context.pace.pollInitialMs
        : pollDelayMs(ticks, context.pace),
    });
  return deleted(
    pair,
    `Azure Resource Manager has answered ${consecutiveNotFound} times in a row that the version does not exist.`,
    context,
  );
}

/** What was known of the version was of a life that has ended. */
function deleted(
  pair: ImageVersionPair,
  message: string,
  context: TransitionContext,
): ImageVersionPair {
  const {
    lastApplied: _,
    observed: __,
    publishedDate: ___,
    lastAttempt: ____,
    overriddenRule: _____,
    unmanaged: ______,
    deletionTaken: _______,
    ...record
  } = pair.record;
  return advance({ ...pair, record }, context, {
    patch: {
      state: "Deleted",
      exists: false,
      opened: false,
      repairs: {},
      requests: {},
      updates: 0,
      consecutiveNotFound: 0,
    },
    message,
    effects: [
      event(
        pair.operation,
        context,
        IMAGE_VERSION_EVENT.deleted,
        "deleted",
        {},
      ),
    ],
  });
}
