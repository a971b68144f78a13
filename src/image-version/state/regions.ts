/**
 * The regions of a version as looks show them. Invariants:
 *  1. A step forward counts from any look: a region is told Completed at the first look that shows it so.
 *  2. A step back (Failed, no longer Completed, gone) counts once a second look, `pace.confirmMs` later or more, shows the same:
 *     one look may be older than the one before it.
 *  3. Progress never goes back, nor a region from Replicating to Unknown, unless it is begun anew.
 *  4. Progress is told as a region begins, at each `pace.progressStep` percent, and where that is ten minutes away.
 *  5. A region is Failed when ARM says so of it, or when ARM has given the version up and the region stands still. A region
 *     that goes on while another has failed is not.
 *  6. Of a region whose copy the last write changes, Completed counts once ARM was seen at work on that and is idle again, or at a
 *     second look.
 */
import type {
  TransitionContext,
  PollingPolicy,
} from "../../operation/ports.js";
import type { RegionRecord, RegionState } from "../../operation/records.js";
import { factsIn, isFlag } from "../latest/flags.js";
import { regionOf, regionsIn } from "../properties/fields.js";
import { unmetBy } from "../properties/patch.js";
import { desired, regionsAway } from "./fold.js";
import { isOtherLife } from "./observe.js";
import type { ImageVersionRecord } from "./record.js";
import { isBusy, type Look } from "../resources.js";

/** A region after a look, and what the look said about it that was not known before. */
export interface RegionChange {
  readonly region: RegionRecord;
  readonly happened:
    "completed" | "failed" | "progressed" | "stalled" | "nothing";
  /** True where it had stalled before, and goes on. */
  readonly resumed: boolean;
}

const GONE = "Azure no longer has this region in the version.";

/** `isFact`: the look is one. Of any other look of the same life only steps forward count. */
export function observeRegions(
  record: ImageVersionRecord,
  look: Look,
  failure: { readonly message: string } | undefined,
  isFact: boolean,
  { now, pace }: Pick<TransitionContext, "now" | "pace">,
): readonly RegionChange[] {
  const { regions } = record;
  const facts = factsIn(look.resource);
  const shown = regionsIn(facts);
  const { patch } = desired(record);
  const away = regionsAway(record);
  const whole =
    look.regions.length === 0 ||
    look.resource.properties.publishingProfile?.replicationMode === "Shallow";
  return regions.map((before): RegionChange => {
    const nothing = {
      region: before,
      happened: "nothing",
      resumed: false,
    } as const;
    const { name } = before;
    if (isOtherLife(record, look) || away.includes(name)) return nothing;
    const seen = look.regions.find((one) => one.name === name);
    const there = shown.includes(name);
    if (!there && seen === undefined) {
      // Before it is sent, and while ARM works, a region may not be shown yet.
      return !isFact ||
        before.attempts === 0 ||
        before.state === "Failed" ||
        isBusy(look)
        ? nothing
        : stepBack(before, "Failed", GONE, now, pace);
    }
    // What a region had is shown until ARM has done with what is asked of it.
    const asked = Object.entries(patch).filter(
      ([field]) => regionOf(field) === name && !isFlag(field),
    );
    if (unmetBy(facts, Object.fromEntries(asked)).length > 0) return nothing;
    const state: RegionState =
      (seen?.state === "Unknown" && before.state === "Replicating"
        ? before.state // Invariant 3.
        : seen?.state) ??
      (whole && look.provisioningState === "Succeeded"
        ? "Completed"
        : before.state);
    const details = seen?.details;
    // Invariant 5.
    const stands = seen === undefined || seen.progress <= before.progress;
    const isGivenUp =
      look.provisioningState === "Failed" &&
      (state === "Unknown" || state === "Replicating") &&
      stands;
    if (isGivenUp && before.state === "Failed") return nothing;
    const isBack =
      isGivenUp ||
      (state === "Failed" && before.state !== "Failed") ||
      (before.state === "Completed" && state !== "Completed");
    if (isBack)
      return isFact
        ? stepBack(
            before,
            isGivenUp ? "Failed" : state,
            isGivenUp ? (details ?? failure?.message) : details,
            now,
            pace,
          )
        : nothing;
    if (before.recopying !== undefined && state === "Completed")
      return recopied(before, look, seen?.progress, now, pace);
    return stepForward(before, state, seen?.progress, details, now, pace);
  });
}

/** Invariant 6. */
function recopied(
  { recopying, ...before }: RegionRecord,
  look: Look,
  progress: number | undefined,
  now: Date,
  pace: PollingPolicy,
): RegionChange {
  const time = now.toISOString();
  const kept = (region: RegionRecord): RegionChange => ({
    region,
    happened: "nothing",
    resumed: false,
  });
  if (isBusy(look)) return kept({ ...before, recopying: "begun" });
  const { doubt: { since } = { since: time } } = before;
  return recopying === "begun" ||
    now.getTime() - Date.parse(since) >= pace.confirmMs
    ? stepForward(before, "Completed", progress, undefined, now, pace)
    : kept({
        ...before,
        recopying: "sent",
        doubt: { state: "Completed", since },
      });
}

/** Invariant 2. */
function stepBack(
  before: RegionRecord,
  state: RegionState,
  details: string | undefined,
  now: Date,
  { confirmMs }: Pick<PollingPolicy, "confirmMs">,
): RegionChange {
  const since =
    before.doubt?.state === state ? before.doubt.since : now.toISOString();
  if (now.getTime() - Date.parse(since) < confirmMs)
    return {
      region: { ...before, doubt: { state, since } },
      happened: "nothing",
      resumed: false,
    };
  const {
    doubt: _,
    completedTime: __,
    stalledTime: ___,
    details: ____,
    expectedEndTime: _____,
    ...kept
  } = before;
  return {
    region: {
      ...kept,
      state,
      progress: state === "Failed" ? before.progress : 0,
      // Replicated again, it is another attempt.
      attempts: before.attempts + (state === "Failed" ? 0 : 1),
      lastProgressTime: now.toISOString(),
      ...(details !== undefined && { details }),
    },
    happened: state === "Failed" ? "failed" : "progressed",
    resumed: false,
  };
}

function stepForward(
  before: RegionRecord,
  state: RegionState,
  seenProgress: number | undefined,
  details: string | undefined,
  now: Date,
  pace: PollingPolicy,
): RegionChange {
  const time = now.toISOString();
  const recovers = before.state === "Failed" && state !== "Failed";
  const progress =
    state === "Completed"
      ? 100
      : recovers
        ? (seenProgress ?? 0)
        : Math.max(before.progress, seenProgress ?? 0); // Invariant 3.
  const moved = state !== before.state || progress !== before.progress;
  const {
    details: _,
    stalledTime,
    doubt: __,
    expectedEndTime: ___,
    nextAttemptTime,
    waitReason,
    ...kept
  } = before;
  const stalls =
    !moved &&
    stalledTime === undefined &&
    (state === "Unknown" || state === "Replicating") &&
    now.getTime() - Date.parse(before.lastProgressTime ?? time) >=
      pace.stalledMs;
  const tells =
    moved && state === "Replicating" && isNews(before, progress, now, pace);
  const region: RegionRecord = {
    ...kept,
    // What Azure shows was begun at least once, by whomever.
    attempts: Math.max(1, before.attempts + (recovers ? 1 : 0)),
    state,
    progress,
    ...(moved && { lastProgressTime: time }),
    ...(tells && { told: { progress, time } }),
    ...(stalls && { stalledTime: time }),
    ...(!moved && stalledTime !== undefined && { stalledTime }),
    ...(state === "Completed" && {
      completedTime: before.completedTime ?? time,
    }),
    ...(details !== undefined && { details }),
    ...(state === "Failed" && {
      ...(nextAttemptTime !== undefined && { nextAttemptTime }),
      ...(waitReason !== undefined && { waitReason }),
    }),
  };
  const completed = state === "Completed" && before.completedTime === undefined;
  return {
    region,
    happened: completed
      ? "completed"
      : stalls
        ? "stalled"
        : tells
          ? "progressed"
          : "nothing",
    resumed: moved && stalledTime !== undefined && state !== "Failed",
  };
}

/** Progress that is less than a step is told after so long. */
const LONG_UNTOLD_MS = 600_000;

/** Invariant 4. */
function isNews(
  { state, told }: RegionRecord,
  progress: number,
  now: Date,
  { progressStep }: PollingPolicy,
): boolean {
  return (
    told === undefined ||
    state !== "Replicating" ||
    Math.floor(progress / progressStep) >
      Math.floor(told.progress / progressStep) ||
    now.getTime() - Date.parse(told.time) >= LONG_UNTOLD_MS
  );
}
