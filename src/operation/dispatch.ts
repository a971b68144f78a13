import { hasEnded } from "./kinds.js";
import type { OperationDependencies, Stored } from "./ports.js";
import type { TrackedRecord } from "./records.js";
import { currentFor, type StepMessage } from "./steps.js";

/** By the name of a kind: what takes a step of its record. Throws only what another delivery may fix. */
export type Steps = Readonly<Record<string, TakeStep["take"]>>;

interface TakeStep {
  // A method, because each kind takes the records of its own, as it does in `Kind`.
  take(this: void, stored: Stored<TrackedRecord>): Promise<void>;
}

/** Takes the step that the message names. A stale message, and one of an operation that has ended, does nothing. */
export async function takeStep(
  deps: OperationDependencies<TrackedRecord>,
  steps: Steps,
  message: StepMessage,
): Promise<void> {
  const stored = await currentFor(deps, message);
  if (stored === undefined || hasEnded(deps, stored)) return;
  const take = steps[stored.operation.kind];
  if (take === undefined) throw new TypeError(`nothing takes steps of ${stored.operation.kind}`);
  return take(stored);
}
