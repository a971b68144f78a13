import { ServiceError } from "../../errors.js";
import { commit, contextOf, commitStep } from "../../operation/steps.js";
import { isStateConflict } from "../../operation/outbox.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import type { Put } from "../state/reconcile.js";
import {
  answered,
  writeAccepted,
  writePostponed,
  writeRefused,
} from "../state/write.js";
import { isUnanswered, postponeOrEnd } from "./postpone.js";

export async function send(
  deps: Dependencies,
  mine: StoredVersion,
  id: ImageVersionId,
  put: Put,
): Promise<void> {
  let armOperationUrl: string | undefined;
  try {
    armOperationUrl = await deps.resourceManager.putImageVersion(id, put.body);
  } catch (error) {
    return postponeOrEnd(deps, mine, error, {
      prepare: (pair) =>
        isUnanswered(error) || !isRetryable(error)
          ? pair
          : writePostponed(pair, contextOf(deps)),
      end: writeRefused,
    });
  }
  deps.looks.forget(id, imageIdOf(id));
  const noted = await commitStep(deps, mine, (pair) =>
    writeAccepted(pair, armOperationUrl, contextOf(deps)),
  );
  if (noted === undefined) await noteAccepted(deps, mine, armOperationUrl);
}

function isRetryable(error: unknown): boolean {
  return error instanceof ServiceError && error.retryAfterMs !== undefined;
}

/** Somebody has canceled, or asked for more, while the PUT was under way: that ARM has taken it is known all the same. */
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
