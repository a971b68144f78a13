/**
 * Looks at Azure for those who only read. Invariants:
 *  1. A version, or the list of an image definition, is read at most once in `MAX_AGE_MS` by one instance, however many ask.
 *  2. Whoever asks while it is being read waits for that very read.
 *  3. At most `MOST_VERSIONS` versions and `MOST_LISTS` lists, which may be long, are kept: the oldest go. What is older than
 *     `MAX_AGE_MS` goes with the next read.
 * What is kept decides no write: a step looks for itself.
 */
import { formatImageVersionId } from "../../resource-id.js";
import { BoundedMap } from "../../bounded-map.js";
import type { Looks, ResourceManager } from "../ports.js";
import type { ListedImageVersion, Look } from "../resources.js";

const MAX_AGE_MS = 30_000;
const MOST_VERSIONS = 500;
const MOST_LISTS = 50;

interface Kept<T> {
  readonly answer: Promise<T>;
  readonly sinceMs: number;
}

export function createLooks(
  resourceManager: Pick<
    ResourceManager,
    "getImageVersion" | "listImageVersions"
  >,
  now: () => Date,
): Looks {
  const keptVersions = new BoundedMap<string, Kept<Look | undefined>>(
    MOST_VERSIONS,
  );
  const keptLists = new BoundedMap<
    string,
    Kept<readonly ListedImageVersion[] | undefined>
  >(MOST_LISTS);

  function once<T>(
    kept: BoundedMap<string, Kept<T>>,
    key: string,
    read: () => Promise<T>,
  ): Promise<T> {
    kept.deleteWhile(({ sinceMs }) => now().getTime() - sinceMs >= MAX_AGE_MS);
    const present = kept.get(key);
    if (present !== undefined) return present.answer;
    const answer = read();
    kept.set(key, { answer, sinceMs: now().getTime() });
    answer.catch(() => {
      if (kept.get(key)?.answer === answer) kept.delete(key);
    });
    return answer;
  }

  return {
    version: (id) =>
      once(keptVersions, formatImageVersionId(id).toLowerCase(), async () => {
        const shown = await resourceManager.getImageVersion(id);
        return shown && { ...shown, time: now().toISOString() };
      }),
    versions: (imageId) =>
      once(keptLists, imageId.toLowerCase(), () =>
        resourceManager.listImageVersions(imageId),
      ),
    forget(id, imageId) {
      keptVersions.delete(formatImageVersionId(id).toLowerCase());
      keptLists.delete(imageId.toLowerCase());
    },
  };
}
