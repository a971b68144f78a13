/** Rows that list image definitions, their versions and their operations. */
import type { IndexRow } from "./operation/records.js";
import { keyOf } from "./resource-id.js";

/**
 * The scope of operations on an image definition and its versions; without one, of all in a
 * gallery.
 */
export function placeOf({
  gallery,
  image,
}: {
  /** Resource id. */
  readonly gallery?: string;
  /** Resource id. */
  readonly image?: string;
}): string | undefined {
  return image !== undefined ? `image-${keyOf(image)}` : gallery && `gallery-${keyOf(gallery)}`;
}

/** The scopes that list operations on an image definition or its versions. */
export function placesOf(image: string): readonly string[] {
  const gallery = image.slice(0, image.lastIndexOf("/images/"));
  return [`gallery-${keyOf(gallery)}`, `image-${keyOf(image)}`];
}

/** Versions that are held back until their tests pass, for src/rollout. */
export const TESTED_SCOPE = "held-until-tested";

/** The row of such a version. */
export function testedRow(resourceId: string): IndexRow {
  return { scope: TESTED_SCOPE, row: keyOf(resourceId), target: resourceId };
}

/**
 * Image definitions with a version that was requested from Sigil, for src/key-guardian and
 * src/drift.
 */
export const IMAGES_SCOPE = "images";

export function imageRow(imageId: string): IndexRow {
  return { scope: IMAGES_SCOPE, row: keyOf(imageId), target: imageId };
}

/** The versions of one image definition, highest first. */
export function versionScope(imageId: string): string {
  return `versions-${keyOf(imageId)}`;
}

/**
 * The versions that were built from a parent: an image version, by id, or another image, by name.
 */
export function childrenScope(parent: string): string {
  return `children-${keyOf(parent)}`;
}

export function childRow(parent: string, resourceId: string): IndexRow {
  return { scope: childrenScope(parent), row: keyOf(resourceId), target: resourceId };
}

/** The version number of such a row. */
export function versionNameIn({ row }: Pick<IndexRow, "row">): string {
  return row
    .split(".")
    .map((part) => String(HIGHEST_PART - Number(part)))
    .join(".");
}

const HIGHEST_PART = 9_999_999_999;

/**
 * `target`: the id of the version's last operation; once that has ended, followed by a space and
 * the ETag of the record that the row reflects.
 */
export function versionRow(imageId: string, versionName: string, target: string): IndexRow {
  const parts = versionName
    .split(".")
    .map((part) => String(HIGHEST_PART - Number(part)).padStart(10, "0"));
  return { scope: versionScope(imageId), row: parts.join("."), target };
}
