import { distance } from "fastest-levenshtein";

/** The word that was meant, if one is near enough. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, word.length / 3);
  for (const each of words) {
    const steps = distance(word.toLowerCase(), each.toLowerCase());
    if (steps <= least) [best, least] = [each, steps - 0.5];
  }
  return best;
}
