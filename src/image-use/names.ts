/**
 * The names by which machines and scale sets refer to an image version, or to its image definition
 * and so to the latest version.
 */
import { imageIdOf, type ImageVersionId } from "../resource-id.js";

/** The gallery's names for those it is shared with; both absent: it is not shared. */
interface SharedNames {
  /** For a gallery that is shared directly (`identifier.uniqueName`). */
  readonly uniqueName?: string;
  /** For a community gallery (`communityGalleryInfo.publicNames`). */
  readonly publicNames?: readonly string[];
}

/** In lower case, because Azure ignores the case of ids. */
export interface ImageNames {
  readonly versionNames: readonly string[];
  /** Names with a version number. */
  readonly byNumber: readonly string[];
  /** Names of the image definition, which mean the latest version. */
  readonly asLatest: readonly string[];
  /**
   * If every version is meant: the beginnings of names with a number. Only users that need their
   * version are asked for.
   */
  readonly everyNumber?: readonly string[];
}

/**
 * The names of one version. `imageReference` has `id`, `sharedGalleryImageId` or
 * `communityGalleryImageId`; the latter two write `latest` explicitly, or nothing.
 */
export function namesOf(id: ImageVersionId, shared: SharedNames): ImageNames {
  const definitions = definitionsOf(id, shared);
  return {
    versionNames: [id.versionName],
    byNumber: definitions.map((each) => `${each}/versions/${id.versionName}`),
    asLatest: asLatest(definitions),
  };
}

/** The names of every version of an image definition; `id` is one of them. */
export function namesOfEvery(id: ImageVersionId, shared: SharedNames): ImageNames {
  const definitions = definitionsOf(id, shared);
  return {
    versionNames: [],
    byNumber: [],
    asLatest: asLatest(definitions),
    everyNumber: definitions.map((each) => `${each}/versions/`),
  };
}

function asLatest(definitions: readonly string[]): readonly string[] {
  return definitions.flatMap((each) => [each, `${each}/versions/latest`]);
}

function definitionsOf(
  id: ImageVersionId,
  { uniqueName, publicNames = [] }: SharedNames,
): readonly string[] {
  return [
    imageIdOf(id),
    ...(uniqueName === undefined ? [] : [`/SharedGalleries/${uniqueName}/Images/${id.imageName}`]),
    ...publicNames.map((name) => `/CommunityGalleries/${name}/Images/${id.imageName}`),
  ].map((each) => each.toLowerCase());
}
