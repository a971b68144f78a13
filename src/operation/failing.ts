/** The failure that every kind of operation may end with. */
import { findingsInEvent } from "../events/operation-event.js";
import { advance, event, regionsOf, type OperationEnd } from "./advance.js";
import { kindOf } from "./kinds.js";
import type { TransitionContext } from "./ports.js";
import type {
  Pair,
  Effect,
  OperationFailure,
  OperationRecord,
  RegionRecord,
  TrackedRecord,
} from "./records.js";

/** Ends the operations Failed; `effects` are reported first. */
export function fail<R extends TrackedRecord>(
  pair: Pair<R>,
  error: OperationFailure,
  context: TransitionContext,
  effects: readonly Effect[] = [],
): Pair<R> {
  const { regions } = pair.record;
  return advance(pair, context, {
    patch: { state: "Failed" } as Partial<R>,
    effects,
    ending: (operation) => failure(operation, error, regions, context),
  });
}

/** The end of a failed operation. `regions` are those of its record. */
export function failure(
  operation: OperationRecord,
  error: OperationFailure,
  regions: readonly RegionRecord[],
  context: TransitionContext,
): OperationEnd {
  const own = regionsOf(operation, regions);
  const { type, data } = kindOf(context, operation).events.failed(operation, {
    error: {
      code: error.code,
      message: error.message,
      ...findingsInEvent(error.errors),
    },
    ...(own.length > 0 && { regions: outcomes(own) }),
  });
  return {
    status: "Failed",
    message: error.message,
    error,
    event: event(operation, context, type, "failed", data),
  };
}

/** Each region and how it ended, for an event that ends an operation. */
export function outcomes(
  regions: readonly RegionRecord[],
): readonly Pick<RegionRecord, "name" | "state">[] {
  return regions.map(({ name, state }) => ({ name, state }));
}
