/** The requests of the model: one version, four regions, each with keys of its own, and one region that others add. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import {
  resourcesIn,
  subscription,
  type SimulatorWorld,
} from "../../src/local/resource-manager/world.js";

const SUBSCRIPTION_ID = "9f3a1c52-6d1b-4f3e-8a77-0c5d2e4b6a10";
const GROUP = "Images";
const make = resourcesIn(SUBSCRIPTION_ID, GROUP);

export const HOME = "westus";
/** Regions that requests name; the first is the version's own location. */
export const REGIONS = [HOME, "eastus2", "northeurope", "japaneast"] as const;
/** A region that no request names. */
export const STRANGE_REGION = "uksouth";
export const VERSION = make.id("galleries/Golden/images/Base/versions/1.0.0");
const SOURCE = make.id("images/base");
const LUN = 0;

/** What varies from one PUT to the next. */
export interface Asked {
  /** Replicas in each region. */
  readonly regions: Readonly<Record<string, number>>;
  readonly excludeFromLatest: boolean;
  readonly tag: string | null;
  readonly endOfLifeDate: string | null;
  /** The safety profile stays open, as asked. */
  readonly openProfile: boolean;
  /** Regions that get another key than they have in other requests. */
  readonly otherKeys: readonly string[];
}

function set(region: string, disk: string): string {
  return make.id(`diskEncryptionSets/${region}-${disk}`);
}

/** A region with its replica count and a key for each disk. */
export function targetRegion(
  name: string,
  regionalReplicaCount: number,
  otherKey = false,
) {
  return {
    name,
    regionalReplicaCount,
    encryption: {
      osDiskImage: {
        diskEncryptionSetId: set(name, otherKey ? "other" : "os"),
      },
      dataDiskImages: [{ lun: LUN, diskEncryptionSetId: set(name, "data") }],
    },
  };
}

export function bodyOf(asked: Asked): ImageVersionRequest {
  const names = Object.keys(asked.regions);
  return {
    location: HOME,
    ...(asked.tag !== null && { tags: { build: asked.tag } }),
    properties: {
      publishingProfile: {
        targetRegions: names.map((name) =>
          targetRegion(
            name,
            asked.regions[name] ?? 1,
            asked.otherKeys.includes(name),
          ),
        ),
        ...(asked.excludeFromLatest && { excludeFromLatest: true }),
        ...(asked.endOfLifeDate !== null && {
          endOfLifeDate: asked.endOfLifeDate,
        }),
      },
      ...(asked.openProfile && {
        safetyProfile: { allowDeletionOfReplicatedLocations: true },
      }),
      storageProfile: { source: { id: SOURCE } },
    },
  };
}

/** What is in Azure before the first request. */
export const AZURE: SimulatorWorld = {
  subscriptions: [subscription(SUBSCRIPTION_ID)],
  resources: [
    make.group(HOME),
    make.gallery("Golden", HOME),
    make.imageDefinition("Golden", "Base", HOME),
    make.managedImage("base", HOME, [LUN]),
    ...[...REGIONS, STRANGE_REGION].flatMap((region) =>
      ["os", "other", "data"].map((disk) =>
        make.diskEncryptionSet(`${region}-${disk}`, region),
      ),
    ),
  ],
};
