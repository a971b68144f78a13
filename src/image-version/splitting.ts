/** What several operations asked together and could not have: each is done alone then (see joining.ts, invariant 3). */
import { ServiceError } from "../errors.js";
import { end, postponeOrFail } from "../operation/postponing.js";
import type { OperationFailure } from "../operation/records.js";
import { momentOf, take } from "../operation/steps.js";
import { split } from "./joining.js";
import type { Dependencies, StoredVersion } from "./ports.js";

/** The operation ends with this failure; of several that are done together none does yet. */
export async function endOrSplit(
  deps: Dependencies,
  stored: StoredVersion,
  failure: OperationFailure,
): Promise<void> {
  if (Object.keys(stored.record.shares).length === 0)
    return end(deps, stored, failure);
  await take(deps, stored, (pair) =>
    split(pair, failure.message, momentOf(deps)),
  );
}

/** The step comes again when the error says that this may help. Rethrows what is no ServiceError. */
export async function postponeOrSplit(
  deps: Dependencies,
  stored: StoredVersion,
  error: unknown,
): Promise<void> {
  const terminal =
    error instanceof ServiceError && error.retryAfterMs === undefined;
  if (!terminal) return postponeOrFail(deps, stored, error);
  const { code, message, findings: errors } = error;
  return endOrSplit(deps, stored, { code, message, errors });
}
