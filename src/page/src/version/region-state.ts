import { canonicalRegion } from "../geography.js";
import type { TileState } from "../tile-state.js";
import type { Version } from "../dialogs/action.js";
import type { Schemas } from "@sigil/client";
import { isOpen } from "../summaries.js";

export type Region = Schemas["RegionWithEncryption"];

/** What a region of a version is, as a glyph, in words, and whether it stands out. */
export interface RegionState {
  readonly tile: TileState;
  readonly word: string;
  readonly share?: number;
  readonly standsOut: boolean;
}

/** By canonical region, problems of keys that break now. */
export function brokenKeysIn({ sigil }: Version): ReadonlySet<string> {
  return new Set(
    (sigil.keys?.problems ?? [])
      .filter(({ severity }) => severity === "error")
      .flatMap(({ regions }) => regions),
  );
}

/** Nobody has seen how it is. */
export function isUnseen({ state, seenTime }: Region): boolean {
  return state === "Unknown" && seenTime === undefined;
}

export function regionStateOf(
  version: Version,
  region: Region,
  broken: ReadonlySet<string> = brokenKeysIn(version),
): RegionState {
  const { name, state, progress } = region;
  if (state === "Failed") return { tile: "failed", word: "Failed", standsOut: true };
  if (state === "Replicating")
    return {
      tile: "replicating",
      word: `Replicating, ${progress} %`,
      share: progress,
      standsOut: false,
    };
  if (isUnseen(region) && !isOpen(version.sigil.state))
    return { tile: "unseen", word: "Not seen yet", standsOut: true };
  if (state !== "Completed") return { tile: "held", word: "Waiting", standsOut: false };
  if (broken.has(name)) return { tile: "risk", word: "Ready, key at risk", standsOut: true };
  if (version.sigil.latestIn.includes(name))
    return { tile: "latest", word: "Ready, latest", standsOut: false };
  if (isInLatest(version, name)) return { tile: "ready", word: "Ready", standsOut: false };
  return version.sigil.heldBack === true
    ? { tile: "held", word: "Ready, held back", standsOut: false }
    : { tile: "excluded", word: "Ready, excluded", standsOut: false };
}

/** Whether the flags of the version let a machine that names no number have it there. */
export function isInLatest(
  { properties: { publishingProfile: profile } }: Version,
  region: string,
): boolean {
  const target = profile.targetRegions?.find(({ name }) => canonicalRegion(name) === region);
  return !(target?.excludeFromLatest ?? profile.excludeFromLatest ?? false);
}
