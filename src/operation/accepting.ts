/**
 * Accepts an operation. Invariants:
 *  1. When it answers a new operation, that is stored, and findable by the reconciler: the row that the reconciler reads is
 *     written before the state, and again where that took long.
 *  2. What is stored is decided on the very state that it replaces, with what that has still to tell in front: of two who
 *     come at once, the second decides anew on what the first has stored. What stores nothing is decided on a state that is
 *     read after all that the decision rests on.
 *  3. A message is on its way when it answers: whoever takes it tells the rest, the event and the rows of listings.
 *  4. The rows by which others know that a resource was asked for are there when it answers.
 */
import { ServiceError } from "../errors.js";
import { kindOf, stateOf } from "./kinds.js";
import type { Effect, OperationRecord, Pair, TrackedRecord } from "./records.js";
import { openRow } from "./catalog.js";
import { deliver, isStateConflict, isTold } from "./outbox.js";
import type { OperationDependencies, Stored } from "./ports.js";
import { commit } from "./steps.js";

/** An operation, or another answer; or the state that makes a new operation: the current one, or a member. */
export type Decision<R extends TrackedRecord, Answer = never> =
  | OperationRecord
  | { readonly answer: Answer }
  | (Pair<R> & { readonly accepted?: OperationRecord });

/** As many as come at once for one resource, and each of them wins once. */
const COMMIT_TRIES = 60;

/**
 * Answers the operation that `decide` finds to be the answer, or stores the record and operation that it makes of what
 * is stored and answers that one. `decide` is pure: it may be asked again. `read` is what was stored a moment ago, where
 * somebody has read it. Throws what `decide` throws, and ServiceError StateConflict, retryable.
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
      // Whoever has stored it may not have lived to send its message.
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
      // Invariant 2: another came first. Look again.
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
  // Invariants 1 and 4: before the state.
  await index.put([
    ...open,
    ...(stored === undefined ? (kindOf(deps, accepted).rowsOf?.(accepted) ?? []) : []),
  ]);
  const committed = await commit(deps, next, stored);
  // Invariant 1: the reconciler may have taken the row for one of a request that was given up.
  if (now().getTime() - begunMs >= pace.overdueMs / 2) await index.put(open);
  return committed;
}

function keyOf({ id, requestKey }: OperationRecord): readonly Effect[] {
  return requestKey === undefined ? [] : [{ kind: "key", requestKey, operationId: id }];
}

/** Invariant 3: sends the message of a step that is due; where none is, one of no step, which acts on nothing. */
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
