/**
 * Deletes a version, and knows it deleted only when ARM shows it no longer, look after look. Invariants:
 *  1. Deleted is reached only from several looks in a row at which ARM answered 404.
 *  2. A DELETE of which the outcome is unknown is sent again once ARM shows the version and is not deleting it: deleting
 *     twice is deleting once.
 */
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { advance, event } from "../operation/advance.js";
import type { Moment } from "../operation/ports.js";
import { end, postponeOrFail } from "../operation/postponing.js";
import { momentOf, take } from "../operation/steps.js";
import { pollDelayMs } from "../operation/waiting.js";
import type { ImageVersionId } from "../resource-id.js";
import type {
  Dependencies,
  ObservedImageVersion,
  StoredVersion,
} from "./ports.js";
import type { ImageVersionPair } from "./records.js";

/** Consecutive 404s that prove a version deleted: one may come of a replica of ARM that is ahead of the others. */
const ABSENCES_OF_DELETED = 3;

export async function takeDeletionStep(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
): Promise<void> {
  let observed: ObservedImageVersion | undefined;
  let failure: { code: string; message: string } | undefined;
  try {
    observed = await deps.resourceManager.getImageVersion(id);
    const url = stored.record.armOperationUrl;
    failure =
      observed !== undefined &&
      observed.provisioningState !== "Deleting" &&
      stored.record.state === "Deleting" &&
      url !== undefined
        ? await deps.resourceManager.getOperationError(url)
        : undefined;
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
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
    (observed === undefined || observed.provisioningState === "Deleting")
  ) {
    const gone = observed === undefined;
    await take(deps, stored, (pair) => look(pair, gone, momentOf(deps)));
    return;
  }
  const mine = await take(deps, stored, (pair) =>
    beginDeletion(pair, momentOf(deps)),
  );
  if (mine === undefined) return;
  let url: string | undefined;
  try {
    url = await deps.resourceManager.deleteImageVersion(id);
  } catch (error) {
    return postponeOrFail(deps, mine, error);
  }
  await take(deps, mine, (pair) =>
    advance(pair, momentOf(deps), {
      patch: {
        state: "Deleting",
        ticks: 0,
        ...(url !== undefined && { armOperationUrl: url }),
      },
      waitMs: deps.pace.pollInitialMs,
    }),
  );
}

/** The DELETE may be sent once this is stored, by whoever stored it. */
export function beginDeletion(
  pair: ImageVersionPair,
  moment: Moment,
): ImageVersionPair {
  const again = pair.record.state === "Deleting";
  const { armOperationUrl: _, ...record } = pair.record;
  return advance({ ...pair, record }, moment, {
    patch: {
      state: "Deleting",
      absences: 0,
      ticks: again ? record.ticks + 1 : 0,
    },
    ...(!again && {
      message: "The delete request is sent to Azure Resource Manager.",
    }),
    waitMs: moment.pace.putTimeoutMs * 2,
    effects: again
      ? []
      : [
          event(
            pair.operation,
            moment,
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
  moment: Moment,
): ImageVersionPair {
  const absences = gone ? pair.record.absences + 1 : 0;
  const ticks = pair.record.ticks + 1;
  return absences < ABSENCES_OF_DELETED
    ? advance(pair, moment, {
        patch: { state: "Deleting", absences, ticks },
        waitMs: gone
          ? moment.pace.pollInitialMs
          : pollDelayMs(ticks, moment.pace),
      })
    : advance(pair, moment, {
        patch: { state: "Deleted", made: false, absences },
        message: `Azure Resource Manager has answered ${absences} times in a row that the version does not exist.`,
        effects: [
          event(
            pair.operation,
            moment,
            IMAGE_VERSION_EVENT.deleted,
            "deleted",
            {},
          ),
        ],
      });
}
