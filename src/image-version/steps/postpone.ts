import { ServiceError } from "../../errors.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure } from "../../operation/records.js";
import { contextOf, commitStep } from "../../operation/steps.js";
import { wait } from "../../operation/waiting.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { changed, type ImageVersionPair } from "../state/record.js";

export interface OnError {
  /** What is made of the state first. */
  readonly prepare?: (pair: ImageVersionPair) => ImageVersionPair;
  /** What ends with the error. */
  readonly end: (
    pair: ImageVersionPair,
    failure: OperationFailure,
    context: TransitionContext,
  ) => ImageVersionPair;
}

/**
 * The step comes again when the error says that this may help; else what it was taken for ends with it. Rethrows what is
 * no ServiceError.
 */
export async function postponeOrEnd(
  deps: Dependencies,
  stored: StoredVersion,
  error: unknown,
  { prepare = (pair) => pair, end }: OnError,
): Promise<void> {
  if (!(error instanceof ServiceError)) throw error;
  const { retryAfterMs, code, message, findings: errors } = error;
  if (retryAfterMs !== undefined)
    return later(deps, stored, message, retryAfterMs, (pair) =>
      throttled(prepare(pair), error, deps.now()),
    );
  await commitStep(deps, stored, (pair) =>
    end(prepare(pair), { code, message, errors }, contextOf(deps)),
  );
}

/** The same step again, no sooner than that. */
export async function later(
  deps: Dependencies,
  stored: StoredVersion,
  reason: string,
  waitMs: number,
  prepare: (pair: ImageVersionPair) => ImageVersionPair = (pair) => pair,
): Promise<void> {
  await commitStep(deps, stored, (pair) =>
    wait(prepare(pair), reason, waitMs, contextOf(deps)),
  );
}

/** What ARM asks for holds for the next operation as well. */
function throttled(
  pair: ImageVersionPair,
  { code, retryAfterMs = 0 }: ServiceError,
  now: Date,
): ImageVersionPair {
  if (code !== "ResourceManagerThrottled") return pair;
  const throttledUntil = new Date(now.getTime() + retryAfterMs).toISOString();
  return changed(pair, { throttledUntil });
}
