/** What requests name, and what is in Azure before the first of them: two definitions, three versions, a key for each disk and region. */
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { resourcesIn, subscription, type SimulatorWorld } from "@sigil-local/arm-simulator/world";

const SUBSCRIPTION_ID = "9f3a1c52-6d1b-4f3e-8a77-0c5d2e4b6a10";
const make = resourcesIn(SUBSCRIPTION_ID, "Images");

const HOME = "westus";
/** Regions that requests name; the first is every version's own location. */
const REGIONS = [HOME, "eastus2", "northeurope"] as const;
/** A region that no request names. */
const STRANGE_REGION = "uksouth";
const DEFINITIONS = ["Base", "Other"];
export const IMAGES = DEFINITIONS.map((name) => make.id(`galleries/Golden/images/${name}`));
export const VERSIONS = [
  `${IMAGES[0]}/versions/1.0.0`,
  `${IMAGES[0]}/versions/1.1.0`,
  `${IMAGES[1]}/versions/1.0.0`,
] as const;
export const SOURCE = make.id("images/base");
const LUN = 0;

/** What varies from one body to the next; null: the body does not say it. */
export interface Asked {
  /** Replicas in each region. */
  readonly regions: Readonly<Record<string, number>>;
  readonly excludeFromLatest: boolean | null;
  readonly tag: string | null;
  readonly endOfLifeDate: string | null;
  /** Deletion is blocked before the end of life. */
  readonly guarded: boolean;
  /** Regions may be removed at any time. */
  readonly opened: boolean;
  /** Regions that get another key than they have in other requests. */
  readonly otherKeys: readonly string[];
  /** Promoted once every region is ready. */
  readonly promoted: boolean;
}

/** A region with its replica count and a key for each disk. */
function targetRegion(name: string, regionalReplicaCount: number, otherKey = false) {
  const set = (disk: string) => make.id(`diskEncryptionSets/${name}-${disk}`);
  return {
    name,
    regionalReplicaCount,
    encryption: {
      osDiskImage: { diskEncryptionSetId: set(otherKey ? "other" : "os") },
      dataDiskImages: [{ lun: LUN, diskEncryptionSetId: set("data") }],
    },
  };
}

export function bodyOf(asked: Asked): ImageVersionRequest {
  const { tag, endOfLifeDate, excludeFromLatest } = asked;
  return {
    location: HOME,
    ...(tag !== null && { tags: { build: tag } }),
    properties: {
      publishingProfile: {
        targetRegions: Object.entries(asked.regions).map(([name, count]) =>
          targetRegion(name, count, asked.otherKeys.includes(name)),
        ),
        ...(excludeFromLatest !== null && !asked.promoted && { excludeFromLatest }),
        ...(endOfLifeDate !== null && { endOfLifeDate }),
      },
      ...((asked.opened || asked.guarded) && {
        safetyProfile: {
          ...(asked.opened && { allowDeletionOfReplicatedLocations: true }),
          ...(asked.guarded && { blockDeletionBeforeEndOfLife: true }),
        },
      }),
      storageProfile: { source: { id: SOURCE } },
    },
    ...(asked.promoted && {
      sigil: { promotion: { when: "allRegionsReady" as const } },
    }),
  };
}

/** What is in Azure before the first request. */
export const AZURE: SimulatorWorld = {
  subscriptions: [subscription(SUBSCRIPTION_ID)],
  resources: [
    make.group(HOME),
    make.gallery("Golden", HOME),
    ...DEFINITIONS.map((name) => make.imageDefinition("Golden", name, HOME)),
    make.managedImage("base", HOME, [LUN]),
    ...[...REGIONS, STRANGE_REGION].flatMap((region) =>
      ["os", "other", "data"].map((disk) => make.diskEncryptionSet(`${region}-${disk}`, region)),
    ),
  ],
};
