/**
 * Finds what is stored but has no message in flight, and sends it again. Invariants:
 *  1. It changes state only by the commits that everything else uses. Running it next to the
 *     queues, or twice, does no harm.
 *  2. It never fails an overdue step because of a clock: it sends the step again, unless several
 *     messages of this step are in the dead-letter queue. If the clock of the host that stored the
 *     step is ahead, the store's clock counts.
 *  3. It reads only open operations, never the history.
 */
import { omit } from "../objects.js";
import { OPEN_SCOPE, openRow } from "./catalog.js";
import { hasEnded } from "./kinds.js";
import { deliver, isSent } from "./outbox.js";
import { pagesOf } from "./pages.js";
import type { OperationDependencies, Stored } from "./ports.js";
import { failPoisoned } from "./poison.js";
import { operationIn, recordKeyOf, type TrackedRecord } from "./records.js";
import { contextOf, commitStep } from "./steps.js";
import { overdueMs, resendStep } from "./waiting.js";

/** How many operations are handled at once. */
const PARALLEL = 8;

const DEAD_MESSAGES_OF_POISON = 3;

interface Reconciliation {
  readonly open: number;
  readonly delivered: number;
  readonly resent: number;
  readonly failed: number;
  readonly removed: number;
  /** When the row of the oldest open operation was written; RFC 3339. Undefined: none is open. */
  readonly oldestOpenTime: string | undefined;
  /** One for each operation that could not be handled. */
  readonly errors: readonly {
    readonly operationId: string;
    readonly error: unknown;
  }[];
}

type Outcome = "delivered" | "resent" | "failed" | "removed" | "untouched";

/** Checks every open operation once. Throws when the open operations cannot be listed. */
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
  const seen = omit(counts, "untouched");
  return { ...seen, oldestOpenTime, errors };
}

async function lookAfter(
  deps: OperationDependencies<TrackedRecord>,
  operationId: string,
  writtenTime: string,
): Promise<Outcome> {
  const key = recordKeyOf(operationId);
  const stored = key === undefined ? undefined : await deps.store.read(key);
  // A message in flight is sent again only when overdue.
  const delivered = stored && (isSent(stored) ? stored : await deliver(deps, stored));
  const current = delivered?.operation.id === operationId;
  // A member is handled with the current operation.
  if (
    delivered !== undefined &&
    !current &&
    !hasEnded(deps, delivered) &&
    operationIn(delivered, operationId) !== undefined
  )
    return delivered === stored ? "untouched" : "delivered";
  if (delivered === undefined || !current) {
    // The row is written before the state. Without a state, it is either very new or from a request
    // that was never accepted.
    if (deps.now().getTime() - Date.parse(writtenTime) < deps.pace.overdueMs) return "untouched";
    await deps.index.remove([openRow(operationId)]);
    return "removed";
  }
  if (hasEnded(deps, delivered)) {
    if (delivered.record.outbox.length > 0) return "untouched"; // Its end is not delivered yet.
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
  // No more messages can be dead than were sent, so look only after several.
  const dead =
    stored.record.resends + 1 < DEAD_MESSAGES_OF_POISON
      ? []
      : await deps.work.findDead(stored.operation.id, stored.record.step);
  // One dead message may come from an outage that is over. Several mean a message that crashes its
  // receiver.
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
