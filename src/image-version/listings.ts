/** Where image definitions, their versions and their operations are listed. */
import type { IndexRow } from "../operation/records.js";
import { keyOf } from "../resource-id.js";

/** The place of operations that is narrowest: those on an image definition and its versions, or of all in a gallery. */
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

/** The places of operations on an image definition or its versions. */
export function placesOf(image: string): readonly string[] {
  const gallery = image.slice(0, image.lastIndexOf("/images/"));
  return [`gallery-${keyOf(gallery)}`, `image-${keyOf(image)}`];
}

/** Versions that are held back until their tests have passed: what src/rollout looks after. */
export const TESTED_SCOPE = "held-until-tested";

/** The row of such a version. */
export function testedRow(resourceId: string): IndexRow {
  return { scope: TESTED_SCOPE, row: keyOf(resourceId), target: resourceId };
}

/** Image definitions of whose versions Sigil was asked for one: what src/key-guardian and src/drift look after. */
export const IMAGES_SCOPE = "images";

export function imageRow(imageId: string): IndexRow {
  return { scope: IMAGES_SCOPE, row: keyOf(imageId), target: imageId };
}

/** The versions of one image definition, highest first. */
export function versionScope(imageId: string): string {
  return `versions-${keyOf(imageId)}`;
}

/** The versions that were made of one: of an image version by its id, of another image by its name. */
export function childrenScope(parent: string): string {
  return `children-${keyOf(parent)}`;
}

export function childRow(parent: string, resourceId: string): IndexRow {
  return { scope: childrenScope(parent), row: keyOf(resourceId), target: resourceId };
}

/** The number of the version that such a row is of. */
export function versionNameIn({ row }: Pick<IndexRow, "row">): string {
  return row
    .split(".")
    .map((part) => String(HIGHEST_PART - Number(part)))
    .join(".");
}

const HIGHEST_PART = 9_999_999_999;

/** `target`: the id of the version's latest operation, and, once that has ended, behind a space, the write that the row was made of. */
export function versionRow(imageId: string, versionName: string, target: string): IndexRow {
  const parts = versionName
    .split(".")
    .map((part) => String(HIGHEST_PART - Number(part)).padStart(10, "0"));
  return { scope: versionScope(imageId), row: parts.join("."), target };
}
