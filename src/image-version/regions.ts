import type { ObservedImageVersion } from "./ports.js";
import type { RegionRecord } from "../operation/records.js";

/** A region after an observation, and what the observation said about it that was not known before. */
export interface RegionChange {
  readonly region: RegionRecord;
  readonly happened: "completed" | "failed" | "progressed" | "nothing";
}

/**
 * Each region as ARM now shows it. A version whose provisioning has Failed makes no more progress: its regions that
 * are not Completed have failed, for the reason given.
 */
export function observeRegions(
  regions: readonly RegionRecord[],
  observed: ObservedImageVersion,
  failure: { readonly message: string } | undefined,
  time: string,
): readonly RegionChange[] {
  return regions.map((before): RegionChange => {
    const seen = observed.regions.find((region) => region.name === before.name);
    const givenUp =
      observed.provisioningState === "Failed" && seen?.state !== "Completed";
    const state = givenUp ? "Failed" : (seen?.state ?? before.state);
    const progress =
      state === "Completed" ? 100 : (seen?.progress ?? before.progress);
    const details = seen?.details ?? (givenUp ? failure?.message : undefined);
    const moved = state !== before.state || progress !== before.progress;
    const { details: _, ...kept } = before;
    const region: RegionRecord = {
      ...kept,
      state,
      progress,
      ...(moved && { lastProgressTime: time }),
      ...(state === "Completed" && {
        completedTime: before.completedTime ?? time,
      }),
      ...(details !== undefined && { details }),
    };
    return { region, happened: moved ? occurrence(before, region) : "nothing" };
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
