import { canonicalRegion } from "../../resource-id.js";
import type { PublishedVersions } from "../../retention/ports.js";
import type { ArmClient } from "./client.js";
import { nextQueryOf, pageUrl, type WirePage } from "./pages.js";

/** Of `galleryImageVersions`, as `@azure/arm-compute` asks for them. */
const GALLERIES_API_VERSION = "2025-12-03";

/** The resource in the wire's form, as far as it is looked into here. */
interface WireImageVersion {
  readonly name?: string;
  readonly properties?: {
    readonly provisioningState?: string;
    readonly publishingProfile?: {
      readonly excludeFromLatest?: boolean;
      readonly endOfLifeDate?: string;
      readonly publishedDate?: string;
      readonly targetRegions?: readonly {
        readonly name?: string;
        readonly excludeFromLatest?: boolean;
      }[];
    };
  };
}

/** Versions as ARM's list has them. */
export function createPublishedVersions(arm: ArmClient): PublishedVersions {
  return {
    async list(imageId) {
      const items = await listVersions<WireImageVersion>(arm, imageId);
      return items?.flatMap(({ name, properties }) => {
        if (name === undefined) return [];
        const profile = properties?.publishingProfile;
        return [
          {
            name,
            provisioningState: properties?.provisioningState ?? "Unknown",
            excludeFromLatest: profile?.excludeFromLatest ?? false,
            ...(profile?.endOfLifeDate && {
              endOfLifeDate: profile.endOfLifeDate,
            }),
            ...(profile?.publishedDate && {
              publishedDate: profile.publishedDate,
            }),
            regions: (profile?.targetRegions ?? []).map((region) => ({
              name: canonicalRegion(region.name ?? ""),
              excludeFromLatest: region.excludeFromLatest ?? false,
            })),
          },
        ];
      });
    },
  };
}

/** Every page of an image definition's versions; undefined where Azure has no such definition. */
export async function listVersions<Item>(
  arm: ArmClient,
  imageId: string,
): Promise<readonly Item[] | undefined> {
  const call = {
    what: `the list of versions of ${imageId}`,
    action: "Microsoft.Compute/galleries/images/versions/read",
    scope: imageId,
  };
  const items: Item[] = [];
  let query: string | undefined;
  do {
    const url = pageUrl(
      arm.endpoint,
      `${imageId}/versions`,
      GALLERIES_API_VERSION,
      query,
    );
    const page = arm.bodyOf<WirePage<Item>>(
      call,
      await arm.request(call, "GET", url),
    );
    if (page === undefined) return undefined;
    items.push(...(page.value ?? []));
    query = nextQueryOf(page);
  } while (query !== undefined);
  return items;
}
