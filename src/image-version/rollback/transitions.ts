/** What becomes of a rollback by a step. Pure; the invariants are those of take-rollback-step.ts. */
import { IMAGE_EVENT } from "../../events/image-events.js";
import { advance, event } from "../../operation/advance.js";
import { fail } from "../../operation/failing.js";
import type { TransitionContext } from "../../operation/ports.js";
import type {
  OperationFailure,
  OperationRecord,
  Pair,
} from "../../operation/records.js";
import { pollDelayMs } from "../../operation/waiting.js";
import type { Latest } from "../latest/latest-after.js";
import { rollbackOf } from "./kind.js";
import type { RollbackStateRecord, RollbackStep } from "../rollback-record.js";
import { describeLatest, withLatest } from "./verdict.js";

type RollbackPair = Pair<RollbackStateRecord>;
export type Transition = (pair: RollbackPair) => RollbackPair;

/** The change is asked for, or goes on. What it waits for, the rollback waits for. */
export function follow(
  { versionName, does }: RollbackStep,
  child: OperationRecord,
  context: TransitionContext,
): Transition {
  return ({ record, operation }) => {
    const begins = record.child === undefined;
    const reason = waitReasonOf(child, operation);
    return advance({ record, operation }, context, {
      patch: {
        state: "RollingBack",
        child: child.id,
        ticks: begins ? 0 : record.ticks + 1,
      },
      ...(begins && {
        message: `${versionName} is ${does}d: operation ${child.id}.`,
      }),
      ...(reason !== undefined && { waits: reason }),
      resumes: child.waitingSince === undefined,
      waitMs: pollDelayMs(record.ticks, context.pace),
    });
  };
}

/** What the change waits for, if it does. While its write is tried again that is what it was before. */
function waitReasonOf(
  { id, waitReason, waitingSince }: OperationRecord,
  before: OperationRecord,
): string | undefined {
  if (waitReason !== undefined) return `Operation ${id} waits: ${waitReason}`;
  return waitingSince === undefined ? undefined : before.waitReason;
}

/** One step is done. */
export function proceed(
  message: string | undefined,
  context: TransitionContext,
): Transition {
  return ({ record: { child: _, ...record }, operation }) =>
    advance({ record, operation }, context, {
      patch: { state: "RollingBack", done: record.done + 1, ticks: 0 },
      resumes: true,
      ...(message !== undefined && { message }),
      waitMs: 0,
    });
}

export function isGoneNow({ versionName }: RollbackStep): string {
  return `${versionName} is gone: there is nothing to demote.`;
}

export function stop(
  { code, message, errors }: OperationFailure,
  latest: Latest,
  context: TransitionContext,
  hasSent = false,
): Transition {
  return (before) => {
    const [pair, rollback] = atEnd(before, latest);
    const changed =
      pair.record.done === 0 && !hasSent
        ? "Nothing was changed before that."
        : "What was changed before that stays.";
    return fail(
      pair,
      {
        code,
        message: `The rollback has stopped: ${message} ${changed} ${describeLatest(rollback)} Roll back again, to another version where this one cannot be used, or promote one by hand.`,
        errors,
      },
      context,
    );
  };
}

export function complete(
  latest: Latest,
  context: TransitionContext,
): Transition {
  return (before) => {
    const [pair, rollback] = atEnd(before, latest);
    const { from, to } = rollback;
    return advance(pair, context, {
      patch: { state: "Succeeded" },
      ending: (operation) => ({
        status: "Succeeded",
        message: `${to} is the latest${from === to ? "" : ` in place of ${from}`}. ${describeLatest(rollback)}`,
        event: event(
          operation,
          context,
          IMAGE_EVENT.rollbackCompleted,
          "completed",
          { ...rollback },
        ),
      }),
    });
  };
}

/** With what is the latest then, in place of what was planned. */
function atEnd(
  pair: RollbackPair,
  latest: Latest,
): readonly [RollbackPair, ReturnType<typeof rollbackOf>] {
  const rollback = withLatest(rollbackOf(pair.operation), latest);
  return [{ ...pair, operation: { ...pair.operation, rollback } }, rollback];
}

export function refusalOf(
  { versionName, does }: RollbackStep,
  { id, status, error }: OperationRecord,
): OperationFailure {
  return {
    code: error?.code ?? "RollbackRefused",
    message:
      `${versionName} was not ${does}d (operation ${id}, ${status}). ${error?.message ?? ""}`.trim(),
    errors: error?.errors ?? [],
  };
}
