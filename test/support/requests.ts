import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { worldWithRegions, type LargeWorld } from "@sigil-local/arm-simulator/world";

const SEED = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute`;

/** Id of a version of the seed world's image. */
export function seedVersionId(versionName: string): string {
  return `${SEED}/galleries/MyGallery/images/MyImage/versions/${versionName}`;
}

export function seedResource(path: string): string {
  return `${SEED}/${path}`;
}

type Region = NonNullable<
  NonNullable<ImageVersionRequest["properties"]["publishingProfile"]>["targetRegions"]
>[number];

/** A target region whose OS disk and data disk at LUN 0 have the sets `${prefix}DiskEncryptionSet1` and `2`. */
export function seedRegion(name: string, prefix: string, rest: Partial<Region> = {}): Region {
  return {
    name,
    ...rest,
    encryption: {
      osDiskImage: {
        diskEncryptionSetId: seedResource(`diskEncryptionSets/${prefix}DiskEncryptionSet1`),
      },
      dataDiskImages: [
        {
          lun: 0,
          diskEncryptionSetId: seedResource(`diskEncryptionSets/${prefix}DiskEncryptionSet2`),
        },
      ],
    },
  };
}

/** The seed's first CLI sample (row S10). */
export function managedImageRequest(): ImageVersionRequest {
  return {
    location: "westus",
    properties: {
      publishingProfile: {
        targetRegions: [
          seedRegion("westus", "WestUS", {
            regionalReplicaCount: 2,
            storageAccountType: "standard_lrs",
          }),
          seedRegion("eastus2", "EastUS2"),
        ],
      },
      storageProfile: { source: { id: seedResource("images/myImage") } },
    },
  };
}

/** The seed's second CLI sample (row S11): `eastus` is its mistake, `eastus2` the correction. */
export function snapshotsRequest(secondRegion: "eastus" | "eastus2"): ImageVersionRequest {
  return {
    location: "westus",
    properties: {
      publishingProfile: {
        targetRegions: [
          seedRegion("westus", "WestUS", {
            regionalReplicaCount: 2,
            storageAccountType: "standard_lrs",
          }),
          seedRegion(secondRegion, "EastUS2"),
        ],
      },
      storageProfile: {
        osDiskImage: { source: { id: seedResource("snapshots/myOSSnapshot") } },
        dataDiskImages: [{ lun: 0, source: { id: seedResource("snapshots/myDDSnapshot") } }],
      },
    },
  };
}

/** A world of `regions` regions, and the request that publishes its image to all of them with a key for every disk. */
export function largeWorld(
  regions: number,
  dataDisks: number,
): {
  world: LargeWorld["world"];
  request: ImageVersionRequest;
  versionId: (name: string) => string;
} {
  const large = worldWithRegions({
    subscriptionId: LOCAL_SUBSCRIPTION_ID,
    regions,
    dataDisks,
  });
  const gallery = `/subscriptions/${large.subscriptionId}/resourceGroups/${large.resourceGroup}/providers/Microsoft.Compute/galleries/${large.gallery}`;
  return {
    world: large.world,
    versionId: (name) => `${gallery}/images/${large.imageDefinition}/versions/${name}`,
    request: {
      location: large.location,
      properties: {
        publishingProfile: {
          targetRegions: large.regions.map((region) => ({
            name: region.name,
            encryption: {
              osDiskImage: {
                diskEncryptionSetId: region.osDiskEncryptionSetId,
              },
              dataDiskImages: region.dataDiskEncryptionSets.map((set) => ({
                ...set,
              })),
            },
          })),
        },
        storageProfile: { source: { id: large.sourceImageId } },
      },
    },
  };
}
