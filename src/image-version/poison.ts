import type { Dependencies } from "./ports.js";
import { versionKeyOf } from "./records.js";
import { momentOf, take, type StepMessage } from "./steps.js";
import { fail, isFinal } from "./transitions.js";

/**
 * Ends an operation Failed because the message of its present step, or one that names no step, can never be processed.
 * A stale message, or one that names no operation that is open, changes nothing.
 */
export async function failPoisoned(
  deps: Dependencies,
  message: Partial<StepMessage>,
  reason: string,
): Promise<void> {
  const key =
    message.operationId === undefined
      ? undefined
      : versionKeyOf(message.operationId);
  const stored = key === undefined ? undefined : await deps.store.read(key);
  if (stored === undefined || stored.operation.id !== message.operationId)
    return;
  if (
    isFinal(stored.version.state) ||
    stored.version.step !== (message.step ?? stored.version.step)
  )
    return;
  await take(deps, stored, (pair) =>
    fail(
      pair,
      {
        code: "PoisonMessage",
        message: `The message that should have taken the next step could not be processed and is in the dead-letter queue. ${reason}`,
        errors: [],
      },
      momentOf(deps),
    ),
  );
}
