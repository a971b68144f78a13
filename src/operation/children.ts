/**
 * Operations that wait for others, their children. Pure. Invariants:
 *  1. A child is requested with a key of its parent. Requested again after a crash, it is the same
 *     operation.
 *  2. A parent waits as long as all its open children wait.
 */
import { advance } from "./advance.js";
import type { TransitionContext } from "./ports.js";
import type { OperationRecord, Pair, TrackedRecord } from "./records.js";
import { pollDelayMs } from "./waiting.js";

/** The Idempotency-Key of a child. Invariant 1. */
export function keyOfChild({ id }: OperationRecord, name: string | number): string {
  return `${id}/${name}`;
}

export function isOpen({ status }: OperationRecord): boolean {
  return status === "NotStarted" || status === "Running";
}

/** The parent waits for those that are open. `message`: one was just requested. Invariant 2. */
export function followChildren<R extends TrackedRecord>(
  pair: Pair<R>,
  children: readonly OperationRecord[],
  context: TransitionContext,
  patch: Partial<R>,
  message?: string,
): Pair<R> {
  const open = children.filter(isOpen);
  const [first] = open;
  const areWaiting = open.every(({ waitReason }) => waitReason !== undefined);
  const ticks = message === undefined ? pair.record.ticks : 0;
  return advance(pair, context, {
    patch: { ...patch, ticks: message === undefined ? ticks + 1 : 0 },
    ...(message !== undefined && { message }),
    ...(first && areWaiting && { waits: `Operation ${first.id} waits: ${first.waitReason}` }),
    resumes: children.some(({ waitingSince }) => waitingSince === undefined),
    waitMs: first ? pollDelayMs(ticks, context.pace) : 0,
  });
}
