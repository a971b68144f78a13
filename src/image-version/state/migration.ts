/**
 * Records of release 0.1.0, read as records of today. Nothing is written for it: the first step that commits such a record
 * writes it in today's shape, and the messages of 0.1.0 name the same operations and steps.
 */
import { SCHEMA, type OperationRecord } from "../../operation/records.js";
import { isFinal } from "./states.js";
import type { ImageVersionRequest, PromotionRule } from "../contract.js";
import { canonicalForm } from "../properties/canonical-form.js";
import { fieldsOf, regionField, type Fields } from "../properties/fields.js";
import { askedBy } from "../properties/patch.js";
import { EXCLUDE_FROM_LATEST } from "../properties/table.js";
import type {
  ImageVersionRecord,
  QueuedRequest,
  Repair,
  VersionRequest,
} from "./record.js";

/** As far as it is read. */
interface OldRecord {
  readonly state: ImageVersionRecord["state"];
  readonly sequence: number;
  readonly key: string;
  readonly request: ImageVersionRequest;
  readonly base?: ImageVersionRequest;
  readonly begun?: ImageVersionRequest;
  readonly made: boolean;
  readonly sent?: string;
  readonly accepted: boolean;
  readonly dueTime: string;
  readonly fellows: readonly OperationRecord[];
  readonly waiting: readonly {
    readonly operation: OperationRecord;
    readonly request: ImageVersionRequest;
    readonly alone?: boolean;
  }[];
  readonly shares: Readonly<Record<string, ImageVersionRequest>>;
  readonly alone: boolean;
  readonly removing: {
    readonly regions: readonly string[];
    readonly tags: readonly string[];
  };
  readonly repairing: readonly string[];
  readonly repairs: Readonly<
    Record<string, { readonly attempts: number; readonly dueTime?: string }>
  >;
  readonly spentRule?: PromotionRule;
  readonly changing: readonly string[];
  readonly updates: number;
  readonly absences: number;
  readonly wakes: number;
  readonly foreign: readonly string[];
  readonly excluded?: boolean;
  readonly repeats: number;
  readonly fingerprint: string;
}

const GONE = [
  "request",
  "base",
  "begun",
  "made",
  "sent",
  "accepted",
  "fellows",
  "waiting",
  "shares",
  "alone",
  "removing",
  "repairing",
  "repairs",
  "spentRule",
  "changing",
  "absences",
  "wakes",
  "foreign",
  "excluded",
  "repeats",
  "fingerprint",
] as const satisfies readonly (keyof OldRecord)[];

/** A stored record in today's shape, whichever release has stored it. `kind` is its current operation's. */
export function migrated(
  stored: unknown,
  kind: OperationRecord["kind"],
): ImageVersionRecord {
  const record = stored as OldRecord & ImageVersionRecord;
  if (record.schema === SCHEMA) return record;
  const kept = Object.fromEntries(
    Object.entries(record).filter(
      ([name]) => !(GONE as readonly string[]).includes(name),
    ),
  ) as unknown as ImageVersionRecord;
  const { state, made, base } = record;
  const byHand =
    kind === "PromoteImageVersion" || kind === "DemoteImageVersion";
  const achieved = isFinal(state)
    ? made
      ? state === "Succeeded" && !byHand
        ? record.request
        : (base ?? record.request)
      : undefined
    : base;
  const lastApplied = achieved && fieldsOf(canonicalForm(asAsked(achieved)));
  const requests = isFinal(state) ? {} : requestsOf(record, kind, lastApplied);
  return {
    ...kept,
    schema: SCHEMA,
    lastSequence: record.lastSequence,
    members: record.fellows,
    queued: record.waiting.map(
      ({ operation, request, alone }): QueuedRequest => ({
        operation,
        request: {
          ...putOf(request, lastApplied),
          ...(alone === true && { alone }),
        },
      }),
    ),
    resends: record.wakes,
    requests,
    exists: made && state !== "Deleted",
    ...(lastApplied && { lastApplied }),
    ...attemptOf(record, requests),
    rewrites: 0,
    opened: record.removing.regions.length > 0 || record.repairing.length > 0,
    repairs: repairsOf(record),
    ...(record.spentRule && { overriddenRule: record.spentRule }),
    consecutiveNotFound: record.absences,
  };
}

function requestsOf(
  record: OldRecord,
  kind: OperationRecord["kind"],
  lastApplied: Fields | undefined,
): Readonly<Record<string, VersionRequest>> {
  const current = `${record.key}-${record.sequence}`;
  if (kind === "DeleteImageVersion")
    return { [current]: { changes: {}, repeats: {}, byHand: true } };
  const own = record.shares[current] ?? record.request;
  const excluded = own.properties.publishingProfile?.excludeFromLatest === true;
  if (kind === "PromoteImageVersion" || kind === "DemoteImageVersion")
    return {
      [current]: {
        changes: { [EXCLUDE_FROM_LATEST]: excluded },
        repeats: {},
        byHand: true,
      },
    };
  if (kind === "RetryImageVersion")
    return {
      [current]: { changes: {}, repeats: {}, byHand: true, retries: [] },
    };
  const removed = Object.fromEntries(
    record.removing.regions.map((name) => [regionField(name), null]),
  );
  const put = putOf(own, lastApplied);
  return {
    [current]: {
      ...put,
      changes: { ...put.changes, ...removed },
      ...(record.alone && { alone: true }),
      ...(kind === "CreateImageVersion" &&
        (record.begun !== undefined ||
          record.accepted ||
          record.state === "Creating") && { created: true }),
    },
    ...Object.fromEntries(
      record.fellows.map(({ id }) => [
        id,
        putOf(record.shares[id] ?? record.request, lastApplied),
      ]),
    ),
  };
}

/** 0.1.0 wrote into a request under a promotion rule whether the version was to be excluded from latest just then. */
function asAsked(request: ImageVersionRequest): ImageVersionRequest {
  const { publishingProfile } = request.properties;
  if (request.sigil?.promotion === undefined || publishingProfile === undefined)
    return request;
  const { excludeFromLatest: _, ...profile } = publishingProfile;
  return {
    ...request,
    properties: { ...request.properties, publishingProfile: profile },
  };
}

function putOf(
  request: ImageVersionRequest,
  lastApplied: Fields | undefined,
): VersionRequest {
  const body = canonicalForm(asAsked(request));
  return {
    ...askedBy(fieldsOf(body), lastApplied),
    body,
    creates: true,
  };
}

/** What 0.1.0 had sent is known by a name only: looks decide what came of it. */
function attemptOf(
  record: OldRecord,
  requests: Readonly<Record<string, VersionRequest>>,
): Partial<Pick<ImageVersionRecord, "lastAttempt">> {
  const sent =
    record.begun !== undefined
      ? fieldsOf(canonicalForm(record.begun))
      : record.sent === undefined
        ? undefined
        : (Object.assign(
            {},
            ...Object.values(requests).map(({ changes }) => changes),
          ) as Fields);
  return sent === undefined
    ? {}
    : {
        lastAttempt: {
          changes: sent,
          asked: sent,
          regions: record.changing,
          sentTime: record.dueTime,
          outcome: record.accepted ? "accepted" : "unknown",
        },
      };
}

function repairsOf({
  repairs,
  repairing,
  request,
}: OldRecord): Readonly<Record<string, Repair>> {
  const fields = fieldsOf(canonicalForm(request));
  return {
    ...repairs,
    ...Object.fromEntries(
      repairing.map((name) => [
        name,
        {
          attempts: repairs[name]?.attempts ?? 0,
          removed: Object.fromEntries(
            Object.entries(fields).filter(([field]) =>
              field.startsWith(`${regionField(name)}/`),
            ),
          ),
        },
      ]),
    ),
  };
}
