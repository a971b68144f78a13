/** How machines and scale sets name an image version, or its image definition and with that the latest version. */
import { imageIdOf, type ImageVersionId } from "../resource-id.js";

/** What a gallery is called by those it is shared with; both are absent where it is shared with nobody. */
interface SharedNames {
  /** Of a gallery that is shared directly (`identifier.uniqueName`). */
  readonly uniqueName?: string;
  /** Of a community gallery (`communityGalleryInfo.publicNames`). */
  readonly publicNames?: readonly string[];
}

/** In lower case: Azure compares ids without regard to case. */
export interface ImageNames {
  readonly versionNames: readonly string[];
  /** By their numbers. */
  readonly byNumber: readonly string[];
  /** Their image definition: the latest version. */
  readonly asLatest: readonly string[];
  /** Where every version is meant: how the names by number begin. Those alone are asked for that need theirs. */
  readonly everyNumber?: readonly string[];
}

/**
 * Of one version. `imageReference` has `id`, `sharedGalleryImageId` or `communityGalleryImageId`; the latter two say `latest` in so
 * many words, or nothing.
 */
export function namesOf(id: ImageVersionId, shared: SharedNames): ImageNames {
  const definitions = definitionsOf(id, shared);
  return {
    versionNames: [id.versionName],
    byNumber: definitions.map((each) => `${each}/versions/${id.versionName}`),
    asLatest: asLatest(definitions),
  };
}

/** Of every version of an image definition, whatever their numbers; `id` is one of them. */
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
