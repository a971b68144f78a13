/** What the search finds, best first. */
import type { Route } from "./routes.js";
import type { TileState } from "./tile-state.js";

export interface Hit {
  readonly tile: TileState;
  readonly text: string;
  /** The number, if the hit is a version itself. */
  readonly version?: string;
  readonly hint: string;
  readonly to: Route;
}

/** The hits with every word of `text`. A number finds the versions that begin so first, itself before all. */
export function bestFirst(hits: readonly Hit[], text: string): readonly Hit[] {
  const words = text
    .toLowerCase()
    .split(/[\s/]+/u)
    .filter(Boolean);
  if (words.length === 0) return [];
  const number = words.find((word) => /^\d[\d.]*$/u.test(word));
  return hits
    .filter((hit) => {
      const whole = `${hit.text} ${hit.hint}`.toLowerCase();
      return words.every((word) => whole.includes(word));
    })
    .map((hit) => ({ hit, rank: rankOf(hit.version, number) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ hit }) => hit);
}

function rankOf(version: string | undefined, number: string | undefined): number {
  if (version === undefined || number === undefined) return 3;
  if (version === number) return 0;
  if (version.startsWith(`${number.replace(/\.$/u, "")}.`)) return 1;
  return version.startsWith(number) ? 2 : 3;
}
