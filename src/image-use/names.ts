/** How machines and scale sets name an image version, or its image definition and with that the latest version. */
import {
  formatImageVersionId,
  imageIdOf,
  type ImageVersionId,
} from "../resource-id.js";

/** What a gallery is called by those it is shared with; both are absent where it is shared with nobody. */
export interface SharedNames {
  /** Of a gallery that is shared directly (`identifier.uniqueName`). */
  readonly uniqueName?: string;
  /** Of a community gallery (`communityGalleryInfo.publicNames`). */
  readonly publicNames?: readonly string[];
}

/** In lower case: Azure compares ids without regard to case. */
export interface ImageNames {
  readonly versionName: string;
  /** This version by its number. */
  readonly byNumber: readonly string[];
  /** Its image definition: the latest version. */
  readonly asLatest: readonly string[];
}

/** `imageReference` has `id`, `sharedGalleryImageId` or `communityGalleryImageId`; the latter two say `latest` in so many words, or nothing. */
export function namesOf(
  id: ImageVersionId,
  { uniqueName, publicNames = [] }: SharedNames,
): ImageNames {
  const { versionName, imageName } = id;
  const definitions = [
    imageIdOf(id),
    ...(uniqueName === undefined
      ? []
      : [`/SharedGalleries/${uniqueName}/Images/${imageName}`]),
    ...publicNames.map(
      (name) => `/CommunityGalleries/${name}/Images/${imageName}`,
    ),
  ].map((each) => each.toLowerCase());
  return {
    versionName,
    byNumber: [
      formatImageVersionId(id).toLowerCase(),
      ...definitions.slice(1).map((each) => `${each}/versions/${versionName}`),
    ],
    asLatest: definitions.flatMap((each) => [each, `${each}/versions/latest`]),
  };
}
