import type { Schemas } from "@sigil/client";
import { canonicalRegion, regionCount } from "./geography.js";
import type { Version } from "./dialogs/action.js";
import { isOpen } from "./summaries.js";
import type { TileState } from "./tile-state.js";

/** A region of a version: as a tile, and in words. */
export interface RegionState {
  readonly state: TileState;
  readonly word: string;
  readonly share?: number;
}

/** What the map, the table and the version know of one region. */
interface Known {
  readonly region: Pick<Schemas["Region"], "state" | "progress">;
  /** The state of the version. */
  readonly state: string | undefined;
  readonly latest: boolean;
  readonly excludeFromLatest: boolean;
  readonly heldBack: boolean | undefined;
  /** A key breaks it now. */
  readonly isBroken: boolean;
}

/** The one word and tile for a region, wherever it is shown. */
export function regionState(known: Known): RegionState {
  const { latest, excludeFromLatest, heldBack } = known;
  const { state, progress } = known.region;
  const also = latest ? ", latest" : "";
  if (state === "Failed") return { state: "failed", word: "Failed" };
  if (state === "Replicating")
    return { state: "replicating", word: `Replicating, ${progress} %`, share: progress };
  if (state === "Unknown")
    return isOpen(known.state)
      ? { state: "replicating", word: "Waiting", share: 0 }
      : { state: "unseen", word: `Not seen yet${also}` };
  if (known.isBroken) return { state: "risk", word: `Ready${also}, key at risk` };
  if (latest) return { state: "latest", word: "Ready, latest" };
  if (!excludeFromLatest) return { state: "ready", word: "Ready" };
  return heldBack === true
    ? { state: "held", word: "Ready, held back" }
    : { state: "excluded", word: "Ready, excluded" };
}

/** The regions of a version, in its order. */
export function regionStates(
  version: Version,
): readonly (RegionState & { readonly region: Schemas["RegionWithEncryption"] })[] {
  const broken = brokenKeysIn(version);
  const { regions, state, latestIn, heldBack } = version.sigil;
  return regions.map((region) => ({
    region,
    ...regionState({
      region,
      state,
      latest: latestIn.includes(region.name),
      excludeFromLatest: !isInLatest(version, region.name),
      heldBack,
      isBroken: broken.has(region.name),
    }),
  }));
}

/** By canonical region, problems of keys that break now. */
export function brokenKeysIn({ sigil }: Version): ReadonlySet<string> {
  return new Set(
    (sigil.keys?.problems ?? [])
      .filter(({ severity }) => severity === "error")
      .flatMap(({ regions }) => regions),
  );
}

/** Whether the flags of the version let a machine that names no number have it there. */
export function isInLatest(
  { properties: { publishingProfile: profile } }: Version,
  region: string,
): boolean {
  const target = profile.targetRegions?.find(({ name }) => canonicalRegion(name) === region);
  return !(target?.excludeFromLatest ?? profile.excludeFromLatest ?? false);
}

/** Those that have a copy. */
export function readyIn<Region extends { readonly state: string }>(
  regions: readonly Region[],
): readonly Region[] {
  return regions.filter(({ state }) => state === "Completed");
}

/** `2 of 3 regions ready`. */
export function readyText(regions: readonly { readonly state: string }[]): string {
  return `${readyIn(regions).length} of ${regionCount(regions.length)} ready`;
}
