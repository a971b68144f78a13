/**
 * The state machine of one image version's operation. Pure: a stored state and something that happened give the
 * next state, and in it everything that must be told because of it.
 *
 *   Accepted ──proved──▶ Creating ──ARM answered──▶ Replicating ──every region Completed──▶ Succeeded
 *      │                    │                           │
 *      └──finding───────────┴──refused by ARM───────────┴──a region Failed, others done──▶ Failed
 *
 * Invariants
 *  1. Whatever a transition causes (events, messages, index rows) is in the outbox of the very record that states it:
 *     one write, so neither exists without the other.
 *  2. Every transition but `wake` raises `step` by one, and only the message of the current step may cause the next.
 *  3. A state that is not final always has a message for its step: in the outbox, in the queue, or found overdue.
 *     Before a PUT is sent, the message that will look after it is already on its way.
 *  4. Succeeded is reached only from an observation in which every target region is Completed.
 *  5. Final states are left only by a new operation.
 */
import { findingsInEvent } from "../events/image-version-events.js";
import {
  advance,
  event,
  pollDelayMs,
  stepMessage,
  type Moment,
  type Pair,
} from "./advance.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionRequest } from "./contract.js";
import type { Pace } from "./ports.js";
import {
  operationIdOf,
  type Effect,
  type ImageVersionRecord,
  type OperationFailure,
  type OperationRecord,
  type RegionRecord,
  type Requester,
} from "./records.js";

/** A request has passed every rule over the request alone. `previous` is a failed version, all told, to try again. */
export function accept(
  input: {
    readonly key: string;
    readonly resourceId: string;
    readonly request: ImageVersionRequest;
    readonly fingerprint: string;
    readonly requestedBy: Requester;
    readonly traceparent: string;
  },
  previous: ImageVersionRecord | undefined,
  moment: Moment,
): Pair {
  const time = moment.now.toISOString();
  const regions = targetRegionsOf(input.request).map(
    (region): RegionRecord => ({
      name: region.name,
      state: "Unknown",
      progress: 0,
      attempts: 0,
    }),
  );
  const version: ImageVersionRecord = {
    key: input.key,
    resourceId: input.resourceId,
    request: input.request,
    fingerprint: input.fingerprint,
    state: "Accepted",
    sequence: (previous?.sequence ?? 0) + 1,
    step: 0,
    dueTime: time,
    ticks: 0,
    wakes: 0,
    absences: 0,
    regions,
    encryptionTypes: {},
    dataDiskLuns: [],
    createdTime: previous?.createdTime ?? time,
    outbox: [],
  };
  const operation: OperationRecord = {
    id: operationIdOf(version),
    kind: "CreateImageVersion",
    status: "NotStarted",
    resourceId: input.resourceId,
    fingerprint: input.fingerprint,
    createdTime: time,
    lastUpdatedTime: time,
    requestedBy: input.requestedBy,
    traceparent: input.traceparent,
    regions,
    history: [],
  };
  return advance({ version, operation }, moment, {
    patch: { state: "Accepted" },
    message: "The request is stored and its work is queued.",
    waitMs: 0,
    effects: [
      { kind: "index" },
      event({ version, operation }, moment, "accepted", "accepted", {
        requestedBy: input.requestedBy,
        targetRegions: regions.map((region) => region.name),
      }),
    ],
  });
}

/** Everything is proven, or ARM has to be asked again: the PUT may be sent once this is stored, by whoever stored it. */
export function beginCreation(
  pair: Pair,
  proven: Pick<ImageVersionRecord, "encryptionTypes" | "dataDiskLuns">,
  moment: Moment,
): Pair {
  const again = pair.version.state === "Creating";
  return advance(pair, moment, {
    patch: {
      state: "Creating",
      ...proven,
      ticks: again ? pair.version.ticks + 1 : 0,
    },
    // A PUT that is refused for days is sent as often: an entry for each, and the record would only grow.
    ...(!again && {
      message:
        "Every check has passed: the create request is sent to Azure Resource Manager.",
    }),
    // Invariant 3: the look-after comes once the PUT can no longer be under way.
    waitMs: moment.pace.putTimeoutMs * 2,
    effects: again ? [] : [event(pair, moment, "creating", "creating", {})],
  });
}

/** ARM has the version, by this PUT or an earlier one. */
export function followReplication(
  pair: Pair,
  armOperationUrl: string | undefined,
  moment: Moment,
): Pair {
  return advance(pair, moment, {
    patch: {
      state: "Replicating",
      ticks: 0,
      absences: 0,
      ...(armOperationUrl !== undefined && { armOperationUrl }),
      regions: pair.version.regions.map((region) => ({
        ...region,
        attempts: region.attempts + 1,
      })),
    },
    message:
      "Azure Resource Manager has accepted the version; its regions are followed.",
    waitMs: moment.pace.pollInitialMs,
  });
}

/** Nothing could be learnt or done this time: the same step again, no sooner than `retryAfterMs`. */
export function wait(
  pair: Pair,
  reason: string,
  retryAfterMs: number,
  moment: Moment,
): Pair {
  const waitMs = Math.max(
    retryAfterMs,
    pollDelayMs(pair.version.ticks, moment.pace),
  );
  const next = new Date(moment.now.getTime() + waitMs).toISOString();
  return advance(pair, moment, {
    patch: { ticks: pair.version.ticks + 1 },
    state: "Waiting",
    message: `${reason} Next try at ${next}.`,
    waitMs,
  });
}

/** The operation ends Failed; `effects` are told before that. */
export function fail(
  pair: Pair,
  error: OperationFailure,
  moment: Moment,
  effects: readonly Effect[] = [],
): Pair {
  return advance(pair, moment, {
    patch: { state: "Failed" },
    operation: { error },
    message: error.message,
    effects: [
      ...effects,
      event(pair, moment, "failed", "failed", {
        error: {
          code: error.code,
          message: error.message,
          ...findingsInEvent(error.errors),
        },
        regions: outcomes(pair.version.regions),
      }),
    ],
  });
}

/** The step's message is overdue: the same step, sent again under another MessageId, past any duplicate detection. */
export function wake(pair: Pair, moment: Moment): Pair {
  const version = {
    ...pair.version,
    wakes: pair.version.wakes + 1,
    dueTime: moment.now.toISOString(),
  };
  return {
    version: {
      ...version,
      outbox: [...version.outbox, ...stepMessage(version, pair.operation)],
    },
    operation: pair.operation,
  };
}

/** How long past `dueTime` a step may be before it is sent again; doubles with each sending, up to 32 times. */
export function overdueMs(version: ImageVersionRecord, pace: Pace): number {
  return pace.overdueMs * 2 ** Math.min(version.wakes, 5);
}

/** Each region and how it ended, for the event that ends a version. */
export function outcomes(
  regions: readonly RegionRecord[],
): readonly { name: string; state: string }[] {
  return regions.map(({ name, state }) => ({ name, state }));
}
