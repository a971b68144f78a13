/** The end that every kind of operation may come to. */
import type { EventType } from "../events/documented-event.js";
import { IMAGE_EVENT } from "../events/image-events.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { findingsInEvent } from "../events/operation-event.js";
import { SUBSCRIPTION_EVENT } from "../events/subscription-events.js";
import { advance, event, regionsOf, type Ending } from "./advance.js";
import type { TransitionContext } from "./ports.js";
import type {
  Pair,
  Effect,
  OperationFailure,
  OperationKind,
  OperationRecord,
  RegionRecord,
  TrackedRecord,
} from "./records.js";

const FAILED_EVENT = {
  CreateImageVersion: IMAGE_VERSION_EVENT.failed,
  UpdateImageVersion: IMAGE_VERSION_EVENT.failed,
  RetryImageVersion: IMAGE_VERSION_EVENT.failed,
  PromoteImageVersion: IMAGE_VERSION_EVENT.failed,
  DemoteImageVersion: IMAGE_VERSION_EVENT.failed,
  DeleteImageVersion: IMAGE_VERSION_EVENT.failed,
  RollBackImage: IMAGE_EVENT.rollbackFailed,
  PrepareSubscription: SUBSCRIPTION_EVENT.preparationFailed,
} as const satisfies Record<OperationKind, EventType>;

/** The operations end Failed; `effects` are told before that. */
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

/** How an operation ends that has failed; `regions` are those of its record. */
export function failure(
  operation: OperationRecord,
  error: OperationFailure,
  regions: readonly RegionRecord[],
  context: TransitionContext,
): Ending {
  const own = regionsOf(operation, regions);
  return {
    status: "Failed",
    message: error.message,
    error,
    event: event(operation, context, FAILED_EVENT[operation.kind], "failed", {
      error: {
        code: error.code,
        message: error.message,
        ...findingsInEvent(error.errors),
      },
      ...(own.length > 0 && { regions: outcomes(own) }),
      ...rollbackOf(operation),
    }),
  };
}

/** What an event of a rollback says of it; nothing of any other operation. */
export function rollbackOf({
  rollback,
}: Pick<OperationRecord, "rollback">): object {
  return rollback === undefined ? {} : rollback;
}

/** Each region and how it ended, for the event that ends a version. */
export function outcomes(
  regions: readonly RegionRecord[],
): readonly Pick<RegionRecord, "name" | "state">[] {
  return regions.map(({ name, state }) => ({ name, state }));
}
