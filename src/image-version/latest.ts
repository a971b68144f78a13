import { versionScope } from "../operation/catalog.js";
import { recordKeyOf } from "../operation/records.js";
import type { Dependencies } from "./ports.js";
import type { ImageVersionRecord } from "./records.js";

/**
 * How many of an image definition's highest numbers are looked at for the latest: most often it is the first or second
 * of them. Where it is none of them, no version is told to be the latest.
 */
const MOST_LOOKS = 100;

/** Ready in every region, and not excluded from latest: a virtual machine made without a version number may get it. */
export function isPromoted({ state, request }: ImageVersionRecord): boolean {
  return (
    state === "Succeeded" &&
    request.properties.publishingProfile?.excludeFromLatest !== true
  );
}

/**
 * The key of the version that a virtual machine made without a version number gets: the highest promoted one. Looks at
 * one version after the other, the highest first, at most 100.
 */
export async function latestOf(
  { store, index }: Pick<Dependencies, "store" | "index">,
  imageId: string,
): Promise<string | undefined> {
  const { rows } = await index.page(versionScope(imageId), MOST_LOOKS);
  for (const { target } of rows) {
    const stored = await store.read(recordKeyOf(target) ?? "");
    if (stored !== undefined && isPromoted(stored.record))
      return stored.record.key;
  }
  return undefined;
}
