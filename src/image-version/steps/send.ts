/** What is stored to be sent is sent, and what ARM has answered is stored. */
import { ServiceError } from "../../errors.js";
import type { TransitionContext } from "../../operation/ports.js";
import { commit, contextOf, commitStep } from "../../operation/steps.js";
import { isStateConflict } from "../../operation/outbox.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import type { ImageVersionPair, ImageVersionRecord } from "../state/record.js";
import type { OperationReason } from "../state/failures.js";
import type { Put } from "../state/reconcile.js";
import type { RestoreDecision } from "../state/restoring.js";
import { sendingTaken } from "../state/sending.js";
import {
  answered,
  writeAccepted,
  writePostponed,
  writeRefused,
} from "../state/write.js";
import { postponeOrEnd, type OnError } from "./postpone.js";

interface Answers {
  /** ARM has taken it; `url` is that of its asynchronous operation. */
  readonly accepted: (
    pair: ImageVersionPair,
    url: string | undefined,
    context: TransitionContext,
  ) => ImageVersionPair;
  /** ARM will never take it. */
  readonly refused: OnError["end"];
}

export async function sendStored(
  deps: Dependencies,
  mine: StoredVersion,
  send: () => Promise<string | undefined>,
  { accepted, refused }: Answers,
): Promise<void> {
  let url: string | undefined;
  try {
    url = await send();
  } catch (error) {
    return postponeOrEnd(deps, mine, error, {
      // Nothing has begun.
      ...(isToComeAgain(error) && {
        prepare: (pair: ImageVersionPair) =>
          writePostponed(pair, contextOf(deps)),
      }),
      end: refused,
    });
  }
  const noted = await commitStep(deps, mine, (pair) =>
    accepted(pair, url, contextOf(deps)),
  );
  if (noted === undefined) await noteAccepted(deps, mine, url);
}

/** What became of a request without an answer only a look can tell. */
function isToComeAgain(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    error.retryAfterMs !== undefined &&
    error.code !== "ResourceManagerUnavailable"
  );
}

export function sendPut(
  deps: Dependencies,
  mine: StoredVersion,
  id: ImageVersionId,
  { body }: Put,
): Promise<void> {
  return sendStored(
    deps,
    mine,
    async () => {
      const url = await deps.resourceManager.putImageVersion(id, body);
      deps.looks.forget(id, imageIdOf(id));
      return url;
    },
    { accepted: writeAccepted, refused: writeRefused },
  );
}

export function sendRestore(
  deps: Dependencies,
  mine: StoredVersion,
  id: ImageVersionId,
  { location }: Extract<RestoreDecision, { kind: "restore" }>,
): Promise<void> {
  return sendStored(
    deps,
    mine,
    () => deps.resourceManager.restoreImageVersion(id, location),
    {
      accepted: (pair, url, context) =>
        sendingTaken(pair, "Restoring", url, context),
      refused: writeRefused,
    },
  );
}

/** Somebody has canceled while the PUT was under way: that ARM has taken it is known all the same. */
async function noteAccepted(
  deps: Dependencies,
  { record: { key, write: sent } }: StoredVersion,
  armOperationUrl: string | undefined,
): Promise<void> {
  const stored = await deps.store.read(key);
  const { write } = stored?.record ?? {};
  if (
    stored === undefined ||
    write?.answer !== "none" ||
    write.sentTime !== sent?.sentTime
  )
    return;
  const record = answered(stored.record, armOperationUrl);
  try {
    await commit(deps, { record, operation: stored.operation }, stored);
  } catch (error) {
    // Whoever was faster has it from a look.
    if (!isStateConflict(error)) throw error;
  }
}

/** Why what ARM has accepted has come to nothing, where it says so: an explanation holds up nothing else. */
export async function reasonOf(
  deps: Dependencies,
  { armOperationUrl }: ImageVersionRecord,
): Promise<OperationReason | undefined> {
  if (armOperationUrl === undefined) return undefined;
  try {
    return await deps.resourceManager.getOperationError(armOperationUrl);
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
