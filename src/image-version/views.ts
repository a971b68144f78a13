import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionView, PlanView } from "./contract.js";
import { encryptionOf } from "./encryption.js";
import { operationIdOf, type RegionRecord } from "../operation/records.js";
import type { Plan } from "./plan.js";
import type { KnownImageVersion } from "./queries.js";
import type { ImageVersionRecord } from "./records.js";

/** An image version as the API shows it: ARM's shape, and beside it what Sigil knows at this time. */
export function viewImageVersion(
  { record: version, latest }: KnownImageVersion,
  now: Date,
): ImageVersionView {
  const { location, tags, properties } = version.request;
  return {
    id: version.resourceId,
    name: version.resourceId.split("/").at(-1) ?? "",
    type: "Microsoft.Compute/galleries/images/versions",
    location,
    ...(tags && { tags }),
    properties: {
      ...properties,
      provisioningState: provisioningState(version),
      publishingProfile: {
        ...properties.publishingProfile,
        targetRegions: [...targetRegionsOf(version.request)],
      },
      replicationStatus: {
        aggregatedState: aggregatedState(version.regions),
        summary: version.regions.map(({ name, state, progress, details }) => ({
          region: name,
          state,
          progress,
          ...(details !== undefined && { details }),
        })),
      },
    },
    sigil: {
      ...(version.request.sigil?.promotion && {
        promotion: version.request.sigil.promotion,
      }),
      operationId: operationIdOf(version),
      state: version.state,
      latest,
      createdTime: version.createdTime,
      ageSeconds: Math.max(
        0,
        Math.floor((now.getTime() - Date.parse(version.createdTime)) / 1_000),
      ),
      regions: version.regions.map((region) => {
        const { osDiskImage, dataDiskImages } = encryptionOf(
          version,
          region.name,
        );
        return {
          ...region,
          encryption: { osDiskImage, dataDiskImages: [...dataDiskImages] },
        };
      }),
    },
  };
}

function provisioningState({
  state,
  made,
  updates,
}: ImageVersionRecord): ImageVersionView["properties"]["provisioningState"] {
  switch (state) {
    case "Accepted":
    case "Creating":
    case "Updating":
      return made ? "Updating" : "Creating";
    case "Replicating":
      return updates > 0 ? "Updating" : "Creating";
    case "DeletionRequested":
      return "Deleting";
    case "Succeeded":
    case "Failed":
    case "Canceled":
    case "Deleting":
    case "Deleted":
      return state;
  }
}

/** A plan as the API shows it. */
export function viewPlan({ findings, changes, armRequest }: Plan): PlanView {
  return {
    findings: findings.map((finding) => ({ ...finding })),
    changes: changes.map((change) => ({ ...change })),
    ...(armRequest && {
      request: {
        method: "PUT",
        url: armRequest.url,
        body: armRequest.body as Record<string, unknown>,
      },
    }),
  };
}

function aggregatedState(
  regions: readonly RegionRecord[],
): ImageVersionView["properties"]["replicationStatus"]["aggregatedState"] {
  const all = (state: RegionRecord["state"]): boolean =>
    regions.every((region) => region.state === state);
  if (all("Completed")) return "Completed";
  if (all("Unknown")) return "Unknown";
  return regions.some((region) => region.state === "Failed")
    ? "Failed"
    : "InProgress";
}
