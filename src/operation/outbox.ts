/**
 * Delivers what a stored state must report. Invariants:
 *  1. Only what is stored is delivered, and it is delivered at least once, whichever process dies
 *     when.
 *  2. Delivering twice has the effect of once: events and messages carry ids for duplicate
 *     detection, rows are upserts.
 *  3. An operation stays open, and visible to the reconciler, until everything else is delivered.
 *     If the record has ended, until that is stored too.
 *  4. Events never hold up work: messages are sent first. Events that the topic refuses stay in the
 *     outbox, before later ones, and go out with the next step or by the reconciler.
 *  5. The message of the present step stays in the outbox until that step is taken; its arrival
 *     proves that it was sent. A step with nothing else to deliver costs one write.
 *  6. The listing's row of an ended record is derived from a stored state, and written before that
 *     state's end is delivered. A writer that finds a newer state writes the row of that one. So
 *     the row is behind only while an operation is open or a writer is late.
 */
import { ServiceError } from "../errors.js";
import { openRow } from "./catalog.js";
import { kindOf } from "./kinds.js";
import type { OperationDependencies, Stored } from "./ports.js";
import type { Effect, Pair, TrackedRecord, WorkMessage } from "./records.js";

/**
 * Work continues with up to this many undelivered events; with more, the record might exceed its
 * table row.
 */
const MOST_UNTOLD = 1_000;

/**
 * Delivers the outbox and empties it. Returns the state then stored, or the state with its
 * undelivered events.
 */
export async function deliver<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
): Promise<Stored<R>> {
  const told = await tell(deps, stored);
  // Not written here: the next transition writes it, with the undelivered events in front. Until
  // then nothing is lost.
  if (told.record.outbox.length > 0 || isSent(stored)) return told;
  try {
    const committed = await deps.store.commit(told.record, told.operation, told);
    await close(deps, stored);
    return committed;
  } catch (error) {
    if (!isStateConflict(error)) throw error;
    // Another writer has continued from here. It had this outbox, so nothing is lost, and its state
    // is newer.
    const newer = (await deps.store.read(stored.record.key)) ?? stored;
    if (ofKind(stored.record.outbox, "close").length > 0) await list(deps, newer); // Invariant 6.
    return newer;
  }
}

/**
 * Delivers the outbox, except the message that has arrived. Returns the state without what was
 * delivered, for the next writer.
 */
export async function tell<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
  arrived?: Pick<WorkMessage, "operationId" | "step">,
): Promise<Stored<R>> {
  const { record, operation, etag } = stored;
  if (record.outbox.length === 0) return stored;
  const messages = ofKind(record.outbox, "message").map(({ message }) => message);
  if (isSent(stored)) {
    if (arrived === undefined) await deps.work.enqueue(messages); // Invariant 5.
    return { record: { ...record, outbox: [] }, operation, etag };
  }

  for (const effect of ofKind(record.outbox, "index")) {
    await deps.index.put(effect.put);
    await deps.index.remove(effect.remove);
  }
  await deps.work.enqueue(
    messages.filter(
      ({ operationId, step }) => operationId !== arrived?.operationId || step !== arrived.step,
    ),
  );
  for (const { requestKey, operationId } of ofKind(record.outbox, "key"))
    await deps.idempotencyKeys.bind(requestKey, operationId);
  const closed = ofKind(record.outbox, "close");
  const events = ofKind(record.outbox, "event");
  const unsaid =
    events.length === 0 ? [] : await publish(deps, events, kindOf(deps, operation).events.progress);
  const unheard = ofKind(record.outbox, "others");
  const heard = unheard.length === 0 || (await hasToldOthers(deps, stored));
  const untold = [...unsaid, ...(heard ? [] : unheard.slice(0, 1))];
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

/**
 * Whether at most the message of the present step is left, which is in flight or overdue. Invariant
 * 5.
 */
export function isSent(pair: Pair<TrackedRecord>): boolean {
  return pair.record.outbox.every((effect) => isPresent(effect, pair));
}

/** Whether the effect is the message of the present step. */
export function isPresent(effect: Effect, { record, operation }: Pair<TrackedRecord>): boolean {
  return (
    effect.kind === "message" &&
    effect.message.operationId === operation.id &&
    effect.message.step === record.step
  );
}

/** Whether everything is delivered except events, closings and the message of the present step. */
export function isTold(pair: Pair<TrackedRecord>): boolean {
  return pair.record.outbox.every(
    (effect) => ["event", "others", "close"].includes(effect.kind) || isPresent(effect, pair),
  );
}

type EventEffect = Extract<Effect, { kind: "event" }>;

/** Publishes; returns the undelivered events if the topic refuses them now. */
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

/** False: it must wait. Invariant 4. */
async function hasToldOthers<R extends TrackedRecord>(
  { tellOthers }: OperationDependencies<R>,
  stored: Stored<R>,
): Promise<boolean> {
  try {
    await tellOthers?.(stored);
    return tellOthers !== undefined;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return false;
  }
}

/**
 * Drops a region's older progress: only the latest is worth delivering late, and it would be most
 * of the outbox.
 */
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
