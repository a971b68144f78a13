/**
 * Looks at Azure for those who only read. Invariants:
 *  1. A version, or the list of an image definition or a gallery, is read at most once in `KEEP_MS` by one instance, however many ask.
 *  2. Whoever asks while it is being read waits for that very read.
 *  3. At most `MOST_VERSIONS` versions and `MOST_LISTS` lists of either kind are kept: the oldest go.
 * What is kept decides no write: a step looks for itself.
 */
import { formatImageVersionId } from "../../resource-id.js";
import { SharedReads } from "../../shared-reads.js";
import type { KeyState } from "../keys/ports.js";
import type { Looks, ResourceManager, ResourceReader } from "../ports.js";
import type {
  ListedImageDefinition,
  ListedImageVersion,
  Look,
} from "../resources.js";

const KEEP_MS = 30_000;
/** Keys go bad seldom, and the key guardian tells of it. */
const KEEP_KEYS_MS = 600_000;
const MOST_VERSIONS = 500;
/** They may be long. */
const MOST_LISTS = 50;

export function createLooks(
  resourceManager: Pick<
    ResourceManager,
    "getImageVersion" | "listImageVersions"
  >,
  resources: Pick<ResourceReader, "listImageDefinitions">,
  now: () => Date,
): Looks {
  const versions = new SharedReads<Look | undefined>({
    most: MOST_VERSIONS,
    keepMs: KEEP_MS,
    now,
  });
  const lists = new SharedReads<readonly ListedImageVersion[] | undefined>({
    most: MOST_LISTS,
    keepMs: KEEP_MS,
    now,
  });
  const galleries = new SharedReads<
    readonly ListedImageDefinition[] | undefined
  >({ most: MOST_LISTS, keepMs: KEEP_MS, now });
  const keys = new SharedReads<KeyState | undefined>({
    most: MOST_VERSIONS,
    keepMs: KEEP_KEYS_MS,
    now,
    isKept: (state) => state !== undefined,
  });
  return {
    keys: (setId, look) => keys.once(setId.toLowerCase(), look),
    version: (id) =>
      versions.once(formatImageVersionId(id).toLowerCase(), async () => {
        const shown = await resourceManager.getImageVersion(id);
        return shown && { ...shown, time: now().toISOString() };
      }),
    versions: (imageId) =>
      lists.once(imageId.toLowerCase(), () =>
        resourceManager.listImageVersions(imageId),
      ),
    images: (galleryId) =>
      galleries.once(galleryId.toLowerCase(), () =>
        resources.listImageDefinitions(galleryId),
      ),
    has: (id) => versions.has(formatImageVersionId(id).toLowerCase()),
    forget(id, imageId) {
      versions.forget(formatImageVersionId(id).toLowerCase());
      lists.forget(imageId.toLowerCase());
    },
  };
}
