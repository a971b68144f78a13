/**
 * Image definitions with many stored versions, each Succeeded and listed by Azure as it is stored. Records are made when they are
 * read, and each call is counted. Each takes its time of a clock that runs on only while all wait.
 */
import { digestOf } from "../../src/image-version/digest.js";
import { imageRow, versionRow } from "../../src/listings.js";
import type { Dependencies, StoredVersion } from "../../src/image-version/ports.js";
import { shownText } from "../../src/image-version/queries/find.js";
import { createLooks } from "../../src/image-version/queries/looks.js";
import type { ListedImageVersion, Look } from "../../src/image-version/resources.js";
import type { ImageVersionPair, ImageVersionRecord } from "../../src/image-version/state/record.js";
import type { Index } from "../../src/operation/ports.js";
import { imageIdOf, keyOf } from "../../src/resource-id.js";
import type { RetentionDependencies, RetentionRules } from "../../src/retention/ports.js";
import { idOf } from "./dependencies.js";
import { createMemoryIndex } from "./fakes/listing-index.js";
import { createMemoryStore } from "./fakes/state-store.js";
import { at, KEY, succeeded, told, VERSION_ID } from "./transitions.js";
import { createWorld } from "./world.js";

/** What a call takes, in ms. Azure lists a hundred versions a page. */
export const TAKES = { tableMs: 10, listPageMs: 200, readMs: 100 };
const LISTED = 100;

export interface Counts {
  records: number;
  rowPages: number;
  listPages: number;
  reads: number;
  galleries: number;
}

const GALLERY_ID = imageIdOf(idOf(VERSION_ID)).split("/images/")[0] ?? "";
/** In the order in which they are gone through. */
const IMAGE_IDS = Array.from({ length: 1_000 }, (_, i) => `${GALLERY_ID}/images/Image${i}`).sort(
  (a, b) => (keyOf(a) < keyOf(b) ? -1 : 1),
);
export const imageAt = (i: number): string => IMAGE_IDS[i] ?? "";
const nameAt = (i: number): string => `1.${i >> 10}.${i & 1_023}`;

/** Versions with these digests where `withDigests`; `mostRows` a page. */
export async function storedImages(
  images: number,
  versions: number,
  { mostRows = 1_000, withDigests = true } = {},
) {
  const counts: Counts = { records: 0, rowPages: 0, listPages: 0, reads: 0, galleries: 0 };
  let nowMs = at(900).now.getTime();
  const now = (): Date => new Date(nowMs);
  const due: { readonly atMs: number; readonly resolve: () => void }[] = [];
  const takes = (ms: number): Promise<void> =>
    new Promise((resolve) => due.push({ atMs: nowMs + ms, resolve }));

  /** Plays to its end, on this clock. */
  async function play<T>(run: () => Promise<T>): Promise<T> {
    let hasEnded = false;
    const answer = run().finally(() => (hasEnded = true));
    answer.catch(() => {});
    while (!hasEnded) {
      await new Promise(setImmediate);
      due.sort((a, b) => a.atMs - b.atMs);
      const next = due.shift();
      nowMs = Math.max(nowMs, next?.atMs ?? nowMs);
      next?.resolve();
    }
    return answer;
  }

  const pair = told(succeeded());
  const { status } = pair.record;
  if (status === undefined) throw new TypeError("Azure shows nothing");
  const text = JSON.stringify(pair);
  const { regions: _, time: __, ...shown } = status;
  const listed = Array.from({ length: versions }, (_, i): ListedImageVersion => {
    return { ...shown, name: nameAt(i) };
  });
  const listing = createMemoryIndex(now, mostRows);
  const digest = digestOf(pair.record);
  const copy = shownText(pair.record);
  for (let i = 0; i < images; i += 1) {
    await listing.put([imageRow(imageAt(i))]);
    await listing.put(
      listed.map(({ name }) => ({
        ...versionRow(imageAt(i), name, pair.operation.id),
        ...(withDigests && digest && { digest: JSON.stringify(digest) }),
        ...(withDigests && copy !== undefined && { shown: copy }),
      })),
    );
  }
  const index: Index = {
    ...listing,
    async page(...asked) {
      counts.rowPages += 1;
      await takes(TAKES.tableMs);
      return listing.page(...asked);
    },
  };

  const idOfKey = new Map<string, string>();
  for (let i = 0; i < images; i += 1)
    for (const { name } of listed) {
      const id = `${imageAt(i)}/versions/${name}`;
      idOfKey.set(keyOf(id), id);
    }
  const written = createMemoryStore<ImageVersionRecord>();
  /** What is stored of a version until somebody writes it. */
  const asMade = (key: string): ImageVersionPair | undefined => {
    const id = idOfKey.get(key);
    if (id === undefined) return undefined;
    return JSON.parse(text.replaceAll(KEY, key).replaceAll(VERSION_ID, id)) as ImageVersionPair;
  };
  const ETAG = "as made";
  const readNow = async (key: string): Promise<StoredVersion | undefined> => {
    const stored = await written.read(key);
    const made = stored === undefined ? asMade(key) : undefined;
    return stored ?? (made && { ...made, etag: ETAG });
  };
  const store: Dependencies["store"] = {
    ...written,
    async read(key) {
      counts.records += 1;
      await takes(TAKES.tableMs);
      return readNow(key);
    },
    async readRecord(key) {
      return (await store.read(key))?.record;
    },
    commit: (record, operation, read, changedOperations) =>
      written.commit(record, operation, read?.etag === ETAG ? undefined : read, changedOperations),
  };
  const { imageVersions, ...world } = createWorld().deps;
  const resourceManager: Dependencies["resourceManager"] = {
    ...imageVersions.resourceManager,
    async getImageVersion(): Promise<Look> {
      counts.reads += 1;
      await takes(TAKES.readMs);
      return status;
    },
    async listImageVersions() {
      const pages = Math.ceil(versions / LISTED);
      counts.listPages += pages;
      await takes(pages * TAKES.listPageMs);
      return listed;
    },
  };
  const resources: Dependencies["resources"] = {
    ...imageVersions.resources,
    async getGallery(id) {
      counts.galleries += 1;
      await takes(TAKES.readMs);
      return { id, sharing: "Private" };
    },
  };
  const deps: Dependencies = {
    ...imageVersions,
    store,
    rollbacks: written as unknown as Dependencies["rollbacks"],
    index,
    resourceManager,
    resources,
    looks: createLooks(resourceManager, resources, now),
    now,
  };
  const retention: RetentionDependencies = {
    ...world.retention,
    imageVersions: deps,
    revocations: { readRecord: () => Promise.resolve(undefined) },
  };

  /** A policy in mode `delete` for the image definition. */
  const enforce = (image: string, rules: RetentionRules): Promise<void> =>
    retention.policies.put(
      { imageId: image, rules, mode: "delete", setBy: { appId: "admin" }, setTime: "" },
      undefined,
    );

  /** What was counted since the last time. */
  function takeCounts(): Counts {
    const taken = { ...counts };
    Object.assign(counts, { records: 0, rowPages: 0, listPages: 0, reads: 0, galleries: 0 });
    return taken;
  }

  return { deps, retention, enforce, play, takeCounts, takes, now, readNow };
}
