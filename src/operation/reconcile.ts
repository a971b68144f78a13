/**
 * Finds what is stored but has no message in flight, and sends it again. Invariants:
 *  1. It changes no state but by the same commits as everybody: running beside the queues, or twice, does no harm.
 *  2. It judges no version by a clock: an overdue step is sent again, never failed, unless
 *     several messages of that very step are found in the dead-letter queue. Nor does it wait for the clock of the host that has
 *     stored the step: where that is ahead, the store's own counts.
 *  3. It reads the open operations alone, never the history.
 */
import { OPEN_SCOPE, openRow } from "./catalog.js";
import { hasEnded } from "./kinds.js";
import { deliver, isSent } from "./outbox.js";
import { pagesOf } from "./pages.js";
import type { OperationDependencies, Stored } from "./ports.js";
import { failPoisoned } from "./poison.js";
import { operationIn, recordKeyOf, type TrackedRecord } from "./records.js";
import { contextOf, commitStep } from "./steps.js";
import { overdueMs, resendStep } from "./waiting.js";

/** How many operations are looked after at once. */
const PARALLEL = 8;

const DEAD_MESSAGES_OF_POISON = 3;

interface Reconciliation {
  readonly open: number;
  readonly delivered: number;
  readonly resent: number;
  readonly failed: number;
  readonly removed: number;
  /** When the row of the oldest operation that is open still was written; RFC 3339. Undefined where none is. */
  readonly oldestOpenTime: string | undefined;
  /** One for each operation that could not be looked after this time. */
  readonly errors: readonly {
    readonly operationId: string;
    readonly error: unknown;
  }[];
}

type Outcome = "delivered" | "resent" | "failed" | "removed" | "untouched";

/** Looks once at every open operation. Throws when the open operations cannot be listed. */
export async function reconcile(
  deps: OperationDependencies<TrackedRecord>,
): Promise<Reconciliation> {
  const counts = {
    open: 0,
    delivered: 0,
    resent: 0,
    failed: 0,
    removed: 0,
    untouched: 0,
  };
  const errors: { operationId: string; error: unknown }[] = [];
  let oldestOpenTime: string | undefined;
  for await (const page of pagesOf(deps.index, OPEN_SCOPE)) {
    const rows = [...page];
    counts.open += rows.length;
    const lookAfterRows = async (): Promise<void> => {
      for (let row = rows.shift(); row !== undefined; row = rows.shift()) {
        const { target: operationId, writtenTime } = row;
        let outcome: Outcome = "untouched";
        try {
          outcome = await lookAfter(deps, operationId, writtenTime);
          counts[outcome] += 1;
        } catch (error) {
          errors.push({ operationId, error });
        }
        if (outcome === "removed" || outcome === "failed") continue;
        if (oldestOpenTime === undefined || writtenTime < oldestOpenTime)
          oldestOpenTime = writtenTime;
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, lookAfterRows));
  }
  const { untouched: _, ...seen } = counts;
  return { ...seen, oldestOpenTime, errors };
}

async function lookAfter(
  deps: OperationDependencies<TrackedRecord>,
  operationId: string,
  writtenTime: string,
): Promise<Outcome> {
  const key = recordKeyOf(operationId);
  const stored = key === undefined ? undefined : await deps.store.read(key);
  // A message that is on its way is not sent again before it is overdue.
  const delivered = stored && (isSent(stored) ? stored : await deliver(deps, stored));
  const current = delivered?.operation.id === operationId;
  // A member is looked after with the current operation.
  if (
    delivered !== undefined &&
    !current &&
    !hasEnded(deps, delivered) &&
    operationIn(delivered, operationId) !== undefined
  )
    return delivered === stored ? "untouched" : "delivered";
  if (delivered === undefined || !current) {
    // The row is written before the state: without a state it is either very young or of a request never accepted.
    if (deps.now().getTime() - Date.parse(writtenTime) < deps.pace.overdueMs) return "untouched";
    await deps.index.remove([openRow(operationId)]);
    return "removed";
  }
  if (hasEnded(deps, delivered)) {
    if (delivered.record.outbox.length > 0) return "untouched"; // Its end is not told yet.
    await deps.index.remove([openRow(operationId)]);
    return "removed";
  }
  if (isOverdue(deps, delivered, stored?.writtenTime)) return resend(deps, delivered);
  return delivered === stored ? "untouched" : "delivered";
}

function isOverdue(
  deps: OperationDependencies<TrackedRecord>,
  { record, operation }: Stored<TrackedRecord>,
  writtenTime = operation.lastUpdatedTime,
): boolean {
  const dueMs = Date.parse(record.dueTime);
  const waitMs = record.resends > 0 ? 0 : dueMs - Date.parse(operation.lastUpdatedTime);
  const byStoreMs = Date.parse(writtenTime) + waitMs;
  return deps.now().getTime() - Math.min(dueMs, byStoreMs) >= overdueMs(record, deps.pace);
}

async function resend(
  deps: OperationDependencies<TrackedRecord>,
  stored: Stored<TrackedRecord>,
): Promise<Outcome> {
  // No more can be dead than were sent: while those are few, nobody need look.
  const dead =
    stored.record.resends + 1 < DEAD_MESSAGES_OF_POISON
      ? []
      : await deps.work.findDead(stored.operation.id, stored.record.step);
  // One dead message may be the mark of an outage that is over. Several are the mark of a message that kills.
  if (dead.length < DEAD_MESSAGES_OF_POISON) {
    await commitStep(deps, stored, (pair) => resendStep(pair, contextOf(deps)));
    return "resent";
  }
  await failPoisoned(
    deps,
    { operationId: stored.operation.id, step: stored.record.step },
    `It was sent ${dead.length} times; Service Bus says: ${dead.at(-1)}`,
  );
  return "failed";
}
