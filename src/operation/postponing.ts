import { ServiceError } from "../errors.js";
import { fail } from "./failing.js";
import type { OperationDependencies, Stored } from "./ports.js";
import type { OperationFailure, TrackedRecord } from "./records.js";
import { momentOf, take } from "./steps.js";
import { wait } from "./waiting.js";

/** The step comes again when the error says that this may help; else the operation ends with it. Rethrows what is no ServiceError. */
export async function postponeOrFail<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
  error: unknown,
): Promise<void> {
  if (!(error instanceof ServiceError)) throw error;
  const { retryAfterMs } = error;
  if (retryAfterMs !== undefined) {
    await take(deps, stored, (pair) =>
      wait(pair, error.message, retryAfterMs, momentOf(deps)),
    );
    return;
  }
  await end(deps, stored, {
    code: error.code,
    message: error.message,
    errors: error.findings,
  });
}

export async function end<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
  failure: OperationFailure,
): Promise<void> {
  await take(deps, stored, (pair) => fail(pair, failure, momentOf(deps)));
}
