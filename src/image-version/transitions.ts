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
import {
  IMAGE_VERSION_EVENT,
  findingsInEvent,
  imageVersionEvent,
} from "../events/image-version-events.js";
import type { Finding } from "../errors.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionRequest } from "./contract.js";
import { encryptionOf } from "./encryption.js";
import type { ObservedImageVersion, Pace } from "./ports.js";
import {
  operationIdOf,
  type Effect,
  type ImageVersionRecord,
  type OperationFailure,
  type OperationRecord,
  type RegionRecord,
  type Requester,
  type VersionState,
  type WorkQueueName,
} from "./records.js";
import { observeRegions } from "./regions.js";

/** A version and its operation, before or after a transition. */
export interface Pair {
  readonly version: ImageVersionRecord;
  readonly operation: OperationRecord;
}

/** What every transition needs beside the state. */
export interface Moment {
  readonly now: Date;
  readonly pace: Pace;
  readonly eventSource: string;
}

const STATUS = {
  Accepted: "NotStarted",
  Creating: "Running",
  Replicating: "Running",
  Succeeded: "Succeeded",
  Failed: "Failed",
} as const satisfies Record<VersionState, OperationRecord["status"]>;

const QUEUE: Partial<Record<VersionState, WorkQueueName>> = {
  Accepted: "image-version-creations",
  Creating: "image-version-creations",
  Replicating: "image-version-replications",
};

export function isFinal(state: VersionState): boolean {
  return QUEUE[state] === undefined;
}

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

/** Consecutive 404s of a version that ARM had accepted, after which it is taken for gone. */
const ABSENCES_BEFORE_GONE = 10;

/** ARM answered 404 for a version it had accepted: normal for a while after the PUT, final when it persists. */
export function observeAbsence(pair: Pair, moment: Moment): Pair {
  const absences = pair.version.absences + 1;
  if (absences < ABSENCES_BEFORE_GONE) {
    const waiting = wait(
      pair,
      "Azure Resource Manager does not show the version yet.",
      0,
      moment,
    );
    return { ...waiting, version: { ...waiting.version, absences } };
  }
  return fail(
    pair,
    {
      code: "NotFound",
      message: `Azure Resource Manager accepted the version, then answered ${absences} times in a row that it does not exist: it was deleted, or never made. Send the request again to create it.`,
      errors: [],
    },
    moment,
  );
}

/** One look at the version in ARM. `failure` says why ARM gave it up, where its provisioning state is Failed. */
export function observe(
  pair: Pair,
  observed: ObservedImageVersion,
  failure: { code: string; message: string } | undefined,
  moment: Moment,
): Pair {
  const time = moment.now.toISOString();
  const changes = observeRegions(pair.version.regions, observed, failure, time);
  const regions = changes.map((change) => change.region);
  const seen: Pair = {
    version: { ...pair.version, regions, absences: 0 },
    operation: pair.operation,
  };
  const effects = changes.flatMap(({ region, happened }): Effect[] => {
    switch (happened) {
      case "completed":
        return [
          event(seen, moment, "regionCompleted", `${region.name}/completed`, {
            region: region.name,
            regionalReplicaCount: targetRegionsOf(seen.version.request).find(
              (r) => r.name === region.name,
            )?.regionalReplicaCount,
            encryption: encryptionOf(seen.version, region.name),
          }),
        ];
      case "failed":
        return [
          event(
            seen,
            moment,
            "regionFailed",
            `${region.name}/failed/${region.attempts}`,
            {
              region: region.name,
              details: region.details,
            },
          ),
        ];
      case "progressed":
        return [
          event(
            seen,
            moment,
            "regionReplicating",
            `${region.name}/replicating/${region.progress}`,
            {
              region: region.name,
              progress: region.progress,
            },
          ),
        ];
      case "nothing":
        return [];
    }
  });

  const failed = regions.filter((region) => region.state === "Failed");
  const completed = regions.filter((region) => region.state === "Completed");
  if (
    completed.length === regions.length &&
    observed.provisioningState === "Succeeded"
  ) {
    return advance(seen, moment, {
      patch: { state: "Succeeded" },
      message: `The version is usable in ${regions.map((region) => region.name).join(", ")}.`,
      effects: [
        ...effects,
        event(seen, moment, "completed", "completed", {
          regions: outcomes(regions),
        }),
      ],
    });
  }
  // ARM may give the version up though each of its regions has its copy: nothing would ever come after that.
  const ended = failed.length > 0 || observed.provisioningState === "Failed";
  if (ended && failed.length + completed.length === regions.length) {
    return fail(
      seen,
      replicationFailure(seen.version, failed, failure),
      moment,
      effects,
    );
  }
  return advance(seen, moment, {
    patch: { ticks: pair.version.ticks + 1 },
    waitMs: pollDelayMs(pair.version.ticks + 1, moment.pace),
    effects,
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

interface Advance {
  readonly patch: Partial<ImageVersionRecord>;
  readonly operation?: Partial<OperationRecord>;
  /** History entry; the state's own name unless `state` says otherwise. */
  readonly message?: string;
  readonly state?: string;
  /** Until the next step; absent in a final state. */
  readonly waitMs?: number;
  readonly effects?: readonly Effect[];
}

function advance(pair: Pair, moment: Moment, change: Advance): Pair {
  const time = moment.now.toISOString();
  const version: ImageVersionRecord = {
    ...pair.version,
    ...change.patch,
    step: pair.version.step + 1,
    wakes: 0,
    dueTime: new Date(
      moment.now.getTime() + (change.waitMs ?? 0),
    ).toISOString(),
  };
  const status = STATUS[version.state];
  const final = isFinal(version.state);
  const operation: OperationRecord = {
    ...pair.operation,
    ...change.operation,
    status,
    regions: version.regions,
    lastUpdatedTime: time,
    ...(status === "Running" &&
      pair.operation.startedTime === undefined && { startedTime: time }),
    ...(final && { endTime: time }),
    history:
      change.message === undefined
        ? pair.operation.history
        : withEntry(pair.operation.history, {
            time,
            state: change.state ?? version.state,
            message: change.message,
          }),
  };
  const statusChanged: Effect[] =
    status === pair.operation.status
      ? []
      : [{ kind: "index", previousStatus: pair.operation.status }];
  return {
    // Invariant 1: what is not yet told stays in front of what is new.
    version: {
      ...version,
      outbox: [
        ...pair.version.outbox,
        ...statusChanged,
        ...(change.effects ?? []),
        ...(final
          ? [{ kind: "close" } as const]
          : stepMessage(version, operation)),
      ],
    },
    operation,
  };
}

/** Waiting may take long: only the latest of several waits in a row is history. */
function withEntry(
  history: OperationRecord["history"],
  entry: OperationRecord["history"][number],
): OperationRecord["history"] {
  const last = history.at(-1);
  return last?.state === "Waiting" && entry.state === "Waiting"
    ? [...history.slice(0, -1), entry]
    : [...history, entry];
}

function stepMessage(
  version: ImageVersionRecord,
  operation: OperationRecord,
): Effect[] {
  const queue = QUEUE[version.state];
  if (queue === undefined) return [];
  const again = version.wakes === 0 ? "" : `.${version.wakes}`;
  return [
    {
      kind: "message",
      message: {
        queue,
        id: `${operation.id}:${version.step}${again}`,
        operationId: operation.id,
        step: version.step,
        traceparent: operation.traceparent,
        enqueueTime: version.dueTime,
      },
    },
  ];
}

function event(
  pair: Pair,
  moment: Moment,
  type: keyof typeof IMAGE_VERSION_EVENT,
  fact: string,
  data: Readonly<Record<string, unknown>>,
): Effect {
  return {
    kind: "event",
    event: imageVersionEvent(
      {
        source: moment.eventSource,
        operationId: pair.operation.id,
        subject: pair.version.resourceId,
        time: moment.now.toISOString(),
        traceparent: pair.operation.traceparent,
      },
      IMAGE_VERSION_EVENT[type],
      fact,
      data,
    ),
  };
}

function replicationFailure(
  version: ImageVersionRecord,
  failed: readonly RegionRecord[],
  failure: { code: string; message: string } | undefined,
): OperationFailure {
  const names = targetRegionsOf(version.request).map((region) => region.name);
  const errors = failed.map((region): Finding => ({
    code: failure?.code ?? "RegionFailed",
    pointer: `/properties/publishingProfile/targetRegions/${names.indexOf(region.name)}`,
    message: `Replication to ${region.name} failed: ${region.details ?? failure?.message ?? "Azure gave no reason"}`,
  }));
  if (failed.length === 0 && failure !== undefined)
    errors.push({ code: failure.code, pointer: "", message: failure.message });
  return {
    code: "ReplicationFailed",
    message: `${failed.length === 0 ? "Every region has its copy, but the version's provisioning state is Failed." : `The version is not usable in ${failed.map((region) => region.name).join(", ")}.`}${failure === undefined ? "" : ` Azure Resource Manager says: ${failure.message}`}`,
    errors,
  };
}

function outcomes(
  regions: readonly RegionRecord[],
): readonly { name: string; state: string }[] {
  return regions.map(({ name, state }) => ({ name, state }));
}

function pollDelayMs(ticks: number, pace: Pace): number {
  return Math.min(
    pace.pollMaxMs,
    pace.pollInitialMs * 2 ** Math.min(ticks, 30),
  );
}
