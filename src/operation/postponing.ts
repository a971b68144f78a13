import { ServiceError } from "../errors.js";
import { fail } from "./failing.js";
import type { OperationDependencies, Stored } from "./ports.js";
import type { OperationFailure, TrackedRecord } from "./records.js";
import { contextOf, commitStep } from "./steps.js";
import { wait } from "./waiting.js";

/**
 * Repeats the step later if the error is retryable; else ends the operation with it. Rethrows
 * anything but a ServiceError.
 */
export async function postponeOrFail<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
  error: unknown,
): Promise<void> {
  if (!(error instanceof ServiceError)) throw error;
  const { retryAfterMs } = error;
  if (retryAfterMs !== undefined) {
    await commitStep(deps, stored, (pair) =>
      wait(pair, error.message, retryAfterMs, contextOf(deps)),
    );
    return;
  }
  await end(deps, stored, {
    code: error.code,
    message: error.message,
    errors: error.findings,
  });
}

async function end<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
  failure: OperationFailure,
): Promise<void> {
  await commitStep(deps, stored, (pair) => fail(pair, failure, contextOf(deps)));
}
