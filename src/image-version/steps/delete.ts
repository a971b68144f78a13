/**
 * Deletes a version, and knows it deleted only when ARM shows it no longer, look after look. Invariants:
 *  1. Deleted is reached only from several looks in a row at which ARM answered 404.
 *  2. A DELETE of which the outcome is unknown is sent again once ARM shows the version and is not deleting it: deleting
 *     twice is deleting once.
 */
import { ServiceError } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import { end, postponeOrFail } from "../../operation/postponing.js";
import { contextOf, commitStep } from "../../operation/steps.js";
import { pollDelayMs } from "../../operation/waiting.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import type { ImageVersionPair } from "../state/record.js";
import type { ObservedImageVersion } from "../resources.js";

/** Consecutive 404s that prove a version deleted: one may come of a replica of ARM that is ahead of the others. */
const NOT_FOUND_OF_DELETED = 3;

export async function takeDeletionStep(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<void> {
  let shown: ObservedImageVersion | undefined;
  try {
    shown = await deps.resourceManager.getImageVersion(id);
  } catch (error) {
    return postponeOrFail(deps, stored, error);
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
  // What is not there may be on its way: a DELETE is sent once, whatever ARM shows.
  if (
    stored.record.state === "Deleting" &&
    (shown === undefined || shown.provisioningState === "Deleting")
  ) {
    const gone = shown === undefined;
    await commitStep(deps, stored, (pair) => look(pair, gone, contextOf(deps)));
    // Who reads here sees it gone at once; another instance within half a minute.
    if (gone) deps.looks.forget(id, imageIdOf(id));
    return;
  }
  const mine = await commitStep(deps, stored, (pair) =>
    beginDeletion(pair, contextOf(deps)),
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
        ...(url !== undefined && { armOperationUrl: url }),
      },
      waitMs: deps.pace.pollInitialMs,
    }),
  );
}

/** Why the DELETE came to nothing, where ARM says so: an explanation holds up nothing else. */
async function reasonOf(
  deps: Dependencies,
  { record: { state, armOperationUrl } }: StoredVersion,
  shown: ObservedImageVersion | undefined,
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
  const { armOperationUrl: _, ...record } = pair.record;
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

/** Invariant 1. What was known of the version was of a life that has ended. */
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
      resumes: true,
      waitMs: gone
        ? context.pace.pollInitialMs
        : pollDelayMs(ticks, context.pace),
    });
  const {
    lastApplied: _,
    observed: __,
    publishedDate: ___,
    lastAttempt: ____,
    overriddenRule: _____,
    unmanaged: ______,
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
      consecutiveNotFound,
    },
    message: `Azure Resource Manager has answered ${consecutiveNotFound} times in a row that the version does not exist.`,
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
