import { versionScope } from "../operation/catalog.js";
import { recordKeyOf } from "../operation/records.js";
import type { Dependencies } from "./ports.js";
import { baseOf } from "./known.js";
import { isExcluded } from "./promotion.js";
import type { ImageVersionRecord } from "./records.js";

/**
 * How many of an image definition's highest numbers are looked at for the latest: most often it is the first or second
 * of them. Where it is none of them, no version is told to be the latest.
 */
const MOST_LOOKS = 100;

/** Made as it was asked for, and not excluded from latest: a virtual machine made without a version number may get it. */
export function isPromoted(record: ImageVersionRecord): boolean {
  if (isLeaving(record)) return false;
  const is = baseOf(record);
  return is !== undefined && !isExcluded(is);
}

function isLeaving({ state }: ImageVersionRecord): boolean {
  return ["DeletionRequested", "Deleting", "Deleted"].includes(state);
}

/**
 * The key of the version that a virtual machine made without a version number gets: the highest promoted one. Looks at
 * one version after the other, the highest first, at most 100.
 */
export async function latestOf(
  reads: Pick<Dependencies, "store" | "index">,
  imageId: string,
): Promise<string | undefined> {
  const [latest] = await newestPromoted(reads, imageId, 1);
  return latest?.key;
}

/** The `count` highest promoted versions, the highest first; fewer where there are no more. */
export async function newestPromoted(
  { store, index }: Pick<Dependencies, "store" | "index">,
  imageId: string,
  count: number,
): Promise<readonly ImageVersionRecord[]> {
  const { rows } = await index.page(versionScope(imageId), MOST_LOOKS);
  const promoted: ImageVersionRecord[] = [];
  for (const { target } of rows) {
    if (promoted.length === count) break;
    const stored = await store.read(recordKeyOf(target) ?? "");
    if (stored !== undefined && isPromoted(stored.record))
      promoted.push(stored.record);
  }
  return promoted;
}
