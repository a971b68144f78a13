import { ServiceError } from "../errors.js";
import { fail } from "./failing.js";
import type { OperationDependencies, Stored } from "./ports.js";
import type { OperationFailure, TrackedRecord } from "./records.js";
import { contextOf, commitStep } from "./steps.js";
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
