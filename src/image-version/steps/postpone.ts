import { ServiceError } from "../../errors.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure } from "../../operation/records.js";
import { contextOf, commitStep } from "../../operation/steps.js";
import { wait } from "../../operation/waiting.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { changed, type ImageVersionPair } from "../state/record.js";

/** What ends with an error. */
type End = (
  pair: ImageVersionPair,
  failure: OperationFailure,
  context: TransitionContext,
) => ImageVersionPair;

/** What is made of the state before the step comes again. */
type Before = (pair: ImageVersionPair, error: ServiceError) => ImageVersionPair;

/**
 * The step comes again when the error says that this may help; else what it was taken for ends with it. Rethrows what is
 * no ServiceError.
 */
export async function postponeOrEnd(
  deps: Dependencies,
  stored: StoredVersion,
  error: unknown,
  end: End,
  before?: Before,
): Promise<void> {
  if (!(error instanceof ServiceError)) throw error;
  if (error.retryAfterMs !== undefined) return postpone(deps, stored, error, before);
  const { code, message, findings: errors } = error;
  await commitStep(deps, stored, (pair) => end(pair, { code, message, errors }, contextOf(deps)));
}

/** Takes the same step again, no sooner than the error says; exactly then if the pacer named its turn. */
export async function postpone(
  deps: Dependencies,
  stored: StoredVersion,
  error: ServiceError,
  before: Before = (pair) => pair,
): Promise<void> {
  const { message, retryAfterMs: waitMs = deps.pace.pollMaxMs, isTurn } = error;
  await commitStep(deps, stored, (pair) => {
    const after = throttled(before(pair, error), error, deps.now());
    return wait(after, message, waitMs, contextOf(deps), isTurn);
  });
}

/** What ARM itself asks for holds for the next operation as well. */
function throttled(
  pair: ImageVersionPair,
  { code, retryAfterMs = 0, isTurn }: ServiceError,
  now: Date,
): ImageVersionPair {
  if (code !== "ResourceManagerThrottled" || isTurn) return pair;
  const throttledUntil = new Date(now.getTime() + retryAfterMs).toISOString();
  return changed(pair, { throttledUntil });
}
