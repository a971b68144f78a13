/** How machines and scale sets name an image version, or its image definition and with that the latest version. */
import { imageIdOf, type ImageVersionId } from "../resource-id.js";

/** What a gallery is called by those it is shared with; both are absent where it is shared with nobody. */
export interface SharedNames {
  /** Of a gallery that is shared directly (`identifier.uniqueName`). */
  readonly uniqueName?: string;
  /** Of a community gallery (`communityGalleryInfo.publicNames`). */
  readonly publicNames?: readonly string[];
}

/** In lower case: Azure compares ids without regard to case. */
export interface ImageNames {
  readonly versionNames: readonly string[];
  /** The versions by their numbers. */
  readonly byNumber: readonly string[];
  /** Their image definition: the latest version. */
  readonly asLatest: readonly string[];
}

/**
 * Of versions of one image definition, one at least. `imageReference` has `id`, `sharedGalleryImageId` or
 * `communityGalleryImageId`; the latter two say `latest` in so many words, or nothing.
 */
export function namesOf(
  ids: readonly [ImageVersionId, ...ImageVersionId[]],
  { uniqueName, publicNames = [] }: SharedNames,
): ImageNames {
  const [id] = ids;
  const definitions = [
    imageIdOf(id),
    ...(uniqueName === undefined
      ? []
      : [`/SharedGalleries/${uniqueName}/Images/${id.imageName}`]),
    ...publicNames.map(
      (name) => `/CommunityGalleries/${name}/Images/${id.imageName}`,
    ),
  ].map((each) => each.toLowerCase());
  const versionNames = ids.map(({ versionName }) => versionName);
  return {
    versionNames,
    byNumber: definitions.flatMap((each) =>
      versionNames.map((name) => `${each}/versions/${name}`),
    ),
    asLatest: definitions.flatMap((each) => [each, `${each}/versions/latest`]),
  };
}
