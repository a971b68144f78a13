/**
 * Accepts an operation. Invariants:
 *  1. When it answers a new operation, that is stored and its message is on its way, or findable by the reconciler: the
 *     row that the reconciler reads is written before the state, and again with everything else that is told.
 *  2. What is decided is decided on the very state that it replaces, all of which is told but events that the topic does
 *     not take: of two who come at once, the second decides anew on what the first has stored. Untold events stay in front.
 */
import { ServiceError } from "../errors.js";
import type { Pair, OperationRecord, TrackedRecord } from "./records.js";
import { openRow } from "./catalog.js";
import { deliver, isStateConflict, isTold } from "./outbox.js";
import type { OperationDependencies, Stored } from "./ports.js";
import { commit } from "./steps.js";

/** An operation, or another answer; or the state that makes a new operation: the current one, unless it is queued. */
export type Decision<R extends TrackedRecord, Answer = never> =
  | OperationRecord
  | { readonly answer: Answer }
  | (Pair<R> & { readonly accepted?: OperationRecord });

/** As many as come at once for one resource, and each of them wins once. */
const COMMIT_TRIES = 60;

/**
 * Answers the operation that `decide` finds to be the answer, or stores the record and operation that it makes of what
 * is stored and answers that one. `decide` is pure: it may be asked again. Throws what it throws, and ServiceError StateConflict, retryable.
 */
export async function acceptOperation<R extends TrackedRecord, Answer = never>(
  deps: OperationDependencies<R>,
  key: string,
  decide: (stored: Stored<R> | undefined) => Decision<R, Answer>,
): Promise<OperationRecord | Answer> {
  for (let tries = 0; tries < COMMIT_TRIES; tries += 1) {
    const found = await deps.store.read(key);
    const stored = found && (await deliver(deps, found));
    if (stored !== undefined && !isTold(stored)) continue;
    const untold = stored?.record.outbox ?? [];
    const decided = decide(
      stored && { ...stored, record: { ...stored.record, outbox: [] } },
    );
    if ("answer" in decided) return decided.answer;
    if (!("record" in decided)) return decided;
    const { accepted = decided.operation } = decided;
    const next = {
      ...decided,
      record: {
        ...decided.record,
        outbox: [...untold, ...decided.record.outbox],
      },
    };
    await deps.index.put([openRow(accepted.id)]); // Invariant 1: before the state.
    try {
      await deliver(deps, await commit(deps, next, stored?.etag));
      return accepted;
    } catch (error) {
      if (!isStateConflict(error)) throw error;
      // Invariant 2: another came first. Look again.
    }
  }
  throw new ServiceError(
    "StateConflict",
    "Many requests for one resource arrived at once. Send it again.",
    { retryAfterMs: 1_000 },
  );
}
