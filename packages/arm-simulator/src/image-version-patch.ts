import type { ImageVersionBody } from "./image-version-shape.js";
import type { ImageVersionRecord } from "./state.js";

/** A PATCH replaces the members it names and keeps the others; lists, such as the target regions, are one member. */
export function mergePatch(
  { location, tags, properties }: ImageVersionRecord,
  patch: ImageVersionBody,
): ImageVersionBody {
  const { publishedDate: _, ...profile } = properties.publishingProfile ?? {};
  const merged = patch.tags ?? tags;
  return {
    location,
    ...(merged === undefined ? {} : { tags: merged }),
    properties: {
      ...properties,
      ...patch.properties,
      publishingProfile: { ...profile, ...patch.properties?.publishingProfile },
      safetyProfile: {
        ...properties.safetyProfile,
        ...patch.properties?.safetyProfile,
      },
    },
  };
}
