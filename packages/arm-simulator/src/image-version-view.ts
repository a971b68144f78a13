import type { ArmResource, ImageVersionRecord } from "./state.js";

/** The resource as GET gives it; the replication status only when it was asked for. */
export function renderImageVersion(
  record: ImageVersionRecord,
  replicationStatus?: unknown,
): ArmResource {
  return {
    name: record.name,
    id: record.id,
    type: "Microsoft.Compute/galleries/images/versions",
    location: record.location,
    ...(record.tags === undefined ? {} : { tags: record.tags }),
    properties: {
      ...record.properties,
      safetyProfile: {
        reportedForPolicyViolation: false,
        ...record.properties.safetyProfile,
      },
      provisioningState: record.provisioningState,
      ...(replicationStatus === undefined ? {} : { replicationStatus }),
    },
  };
}
