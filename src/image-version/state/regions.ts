/**
 * The regions of a version as looks show them. Invariants:
 *  1. A step forward counts from any look: a region is told Completed at the first look that shows it so.
 *  2. A step back (Failed, no longer Completed, gone) counts once a second look, `pace.confirmMs` later or more, shows the same:
 *     one look may be older than the one before it.
 *  3. Progress never goes back, nor a region from Replicating to Unknown, unless it is begun anew.
 *  4. Progress is told as a region begins, at each `pace.progressStep` percent, and where that is ten minutes away.
 *  5. A region is Failed when ARM says so of it, or when ARM has given the version up and the region stands still. A region
 *     that goes on while another has failed is not.
 */
import type {
  TransitionContext,
  PollingPolicy,
} from "../../operation/ports.js";
import type { RegionRecord, RegionState } from "../../operation/records.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import { unmetBy } from "../properties/patch.js";
import { isRecent, mayHaveFailedBefore } from "./attempts.js";
import { sentLast, type ImageVersionRecord } from "./record.js";
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

export function observeRegions(
  record: Pick<
    ImageVersionRecord,
    "regions" | "lastAttempt" | "repairs" | "writes"
  >,
  look: Look,
  failure: { readonly message: string } | undefined,
  { now, pace }: Pick<TransitionContext, "now" | "pace">,
): readonly RegionChange[] {
  const { regions, lastAttempt, repairs } = record;
  const fields = fieldsOf(look.resource);
  const shown = regionsIn(fields);
  const whole =
    look.regions.length === 0 ||
    look.resource.properties.publishingProfile?.replicationMode === "Shallow";
  const sent = sentLast({ ...(lastAttempt && { lastAttempt }) });
  const isShown =
    sent?.outcome === "shown" ||
    (sent !== undefined && unmetBy(fields, sent.changes).length === 0);
  const changing =
    sent !== undefined &&
    (isBusy(look) || (!isShown && isRecent(sent, { now, pace })))
      ? sent.regions
      : [];
  return regions.map((before): RegionChange => {
    const nothing = {
      region: before,
      happened: "nothing",
      resumed: false,
    } as const;
    // What a region had is shown as Completed until ARM has done with the update that changes it.
    if (changing.includes(before.name)) return nothing;
    if (mayHaveFailedBefore(before.name, record, look, { now, pace }))
      return nothing;
    if (repairs[before.name]?.removed !== undefined) return nothing;
    const seen = look.regions.find(({ name }) => name === before.name);
    const there = shown.includes(before.name);
    if (!there && seen === undefined) {
      // Before it is sent, and while ARM works, a region may not be shown yet.
      if (before.attempts === 0 || before.state === "Failed" || isBusy(look))
        return nothing;
      return stepBack(before, "Failed", GONE, now, pace);
    }
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
    if (
      look.provisioningState === "Failed" &&
      (state === "Unknown" || state === "Replicating") &&
      stands
    )
      return before.state === "Failed"
        ? nothing
        : stepBack(before, "Failed", details ?? failure?.message, now, pace);
    if (
      (state === "Failed" && before.state !== "Failed") ||
      (before.state === "Completed" && state !== "Completed")
    )
      return stepBack(before, state, details, now, pace);
    return stepForward(before, state, seen?.progress, details, now, pace);
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
