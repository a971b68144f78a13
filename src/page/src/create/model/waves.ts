/** The waves of a promotion: each region is in one, and the row of a region says in which. */
import { canonicalRegion } from "../../geography.js";
import {
  compact,
  namesIn,
  numberOf,
  orUndefined,
  textIn,
  textsIn,
  type JsonObject,
} from "./json.js";

export interface WaveRow {
  readonly regions: readonly string[];
  /** Empty: what the form does not know, which `given` has. */
  readonly after: "" | "tested" | "manual" | "minutes";
  readonly minutes: string;
  /** Names of tests, separated by commas. */
  readonly results: string;
  readonly given: JsonObject;
}

export const EMPTY_WAVE: WaveRow = {
  regions: [],
  after: "tested",
  minutes: "",
  results: "",
  given: {},
};

export function waveBody({ regions, after, minutes, results, given }: WaveRow): JsonObject {
  const tests = namesIn(results);
  return compact({
    ...given,
    regions,
    ...(after !== "" && {
      after: after === "minutes" ? { minutes: numberOf(minutes) ?? null } : after,
    }),
    results: orUndefined(tests),
  });
}

export function waveIn(wave: JsonObject): WaveRow {
  const { after } = wave;
  const known = after === "tested" || after === "manual" ? after : "";
  const minutes = textIn(after, "minutes");
  return {
    regions: textsIn(wave, "regions"),
    after: minutes === "" ? known : "minutes",
    minutes,
    results: textsIn(wave, "results").join(", "),
    given: wave,
  };
}

/** The index of the wave with the region; undefined: none. */
export function waveWith(waves: readonly WaveRow[], region: string): number | undefined {
  const at = waves.findIndex(({ regions }) => has(regions, region));
  return at === -1 ? undefined : at;
}

/** The waves with these regions in the one at `place` alone; undefined: in none. */
export function withRegionsIn(
  waves: readonly WaveRow[],
  names: readonly string[],
  place: number | undefined,
): readonly WaveRow[] {
  return waves.map((wave, index) => ({
    ...wave,
    regions: [
      ...wave.regions.filter((region) => !has(names, region)),
      ...(index === place ? names : []),
    ],
  }));
}

function has(names: readonly string[], region: string): boolean {
  return names.some((name) => canonicalRegion(name) === canonicalRegion(region));
}
