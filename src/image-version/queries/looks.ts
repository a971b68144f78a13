/**
 * Shares looks at Azure between readers. Invariants:
 *  1. One instance reads a version, the list of an image definition, or the users of a version at
 *     most once in `KEEP_MS`, however many ask; galleries and their image definitions once in
 *     `KEEP_GALLERIES_MS`. If somebody asks for a refresh, it reads a version, galleries and
 *     definitions at most once in `ANEW_MS`.
 *  2. Readers who ask during a read wait for that same read.
 *  3. At most `MOST_VERSIONS` versions, `MOST_LISTS` lists of versions and `MOST_GALLERIES` of
 *     image definitions are kept: the oldest go.
 *  4. If a read to display is not sent for lack of quota, the last one stands in with its time, if
 *     it is younger than `STAND_IN_MS`; for galleries and their image definitions, at any age.
 *  5. Every read of a version ends up here, whoever made it (`seeing`). Every view of a version
 *     shows the newest look.
 *
 * Writes never depend on a kept look: a step takes its own.
 */
import { ServiceError } from "../../errors.js";
import { formatImageVersionId, type ImageVersionId } from "../../resource-id.js";
import { BoundedMap } from "../../bounded-map.js";
import { SharedReads } from "../../shared-reads.js";
import { createKeyMemory } from "../../keys/memory.js";
import { candidatesOf } from "../latest/latest-after.js";
import type { ListedVersions, Listing, Looks, ResourceManager, ResourceReader } from "../ports.js";
import type { ListedGallery, ListedImageDefinition, Look, Seen } from "../resources.js";
import { createReplicating } from "./replicating.js";

const KEEP_MS = 30_000;
const STAND_IN_MS = 600_000;
/** Galleries seldom change. */
export const KEEP_GALLERIES_MS = 3_600_000;
/** For a refresh. */
const ANEW_MS = 5_000;
const MOST_VERSIONS = 500;
/** Remembers the regions of this many versions, as long as the process lives. */
const MOST_SEEN = 5_000;
/** Lists may be long. */
const MOST_LISTS = 200;
const MOST_GALLERIES = 200;

export function createLooks(
  resourceManager: Pick<ResourceManager, "getImageVersion" | "listImageVersions">,
  resources: Pick<ResourceReader, "listGalleries" | "listImageDefinitions">,
  now: () => Date,
  keyAgeMs?: number,
): Looks {
  const kept = { keepMs: KEEP_MS, standInMs: STAND_IN_MS, now };
  const versions = new SharedReads<Look | undefined>({
    most: MOST_VERSIONS,
    ...kept,
  });
  const lists = new SharedReads<ListedVersions | undefined>({
    most: MOST_LISTS,
    ...kept,
  });
  const others = new SharedReads<unknown>({ most: MOST_VERSIONS, ...kept });
  const seen = new BoundedMap<string, Seen>(MOST_SEEN);
  const galleries = new SharedReads<Listing<ListedGallery>>({
    most: 1,
    keepMs: KEEP_GALLERIES_MS,
    now,
  });
  const images = new SharedReads<Listing<ListedImageDefinition> | undefined>({
    most: MOST_GALLERIES,
    keepMs: KEEP_GALLERIES_MS,
    now,
    isKept: (listing) => listing !== undefined,
  });
  const listing = <Item>(items: readonly Item[]): Listing<Item> => ({
    time: now().toISOString(),
    items,
  });
  const maxAgeMs = (anew: boolean): number => (anew ? ANEW_MS : KEEP_GALLERIES_MS);
  const imagesIn: Looks["images"] = (galleryId, anew) =>
    images.once(
      galleryId.toLowerCase(),
      async () => {
        const items = await resources.listImageDefinitions(galleryId);
        return items && listing(items);
      },
      maxAgeMs(anew),
    );
  /** Others may have galleries in the same subscription that Sigil may not read. */
  const hasImages = async ({ id }: ListedGallery): Promise<boolean> => {
    try {
      return (await imagesIn(id, true)) !== undefined;
    } catch (error) {
      if (error instanceof ServiceError && error.code === "ResourceManagerForbidden") return false;
      throw error;
    }
  };
  const remember = (key: string, look: Look | undefined): void => {
    if (look === undefined) return seen.delete(key);
    const { regions, time, publishedDate } = look;
    seen.set(key, { regions, time, ...(publishedDate && { publishedDate }) });
  };
  return {
    keys: createKeyMemory(now, keyAgeMs),
    version(id, { anew = false, after } = {}) {
      const key = keyOf(id);
      const sinceMs = after === undefined ? KEEP_MS : now().getTime() - Date.parse(after);
      return versions.once(
        key,
        async () => {
          const shown = await resourceManager.getImageVersion(id);
          const look = shown && { ...shown, time: now().toISOString() };
          remember(key, look);
          return look;
        },
        Math.min(anew ? ANEW_MS : KEEP_MS, sinceMs),
      );
    },
    seen: (id) => seen.get(keyOf(id)),
    ...createReplicating(now),
    see(id, shown) {
      const key = keyOf(id);
      const look = shown && { ...shown, time: now().toISOString() };
      versions.keep(key, look);
      remember(key, look);
    },
    versions: (imageId, maxAgeMs) =>
      lists.once(
        imageId.toLowerCase(),
        async () => {
          const items = await resourceManager.listImageVersions(imageId);
          return items && { ...listing(items), candidates: candidatesOf(items) };
        },
        maxAgeMs,
      ),
    galleries: (anew) =>
      galleries.once(
        "",
        async () => {
          const listed = await resources.listGalleries();
          const isSeen = await Promise.all(listed.map(hasImages));
          return listing(listed.filter((_, index) => isSeen[index]));
        },
        maxAgeMs(anew),
      ),
    images: imagesIn,
    once: <T>(key: string, read: () => Promise<T>) =>
      others.once(key.toLowerCase(), read) as Promise<T>,
    has: (id) => versions.has(keyOf(id)),
    forget(id, imageId) {
      versions.forget(keyOf(id));
      lists.expire(imageId.toLowerCase());
    },
  };
}

/** The same resource manager; every version that it reads becomes a look here. */
export function seeing<T extends Pick<ResourceManager, "getImageVersion">>(
  resourceManager: T,
  { see }: Pick<Looks, "see">,
): T {
  return {
    ...resourceManager,
    async getImageVersion(id) {
      const shown = await resourceManager.getImageVersion(id);
      see(id, shown);
      return shown;
    },
  };
}

function keyOf(id: ImageVersionId): string {
  return formatImageVersionId(id).toLowerCase();
}
