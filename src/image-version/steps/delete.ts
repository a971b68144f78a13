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
import type { TransitionContext } from "../../operation/ports.js";
import type {
  OperationFailure,
  SoftDeleteRecord,
} from "../../operation/records.js";
import { commitStep, contextOf } from "../../operation/steps.js";
import { poll } from "../../operation/waiting.js";
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
  deleteTaken,
  deletionInVain,
  deletionIn,
  type Deletion,
} from "../state/deletion.js";
import { decideDeletion } from "../state/decide-deletion.js";
import type { OperationReason } from "../state/ends.js";
import type { ImageVersionPair } from "../state/record.js";
import { see } from "../state/see.js";
import { isFinal } from "../state/states.js";
import { withFindings } from "../state/proven.js";
import { postponeOrEnd } from "./postpone.js";
import { reasonOf, sendStored } from "./send.js";

export async function takeDeletionStep(
  deps: StepDependencies,
  stored: StoredVersion,
  id: ImageVersionId,
  deletion: Deletion,
): Promise<void> {
  const operationId = deletion.operation.id;
  const inVain = (pair: ImageVersionPair, failure: OperationFailure) =>
    deletionInVain(pair, operationId, failure, contextOf(deps));
  let reading: Reading;
  try {
    reading = await readingOf(deps, stored, id);
  } catch (error) {
    return postponeOrEnd(deps, stored, error, {
      // What was sent is followed, whether or not it can be seen.
      end: (pair, failure) =>
        pair.record.write?.deletes === true
          ? poll(pair, failure.message, contextOf(deps), deps.pace.pollMaxMs)
          : inVain(pair, failure),
    });
  }
  const { look } = reading;
  const time = contextOf(deps);
  const sees = (pair: ImageVersionPair): ImageVersionPair =>
    see(pair, look, time, { isListed: reading.isListed }).pair;
  const commits = (
    transition: (
      pair: ImageVersionPair,
      context: TransitionContext,
    ) => ImageVersionPair,
  ): Promise<StoredVersion | undefined> =>
    commitStep(deps, stored, (pair) => transition(sees(pair), contextOf(deps)));
  const seen = sees(stored);
  const present = deletionIn(seen);
  if (isFinal(seen.record.state) || present === undefined)
    return void (await commits((pair, context) =>
      isFinal(pair.record.state)
        ? pair
        : advance(pair, context, { patch: {}, waitMs: 0 }),
    ));
  const decided = decideDeletion(
    seen.record,
    present,
    {
      isAbsent: look === undefined && !reading.isListed,
      reason: reading.reason,
    },
    deps.useDelayMs,
    time,
  );
  switch (decided.kind) {
    case "taken":
      return void (await commits((pair, context) =>
        deleteTaken(pair, operationId, undefined, context),
      ));
    case "wait":
      return void (await commits((pair, context) =>
        poll(pair, decided.why, context, decided.waitMs),
      ));
    case "inVain":
      return void (await commits((pair) => inVain(pair, decided.failure)));
    case "deleted": {
      const softDelete = await softDeletionOf(deps, id, deletion);
      const message = `${decided.message} ${undoOf(softDelete)}`.trim();
      await commits((pair, context) =>
        deleted(pair, operationId, { message, softDelete }, context),
      );
      return deps.looks.forget(id, imageIdOf(id));
    }
    case "send":
      if (look === undefined) return;
      return ask(deps, stored, id, present, look, sees);
  }
}

interface Reading {
  readonly look: Look | undefined;
  readonly isListed: boolean;
  /** Why the DELETE that ARM has accepted has come to nothing, where it says so. */
  readonly reason: OperationReason | undefined;
}

/** Throws what the reads throw. */
async function readingOf(
  deps: Dependencies,
  { record }: StoredVersion,
  id: ImageVersionId,
): Promise<Reading> {
  const look = await lookAt(deps, id);
  const isAnswered =
    record.write?.deletes === true && record.write.answer === "accepted";
  return {
    look,
    isListed:
      look === undefined &&
      (await isListed(id, (image) =>
        deps.resourceManager.listImageVersions(image),
      )),
    reason:
      isAnswered && look !== undefined && look.provisioningState !== "Deleting"
        ? await reasonOf(deps, record)
        : undefined,
  };
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
  const { request, operation } = deletion;
  const inVain = (pair: ImageVersionPair, failure: OperationFailure) =>
    deletionInVain(pair, operation.id, failure, contextOf(deps));
  let named: readonly Finding[];
  try {
    named = await mustStillBeDeleted(deps, id, deletion, look);
  } catch (error) {
    return postponeOrEnd(deps, stored, error, { prepare: sees, end: inVain });
  }
  const mine = await commitStep(deps, stored, (pair) =>
    beginDelete(
      withFindings(sees(pair), [operation.id], named),
      operation.id,
      contextOf(deps),
    ),
  );
  if (mine === undefined) return;
  // A rollback that was stored before that commit is seen by the judgement, or now. One that is stored after it is refused.
  if (
    request.machine === true &&
    (await rollbackTarget(deps, imageIdOf(id))) === id.versionName
  )
    return postponeOrEnd(deps, mine, kept(LED_TO), { end: inVain });
  await sendStored(
    deps,
    mine,
    () =>
      deps.resourceManager.deleteImageVersion(
        id,
        request.deletion.bypassSoftDelete && { bypassSoftDelete: true },
      ),
    {
      accepted: (pair, url, context) =>
        deleteTaken(pair, operation.id, url, context),
      refused: inVain,
    },
  );
}

/** Throws where it is not to be deleted now; answers what is to be told of the regions that have no latest then. */
async function mustStillBeDeleted(
  deps: StepDependencies,
  id: ImageVersionId,
  deletion: Deletion,
  look: Look,
): Promise<readonly Finding[]> {
  const { machine = false, guarded, allowNoLatest: allows } = deletion.request;
  // What a policy keeps for that it judges itself.
  const allowNoLatest = allows === true || machine;
  const taking = takingBy(id, deletion, look);
  const lost = await lostAtLast(deps, taking, { allowNoLatest });
  if (guarded === true)
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

/** For people: until when it can be undone. */
function undoOf({
  isSoftDeleteEnabled,
  softDeletedTime,
  consumptionEndTime,
  hardDeletionTargetTime,
}: SoftDeleteRecord = {}): string {
  if (isSoftDeleteEnabled === undefined) return "";
  if (!isSoftDeleteEnabled) return "It cannot be restored.";
  if (softDeletedTime === undefined)
    return "Azure does not list it yet among the deleted versions, from which it can be restored.";
  const until = (time: string | undefined): string =>
    time === undefined ? "" : ` until ${time}`;
  return `It can be restored${until(hardDeletionTargetTime)}; machines can be made of it by its number${until(consumptionEndTime)}.`;
}
