/** How an operation on a version is accepted and begins, and what the record is then. Pure. */
import type { Finding } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { advance, event } from "../../operation/advance.js";
import { indexed } from "../../operation/catalog.js";
import type { TransitionContext } from "../../operation/ports.js";
import {
  newRecord,
  operationIdOf,
  type Effect,
  type EventReference,
  type OperationRecord,
  type RegionRecord,
  type Requester,
  type SoftDeleteRecord,
} from "../../operation/records.js";
import {
  fieldsOf,
  regionField,
  regionOf,
  regionsIn,
} from "../properties/fields.js";
import { combined } from "../properties/patch.js";
import {
  batchOf,
  sentLast,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
  type VersionState,
} from "./record.js";
import type { PromotionRule } from "../contract.js";
import { testedRow } from "../listings.js";
import { keptOf, ruleAskedBy } from "./wanted.js";

export type ImageVersionOperationKind =
  | "CreateImageVersion"
  | "UpdateImageVersion"
  | "RetryImageVersion"
  | "PromoteImageVersion"
  | "DemoteImageVersion"
  | "DeleteImageVersion"
  | "RestoreImageVersion";

/** What is asked of a version, and by whom. */
export interface Accepting {
  readonly kind: ImageVersionOperationKind;
  readonly key: string;
  readonly resourceId: string;
  readonly request: VersionRequest;
  /** Canonical names of the regions that the operation is about. */
  readonly regions: readonly string[];
  readonly fingerprint: string;
  readonly requestedBy: Requester;
  readonly traceparent: string;
  readonly requestKey?: string;
  readonly event?: EventReference;
  /** Of a deletion, whether it can be undone. */
  readonly softDelete?: SoftDeleteRecord;
  /** True where it promotes a wave: the next one is then looked after. */
  readonly inWaves?: boolean;
}

/** A version of which nothing is known yet. `time` is RFC 3339. */
export function emptyRecord(
  key: string,
  resourceId: string,
  time: string,
): ImageVersionRecord {
  return {
    ...newRecord({ key, resourceId, state: "Accepted", sequence: 0 }, time),
    lastSequence: 0,
    requests: {},
    exists: false,
    rewrites: 0,
    opened: false,
    repairs: {},
    updates: 0,
    consecutiveNotFound: 0,
    encryptionTypes: {},
    dataDiskLuns: [],
  };
}

/** A version as a new operation begins: what is known of it stays, what the operation before counted does not. */
export function started(
  key: string,
  resourceId: string,
  previous: ImageVersionRecord | undefined,
  { now }: TransitionContext,
): ImageVersionRecord {
  if (previous === undefined)
    return emptyRecord(key, resourceId, now.toISOString());
  const {
    doubt: _,
    deletedOutside: __,
    ...kept
  } = { ...previous, ...keptOf(previous) };
  return {
    ...kept,
    members: [],
    requests: {},
    ticks: 0,
    resends: 0,
    rewrites: 0,
    consecutiveNotFound: 0,
    // Repairs are counted by operation; what is taken away is still to be added back.
    repairs: Object.fromEntries(
      Object.entries(previous.repairs)
        .filter(([, { removed, lost }]) => removed ?? lost)
        .map(([name, { removed, lost }]) => [
          name,
          { attempts: 0, ...(removed && { removed }), ...(lost && { lost }) },
        ]),
    ),
    ...(previous.exists
      ? // What was asked for and never sent is not in the version.
        { regions: previous.regions.filter(({ attempts }) => attempts > 0) }
      : { regions: [], encryptionTypes: {}, dataDiskLuns: [] }),
  };
}

const FIRST_STATES: Readonly<
  Partial<Record<ImageVersionOperationKind, VersionState>>
> = {
  DeleteImageVersion: "DeletionRequested",
  RestoreImageVersion: "RestoreRequested",
};

/** The operation is stored, and begins at once. */
export function accept(
  asked: Accepting,
  previous: ImageVersionRecord | undefined,
  context: TransitionContext,
  warnings: readonly Finding[] = [],
): ImageVersionPair {
  const { key, resourceId, kind } = asked;
  const base = started(key, resourceId, previous, context);
  const sequence = base.lastSequence + 1;
  const operation: OperationRecord = {
    ...operationOf(asked, sequence, context),
    ...(warnings.length > 0 && { warnings }),
  };
  const state = FIRST_STATES[kind] ?? "Accepted";
  const record = withRequest(
    { ...base, state, sequence, lastSequence: sequence },
    operation.id,
    asked.request,
    asked.regions,
    context,
  );
  return advance(
    { record, operation: withRegions(operation, record) },
    context,
    {
      patch: { state },
      message: "The request is stored and its work is queued.",
      ...untilQuiet(base, context),
      effects: [
        indexed(operation, context),
        ...heldRow(resourceId, ruleAskedBy(asked.request), asked.inWaves),
        acceptedEvent(operation, asked, context),
      ],
    },
  );
}

/** A record to which an operation has begun: its request, its regions, its repairs. */
export function withRequest(
  record: ImageVersionRecord,
  operationId: string,
  request: VersionRequest,
  regions: readonly string[],
  { now }: TransitionContext,
): ImageVersionRecord {
  const known = record.regions.map(({ name }) => name);
  const removed = Object.keys(request.changes).filter(
    (name) =>
      request.changes[name] === null &&
      name === regionField(regionOf(name) ?? ""),
  );
  const gone = removed.map((name) => regionOf(name) ?? "");
  const retried = request.retries ?? [];
  const requests = { ...record.requests, [operationId]: request };
  const awaited = regionsAfter({ ...record, requests });
  return {
    ...record,
    requests,
    regions: [
      ...record.regions
        .filter(({ name }) => !gone.includes(name))
        // What is asked now is doubted by looks from now on.
        .map(({ doubt: _, ...region }) => region)
        .map((region) =>
          retried.includes(region.name)
            ? { ...region, state: "Failed" as const }
            : region,
        ),
      ...regions
        .filter((name) => !known.includes(name))
        .filter((name) => awaited.includes(name) || retried.includes(name))
        .map(unseen),
    ],
    repairs: {
      ...record.repairs,
      ...Object.fromEntries(
        retried.map((name) => {
          const { lost, removed = lost } = record.repairs[name] ?? {};
          return [
            name,
            {
              attempts: 0,
              ...(removed ? { removed } : { dueTime: now.toISOString() }),
            },
          ];
        }),
      ),
    },
  };
}

/** The regions that the version has, or will have: one that a request merely repeats may have been removed by another. */
function regionsAfter(
  record: Pick<
    ImageVersionRecord,
    "requests" | "lastApplied" | "observed" | "exists"
  >,
): readonly string[] {
  const patch = combined(
    batchOf(record).map(([, request]) => request),
    record.lastApplied,
  );
  const shown =
    record.observed === undefined
      ? []
      : regionsIn(fieldsOf(record.observed.resource));
  return [...new Set([...regionsIn(patch), ...shown])].filter(
    (name) => patch[regionField(name)] !== null,
  );
}

function withRegions(
  operation: OperationRecord,
  record: ImageVersionRecord,
): OperationRecord {
  return {
    ...operation,
    regions: operation.regions.map(
      ({ name }) =>
        record.regions.find((region) => region.name === name) ?? unseen(name),
    ),
  };
}

export function unseen(name: string): RegionRecord {
  return { name, state: "Unknown", progress: 0, attempts: 0 };
}

/** An operation as it is accepted. */
export function operationOf(
  {
    kind,
    key,
    resourceId,
    regions,
    fingerprint,
    requestedBy,
    traceparent,
    requestKey,
    event: request,
    softDelete,
  }: Accepting,
  sequence: number,
  { now }: TransitionContext,
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
    ...(requestKey !== undefined && { requestKey }),
    ...(request !== undefined && { request }),
    ...(softDelete && { softDelete }),
    traceparent,
    regions: regions.map(unseen),
    history: [],
  };
}

/** A version whose rule waits for tests is looked after from the beginning. */
export function heldRow(
  resourceId: string,
  rule: PromotionRule | undefined,
  inWaves = false,
): Effect[] {
  const when = rule?.when;
  return when === "tested" || when === "waves" || inWaves
    ? [{ kind: "index", put: [testedRow(resourceId)], remove: [] }]
    : [];
}

export function acceptedEvent(
  operation: OperationRecord,
  { regions, event: request }: Accepting,
  context: TransitionContext,
): Effect {
  return event(operation, context, IMAGE_VERSION_EVENT.accepted, "accepted", {
    kind: operation.kind,
    requestedBy: operation.requestedBy,
    targetRegions: [...regions],
    ...(request !== undefined && { request }),
  });
}

/**
 * After an operation that was ended: until a PUT of it can no longer be under way, and ARM takes the next; and why, where that
 * is still to come.
 */
export function untilQuiet(
  record: Pick<ImageVersionRecord, "lastAttempt" | "throttledUntil">,
  { now, pace }: Pick<TransitionContext, "now" | "pace">,
): { readonly waitMs: number; readonly waits?: string } {
  const sent = sentLast(record);
  const sentMs =
    sent?.outcome === "unknown"
      ? Date.parse(sent.sentTime) + pace.putTimeoutMs * 2 - now.getTime()
      : 0;
  const throttledMs = Date.parse(record.throttledUntil ?? "") - now.getTime();
  if (throttledMs > Math.max(0, sentMs))
    return {
      waitMs: throttledMs,
      waits:
        "Azure Resource Manager has asked Sigil to wait before the next request.",
    };
  return sentMs > 0
    ? {
        waitMs: sentMs,
        waits:
          "What an earlier operation sent to Azure Resource Manager may still be under way.",
      }
    : { waitMs: 0 };
}
