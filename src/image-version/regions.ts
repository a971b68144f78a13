import type { Moment } from "../operation/ports.js";
import { canonicalRegion } from "../resource-id.js";
import { targetRegionsOf } from "./canonical-form.js";
import type { ObservedImageVersion } from "./ports.js";
import { regionsOtherwise } from "./read-back.js";
import type { ImageVersionRecord } from "./records.js";
import { isBusy } from "./target.js";
import type { RegionRecord } from "../operation/records.js";

/** A region after an observation, and what the observation said about it that was not known before. */
export interface RegionChange {
  readonly region: RegionRecord;
  readonly happened:
    "completed" | "failed" | "progressed" | "stalled" | "nothing";
  /** True where it had stalled before. */
  readonly resumed: boolean;
}

/**
 * Each region as ARM now shows it. A version whose provisioning has Failed makes no more progress: its regions that
 * are not Completed have failed, for the reason given.
 */
export function observeRegions(
  {
    regions,
    changing,
    request,
  }: Pick<ImageVersionRecord, "regions" | "changing" | "request">,
  observed: ObservedImageVersion,
  failure: { readonly message: string } | undefined,
  { now, pace }: Pick<Moment, "now" | "pace">,
): readonly RegionChange[] {
  const time = now.toISOString();
  const shown = targetRegionsOf(observed.request).map(({ name }) =>
    canonicalRegion(name),
  );
  const otherwise = regionsOtherwise(request, observed.request);
  return regions.map((before): RegionChange => {
    // What a region had is shown as Completed until the update that changes it is sent, and until ARM has done with it.
    if (
      otherwise.has(before.name) ||
      (changing.includes(before.name) && isBusy(observed))
    )
      return { region: before, happened: "nothing", resumed: false };
    const seen = observed.regions.find((region) => region.name === before.name);
    // A region that ARM has not been told of, it has not given up.
    const givenUp =
      observed.provisioningState === "Failed" &&
      seen?.state !== "Completed" &&
      shown.includes(before.name);
    const state = givenUp ? "Failed" : (seen?.state ?? before.state);
    const progress =
      state === "Completed" ? 100 : (seen?.progress ?? before.progress);
    const details = seen?.details ?? (givenUp ? failure?.message : undefined);
    const moved = state !== before.state || progress !== before.progress;
    const stalls =
      !moved &&
      before.stalledTime === undefined &&
      (state === "Unknown" || state === "Replicating") &&
      now.getTime() - Date.parse(before.lastProgressTime ?? time) >=
        pace.stalledMs;
    const { details: _, stalledTime, ...kept } = before;
    const recovers = before.state === "Failed" && state !== "Failed";
    const region: RegionRecord = {
      ...kept,
      // If it fails again, that is another failure.
      attempts: before.attempts + (recovers ? 1 : 0),
      state,
      progress,
      ...(moved && { lastProgressTime: time }),
      ...(stalls && { stalledTime: time }),
      ...(!moved && stalledTime !== undefined && { stalledTime }),
      ...(state === "Completed" && {
        completedTime: before.completedTime ?? time,
      }),
      ...(details !== undefined && { details }),
    };
    const completed = state === "Completed" && !before.completedTime;
    return {
      region,
      happened: stalls
        ? "stalled"
        : moved || completed
          ? occurrence(before, region)
          : "nothing",
      resumed: moved && stalledTime !== undefined,
    };
  });
}

function occurrence(
  before: RegionRecord,
  after: RegionRecord,
): RegionChange["happened"] {
  switch (after.state) {
    case "Completed":
      return before.completedTime === undefined ? "completed" : "nothing";
    case "Failed":
      return before.state === "Failed" ? "nothing" : "failed";
    case "Replicating":
      return "progressed";
    case "Unknown":
      return "nothing";
  }
}
