import { targetRegionsOf } from "./canonical-form.js";
import type { ImageVersionView, OperationView } from "./contract.js";
import { encryptionOf } from "./encryption.js";
import {
  operationIdOf,
  type ImageVersionRecord,
  type OperationRecord,
  type RegionRecord,
} from "./records.js";
import { isFinal } from "./advance.js";

/** An operation as the API shows it. */
export function viewOperation(operation: OperationRecord): OperationView {
  const { fingerprint: _, regions, error, history, ...shown } = operation;
  return {
    ...shown,
    percentComplete: percentComplete(operation),
    regions: [...regions],
    ...(error && { error: { ...error, errors: [...error.errors] } }),
    history: [...history],
  };
}

/** An image version as the API shows it: ARM's shape, and beside it what Sigil knows. */
export function viewImageVersion(
  version: ImageVersionRecord,
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
      provisioningState: isFinal(version.state)
        ? (version.state as "Succeeded" | "Failed")
        : "Creating",
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
      operationId: operationIdOf(version),
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

/** Regions count alike; 100 is kept for an operation that has succeeded. */
function percentComplete({ status, regions }: OperationRecord): number {
  if (status === "Succeeded") return 100;
  const sum = regions.reduce((total, region) => total + region.progress, 0);
  return Math.min(99, Math.floor(sum / Math.max(1, regions.length)));
}
