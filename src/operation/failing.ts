/** The end that every kind of operation may come to. */
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { findingsInEvent } from "../events/operation-event.js";
import { SUBSCRIPTION_EVENT } from "../events/subscription-events.js";
import { advance, event, type Moment, type Pair } from "./advance.js";
import type {
  Effect,
  OperationFailure,
  OperationKind,
  RegionRecord,
  TrackedRecord,
} from "./records.js";

const FAILED_EVENT: Readonly<Record<OperationKind, string>> = {
  CreateImageVersion: IMAGE_VERSION_EVENT.failed,
  UpdateImageVersion: IMAGE_VERSION_EVENT.failed,
  RetryImageVersion: IMAGE_VERSION_EVENT.failed,
  DeleteImageVersion: IMAGE_VERSION_EVENT.failed,
  PrepareSubscription: SUBSCRIPTION_EVENT.preparationFailed,
};

/** The operation ends Failed; `effects` are told before that. */
export function fail<R extends TrackedRecord>(
  pair: Pair<R>,
  error: OperationFailure,
  moment: Moment,
  effects: readonly Effect[] = [],
): Pair<R> {
  return advance(pair, moment, {
    patch: { state: "Failed" } as Partial<R>,
    operation: { error },
    message: error.message,
    effects: [
      ...effects,
      event(pair, moment, FAILED_EVENT[pair.operation.kind], "failed", {
        error: {
          code: error.code,
          message: error.message,
          ...findingsInEvent(error.errors),
        },
        ...(pair.record.regions.length > 0 && {
          regions: outcomes(pair.record.regions),
        }),
      }),
    ],
  });
}

/** Each region and how it ended, for the event that ends a version. */
export function outcomes(
  regions: readonly RegionRecord[],
): readonly { name: string; state: string }[] {
  return regions.map(({ name, state }) => ({ name, state }));
}
