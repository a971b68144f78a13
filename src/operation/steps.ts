import { deliver, isStateConflict, tell } from "./outbox.js";
import type { OperationDependencies, Stored, TransitionContext } from "./ports.js";
import { recordKeyOf, type TrackedRecord, type WorkMessage, type Pair } from "./records.js";
import { ServiceError } from "../errors.js";
import { hasEnded } from "./kinds.js";
import { withCalls } from "./audit.js";

/** The part of a message that names its step. */
export type StepMessage = Pick<WorkMessage, "operationId" | "step">;

/**
 * How often a commit is tried against other writers before the message is returned to the queue.
 */
const COMMIT_TRIES = 5;

export function contextOf(
  deps: Pick<OperationDependencies<TrackedRecord>, "now" | "pace" | "eventSource" | "kinds">,
): TransitionContext {
  const { now, pace, eventSource, kinds } = deps;
  return { now: now(), pace, eventSource, kinds };
}

/**
 * The stored state that a message may act on, its outbox delivered; undefined: the message is stale
 * (duplicate, late or overtaken), or only delivers the outbox.
 */
export async function currentFor<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  message: StepMessage,
): Promise<Stored<R> | undefined> {
  const key = recordKeyOf(message.operationId);
  const stored = key === undefined ? undefined : await deps.store.read(key);
  if (stored === undefined) return undefined;
  // First deliver what an acceptance or a crash has left, which may include the message of another
  // step.
  if (isCurrent(stored, message) && !hasEnded(deps, stored)) return tell(deps, stored, message); // Written with the step.
  const delivered = await deliver(deps, stored);
  return isCurrent(delivered, message) ? delivered : undefined;
}

function isCurrent(stored: Stored<TrackedRecord>, message: StepMessage): boolean {
  return stored.operation.id === message.operationId && stored.record.step === message.step;
}

/** Writes a transition with the calls to ARM made for it. */
export async function commit<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  pair: Pair<R>,
  read: Stored<R> | undefined,
): Promise<Stored<R>> {
  const calls = deps.calls.noted();
  const noted = withCalls(pair, calls);
  const { record, operation, changedOperations } = noted;
  const stored = await deps.store.commit(record, operation, read, changedOperations);
  deps.calls.written(calls.length);
  return stored;
}

/**
 * Commits the transition and delivers what follows from it. Returns the new state, with the
 * `value` of the transition that was committed; undefined if another process took this step, so
 * that nothing of this transition happened, or has already continued from the new state and does
 * what comes next.
 */
export async function commitStep<R extends TrackedRecord, V = undefined>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
  transition: (pair: Pair<R>) => Pair<R> & { readonly value?: V },
): Promise<{ readonly stored: Stored<R>; readonly value: V | undefined } | undefined> {
  const step: StepMessage = {
    operationId: stored.operation.id,
    step: stored.record.step,
  };
  let from: Stored<R> | undefined = stored;
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    if (from === undefined || !isCurrent(from, step)) return undefined;
    const next = transition(from);
    try {
      const committed = await commit(deps, next, from);
      const told = await deliver(deps, committed);
      return isCurrent(told, {
        operationId: committed.operation.id,
        step: committed.record.step,
      })
        ? { stored: told, value: next.value }
        : undefined;
    } catch (error) {
      if (!isStateConflict(error)) throw error;
      from = await deps.store.read(stored.record.key);
    }
  }
  throw new ServiceError(
    "StateConflict",
    `Other writers kept changing ${stored.record.resourceId}.`,
    {
      retryAfterMs: 1_000,
    },
  );
}
