/** Sends what is stored to be sent, and stores ARM's answer. */
import { commit, contextOf, commitStep } from "../../operation/steps.js";
import { isStateConflict } from "../../operation/outbox.js";
import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { deleteTaken } from "../state/deletion.js";
import type { Time } from "../state/confirmed.js";
import type { Outcome } from "../state/happened.js";
import type { ImageVersionRecord } from "../state/record.js";
import { sendingTaken } from "../state/sending.js";
import { answered, writeAccepted, writePostponed, writeRefused } from "../state/write.js";
import { told } from "../telling/tell.js";
import { mustNotBeLedTo } from "./delete.js";
import { postponeOrEnd } from "./postpone.js";
import type { Writing } from "./prepare.js";

/** Sends the write that `mine` has stored. */
export async function send(
  deps: Dependencies,
  mine: StoredVersion,
  id: ImageVersionId,
  what: Writing,
): Promise<void> {
  let url: string | undefined;
  try {
    if (what.kind === "delete") await mustNotBeLedTo(deps, id, what);
    url = await request(deps, id, what);
    deps.looks.forget(id, imageIdOf(id));
  } catch (error) {
    return postponeOrEnd(
      deps,
      mine,
      error,
      ({ record }, failure, context) => writeRefused(record, failure, context),
      (record, { code }) =>
        // Only a look can tell the outcome of a request without an answer; after any other error
        // nothing has begun.
        code === "ResourceManagerUnavailable" ? record : writePostponed(record, contextOf(deps)),
    );
  }
  const noted = await commitStep(deps, mine, (pair) => {
    const context = contextOf(deps);
    return told(pair, accepted(pair.record, what, url, context), context);
  });
  if (noted === undefined) await noteAccepted(deps, mine, url);
}

/** Returns the URL of ARM's asynchronous operation. */
async function request(
  { resourceManager }: Dependencies,
  id: ImageVersionId,
  what: Writing,
): Promise<string | undefined> {
  switch (what.kind) {
    case "put":
      return resourceManager.putImageVersion(id, what.body);
    case "delete": {
      const { bypassSoftDelete } = what.request.deletion;
      return resourceManager.deleteImageVersion(id, bypassSoftDelete && { bypassSoftDelete });
    }
    case "restore":
      return resourceManager.restoreImageVersion(id, what.location);
  }
}

function accepted(
  record: ImageVersionRecord,
  what: Writing,
  url: string | undefined,
  time: Time,
): Outcome {
  switch (what.kind) {
    case "put":
      return writeAccepted(record, url, time);
    case "delete":
      return deleteTaken(record, what.id, url, time);
    case "restore":
      return sendingTaken(record, "Restoring", url, time);
  }
}

/** Notes that ARM accepted the PUT, even if a cancel came while it was in flight. */
async function noteAccepted(
  deps: Dependencies,
  { record: { key, write: sent } }: StoredVersion,
  armOperationUrl: string | undefined,
): Promise<void> {
  const stored = await deps.store.read(key);
  const { write } = stored?.record ?? {};
  if (stored === undefined || write?.answer !== "none" || write.sentTime !== sent?.sentTime) return;
  const record = answered(stored.record, armOperationUrl);
  try {
    await commit(deps, { record, operation: stored.operation }, stored);
  } catch (error) {
    // A faster writer knows it from a look.
    if (!isStateConflict(error)) throw error;
  }
}
