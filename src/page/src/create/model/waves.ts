/** The waves of a promotion: each region is in one, and the row of a region says in which. */
import { canonicalRegion } from "../../geography.js";
import { textsIn, type JsonObject } from "./json.js";

/** The index of the wave with the region; undefined: none. */
export function waveWith(waves: readonly JsonObject[], region: string): number | undefined {
  const at = waves.findIndex((wave) => has(textsIn(wave, "regions"), region));
  return at === -1 ? undefined : at;
}

/** The waves with these regions in the one at `place` alone; undefined: in none. */
export function withRegionsIn(
  waves: readonly JsonObject[],
  names: readonly string[],
  place: number | undefined,
): readonly JsonObject[] {
  return waves.map((wave, index) => ({
    ...wave,
    regions: [
      ...textsIn(wave, "regions").filter((region) => !has(names, region)),
      ...(index === place ? names : []),
    ],
  }));
}

function has(names: readonly string[], region: string): boolean {
  return names.some((name) => canonicalRegion(name) === canonicalRegion(region));
}
