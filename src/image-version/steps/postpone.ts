import { ServiceError } from "../../errors.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure } from "../../operation/records.js";
import { contextOf, commitStep } from "../../operation/steps.js";
import { wait } from "../../operation/waiting.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import type { Outcome } from "../state/happened.js";
import type { ImageVersionPair, ImageVersionRecord } from "../state/record.js";
import { told } from "../telling/tell.js";

/** How the step ends with an error. */
type End = (
  pair: ImageVersionPair,
  failure: OperationFailure,
  context: TransitionContext,
) => Outcome;

/** The record before the step is repeated. */
type Before = (record: ImageVersionRecord, error: ServiceError) => ImageVersionRecord;

/**
 * Repeats the step later if the error is retryable; else ends what it was taken for. Rethrows
 * anything but a ServiceError.
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
  const context = contextOf(deps);
  await commitStep(deps, stored, (pair) =>
    told(pair, end(pair, { code, message, errors }, context), context),
  );
}

/**
 * Repeats the step, no sooner than the error says, and exactly then if the pacer gave it a turn.
 */
export async function postpone(
  deps: Dependencies,
  stored: StoredVersion,
  error: ServiceError,
  before: Before = (record) => record,
): Promise<void> {
  const { message, retryAfterMs: waitMs = deps.pace.pollMaxMs, isTurn } = error;
  await commitStep(deps, stored, (pair) => {
    const record = throttled(before(pair.record, error), error, deps.now());
    return wait({ ...pair, record }, message, waitMs, contextOf(deps), isTurn);
  });
}

/** What ARM asks for also applies to the next operation. */
function throttled(
  record: ImageVersionRecord,
  { code, retryAfterMs = 0, isTurn }: ServiceError,
  now: Date,
): ImageVersionRecord {
  if (code !== "ResourceManagerThrottled" || isTurn) return record;
  return { ...record, throttledUntil: new Date(now.getTime() + retryAfterMs).toISOString() };
}
