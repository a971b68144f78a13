/**
 * The regions of a version as looks show them. Invariants:
 *  1. Progress counts from any look: the first look that shows a region Completed is reported.
 *  2. A setback (Failed, no longer Completed, gone) counts once a second look, at least
 *     `pace.confirmMs` later, shows the same, because one look may be older than the one before it.
 *  3. Progress never goes back, nor a region from Replicating to Unknown, unless replication begins
 *     again.
 *  4. Progress is reported when a region begins, at each `pace.progressStep` percent, and if the
 *     last report is ten minutes old.
 *  5. A region is Failed when ARM shows it Failed, or when ARM has given the version up and the
 *     region stands still. A region that continues after another failed is not.
 *  6. For a region whose copy the last write changes, Completed counts once a look showed ARM
 *     working on that and a later one shows it idle, or at a second look.
 */
import { omit } from "../../objects.js";
import type { TransitionContext, PollingPolicy } from "../../operation/ports.js";
import type { RegionRecord, RegionState } from "../../operation/records.js";
import { shownFields, isFlag } from "../latest/flags.js";
import { regionOf, regionsIn } from "../properties/fields.js";
import { unmetBy } from "../properties/patch.js";
import { desired, inWindow, removedRegions } from "./fold.js";
import { isOtherLife } from "./confirmed.js";
import type { ImageVersionRecord } from "./record.js";
import { isLate } from "./usual.js";
import { isBusy, type Look } from "../resources.js";

/** A region after a look, and the news about it. */
export interface RegionChange {
  readonly region: RegionRecord;
  readonly happened:
    "regionCompleted" | "regionFailed" | "regionReplicating" | "regionStalled" | "nothing";
  /** True if it had stalled and now continues. */
  readonly resumed: boolean;
}

const GONE = "Azure no longer has this region in the version.";

/** `isFact`: the look is confirmed. Any other look of the same life counts only for progress. */
export function observeRegions(
  record: ImageVersionRecord,
  look: Look,
  failure: { readonly message: string } | undefined,
  isFact: boolean,
  time: Pick<TransitionContext, "now" | "pace">,
): readonly RegionChange[] {
  const fields = shownFields(look.resource);
  // A request that was not sent has changed nothing in Azure.
  const sent = inWindow(record).flatMap(([id, one]) => (one.sent === true ? [id] : []));
  const { patch } = desired(record, sent);
  const removed = removedRegions(record);
  return record.regions.map((before): RegionChange => {
    const { name } = before;
    if (isOtherLife(record, look) || removed.includes(name)) return unchanged(before);
    const isShown =
      regionsIn(fields).includes(name) || look.regions.some((one) => one.name === name);
    if (!isShown) return isFact ? notShown(before, look, time) : unchanged(before);
    // ARM shows a region's earlier values until it has done what was requested.
    const asked = Object.entries(patch).filter(
      ([field]) => regionOf(field) === name && !isFlag(field),
    );
    return unmetBy(fields, Object.fromEntries(asked)).length > 0
      ? unchanged(before)
      : observeRegion(before, look, failure, isFact, time);
  });
}

function unchanged(region: RegionRecord): RegionChange {
  return { region, happened: "nothing", resumed: false };
}

/** A region may be missing before it is sent, and while ARM works. */
function notShown(
  before: RegionRecord,
  look: Look,
  time: Pick<TransitionContext, "now" | "pace">,
): RegionChange {
  return before.attempts === 0 || before.state === "Failed" || isBusy(look)
    ? unchanged(before)
    : stepBack(before, "Failed", GONE, time);
}

function observeRegion(
  before: RegionRecord,
  look: Look,
  failure: { readonly message: string } | undefined,
  isFact: boolean,
  time: Pick<TransitionContext, "now" | "pace">,
): RegionChange {
  const seen = look.regions.find(({ name }) => name === before.name);
  const shown = stateShown(before, look, seen);
  const { progress, details } = seen ?? {};
  // Invariant 5.
  if (look.provisioningState === "Failed" && standsStill(before, shown, progress))
    return isFact && before.state !== "Failed"
      ? stepBack(before, "Failed", details ?? failure?.message, time)
      : unchanged(before);
  if (isBack(before.state, shown))
    return isFact ? stepBack(before, shown, details, time) : unchanged(before);
  return before.recopying !== undefined && shown === "Completed"
    ? recopied(before, look, progress, time)
    : stepForward(before, shown, progress, details, time);
}

function standsStill(
  before: RegionRecord,
  state: RegionState,
  progress = before.progress,
): boolean {
  return (state === "Unknown" || state === "Replicating") && progress <= before.progress;
}

/** Whether this is a setback: Failed, or no longer Completed. */
function isBack(before: RegionState, state: RegionState): boolean {
  return before !== state && (state === "Failed" || before === "Completed");
}

function stateShown(
  before: RegionRecord,
  look: Look,
  seen: Look["regions"][number] | undefined,
): RegionState {
  if (seen?.state === "Unknown" && before.state === "Replicating") return before.state; // Invariant 3.
  if (seen !== undefined) return seen.state;
  const isWhole =
    look.regions.length === 0 ||
    look.resource.properties.publishingProfile?.replicationMode === "Shallow";
  return isWhole && look.provisioningState === "Succeeded" ? "Completed" : before.state;
}

/** Invariant 6. */
function recopied(
  { recopying, ...before }: RegionRecord,
  look: Look,
  progress: number | undefined,
  time: Pick<TransitionContext, "now" | "pace">,
): RegionChange {
  const { now, pace } = time;
  if (isBusy(look)) return unchanged({ ...before, recopying: "begun" });
  const { unconfirmed: { since } = { since: now.toISOString() } } = before;
  return recopying === "begun" || now.getTime() - Date.parse(since) >= pace.confirmMs
    ? stepForward(before, "Completed", progress, undefined, time)
    : unchanged({
        ...before,
        recopying: "sent",
        unconfirmed: { state: "Completed", since },
      });
}

/** Invariant 2. */
function stepBack(
  before: RegionRecord,
  state: RegionState,
  details: string | undefined,
  { now, pace: { confirmMs } }: Pick<TransitionContext, "now" | "pace">,
): RegionChange {
  const since = before.unconfirmed?.state === state ? before.unconfirmed.since : now.toISOString();
  if (now.getTime() - Date.parse(since) < confirmMs)
    return unchanged({ ...before, unconfirmed: { state, since } });
  const kept = omit(
    before,
    "unconfirmed",
    "completedTime",
    "stalledTime",
    "details",
    "expectedEndTime",
  );
  return {
    region: {
      ...kept,
      state,
      progress: state === "Failed" ? before.progress : 0,
      // A new replication is another attempt.
      attempts: before.attempts + (state === "Failed" ? 0 : 1),
      lastProgressTime: now.toISOString(),
      ...(details !== undefined && { details }),
    },
    happened: state === "Failed" ? "regionFailed" : "regionReplicating",
    resumed: false,
  };
}

function stepForward(
  before: RegionRecord,
  state: RegionState,
  seenProgress: number | undefined,
  details: string | undefined,
  context: Pick<TransitionContext, "now" | "pace">,
): RegionChange {
  const time = context.now.toISOString();
  const recovers = before.state === "Failed" && state !== "Failed";
  const progress = progressOf(before, state, seenProgress);
  const moved = state !== before.state || progress !== before.progress;
  const { stalledTime, nextAttemptTime, waitReason, ...kept } = omit(
    before,
    "details",
    "unconfirmed",
    "expectedEndTime",
  );
  const happened = happenedTo(before, { state, progress, moved }, context);
  const region: RegionRecord = {
    ...kept,
    // Azure shows it, so replication began at least once, whoever began it.
    attempts: Math.max(1, before.attempts + (recovers ? 1 : 0)),
    state,
    progress,
    ...(moved && { lastProgressTime: time }),
    ...(happened === "regionReplicating" && { published: { progress, time } }),
    ...(happened === "regionCompleted" && { completedTime: time }),
    ...withDefined({
      stalledTime: happened === "regionStalled" ? time : moved ? undefined : stalledTime,
      details,
      ...(state === "Failed" && { nextAttemptTime, waitReason }),
    }),
  };
  const resumed = moved && stalledTime !== undefined && state !== "Failed";
  return { region, happened, resumed };
}

function happenedTo(
  before: RegionRecord,
  {
    state,
    progress,
    moved,
  }: {
    readonly state: RegionState;
    readonly progress: number;
    readonly moved: boolean;
  },
  time: Pick<TransitionContext, "now" | "pace">,
): RegionChange["happened"] {
  if (state === "Completed" && before.completedTime === undefined) return "regionCompleted";
  if (!moved) return isToStall(before, state, time) ? "regionStalled" : "nothing";
  return state === "Replicating" && isNews(before, progress, time.now, time.pace)
    ? "regionReplicating"
    : "nothing";
}

/** Invariant 3. */
function progressOf(before: RegionRecord, state: RegionState, seen = 0): number {
  if (state === "Completed") return 100;
  return before.state === "Failed" && state !== "Failed" ? seen : Math.max(before.progress, seen);
}

/**
 * Whether it has stood still for longer than usual there, without a report: ten minutes if its copy
 * takes longer than nine of ten copies did. With too few known copies, the configured time.
 */
export function isToStall(
  region: RegionRecord,
  state: RegionState,
  { now, pace }: Pick<TransitionContext, "now" | "pace">,
): boolean {
  const { stalledTime, lastProgressTime } = region;
  if (stalledTime !== undefined || lastProgressTime === undefined) return false;
  if (state !== "Unknown" && state !== "Replicating") return false;
  const late = isLate(region, now);
  const stillMs = now.getTime() - Date.parse(lastProgressTime);
  return late === undefined ? stillMs >= pace.stalledMs : late && stillMs >= pace.staleMs;
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function withDefined<T extends object>(some: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(some).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}

/** Smaller progress than a step is reported after this long. */
const LONG_UNTOLD_MS = 600_000;

/** Invariant 4. */
function isNews(
  { state, published }: RegionRecord,
  progress: number,
  now: Date,
  { progressStep }: PollingPolicy,
): boolean {
  return (
    published === undefined ||
    state !== "Replicating" ||
    Math.floor(progress / progressStep) > Math.floor(published.progress / progressStep) ||
    now.getTime() - Date.parse(published.time) >= LONG_UNTOLD_MS
  );
}
