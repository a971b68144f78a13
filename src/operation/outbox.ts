/**
 * Tells what a stored state says must be told. Invariants:
 *  1. Nothing is told that is not stored, and what is stored is told at least once, whoever dies when.
 *  2. Telling twice is telling once: events and messages carry ids that duplicate detection knows, rows are upserts.
 *  3. An operation stays open, in the reconciler's sight, until all else is told, and of a record that has ended until that is stored.
 *  4. Events hold up no work: its messages are sent first. Events that the topic does not take stay in the outbox, in front
 *     of what comes after, and go out with whatever is told next: the next step's, or by the reconciler.
 *  5. The message of the present step stays in the outbox until that step is taken: that it arrives says that it was sent.
 *     A tick that tells nothing else is one write.
 *  6. What a listing says of a record whose operations have ended is made of a stored state, and follows each one before it is told: whoever
 *     finds that another has written since puts the row of that one. So it is behind only while its operation is open, or a writer lags.
 */
import { ServiceError } from "../errors.js";
import { openRow } from "./catalog.js";
import { kindOf } from "./kinds.js";
import type { OperationDependencies, Stored } from "./ports.js";
import type { Effect, Pair, TrackedRecord, WorkMessage } from "./records.js";

/** Work goes on before that many untold events; with more, the record might outgrow its table row. */
const MOST_UNTOLD = 1_000;

/** Tells everything in the outbox and empties it; answers what is then stored, or that with the events that are untold. */
export async function deliver<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
): Promise<Stored<R>> {
  const told = await tell(deps, stored);
  // Not written where the next transition is, with what is untold in front; until then nothing is lost.
  if (told.record.outbox.length > 0 || isSent(stored)) return told;
  try {
    const committed = await deps.store.commit(told.record, told.operation, told);
    await close(deps, stored);
    return committed;
  } catch (error) {
    if (!isStateConflict(error)) throw error;
    // Another writer has gone on from here. It had this outbox before it, so nothing is lost; its state is the newer.
    const newer = (await deps.store.read(stored.record.key)) ?? stored;
    if (ofKind(stored.record.outbox, "close").length > 0) await list(deps, newer); // Invariant 6.
    return newer;
  }
}

/**
 * Tells everything in the outbox, but the message that has arrived; answers the state without what is told, for whoever
 * writes the next.
 */
export async function tell<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
  arrived?: Pick<WorkMessage, "operationId" | "step">,
): Promise<Stored<R>> {
  const { record, operation, etag } = stored;
  if (record.outbox.length === 0) return stored;

  for (const effect of ofKind(record.outbox, "index")) {
    await deps.index.put(effect.put);
    await deps.index.remove(effect.remove);
  }
  await deps.work.enqueue(
    ofKind(record.outbox, "message")
      .map(({ message }) => message)
      .filter(
        ({ operationId, step }) => operationId !== arrived?.operationId || step !== arrived.step,
      ),
  );
  for (const { requestKey, operationId } of ofKind(record.outbox, "key"))
    await deps.idempotencyKeys.bind(requestKey, operationId);
  const closed = ofKind(record.outbox, "close");
  const untold = await publish(
    deps,
    ofKind(record.outbox, "event"),
    kindOf(deps, operation).events.progress,
  );
  // Invariants 3 and 4.
  if (untold.length > 0)
    return {
      record: { ...record, outbox: [...untold, ...closed] },
      operation,
      etag,
    };
  if (closed.length > 0) await list(deps, stored);
  if (arrived !== undefined) await close(deps, stored);
  return { record: { ...record, outbox: [] }, operation, etag };
}

/** Invariant 3: last, when events and rows are out. */
async function close(
  { index }: Pick<OperationDependencies<TrackedRecord>, "index">,
  { record }: Pair<TrackedRecord>,
): Promise<void> {
  const closed = ofKind(record.outbox, "close");
  await index.remove(closed.map(({ operationId }) => openRow(operationId)));
}

/** Invariant 6. */
async function list<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
): Promise<void> {
  const row = kindOf<R>(deps, stored.operation).endedRow?.(stored);
  if (row !== undefined) await deps.index.put([row]);
}

/** True where nothing is to be told but the message of the present step, which is on its way or overdue. Invariant 5. */
export function isSent(pair: Pair<TrackedRecord>): boolean {
  return pair.record.outbox.every((effect) => isPresent(effect, pair));
}

/** The message of the present step. */
export function isPresent(effect: Effect, { record, operation }: Pair<TrackedRecord>): boolean {
  return (
    effect.kind === "message" &&
    effect.message.operationId === operation.id &&
    effect.message.step === record.step
  );
}

/** True where what must be known of the state is told: all but events, and the message of the present step. */
export function isTold(pair: Pair<TrackedRecord>): boolean {
  return pair.record.outbox.every(
    (effect) => effect.kind === "event" || effect.kind === "close" || isPresent(effect, pair),
  );
}

type EventEffect = Extract<Effect, { kind: "event" }>;

/** Publishes, and answers what is left to be told where the topic takes nothing now. */
async function publish(
  deps: Pick<OperationDependencies<TrackedRecord>, "events">,
  effects: readonly EventEffect[],
  progress: string | undefined,
): Promise<readonly EventEffect[]> {
  try {
    await deps.events.publish(effects.map(({ event }) => event));
    return [];
  } catch (error) {
    const untold = withoutOldProgress(effects, progress);
    const mayWait = error instanceof ServiceError && error.retryable;
    if (!mayWait || untold.length > MOST_UNTOLD) throw error;
    return untold;
  }
}

/** Of a region's progress only the latest is worth telling late: it would be most of what waits. */
function withoutOldProgress(
  effects: readonly EventEffect[],
  progress: string | undefined,
): EventEffect[] {
  const nameOf = ({ event }: EventEffect): string => {
    const { operationId, region } = event.data as Record<string, unknown>;
    return event.type === progress ? JSON.stringify([operationId, region]) : event.id;
  };
  const latest = new Map(effects.map((effect) => [nameOf(effect), effect]));
  return effects.filter((effect) => latest.get(nameOf(effect)) === effect);
}

export function isStateConflict(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "StateConflict";
}

function ofKind<K extends Effect["kind"]>(
  outbox: readonly Effect[],
  kind: K,
): readonly Extract<Effect, { kind: K }>[] {
  return outbox.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
}
