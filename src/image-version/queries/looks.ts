/**
 * Looks at Azure for those who only read. Invariants:
 *  1. A version, or the list of an image definition, is read at most once in `MAX_AGE_MS` by one instance, however many ask.
 *  2. Whoever asks while it is being read waits for that very read.
 *  3. At most `MOST_KEPT` answers are kept: the oldest go.
 * What is kept decides no write: a step looks for itself.
 */
import { formatImageVersionId } from "../../resource-id.js";
import type { Looks, ResourceManager } from "../ports.js";

const MAX_AGE_MS = 30_000;
const MOST_KEPT = 500;

interface Kept {
  readonly answer: Promise<unknown>;
  readonly sinceMs: number;
}

export function createLooks(
  resourceManager: Pick<
    ResourceManager,
    "getImageVersion" | "listImageVersions"
  >,
  now: () => Date,
): Looks {
  const kept = new Map<string, Kept>();

  function once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const present = kept.get(key);
    if (present !== undefined && now().getTime() - present.sinceMs < MAX_AGE_MS)
      return present.answer as Promise<T>;
    const answer = read();
    kept.delete(key);
    kept.set(key, { answer, sinceMs: now().getTime() });
    answer.catch(() => {
      if (kept.get(key)?.answer === answer) kept.delete(key);
    });
    const [oldest] = kept.keys();
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
    return answer;
  }

  return {
    version: (id) =>
      once(formatImageVersionId(id).toLowerCase(), async () => {
        const shown = await resourceManager.getImageVersion(id);
        return shown && { ...shown, time: now().toISOString() };
      }),
    versions: (imageId) =>
      once(imageId.toLowerCase(), () =>
        resourceManager.listImageVersions(imageId),
      ),
    forget(id, imageId) {
      kept.delete(formatImageVersionId(id).toLowerCase());
      kept.delete(imageId.toLowerCase());
    },
  };
}
