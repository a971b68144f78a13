import {
  CONFIDENTIAL_DATA_DISKS_SINCE,
  type ImageVersionProperties,
  type RegionEncryption,
  type SecurityProfile,
} from "./image-version-shape.js";
import type { ArmResource, ImageVersionRecord } from "./state.js";

/**
 * The resource as a GET of that api-version returns it; with the replication status only on
 * request.
 */
export function renderImageVersion(
  record: ImageVersionRecord,
  apiVersion: string,
  replicationStatus?: unknown,
): ArmResource {
  const newest = apiVersion >= CONFIDENTIAL_DATA_DISKS_SINCE;
  const properties = newest ? record.properties : asShownBefore(record.properties);
  const { secretsProvisioningSettings } = properties.securityProfile ?? {};
  return {
    name: record.name,
    id: record.id,
    type: "Microsoft.Compute/galleries/images/versions",
    location: record.location,
    ...(record.tags === undefined ? {} : { tags: record.tags }),
    properties: {
      ...properties,
      safetyProfile: {
        reportedForPolicyViolation: false,
        ...properties.safetyProfile,
      },
      ...(secretsProvisioningSettings === undefined
        ? {}
        : { imageMetadataProfiles: [metadataOf(secretsProvisioningSettings)] }),
      provisioningState: record.provisioningState,
      ...(replicationStatus === undefined ? {} : { replicationStatus }),
    },
  };
}

/** An earlier api-version shows nothing of what came with the newest. */
function asShownBefore(properties: ImageVersionProperties): ImageVersionProperties {
  const { secretsProvisioningSettings: _, ...securityProfile } = properties.securityProfile ?? {};
  const { targetRegions = [], ...profile } = properties.publishingProfile ?? {};
  return {
    ...properties,
    ...(properties.securityProfile && { securityProfile }),
    publishingProfile: {
      ...profile,
      targetRegions: targetRegions.map(({ encryption, ...region }) => ({
        ...region,
        ...(encryption && { encryption: withoutDataSecurity(encryption) }),
      })),
    },
  };
}

function withoutDataSecurity({
  dataDiskImages,
  ...encryption
}: RegionEncryption): RegionEncryption {
  return {
    ...encryption,
    ...(dataDiskImages && {
      dataDiskImages: dataDiskImages.map(({ securityProfile: _, ...image }) => image),
    }),
  };
}

/** Secrets provisioning in the form of the reference's example. */
function metadataOf({
  isSupported = false,
  osName,
  components = [],
}: NonNullable<SecurityProfile["secretsProvisioningSettings"]>) {
  const pairs: readonly (readonly [string, string])[] = [
    ["Linux.AzureSecretsProvisioning.Enabled", String(isSupported)],
    ...(osName === undefined ? [] : [["OS.Name", osName] as const]),
    ...components.map(({ name = "", version = "" }) => [`${name}.Version`, version] as const),
  ];
  return {
    type: "UserProvidedSecretsProvisioningMetadata",
    publicMetadataList: pairs.map(([metadataKey, metadataValue]) => ({
      metadataKey,
      metadataValue,
    })),
  };
}
