/**
 * The transitions of one image version. Pure: a stored state and something that happened give the next state, and in it
 * everything that must be told because of it. States are in operation/states.ts. Invariants, beside those of every
 * transition (operation/advance.ts):
 *  1. Before a PUT or DELETE is sent, the message that will look at what became of it is already on its way.
 *  2. What is sent is noted before it is sent: a look recognises it by what it changes.
 */
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import {
  advance,
  event,
  events,
  type Advance,
} from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import type {
  Effect,
  OperationRecord,
  RegionRecord,
} from "../../operation/records.js";
import { pollDelayMs, wait } from "../../operation/waiting.js";
import type { Proven } from "../preflight/judge.js";
import {
  propertyOf,
  regionField,
  regionOf,
  regionsIn,
  removedBy,
} from "../properties/fields.js";
import type { Patch } from "../properties/patch.js";
import { before, writesAfter, writesWith } from "./attempts.js";
import { includedAfter, withoutRefused } from "./held.js";
import { beginPacing, paced, type Paced } from "./pace.js";
import { isEnding, type Decision } from "./reconcile.js";
import {
  batchOf,
  sentLast,
  type Attempt,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import {
  awaitedByRule,
  isDecidedByHand,
  keptOf,
  shownOfLasting,
} from "./wanted.js";
import { unseen } from "./accepting.js";

export type Put = Extract<Decision, { kind: "put" }>;

/** The PUT may be sent once this is stored, by whoever stored it. */
export function beginWrite(
  pair: ImageVersionPair,
  put: Put,
  proven: Proven | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const state = put.creates ? "Creating" : "Updating";
  // Refused because ARM is busy, or unanswered: it is the same update that is tried again.
  const again =
    record.state === state &&
    sameChanges(record.lastAttempt?.changes, put.changes);
  const updates = record.updates + (again || put.creates ? 0 : 1);
  const changed = changedRegions(record, put);
  const batch = batchOf(record).map(([id]) => id);
  const { doubt: _, ...kept } = { ...record, ...keptOf(record) };
  const withRepairs: ImageVersionPair = {
    ...pair,
    record: {
      ...kept,
      requests: requestsAfter(record, put),
      repairs: repairsAfter(record, put, again),
      // Sent again, it is no further attempt.
      ...(!again && {
        regions: record.regions.map((region) =>
          regionAfter(region, put, changed),
        ),
      }),
    },
  };
  const effects = put.creates
    ? creatingEvents(pair, context)
    : again
      ? []
      : [
          ...updatingEvents(pair, batch, updates, context),
          ...Object.keys(put.takesAway)
            // Refused and sent again later, it is the same repair.
            .filter((region) => record.repairs[region]?.removed === undefined)
            .flatMap((region) =>
              events(
                pair,
                context,
                IMAGE_VERSION_EVENT.regionRepairing,
                `${region}/repairing/${updates}`,
                { region },
              ),
            ),
        ];
  const message = messageOf(put, again);
  const lastAttempt: Attempt = {
    changes: put.changes,
    regions: changed,
    sentTime: context.now.toISOString(),
    outcome: "unknown",
    sentFor: batch,
    asked: shownOfLasting(record),
    ...before(record),
    ...((put.promotes ||
      batchOf(record).some(([, request]) => isDecidedByHand(request))) && {
      overridesRule: true,
    }),
  };
  return advance(withRepairs, context, {
    patch: {
      state,
      updates,
      rewrites: record.rewrites + (put.rewrites ? 1 : 0),
      opened: record.opened || put.removesRegions,
      lastAttempt,
      ...includedAfter({ ...record, lastAttempt }),
      writes: put.creates ? [] : writesWith(record, put.changes, context),
      ...addedBy(record, put, context),
      ...provenBeside(record, proven),
      ticks: again ? record.ticks + 1 : 0,
    },
    ...(proven && { operation: withWarnings(pair.operation, proven) }),
    ...(message !== undefined && { message }),
    ...(batch.length > 0 && { concerns: batch }),
    // Invariant 1: the look comes once the PUT can no longer be under way.
    waitMs: context.pace.putTimeoutMs * 2,
    effects,
  });
}

function addedBy(
  { addedTimes }: ImageVersionRecord,
  { creates, changes }: Put,
  { now }: TransitionContext,
): Pick<ImageVersionRecord, "addedTimes"> {
  const added = creates
    ? []
    : regionsIn(changes).filter(
        (name) => `${regionField(name)}/name` in changes,
      );
  if (added.length === 0) return {};
  const times = added.map((name) => [name, now.toISOString()] as const);
  return { addedTimes: { ...addedTimes, ...Object.fromEntries(times) } };
}

function sameChanges(one: Patch | undefined, other: Patch): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function messageOf(put: Put, again: boolean): string | undefined {
  // A PUT that is refused for days is sent as often: an entry for each, and the record would only grow.
  if (again) return undefined;
  if (put.creates)
    return "Every check has passed: the create request is sent to Azure Resource Manager.";
  const away = Object.keys(put.takesAway);
  if (away.length > 0)
    return `${away.join(", ")} failed and ${away.length === 1 ? "is" : "are"} removed from the version, to be added back.`;
  if (put.addsBack.length > 0)
    return `${put.addsBack.join(", ")} ${put.addsBack.length === 1 ? "is" : "are"} added back to the version.`;
  if (put.promotes)
    return "The promotion rule holds: the version is included in latest.";
  return "The version in Azure is to be changed: the update is sent to Azure Resource Manager.";
}

/** Once for each operation, however often the request is sent, and with whomever. */
function creatingEvents(
  { operation, record }: ImageVersionPair,
  context: TransitionContext,
): Effect[] {
  return [operation, ...record.members]
    .filter(({ id }) => record.requests[id]?.created !== true)
    .map((one) =>
      event(one, context, IMAGE_VERSION_EVENT.creating, "creating", {}),
    );
}

function updatingEvents(
  pair: ImageVersionPair,
  batch: readonly string[],
  updates: number,
  context: TransitionContext,
): Effect[] {
  return [pair.operation, ...pair.record.members]
    .filter(({ id }) => batch.length === 0 || batch.includes(id))
    .map((one) =>
      event(one, context, IMAGE_VERSION_EVENT.updating, `updating/${updates}`, {
        regions: pair.record.regions.map(({ name }) => name),
      }),
    );
}

/** Regions that Azure has, and whose copies the write changes. */
function changedRegions(record: ImageVersionRecord, put: Put): string[] {
  return regionsIn(put.changes).filter((region) => {
    const names = Object.keys(put.changes).filter(
      (name) => regionOf(name) === region && name !== regionField(region),
    );
    const adds = names.some((name) => name === `${regionField(region)}/name`);
    return (
      !adds &&
      names.some((name) => propertyOf(name).restated !== true) &&
      record.regions.some(({ name }) => name === region)
    );
  });
}

function requestsAfter(
  record: ImageVersionRecord,
  { creates, changes }: Put,
): ImageVersionRecord["requests"] {
  const batch = batchOf(record).map(([id, request]) => {
    const { refused, removing = [], ...kept } = request;
    const removed = removedBy(request.changes).filter(
      (name) => changes[regionField(name)] === null && !removing.includes(name),
    );
    const after: VersionRequest = {
      ...kept,
      sent: true,
      ...(creates ? { created: true } : refused && { refused }),
      ...(removing.length + removed.length > 0 && {
        removing: [...removing, ...removed],
      }),
    };
    return [id, after] as const;
  });
  return { ...record.requests, ...Object.fromEntries(batch) };
}

function repairsAfter(
  { repairs }: ImageVersionRecord,
  put: Put,
  again: boolean,
): ImageVersionRecord["repairs"] {
  return {
    ...repairs,
    ...Object.fromEntries(
      Object.entries(put.takesAway).map(([name, removed]) => [
        name,
        { attempts: repairs[name]?.attempts ?? 0, removed },
      ]),
    ),
    ...Object.fromEntries(
      put.addsBack.map((name) => [
        name,
        {
          attempts: (repairs[name]?.attempts ?? 0) + (again ? 0 : 1),
          ...(repairs[name]?.removed && { removed: repairs[name].removed }),
        },
      ]),
    ),
  };
}

function regionAfter(
  region: RegionRecord,
  put: Put,
  changed: readonly string[],
): RegionRecord {
  // Others may have taken it away since: what was seen of it was of copies that are no more.
  const isAdded =
    region.state !== "Unknown" &&
    `${regionField(region.name)}/name` in put.changes;
  if (isAdded || put.addsBack.includes(region.name)) {
    const { attemptsAllowed } = region;
    return {
      ...unseen(region.name),
      attempts: region.attempts + 1,
      ...(attemptsAllowed !== undefined && { attemptsAllowed }),
    };
  }
  if (!changed.includes(region.name) || region.completedTime === undefined)
    return region;
  // It is told Completed again, of another attempt, once it has what it shall have.
  const { completedTime: _, ...anew } = region;
  return { ...anew, attempts: region.attempts + 1 };
}

/** ARM has accepted what was sent. */
export function writeAccepted(
  pair: ImageVersionPair,
  armOperationUrl: string | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const record = answered(pair.record, armOperationUrl, context);
  return advance({ ...pair, record }, context, {
    patch: {
      state: "Replicating",
      ticks: 0,
      pacing: beginPacing(record.pacing, context),
      consecutiveNotFound: 0,
      regions: followed(record.regions, context).map((region) => ({
        ...region,
        attempts: Math.max(1, region.attempts),
      })),
    },
    message:
      "Azure Resource Manager has accepted the version; its regions are followed.",
    ...concernsBatch(pair.record),
    waitMs: context.pace.pollInitialMs,
  });
}

/** That ARM has taken what was sent, in whichever state the version is by now. */
export function answered(
  { armOperationUrl: _, ...record }: ImageVersionRecord,
  armOperationUrl: string | undefined,
  context: TransitionContext,
): ImageVersionRecord {
  const { lastAttempt } = record;
  const accepted = lastAttempt && acceptedNow(lastAttempt, context);
  return {
    ...record,
    exists: true,
    ...(accepted && {
      lastAttempt: accepted,
      ...writesAfter(record, accepted, accepted),
    }),
    ...(armOperationUrl !== undefined && { armOperationUrl }),
  };
}

function acceptedNow(
  { before: _, ...sent }: Attempt,
  { now }: TransitionContext,
): Attempt & { readonly acceptedTime: string } {
  return { ...sent, outcome: "accepted", acceptedTime: now.toISOString() };
}

/**
 * ARM has refused what was sent: no look will ever show it. What it was to take away is still there, and still due. What was
 * sent before, and had no answer, may be there all the same.
 */
export function writeRefused(
  pair: ImageVersionPair,
  { now }: TransitionContext,
): ImageVersionPair {
  const { lastAttempt, repairs, requests } = pair.record;
  if (lastAttempt === undefined) return pair;
  const { changes, before: inForce, sentFor = [] } = lastAttempt;
  const isRefused = inForce === undefined && !pair.record.exists;
  const isStillThere = (region: string): boolean =>
    changes[regionField(region)] === null &&
    !(
      inForce?.outcome === "unknown" &&
      inForce.changes[regionField(region)] === null
    );
  return {
    ...pair,
    record: {
      ...pair.record,
      lastAttempt: { ...lastAttempt, outcome: "refused" },
      ...writesAfter(pair.record, lastAttempt, "refused"),
      ...withoutRefused(pair.record, lastAttempt),
      requests: Object.fromEntries(
        Object.entries(requests).map(([id, request]) => [
          id,
          sentFor.includes(id)
            ? {
                ...request,
                ...(isRefused && { refused: true as const }),
                ...(request.removing && {
                  removing: request.removing.filter(
                    (name) => !isStillThere(name),
                  ),
                }),
              }
            : request,
        ]),
      ),
      repairs: Object.fromEntries(
        Object.entries(repairs).map(([name, repair]) => [
          name,
          repair.removed !== undefined && isStillThere(name)
            ? { attempts: repair.attempts, dueTime: now.toISOString() }
            : repair,
        ]),
      ),
    },
  };
}

function concernsBatch(
  record: ImageVersionRecord,
): Pick<Advance<ImageVersionRecord>, "concerns"> {
  const batch = batchOf(record).map(([id]) => id);
  return batch.length > 0 ? { concerns: batch } : {};
}

function followed(
  regions: readonly RegionRecord[],
  { now }: TransitionContext,
): readonly RegionRecord[] {
  return regions.map((region) => ({
    ...region,
    // Progress is waited for from now on.
    lastProgressTime: region.lastProgressTime ?? now.toISOString(),
  }));
}

/** Nothing is to be sent: the version is followed until the next look. */
export function follow(
  pair: ImageVersionPair,
  decision: Extract<Decision, { kind: "wait" | "applied" }>,
  proven: Proven | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const state = stateWhileFollowed(record, decision);
  const begins = record.state !== "Replicating" && state === "Replicating";
  const doubt =
    decision.kind === "wait" && decision.doubt !== undefined
      ? record.doubt?.what === decision.doubt
        ? record.doubt
        : { what: decision.doubt, since: context.now.toISOString() }
      : undefined;
  const { doubt: _, ...kept } = record;
  const ticks = begins ? 0 : record.ticks + 1;
  const regions = begins ? followed(record.regions, context) : record.regions;
  const next =
    state === "Replicating" ? pacedBy(record, begins, context) : undefined;
  return advance(
    { ...pair, record: { ...kept, ...(doubt && { doubt }) } },
    context,
    {
      patch: {
        state,
        exists: true,
        ticks,
        ...(next && { pacing: next.pacing }),
        regions: next ? expected(regions, next) : regions,
        ...provenBeside(record, proven),
      },
      ...(proven && { operation: withWarnings(pair.operation, proven) }),
      ...(begins && {
        message: "Azure shows the version; its regions are followed.",
        ...concernsBatch(record),
      }),
      // Why the write had no answer says more than that it is not shown.
      waits:
        (state === "Updating" ? pair.operation.waitReason : undefined) ??
        awaited(record, decision),
      resumes: state === "Replicating" && isGettingOn(record),
      waitMs: untilNextLook(
        record,
        next?.waitMs ?? pollDelayMs(ticks, context.pace),
        doubt !== undefined,
        context,
      ),
    },
  );
}

/** What is waited for: ARM, or the regions. */
function awaited(
  record: ImageVersionRecord,
  decision: Extract<Decision, { kind: "wait" | "applied" }>,
): string {
  if (decision.kind === "wait") return decision.why;
  const { regions, observed } = record;
  const names = (some: readonly RegionRecord[]): string =>
    some.map(({ name }) => name).join(", ");
  const open = regions.filter(isOpen);
  if (open.length > 0) return `Azure replicates the version to ${names(open)}.`;
  const failed = regions.filter(({ state }) => state === "Failed");
  const others =
    observed === undefined ? [] : awaitedByRule(record, observed).awaited;
  if (failed.length === 0 && others.length > 0)
    return `It is included in latest once every region is ready: Azure replicates the version to ${others.join(", ")}, too.`;
  return failed.length > 0
    ? `${names(failed)} failed and will be removed from the version and added back.`
    : "Azure shows the version as requested: the next poll checks it again.";
}

function isOpen({ state }: RegionRecord): boolean {
  return state === "Unknown" || state === "Replicating";
}

/**
 * Azure copies to a region that has not stalled: that takes hours, and is told by region. A canceled operation waits for
 * ARM alone.
 */
function isGettingOn(record: ImageVersionRecord): boolean {
  return (
    !isEnding(record) &&
    record.regions.some(
      (region) => isOpen(region) && region.stalledTime === undefined,
    )
  );
}

function stateWhileFollowed(
  record: ImageVersionRecord,
  { kind }: Pick<Decision, "kind">,
): "Accepted" | "Updating" | "Replicating" {
  if (kind !== "wait") return "Replicating";
  // What is not sent yet is proven anew once ARM is at rest.
  if (record.state === "Accepted" && batchOf(record).length > 0)
    return "Accepted";
  // What had no answer, and is not shown, is not known to be accepted.
  return record.state === "Updating" && sentLast(record)?.outcome === "unknown"
    ? "Updating"
    : "Replicating";
}

/** What is polled next by the progress of the regions. */
function pacedBy(
  { pacing, regions }: ImageVersionRecord,
  begins: boolean,
  context: TransitionContext,
): Paced {
  return paced(
    pacing === undefined || begins ? beginPacing(pacing, context) : pacing,
    regions,
    context,
  );
}

function expected(
  regions: readonly RegionRecord[],
  { expectedEnds }: Paced,
): readonly RegionRecord[] {
  return regions.map(({ expectedEndTime: _, ...region }) => {
    const end = expectedEnds[region.name];
    return end === undefined ? region : { ...region, expectedEndTime: end };
  });
}

/** A doubt is settled, and a repair begun, as soon as that can be. */
function untilNextLook(
  { regions }: ImageVersionRecord,
  pollMs: number,
  doubted: boolean,
  { now, pace }: TransitionContext,
): number {
  const settles = doubted || regions.some(({ doubt }) => doubt !== undefined);
  const due = regions.flatMap(({ nextAttemptTime }) =>
    nextAttemptTime === undefined
      ? []
      : [Date.parse(nextAttemptTime) - now.getTime()],
  );
  return Math.max(
    1_000,
    Math.min(
      pollMs,
      ...(settles ? [pace.confirmMs] : []),
      ...due.filter((ms) => ms > 0),
    ),
  );
}

/** ARM does not show a version that it had accepted or shown. */
export function notShown(
  pair: ImageVersionPair,
  why: string,
  context: TransitionContext,
): ImageVersionPair {
  const waiting = wait(pair, why, 0, context);
  return {
    ...waiting,
    record: {
      ...waiting.record,
      consecutiveNotFound: pair.record.consecutiveNotFound + 1,
    },
  };
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

/** What was found worth saying at acceptance and at the proof. */
function withWarnings(
  { warnings = [] }: OperationRecord,
  { operation }: Proven,
): Pick<OperationRecord, "warnings"> {
  const all = [...warnings, ...(operation.warnings ?? [])];
  return all.length > 0 ? { warnings: all } : {};
}
