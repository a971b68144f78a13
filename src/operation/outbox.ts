/**
 * Tells what a stored state says must be told. Invariants:
 *  1. Nothing is told that is not stored, and what is stored is told at least once, whoever dies when.
 *  2. Telling twice is telling once: events and messages carry ids that duplicate detection knows, rows are upserts.
 *  3. An operation stays open, in the reconciler's sight, until all else is told.
 */
import { ServiceError } from "../errors.js";
import { openRow } from "./catalog.js";
import type { OperationDependencies, Stored } from "./ports.js";
import type { Effect, TrackedRecord } from "./records.js";

/** Tells everything in the outbox and empties it; answers what is then stored. */
export async function deliver<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
): Promise<Stored<R>> {
  const { record, operation, etag } = stored;
  if (record.outbox.length === 0) return stored;

  for (const effect of ofKind(record.outbox, "index")) {
    await deps.index.put(effect.put);
    await deps.index.remove(effect.remove);
  }
  await deps.events.publish(
    ofKind(record.outbox, "event").map((effect) => effect.event),
  );
  await deps.work.enqueue(
    ofKind(record.outbox, "message").map((effect) => effect.message),
  );
  const closed = ofKind(record.outbox, "close");
  if (closed.length > 0) {
    // Invariant 3: last, when events and rows are out.
    await deps.index.remove(
      closed.map(({ operationId }) => openRow(operationId)),
    );
  }

  try {
    return await deps.store.commit({ ...record, outbox: [] }, operation, etag);
  } catch (error) {
    if (!isStateConflict(error)) throw error;
    // Another writer has gone on from here. It had this outbox before it, so nothing is lost; its state is the newer.
    return (await deps.store.read(record.key)) ?? stored;
  }
}

export function isStateConflict(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "StateConflict";
}

function ofKind<K extends Effect["kind"]>(
  outbox: readonly Effect[],
  kind: K,
): readonly Extract<Effect, { kind: K }>[] {
  return outbox.filter(
    (effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind,
  );
}
