import type { OperationDependencies } from "./ports.js";
import { recordKeyOf, type TrackedRecord } from "./records.js";
import { contextOf, commitStep, type StepMessage } from "./steps.js";
import { fail } from "./failing.js";
import { hasEnded } from "./kinds.js";

/**
 * Ends an operation Failed because the message of its present step can never be processed. A stale
 * message, or one without a step or open operation, changes nothing; otherwise anyone who may send
 * messages could end any operation.
 */
export async function failPoisoned(
  deps: OperationDependencies<TrackedRecord>,
  { operationId, step }: Partial<StepMessage>,
  reason: string,
): Promise<void> {
  if (operationId === undefined || step === undefined) return;
  const key = recordKeyOf(operationId);
  const stored = key === undefined ? undefined : await deps.store.read(key);
  if (stored?.operation.id !== operationId || hasEnded(deps, stored) || step !== stored.record.step)
    return;
  await commitStep(deps, stored, (pair) =>
    fail(
      pair,
      {
        code: "PoisonMessage",
        message: `Sigil could not process the message for the next step, which is in the dead-letter queue. ${reason}`,
        errors: [],
      },
      contextOf(deps),
    ),
  );
}
