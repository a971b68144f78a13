import { isStateConflict, deliver } from "./outbox.js";
import type { Dependencies, Stored } from "./ports.js";
import { versionKeyOf, type WorkMessage } from "./records.js";
import type { Moment, Pair } from "./advance.js";
import { ServiceError } from "../errors.js";

/** What a step message says. */
export type StepMessage = Pick<WorkMessage, "operationId" | "step">;

/** How often a commit is tried against other writers before the message is left to come again. */
const COMMIT_TRIES = 5;

export function momentOf(deps: Dependencies): Moment {
  return { now: deps.now(), pace: deps.pace, eventSource: deps.eventSource };
}

/**
 * The stored state that a message may act on, its outbox delivered; undefined when the message is stale: a duplicate,
 * late, or overtaken.
 */
export async function currentFor(
  deps: Dependencies,
  message: StepMessage,
): Promise<Stored | undefined> {
  const key = versionKeyOf(message.operationId);
  const stored = key === undefined ? undefined : await deps.store.read(key);
  if (stored === undefined) return undefined;
  // A crash may have left the outbox of the step before: it goes out first, and may hold this very message's successor.
  const delivered = await deliver(deps, stored);
  return isCurrent(delivered, message) ? delivered : undefined;
}

function isCurrent(stored: Stored, message: StepMessage): boolean {
  return (
    stored.operation.id === message.operationId &&
    stored.version.step === message.step
  );
}

/**
 * Commits the transition and tells what follows from it. Answers undefined when another has taken this step
 * meanwhile: then nothing of this transition has happened; or when another has already gone on from the new state:
 * then what is to be done next is theirs.
 */
export async function take(
  deps: Dependencies,
  stored: Stored,
  transition: (pair: Pair) => Pair,
): Promise<Stored | undefined> {
  const step: StepMessage = {
    operationId: stored.operation.id,
    step: stored.version.step,
  };
  let from: Stored | undefined = stored;
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    if (from === undefined || !isCurrent(from, step)) return undefined;
    const next = transition(from);
    try {
      const committed = await deps.store.commit(
        next.version,
        next.operation,
        from.etag,
      );
      const told = await deliver(deps, committed);
      return isCurrent(told, {
        operationId: committed.operation.id,
        step: committed.version.step,
      })
        ? told
        : undefined;
    } catch (error) {
      if (!isStateConflict(error)) throw error;
      from = await deps.store.read(stored.version.key);
    }
  }
  throw new ServiceError(
    "StateConflict",
    `Other writers kept changing ${stored.version.resourceId}.`,
    {
      retryAfterMs: 1_000,
    },
  );
}
