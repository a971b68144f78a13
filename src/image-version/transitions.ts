/**
 * The state machine of one image version's operation. Pure: a stored state and something that happened give the
 * next state, and in it everything that must be told because of it. Its states are in operation/states.ts. Invariants, beside those of every transition (operation/advance.ts):
 *  1. Before a PUT is sent, the message that will look after it is already on its way.
 *  2. Succeeded is reached only from an observation in which every target region is Completed.
 */
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { advance, event, events } from "../operation/advance.js";
import type { Moment } from "../operation/ports.js";
import {
  operationIdOf,
  type Effect,
  type OperationKind,
  type OperationRecord,
  type RegionRecord,
  type Requester,
} from "../operation/records.js";
import { indexed } from "../operation/catalog.js";
import { fingerprintOf, targetRegionsOf } from "./canonical-form.js";
import { removals } from "./change.js";
import type { ImageVersionRequest, PromotionRule } from "./contract.js";
import type { Proven } from "./preflight.js";
import {
  achievedBy,
  type ImageVersionPair,
  type ImageVersionRecord,
} from "./records.js";
import { targetName, type Target } from "./target.js";

export type ImageVersionOperationKind = Exclude<
  OperationKind,
  "PrepareSubscription"
>;

/** What is asked of a version, and by whom. */
export interface Asked {
  readonly kind: ImageVersionOperationKind;
  readonly key: string;
  readonly resourceId: string;
  readonly request: ImageVersionRequest;
  readonly fingerprint: string;
  readonly requestedBy: Requester;
  readonly traceparent: string;
  /** Regions that failed and are to be repaired at once. */
  readonly repairing?: readonly string[];
  /** A promotion rule that is overruled. */
  readonly spentRule?: PromotionRule | undefined;
}

/** A request has passed every rule that needs no look at Azure. `previous` is the version after its last operation, all told. */
export function accept(
  asked: Asked,
  previous: ImageVersionRecord | undefined,
  moment: Moment,
): ImageVersionPair {
  const { kind, key, resourceId } = asked;
  const sequence = (previous?.lastSequence ?? 0) + 1;
  const state =
    kind === "DeleteImageVersion" ? "DeletionRequested" : "Accepted";
  const record: ImageVersionRecord = {
    ...started(asked.request, previous, moment),
    state,
    key,
    resourceId,
    sequence,
    lastSequence: sequence,
    repairing: asked.repairing ?? [],
    ...(asked.spentRule && { spentRule: asked.spentRule }),
  };
  const operation = operationOf(
    asked,
    sequence,
    PROMOTIONS.includes(kind) ? [] : record.regions,
    moment,
  );
  return advance({ record, operation }, moment, {
    patch: { state },
    message: "The request is stored and its work is queued.",
    waitMs: previous === undefined ? 0 : untilQuiet(previous, moment),
    effects: [indexed(operation), acceptedEvent(operation, moment)],
  });
}

/** They concern the whole version: how its regions fare is not theirs to tell. */
const PROMOTIONS: readonly OperationKind[] = [
  "PromoteImageVersion",
  "DemoteImageVersion",
];

/** After a canceled operation: until a PUT of it can no longer be under way. Milliseconds. */
export function untilQuiet(
  { dueTime }: Pick<ImageVersionRecord, "dueTime">,
  { now }: Moment,
): number {
  return Math.max(0, Date.parse(dueTime) - now.getTime());
}

/** An operation as it is accepted. `regions` are those that it is about. */
export function operationOf(
  { kind, key, resourceId, fingerprint, requestedBy, traceparent }: Asked,
  sequence: number,
  regions: readonly RegionRecord[],
  { now }: Moment,
): OperationRecord {
  const time = now.toISOString();
  return {
    id: operationIdOf({ key, sequence }),
    kind,
    status: "NotStarted",
    resourceId,
    fingerprint,
    createdTime: time,
    lastUpdatedTime: time,
    requestedBy,
    traceparent,
    regions,
    history: [],
  };
}

export function acceptedEvent(
  operation: OperationRecord,
  moment: Moment,
): Effect {
  return event(operation, moment, IMAGE_VERSION_EVENT.accepted, "accepted", {
    kind: operation.kind,
    requestedBy: operation.requestedBy,
    targetRegions: operation.regions.map((region) => region.name),
  });
}

/** A version at the beginning of an operation that asks `request` of it. */
export function started(
  request: ImageVersionRequest,
  previous: ImageVersionRecord | undefined,
  { now }: Moment,
): Omit<ImageVersionRecord, "key" | "resourceId" | "sequence"> {
  const time = now.toISOString();
  const before = previous?.made === true ? previous : undefined;
  const base = before && achievedBy(before);
  return {
    state: "Accepted",
    lastSequence: previous?.lastSequence ?? 0,
    fellows: [],
    waiting: [],
    shares: {},
    alone: false,
    step: 0,
    dueTime: time,
    ticks: 0,
    wakes: 0,
    made: before !== undefined,
    ...(base && { base }),
    ...begunBefore(previous),
    ...desired(request, base, before?.regions ?? []),
    repairing: [],
    repairs: {},
    foreign: before?.foreign ?? [],
    ...(before?.excluded !== undefined && { excluded: before.excluded }),
    ...(before?.spentRule && { spentRule: before.spentRule }),
    // ARM may still be at work on the update of an operation that was canceled.
    changing: before?.changing ?? [],
    accepted: false,
    updates: 0,
    repeats: 0,
    absences: 0,
    encryptionTypes: before?.encryptionTypes ?? {},
    dataDiskLuns: before?.dataDiskLuns ?? [],
    createdTime: previous?.createdTime ?? time,
    outbox: [],
  };
}

/** What follows from what a version shall be, where it was `base` and its regions were last seen as `known`. */
export function desired(
  request: ImageVersionRequest,
  base: ImageVersionRequest | undefined,
  known: readonly RegionRecord[],
): Pick<
  ImageVersionRecord,
  "request" | "fingerprint" | "removing" | "regions"
> {
  return {
    request,
    fingerprint: fingerprintOf(request),
    removing:
      base === undefined ? { regions: [], tags: [] } : removals(base, request),
    regions: targetRegionsOf(request).map(
      ({ name }) =>
        known.find((region) => region.name === name) ?? unseen(name),
    ),
  };
}

function begunBefore(
  previous: ImageVersionRecord | undefined,
): Pick<ImageVersionRecord, "begun"> {
  if (previous === undefined || previous.made) return {};
  const { sent, request, begun } = previous;
  if (sent !== undefined) return { begun: request };
  return begun === undefined ? {} : { begun };
}

/** A region of which nothing is known yet. */
function unseen(name: string): RegionRecord {
  return { name, state: "Unknown", progress: 0, attempts: 0 };
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
      sent: targetName(pair.record),
      accepted: false,
      // What was known was of a version that is no more.
      ...(!again && {
        changing: [],
        foreign: [],
        removing: { regions: [], tags: [] },
        regions: pair.record.regions.map(({ name }) => unseen(name)),
      }),
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
      : events(pair, moment, IMAGE_VERSION_EVENT.creating, "creating", {}),
  });
}

/** An update may be sent once this is stored, by whoever stored it. */
export function beginUpdate(
  pair: ImageVersionPair,
  { name: sent, changing }: Pick<Target, "name" | "changing">,
  proven: Proven | undefined,
  moment: Moment,
): ImageVersionPair {
  const { accepted, repeats, regions } = pair.record;
  const again = pair.record.sent === sent;
  const updates = pair.record.updates + (again ? 0 : 1);
  return advance(pair, moment, {
    patch: {
      state: "Updating",
      sent,
      accepted: false,
      repeats: again ? repeats + (accepted ? 1 : 0) : 0,
      updates,
      // Sent again, it may have changed already what it was to change.
      changing: again
        ? [...new Set([...pair.record.changing, ...changing])]
        : changing,
      regions: regions.map((region) => {
        const { completedTime: _, ...anew } = region;
        return changing.includes(region.name) ? anew : region;
      }),
      ...provenBeside(pair.record, proven),
      ticks: again ? pair.record.ticks + 1 : 0,
    },
    ...(proven && { operation: proven.operation }),
    ...(!again && {
      message:
        "The version in Azure is to be changed: the update is sent to Azure Resource Manager.",
    }),
    // Invariant 1, as of a create request.
    waitMs: moment.pace.putTimeoutMs * 2,
    effects: again
      ? []
      : events(
          pair,
          moment,
          IMAGE_VERSION_EVENT.updating,
          `updating/${updates}`,
          { regions: pair.record.regions.map(({ name }) => name) },
        ),
  });
}

/** Regions that ARM has beyond what Sigil was ever asked for: told once, and kept. */
export function seeForeign(
  pair: ImageVersionPair,
  foreign: readonly string[],
  moment: Moment,
): ImageVersionPair {
  const added = foreign.filter((name) => !pair.record.foreign.includes(name));
  if (added.length === 0) return pair;
  const record = {
    ...pair.record,
    foreign,
    outbox: [
      ...pair.record.outbox,
      event(
        pair.operation,
        moment,
        IMAGE_VERSION_EVENT.changedOutside,
        `outside/${[...added].sort().join(",")}`,
        { regions: added },
      ),
    ],
  };
  return { ...pair, record };
}

/** Why a version is followed: ARM has accepted what was sent, or shows that there is nothing to send, or not yet. */
export type Following =
  | { readonly kind: "accepted"; readonly armOperationUrl: string | undefined }
  | { readonly kind: "seen" };

/** ARM has the version, by this PUT or an earlier one. */
export function followReplication(
  pair: ImageVersionPair,
  why: Following,
  moment: Moment,
  proven?: Proven,
): ImageVersionPair {
  const { state, accepted } = pair.record;
  const armOperationUrl =
    why.kind === "accepted" ? why.armOperationUrl : undefined;
  return advance(pair, moment, {
    patch: {
      state: "Replicating",
      accepted:
        why.kind === "accepted" || (state === "Replicating" && accepted),
      made: true,
      ticks: 0,
      absences: 0,
      ...provenBeside(pair.record, proven),
      ...(armOperationUrl !== undefined && { armOperationUrl }),
      regions: pair.record.regions.map((region) => ({
        ...region,
        attempts: Math.max(1, region.attempts),
        // Progress is waited for from now on.
        lastProgressTime: region.lastProgressTime ?? moment.now.toISOString(),
      })),
    },
    ...(proven && { operation: proven.operation }),
    message:
      "Azure Resource Manager has accepted the version; its regions are followed.",
    waitMs: moment.pace.pollInitialMs,
  });
}

/** What was proven of the sets of an update, beside what is known of the version's others. */
function provenBeside(
  { encryptionTypes, dataDiskLuns }: ImageVersionRecord,
  proven: Proven | undefined,
): Partial<ImageVersionRecord> {
  return proven === undefined
    ? {}
    : {
        encryptionTypes: {
          ...encryptionTypes,
          ...proven.record.encryptionTypes,
        },
        dataDiskLuns:
          dataDiskLuns.length > 0 ? dataDiskLuns : proven.record.dataDiskLuns,
      };
}
