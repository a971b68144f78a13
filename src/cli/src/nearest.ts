import { distance } from "fastest-levenshtein";

/** The word that the user probably meant; undefined if none is close enough. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, word.length / 3);
  for (const each of words) {
    const steps = distance(word.toLowerCase(), each.toLowerCase());
    if (steps <= least) [best, least] = [each, steps - 0.5];
  }
  return best;
}
