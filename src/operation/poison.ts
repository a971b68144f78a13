import type { OperationDependencies } from "./ports.js";
import { recordKeyOf, type TrackedRecord } from "./records.js";
import { contextOf, commitStep, type StepMessage } from "./steps.js";
import { fail } from "./failing.js";
import { hasEnded } from "./kinds.js";

/** How often a message that names no step is tried against an operation that moves on meanwhile. */
const TRIES = 10;

/**
 * Ends an operation Failed because the message of its present step, or one that names no step, can never be processed.
 * A stale message, or one that names no operation that is open, changes nothing.
 */
export async function failPoisoned(
  deps: OperationDependencies<TrackedRecord>,
  message: Partial<StepMessage>,
  reason: string,
): Promise<void> {
  const key =
    message.operationId === undefined
      ? undefined
      : recordKeyOf(message.operationId);
  for (let tries = 0; key !== undefined && tries < TRIES; tries += 1) {
    const stored = await deps.store.read(key);
    if (stored === undefined || stored.operation.id !== message.operationId)
      return;
    const { step } = stored.record;
    if (hasEnded(deps, stored) || step !== (message.step ?? step)) return;
    const failed = await commitStep(deps, stored, (pair) =>
      fail(
        pair,
        {
          code: "PoisonMessage",
          message: `The message that should have taken the next step could not be processed and is in the dead-letter queue. ${reason}`,
          errors: [],
        },
        contextOf(deps),
      ),
    );
    if (failed !== undefined) return;
  }
}
