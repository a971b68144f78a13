/**
 * The state machine of one image version's operation. Pure: a stored state and something that happened give the
 * next state, and in it everything that must be told because of it.
 *
 *   Accepted ──proved──▶ Creating ──ARM answered──▶ Replicating ──every region Completed──▶ Succeeded
 *      │                    │                           │
 *      └──finding───────────┴──refused by ARM───────────┴──a region Failed, others done──▶ Failed
 *
 * Invariants, beside those of every transition (operation/advance.ts):
 *  1. Before a PUT is sent, the message that will look after it is already on its way.
 *  2. Succeeded is reached only from an observation in which every target region is Completed.
 */
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import {
  advance,
  event,
  type Moment,
  type Pair,
} from "../operation/advance.js";
import {
  operationIdOf,
  type OperationRecord,
  type RegionRecord,
  type Requester,
} from "../operation/records.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionRequest } from "./contract.js";
import type { Proven } from "./preflight.js";
import type { ImageVersionRecord } from "./records.js";

export type ImageVersionPair = Pair<ImageVersionRecord>;

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
): ImageVersionPair {
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
  return advance({ record: version, operation }, moment, {
    patch: { state: "Accepted" },
    message: "The request is stored and its work is queued.",
    waitMs: 0,
    effects: [
      { kind: "index" },
      event(
        { record: version, operation },
        moment,
        IMAGE_VERSION_EVENT.accepted,
        "accepted",
        {
          requestedBy: input.requestedBy,
          targetRegions: regions.map((region) => region.name),
        },
      ),
    ],
  });
}

/** Everything is proven, or ARM has to be asked again: the PUT may be sent once this is stored, by whoever stored it. */
export function beginCreation(
  pair: ImageVersionPair,
  proven: Proven | undefined,
  moment: Moment,
): ImageVersionPair {
  const again = pair.record.state === "Creating";
  return advance(pair, moment, {
    patch: {
      state: "Creating",
      ...proven?.record,
      ticks: again ? pair.record.ticks + 1 : 0,
    },
    ...(proven && { operation: proven.operation }),
    // A PUT that is refused for days is sent as often: an entry for each, and the record would only grow.
    ...(!again && {
      message:
        "Every check has passed: the create request is sent to Azure Resource Manager.",
    }),
    // Invariant 1: the look-after comes once the PUT can no longer be under way.
    waitMs: moment.pace.putTimeoutMs * 2,
    effects: again
      ? []
      : [event(pair, moment, IMAGE_VERSION_EVENT.creating, "creating", {})],
  });
}

/** ARM has the version, by this PUT or an earlier one. */
export function followReplication(
  pair: ImageVersionPair,
  armOperationUrl: string | undefined,
  moment: Moment,
  proven?: Proven,
): ImageVersionPair {
  return advance(pair, moment, {
    patch: {
      state: "Replicating",
      ticks: 0,
      absences: 0,
      ...proven?.record,
      ...(armOperationUrl !== undefined && { armOperationUrl }),
      regions: pair.record.regions.map((region) => ({
        ...region,
        attempts: region.attempts + 1,
      })),
    },
    ...(proven && { operation: proven.operation }),
    message:
      "Azure Resource Manager has accepted the version; its regions are followed.",
    waitMs: moment.pace.pollInitialMs,
  });
}
