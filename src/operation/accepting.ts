/**
 * Accepts an operation. Invariants:
 *  1. When it returns a new operation, that operation is stored and the reconciler can find it. The
 *     row that the reconciler reads is written before the state, and again if that took long.
 *  2. A decision is made on exactly the state that it replaces, with what that state has yet to
 *     report kept in front. If two requests come at once, the second is decided again, on what the
 *     first stored. A decision that stores nothing uses a state read after everything else the
 *     decision relies on.
 *  3. When it returns, a message is in flight. Whoever takes it reports the rest: the event and the
 *     rows of listings.
 *  4. When it returns, the rows that tell others of a requested resource are written.
 */
import { ServiceError } from "../errors.js";
import { kindOf, stateOf } from "./kinds.js";
import type { Effect, OperationRecord, Pair, TrackedRecord } from "./records.js";
import { openRow } from "./catalog.js";
import { deliver, isStateConflict, isTold } from "./outbox.js";
import type { OperationDependencies, Stored } from "./ports.js";
import { commit } from "./steps.js";

/**
 * An operation, or another answer; or the state with a new operation, which is the current one or a
 * member.
 */
export type Decision<R extends TrackedRecord, Answer = never> =
  | OperationRecord
  | { readonly answer: Answer }
  | (Pair<R> & { readonly accepted?: OperationRecord });

/**
 * Enough for that many concurrent requests for one resource, because each round one of them wins.
 */
const COMMIT_TRIES = 60;

/**
 * Returns the operation that `decide` returns, or stores the record and operation that it makes and
 * returns that one. `decide` is pure and may be called again. `read` is the state that the caller
 * has just read, if any. Throws what `decide` throws, and ServiceError StateConflict, retryable.
 */
export async function acceptOperation<R extends TrackedRecord, Answer = never>(
  deps: OperationDependencies<R>,
  key: string,
  decide: (stored: Stored<R> | undefined) => Decision<R, Answer>,
  read?: { readonly stored: Stored<R> | undefined },
): Promise<OperationRecord | Answer> {
  let known = read;
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    const isKnown = known !== undefined;
    const stored = known ? known.stored : await deps.store.read(key);
    known = undefined;
    let decided: Decision<R, Answer>;
    try {
      decided = decide(stored && { ...stored, record: { ...stored.record, outbox: [] } });
    } catch (error) {
      if (isKnown) continue; // Invariant 2.
      throw error;
    }
    if (!("record" in decided)) {
      if (isKnown) continue; // Invariant 2.
      if ("answer" in decided) return decided.answer;
      // The process that stored it may have died before it sent the message.
      if (stored !== undefined && !isTold(stored))
        await announce(deps, stored, decided, stored.record.outbox);
      return decided;
    }
    const { accepted = decided.operation } = decided;
    const effects = decided.record.outbox;
    const outbox = [...(stored?.record.outbox ?? []), ...effects, ...keyOf(accepted)];
    const next = { ...decided, record: { ...decided.record, outbox } };
    try {
      const committed = await store(deps, next, stored, accepted);
      await announce(deps, committed, accepted, effects);
      return accepted;
    } catch (error) {
      if (!isStateConflict(error)) throw error;
      // Invariant 2: another request won. Decide again.
    }
  }
  throw new ServiceError(
    "StateConflict",
    "Many requests for one resource arrived at once. Send yours again.",
    { retryAfterMs: 1_000 },
  );
}

async function store<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  next: Pair<R>,
  stored: Stored<R> | undefined,
  accepted: OperationRecord,
): Promise<Stored<R>> {
  const { index, now, pace } = deps;
  const open = [openRow(accepted.id)];
  const begunMs = now().getTime();
  // Invariants 1 and 4: rows before the state.
  await index.put([
    ...open,
    ...(stored === undefined ? (kindOf(deps, accepted).rowsOf?.(accepted) ?? []) : []),
  ]);
  const committed = await commit(deps, next, stored);
  // Invariant 1: the reconciler may have removed the row, as if the request had been given up.
  if (now().getTime() - begunMs >= pace.overdueMs / 2) await index.put(open);
  return committed;
}

function keyOf({ id, requestKey }: OperationRecord): readonly Effect[] {
  return requestKey === undefined ? [] : [{ kind: "key", requestKey, operationId: id }];
}

/**
 * Invariant 3: sends the message of a step that is due. If none is due, it sends a message without
 * a step, which only delivers the outbox.
 */
async function announce<R extends TrackedRecord>(
  deps: OperationDependencies<R>,
  stored: Stored<R>,
  { id: operationId, traceparent }: OperationRecord,
  effects: readonly Effect[],
): Promise<void> {
  const { queue } = stateOf(deps, stored);
  if (queue === undefined) return void (await deliver(deps, stored));
  const enqueueTime = deps.now().toISOString();
  const due = effects.flatMap((effect) =>
    effect.kind === "message" && effect.message.enqueueTime <= enqueueTime ? [effect.message] : [],
  );
  const step = NO_STEP;
  const id = `${operationId}:${step}`;
  await deps.work.enqueue(
    due.length > 0 ? due : [{ queue, id, operationId, step, traceparent, enqueueTime }],
  );
}

/** Steps are counted from 1. */
const NO_STEP = 0;
