/** The transitions of a rollback. Pure; for the invariants see take-rollback-step.ts. */
import { IMAGE_EVENT } from "../../events/image-events.js";
import { advance, event } from "../../operation/advance.js";
import { followChildren } from "../../operation/children.js";
import { fail } from "../../operation/failing.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure, OperationRecord, Pair } from "../../operation/records.js";
import type { Latest } from "../latest/latest-after.js";
import { rollbackOf } from "./kind.js";
import type { RollbackStateRecord, RollbackStep } from "../rollback-record.js";
import { asItIs, describeLatest } from "./verdict.js";

type RollbackPair = Pair<RollbackStateRecord>;
export type Transition = (pair: RollbackPair) => RollbackPair;

/** A change was requested, or continues. `steps`: those that are left. */
export function follow(
  steps: readonly RollbackStep[],
  { versionName, does }: RollbackStep,
  child: OperationRecord,
  context: TransitionContext,
): Transition {
  const patch = { state: "RollingBack", steps, child: child.id } as const;
  const message = `${versionName} is ${does}d: operation ${child.id}.`;
  return (pair) =>
    followChildren(
      pair,
      [child],
      context,
      patch,
      pair.record.child === child.id ? undefined : message,
    );
}

export function stop(
  { code, message, errors }: OperationFailure,
  latest: Latest,
  context: TransitionContext,
): Transition {
  return (before) => {
    const [pair, rollback] = atEnd(before, latest);
    const changed =
      before.record.state === "RollbackRequested"
        ? "Nothing was changed before that."
        : "Earlier changes stay.";
    return fail(
      pair,
      {
        code,
        message: `The rollback has stopped: ${message} ${changed} ${describeLatest(rollback)} Roll back again, or to another version, or promote one by hand.`,
        errors,
      },
      context,
    );
  };
}

export function complete(latest: Latest, context: TransitionContext): Transition {
  return (before) => {
    const [pair, rollback] = atEnd(before, latest);
    const { from, to } = rollback;
    return advance(pair, context, {
      patch: { state: "Succeeded" },
      ending: (operation) => ({
        status: "Succeeded",
        message: `${to} is the latest${from === to ? "" : ` in place of ${from}`}. ${describeLatest(rollback)}`,
        event: event(operation, context, IMAGE_EVENT.rollbackCompleted, "completed", {
          ...rollback,
        }),
      }),
    });
  };
}

/** With the latest versions at that time, instead of the planned ones. */
function atEnd(
  pair: RollbackPair,
  latest: Latest,
): readonly [RollbackPair, ReturnType<typeof rollbackOf>] {
  const rollback = asItIs(rollbackOf(pair.operation), latest);
  return [{ ...pair, operation: { ...pair.operation, detail: rollback } }, rollback];
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
