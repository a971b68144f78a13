import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";

/** Where machines are made that test versions. */
export const TEST_GROUP = "ImageTests";
const GROUP = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/MyResourceGroup`;
const COMPUTE = `${GROUP}/providers/Microsoft.Compute`;

/** The sample's gallery and image definition, in Azure. */
export const GALLERY_ID = `${COMPUTE}/galleries/MyGallery`;
export const IMAGE_ID = `${GALLERY_ID}/images/MyImage`;

/** Resource id of a version of it. */
export function versionId(version: string): string {
  return `${IMAGE_ID}/versions/${version}`;
}

/** The path of the image definition in Sigil's API. */
export const IMAGE_PATH = `/api${GROUP}/galleries/MyGallery/images/MyImage`;

/** The version's path in Sigil's API. */
export function versionPath(version: string): string {
  return `${IMAGE_PATH}/versions/${version}`;
}

/** A region whose OS disk and data disk at LUN 0 have the sets `${sets}DiskEncryptionSet1` and `…2`. */
function targetRegion(
  name: string,
  sets: string,
  replicas: Readonly<Record<string, unknown>> = {},
) {
  const set = (number: number) => ({
    diskEncryptionSetId: `${COMPUTE}/diskEncryptionSets/${sets}DiskEncryptionSet${number}`,
  });
  return {
    name,
    ...replicas,
    encryption: {
      osDiskImage: set(1),
      dataDiskImages: [{ lun: 0, ...set(2) }],
    },
  };
}

/**
 * `az sig image-version create --managed-image …/myImage --target-regions westus=2=standard_lrs eastus2
 * --target-region-encryption WestUSDiskEncryptionSet1,0,WestUSDiskEncryptionSet2 EastUS2DiskEncryptionSet1,0,…`
 * of "Use customer-managed keys for encrypting images", as the body of a PUT.
 */
export const MANAGED_IMAGE_REQUEST = {
  location: "westus",
  properties: {
    publishingProfile: {
      targetRegions: [
        targetRegion("westus", "WestUS", {
          regionalReplicaCount: 2,
          storageAccountType: "standard_lrs",
        }),
        targetRegion("eastus2", "EastUS2"),
      ],
    },
    storageProfile: { source: { id: `${COMPUTE}/images/myImage` } },
  },
};

/** The same, held back until machines have proven it in each region. */
export const TESTED_REQUEST = {
  ...MANAGED_IMAGE_REQUEST,
  sigil: { promotion: { when: "tested" } },
};

/** A network for test machines. */
export function testNetwork(region: string) {
  return resourcesIn(LOCAL_SUBSCRIPTION_ID, TEST_GROUP).virtualNetwork(`tests-${region}`, region, [
    "machines",
  ]);
}

/** A small machine in each region, which has started once its agent is ready. */
export function testProfile(regions: readonly string[]) {
  return {
    machineSize: "Standard_D2s_v5",
    resourceGroupName: TEST_GROUP,
    regions: regions.map((name) => ({
      name,
      subnetId: `${testNetwork(name).id}/subnets/machines`,
    })),
    proof: { kind: "agentReady" },
  };
}

/**
 * The same document's sample with `--os-snapshot`, `--data-snapshot-luns 0` and `--data-snapshots`.
 * It requests "eastus" with sets of East US 2, which is a mistake: a disk encryption set only
 * serves its own region.
 */
export function snapshotsRequest(secondRegion: "eastus" | "eastus2") {
  return {
    location: "westus",
    properties: {
      publishingProfile: {
        targetRegions: [
          targetRegion("westus", "WestUS", {
            regionalReplicaCount: 2,
            storageAccountType: "standard_lrs",
          }),
          targetRegion(secondRegion, "EastUS2"),
        ],
      },
      storageProfile: {
        osDiskImage: { source: { id: `${COMPUTE}/snapshots/myOSSnapshot` } },
        dataDiskImages: [{ lun: 0, source: { id: `${COMPUTE}/snapshots/myDDSnapshot` } }],
      },
    },
  };
}
