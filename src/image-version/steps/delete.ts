/**
 * One step of a deletion: look at the version, ask who needs it, send the DELETE. What comes next is decided in state/deletion.ts,
 * whose invariants hold here. Invariants:
 *  1. The DELETE is sent only by whoever stored that for this step, after a look of this very step has shown the life that is to be
 *     deleted.
 *  2. Of a guarded version no DELETE is sent before nobody was seen who needs it, scale sets in Azure Resource Manager itself, nor of
 *     what a retention policy has begun unless that would delete the version still. What could not be seen is no pass.
 *  3. Deleted is told only after several looks in a row at which ARM answered 404, and where its list lacks the version, too.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { advance } from "../../operation/advance.js";
import type {
  OperationFailure,
  OperationRecord,
  SoftDeleteRecord,
} from "../../operation/records.js";
import { commitStep, contextOf } from "../../operation/steps.js";
import { pollDelayMs } from "../../operation/waiting.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type {
  Dependencies,
  StepDependencies,
  StoredVersion,
} from "../ports.js";
import { factsIn, latestIn } from "../latest/flags.js";
import { releasedIn } from "../latest/release.js";
import {
  latestFindings,
  lostAtLast,
  wouldLoseLatest,
  type LatestTaking,
} from "../preflight/latest.js";
import { mustNotBeNeeded } from "../preflight/use.js";
import { regionsIn } from "../properties/fields.js";
import { deletedVersion } from "../queries/deleted-versions.js";
import { isListed, lookAt } from "../queries/look-at.js";
import type { Look } from "../resources.js";
import { rollbackTarget } from "../rollback/target.js";
import {
  beginDelete,
  deleted,
  deletePostponed,
  deleteTaken,
  deletionInVain,
  deletionIn,
  type Deletion,
} from "../state/deletion.js";
import { decideDeletion } from "../state/decide-deletion.js";
import type { ImageVersionPair } from "../state/record.js";
import { see } from "../state/see.js";
import { isFinal } from "../state/states.js";
import { withFindings } from "../state/proven.js";
import { isUnanswered, postponeOrEnd } from "./postpone.js";

export async function takeDeletionStep(
  deps: StepDependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  deletion: Deletion,
): Promise<void> {
  const inVain = (pair: ImageVersionPair, failure: OperationFailure) =>
    deletionInVain(pair, present(pair, deletion), failure, contextOf(deps));
  let look: Look | undefined;
  let listed = false;
  let reason: { readonly code: string; readonly message: string } | undefined;
  try {
    look = await lookAt(deps, id);
    if (look === undefined)
      listed = await isListed(id, (image) =>
        deps.resourceManager.listImageVersions(image),
      );
    reason = await reasonOf(deps, stored, deletion, look);
  } catch (error) {
    return postponeOrEnd(deps, stored, error, {
      // What was sent is followed, whether or not it can be seen.
      end: (pair, failure) =>
        deletion.request.deletion.sentTime === undefined
          ? inVain(pair, failure)
          : advance(pair, contextOf(deps), {
              patch: {},
              waits: failure.message,
              waitMs: deps.pace.pollMaxMs,
            }),
    });
  }
  const time = contextOf(deps);
  const sees = (pair: ImageVersionPair): ImageVersionPair =>
    see(pair, look, time, { isListed: listed }).pair;
  const seen = sees(stored);
  if (isFinal(seen.record.state) || deletionIn(seen) === undefined)
    return void (await commitStep(deps, stored, (pair) => {
      const next = sees(pair);
      return isFinal(next.record.state)
        ? next
        : advance(next, contextOf(deps), { patch: {}, waitMs: 0 });
    }));
  if (reason !== undefined) {
    const { code, message } = reason;
    return void (await commitStep(deps, stored, (pair) =>
      inVain(sees(pair), {
        code,
        message: `Azure has not deleted the version. It says: ${message}`,
        errors: [{ code, pointer: "", message }],
      }),
    ));
  }
  const decided = decideDeletion(
    seen.record,
    present(seen, deletion),
    look === undefined && !listed,
    deps.useDelayMs,
    time,
  );
  switch (decided.kind) {
    case "wait":
      return void (await commitStep(deps, stored, (pair) => {
        const next = sees(pair);
        const isTaken =
          look?.provisioningState === "Deleting" &&
          present(next, deletion).request.deletion.acceptedTime === undefined;
        return isTaken
          ? deleteTaken(
              next,
              present(next, deletion),
              undefined,
              contextOf(deps),
            )
          : advance(next, contextOf(deps), {
              patch: { ticks: next.record.ticks + 1 },
              waits: decided.why,
              waitMs:
                decided.waitMs ?? pollDelayMs(next.record.ticks, deps.pace),
            });
      }));
    case "inVain":
      return void (await commitStep(deps, stored, (pair) =>
        inVain(sees(pair), decided.failure),
      ));
    case "deleted":
      return end(deps, stored, id, deletion, sees, decided.message);
    case "send":
      if (look === undefined) return;
      return ask(deps, stored, id, deletion, look, sees);
  }
}

/** The deletion as it is when its step is committed: a person may have taken it over meanwhile. */
function present(pair: ImageVersionPair, deletion: Deletion): Deletion {
  return deletionIn(pair) ?? deletion;
}

/** Invariant 3. */
async function end(
  deps: Dependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  deletion: Deletion,
  sees: (pair: ImageVersionPair) => ImageVersionPair,
  message: string,
): Promise<void> {
  const softDelete = await softDeletionOf(deps, id, deletion);
  const late = await neededAfter(deps, id, deletion);
  await commitStep(deps, stored, (pair) => {
    const next = sees(pair);
    const { operation, request } = present(next, deletion);
    const told: OperationRecord = {
      ...operation,
      ...(softDelete && { softDelete }),
      ...(late.length > 0 && {
        warnings: [...(operation.warnings ?? []), ...late],
      }),
    };
    return deleted(
      next,
      { request, operation: told },
      `${message} ${undoOf(told)}`.trim(),
      contextOf(deps),
    );
  });
  deps.looks.forget(id, imageIdOf(id));
}

/** Invariant 2: it is asked once more, then the DELETE is sent. */
async function ask(
  deps: StepDependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  deletion: Deletion,
  look: Look,
  sees: (pair: ImageVersionPair) => ImageVersionPair,
): Promise<void> {
  const inVain = (pair: ImageVersionPair, failure: OperationFailure) =>
    deletionInVain(pair, present(pair, deletion), failure, contextOf(deps));
  let named: readonly Finding[];
  try {
    named = await mustStillBeDeleted(deps, id, deletion, look);
  } catch (error) {
    return postponeOrEnd(deps, stored, error, {
      prepare: sees,
      // Of a deletion that a person has taken over meanwhile no policy decides.
      end: (pair, failure) =>
        failure.code === "KeptByRetention" &&
        present(pair, deletion).request.machine !== true
          ? advance(pair, contextOf(deps), { patch: {}, waitMs: 0 })
          : inVain(pair, failure),
    });
  }
  const mine = await commitStep(deps, stored, (pair) => {
    const next = sees(pair);
    const told = withFindings(next, [deletion.operation.id], named);
    return beginDelete(told, present(told, deletion), contextOf(deps));
  });
  if (mine === undefined) return;
  // A rollback that was stored before that commit is seen by the judgement, or now. One that is stored after it is refused.
  if (
    present(mine, deletion).request.machine === true &&
    (await rollbackTarget(deps, imageIdOf(id))) === id.versionName
  )
    return postponeOrEnd(deps, mine, kept(LED_TO), {
      prepare: (pair) => deletePostponed(pair, deletion.operation.id),
      end: inVain,
    });
  let url: string | undefined;
  try {
    url = await deps.resourceManager.deleteImageVersion(
      id,
      deletion.request.deletion.bypassSoftDelete && { bypassSoftDelete: true },
    );
  } catch (error) {
    return postponeOrEnd(deps, mine, error, {
      ...(!isUnanswered(error) && {
        prepare: (pair: ImageVersionPair) =>
          deletePostponed(pair, deletion.operation.id),
      }),
      end: inVain,
    });
  }
  await commitStep(deps, mine, (pair) =>
    deleteTaken(pair, present(pair, deletion), url, contextOf(deps)),
  );
}

/** Throws where it is not to be deleted now; answers what is to be told of the regions that have no latest then. */
async function mustStillBeDeleted(
  deps: StepDependencies,
  id: ImageVersionId,
  deletion: Deletion,
  look: Look,
): Promise<readonly Finding[]> {
  const { machine = false, deletion: asked } = deletion.request;
  // What a policy keeps for that it judges itself.
  const allowNoLatest = deletion.request.allowNoLatest === true || machine;
  const taking = takingBy(id, deletion, look);
  const lost = await lostAtLast(deps, taking, { allowNoLatest });
  if (asked.guarded === true)
    await mustNotBeNeeded(deps, {
      id,
      latestIn: lost?.map(({ region }) => region),
      pointer: "",
      confirms: true,
    });
  if (lost !== undefined && lost.length > 0 && !allowNoLatest)
    throw wouldLoseLatest(id.versionName, lost);
  const why = machine ? await deps.keptByPolicy(id) : undefined;
  if (why !== undefined) throw kept(why);
  return latestFindings(lost ?? [], true);
}

/** It is out of latest already where it is guarded: what counts is where it was before. */
function takingBy(
  id: ImageVersionId,
  { request: { deletion } }: Deletion,
  { resource }: Look,
): LatestTaking {
  const before =
    deletion.before === undefined
      ? latestIn(resource)
      : releasedIn(deletion.before, regionsIn(factsIn(resource)));
  return { id, before, after: [] };
}

const LED_TO = "A rollback that is running leads to it.";

function kept(why: string): ServiceError {
  return new ServiceError(
    "KeptByRetention",
    `The retention policy that has begun the deletion keeps the version now: ${why}`,
  );
}

/** Why the DELETE came to nothing, where ARM says so: an explanation holds up nothing else. */
async function reasonOf(
  deps: Dependencies,
  { record: { armOperationUrl } }: StoredVersion,
  { request: { deletion } }: Deletion,
  look: Look | undefined,
): Promise<{ code: string; message: string } | undefined> {
  if (
    look === undefined ||
    look.provisioningState === "Deleting" ||
    deletion.acceptedTime === undefined ||
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

/** Until when it can be undone, where Azure says so now: that holds up nothing. */
async function softDeletionOf(
  deps: Dependencies,
  id: ImageVersionId,
  { operation: { softDelete } }: Deletion,
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
  { request: { deletion } }: Deletion,
): Promise<readonly Finding[]> {
  if (deletion.guarded !== true || deletion.sentTime === undefined) return [];
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
