import type { ComputeManagementClient } from "@azure/arm-compute";
import type { ResourceReader, ImageDefinition } from "../../image-version/index.js";
import type { DiskEncryptionSet, EncryptionType } from "../../keys/ports.js";
import { canonicalRegion, parseResourceId, type ResourceId } from "../../resource-id.js";
import type { ArmClient, CallOptions } from "./client.js";
import { listGalleries } from "./galleries.js";
import { GALLERIES_API_VERSION, readPage, readPages, urlOf } from "./pages.js";
import { subscriptionScope } from "./subscriptions.js";
import { toImageSource, toPlan, type WirePlan, type WireSource } from "./sources.js";

/** The api-version of `diskEncryptionSets` in `@azure/arm-compute`. */
const DISKS_API_VERSION = "2026-03-02";

/** Values are spelled as in ARM's permissions, keys as `parseResourceId` spells types. */
const TYPES = {
  galleries: "galleries",
  "galleries/images": "galleries/images",
  "galleries/images/versions": "galleries/images/versions",
  diskencryptionsets: "diskEncryptionSets",
  images: "images",
  disks: "disks",
  snapshots: "snapshots",
  virtualmachines: "virtualMachines",
} as const;

type ResourceType = keyof typeof TYPES;
type GalleryType = Extract<ResourceType, `galleries${string}`>;

const SOURCE_TYPES: readonly ResourceType[] = [
  "images",
  "disks",
  "snapshots",
  "virtualmachines",
  "galleries/images/versions",
];

/**
 * Reads the resources that a request names, with `@azure/arm-compute`. It never asks ARM about an
 * id of another type.
 */
export function createResourceReader(arm: ArmClient): ResourceReader {
  async function read<Wire>(
    id: string,
    types: readonly ResourceType[],
  ): Promise<{ type: ResourceType; wire: Wire } | undefined> {
    const resource = parseResourceId(id);
    const type = typeOf(resource, types);
    if (resource === undefined || type === undefined) return undefined;
    const call = {
      what: `the read of ${id}`,
      action: `Microsoft.Compute/${TYPES[type]}/read`,
      scope: id,
    };
    const response = isInGallery(type)
      ? await arm.request(
          call,
          "GET",
          // In the reference, only the answer to `$select=Permissions` has the sharing profile.
          urlOf(arm, id, GALLERIES_API_VERSION, type === "galleries" ? "$select=Permissions" : ""),
        )
      : await arm.send(call, (callOptions) =>
          get(arm.compute(resource.subscriptionId), resource, type, callOptions),
        );
    const wire = arm.bodyOf<Wire>(call, response);
    return wire === undefined ? undefined : { type, wire };
  }

  return {
    async getGallery(id) {
      const found = await read<WireGallery>(id, ["galleries"]);
      if (found === undefined) return undefined;
      const { identifier, sharingProfile, softDeletePolicy } = found.wire.properties ?? {};
      const { permissions, communityGalleryInfo } = sharingProfile ?? {};
      const publicNames = communityGalleryInfo?.publicNames;
      return {
        id,
        sharing: permissions ?? "Private",
        ...(softDeletePolicy?.isSoftDeleteEnabled === true && {
          softDelete: true as const,
        }),
        ...(permissions === "Groups" &&
          identifier?.uniqueName && { uniqueName: identifier.uniqueName }),
        ...(permissions === "Community" && publicNames && { publicNames }),
      };
    },

    async getImageDefinition(id) {
      const found = await read<WireImageDefinition>(id, ["galleries/images"]);
      return found && toDefinition(id, found.wire);
    },

    listGalleries: () => listGalleries(arm),

    async listImageDefinitions(galleryId) {
      if (typeOf(parseResourceId(galleryId), ["galleries"]) === undefined) return undefined;
      const items = await readPages<WireImageDefinition & { readonly name?: string }>(arm, {
        what: `the list of image definitions of ${galleryId}`,
        action: "Microsoft.Compute/galleries/images/read",
        scope: galleryId,
        path: `${galleryId}/images`,
        apiVersion: GALLERIES_API_VERSION,
      });
      return items?.flatMap(({ name, ...wire }) => {
        if (name === undefined) return [];
        const { description } = wire.properties ?? {};
        return [
          {
            ...toDefinition(`${galleryId}/images/${name}`, wire),
            name,
            region: canonicalRegion(wire.location ?? ""),
            ...(description && { description }),
          },
        ];
      });
    },

    async getDiskEncryptionSet(id) {
      const found = await read<WireSet>(id, ["diskencryptionsets"]);
      return found && toSet(id, found.wire);
    },

    async getSource(id) {
      const found = await read<WireSource>(id, SOURCE_TYPES);
      return found && toImageSource(id, found.type, found.wire);
    },

    async listDiskEncryptionSets(subscriptionId, continuationToken) {
      const scope = subscriptionScope(subscriptionId);
      const page = await readPage<WireSet & { readonly id?: string }>(
        arm,
        {
          what: `the list of disk encryption sets of subscription ${subscriptionId}`,
          action: "Microsoft.Compute/diskEncryptionSets/read",
          scope,
          path: `${scope}/providers/Microsoft.Compute/diskEncryptionSets`,
          apiVersion: DISKS_API_VERSION,
        },
        continuationToken,
      );
      if (page === undefined) return undefined;
      const { items, ...next } = page;
      return { value: items.map((set) => toSet(set.id ?? "", set)), ...next };
    },
  };
}

function typeOf(
  resource: ResourceId | undefined,
  types: readonly ResourceType[],
): ResourceType | undefined {
  return resource?.namespace.toLowerCase() === "microsoft.compute"
    ? types.find((type) => type === resource.type)
    : undefined;
}

function isInGallery(type: ResourceType): type is GalleryType {
  return type.startsWith("galleries");
}

function get(
  client: ComputeManagementClient,
  { resourceGroupName, names: [name = ""] }: ResourceId,
  type: Exclude<ResourceType, GalleryType>,
  callOptions: CallOptions,
): Promise<unknown> {
  switch (type) {
    case "diskencryptionsets":
      return client.diskEncryptionSets.get(resourceGroupName, name, callOptions);
    case "images":
      return client.images.get(resourceGroupName, name, callOptions);
    case "disks":
      return client.disks.get(resourceGroupName, name, callOptions);
    case "snapshots":
      return client.snapshots.get(resourceGroupName, name, callOptions);
    case "virtualmachines":
      // Only the instance view shows whether it is generalized.
      return client.virtualMachines.get(resourceGroupName, name, {
        ...callOptions,
        expand: "instanceView",
      });
  }
}

interface WireGallery {
  readonly properties?: {
    readonly identifier?: { readonly uniqueName?: string };
    readonly sharingProfile?: {
      readonly permissions?: string;
      readonly communityGalleryInfo?: {
        readonly publicNames?: readonly string[];
      } | null;
    };
    readonly softDeletePolicy?: { readonly isSoftDeleteEnabled?: boolean };
  };
}

interface WireImageDefinition {
  readonly location?: string;
  readonly properties?: {
    readonly description?: string | null;
    readonly endOfLifeDate?: string | null;
    readonly osType?: string;
    readonly osState?: string;
    readonly hyperVGeneration?: string;
    readonly architecture?: string;
    readonly purchasePlan?: WirePlan | null;
    readonly features?: readonly {
      readonly name?: string;
      readonly value?: string;
    }[];
  };
}

function toDefinition(id: string, { properties = {} }: WireImageDefinition): ImageDefinition {
  const plan = toPlan(properties.purchasePlan);
  return {
    id,
    osType: properties.osType ?? "Unknown",
    osState: properties.osState ?? "Unknown",
    // Compute's defaults ("Create an image definition", Microsoft Learn).
    hyperVGeneration: properties.hyperVGeneration ?? "V1",
    architecture: properties.architecture ?? "x64",
    securityType:
      properties.features?.find(({ name }) => name?.toLowerCase() === "securitytype")?.value ??
      "Standard",
    ...(plan && { purchasePlan: plan }),
    ...(properties.endOfLifeDate && {
      endOfLifeDate: properties.endOfLifeDate,
    }),
  };
}

interface WireSet {
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties?: {
    readonly provisioningState?: string;
    readonly encryptionType?: string;
    readonly activeKey?: {
      readonly keyUrl?: string;
      readonly sourceVault?: { readonly id?: string } | null;
    };
    /** "None" removes it (`az disk-encryption-set update --federated-client-id None`). */
    readonly federatedClientId?: string | null;
    readonly rotationToLatestKeyVersionEnabled?: boolean;
    readonly lastKeyRotationTimestamp?: string;
    readonly autoKeyRotationError?: {
      readonly code?: string;
      readonly message?: string;
    };
  };
}

function toSet(id: string, { location, tags, properties = {} }: WireSet): DiskEncryptionSet {
  const { activeKey, federatedClientId, lastKeyRotationTimestamp, autoKeyRotationError } =
    properties;
  return {
    id,
    region: canonicalRegion(location ?? ""),
    provisioningState: properties.provisioningState ?? "Unknown",
    // Old sets do not show a type. This was the first one.
    encryptionType: (properties.encryptionType ??
      "EncryptionAtRestWithCustomerKey") as EncryptionType,
    ...(tags && { tags }),
    ...(activeKey?.keyUrl && { keyUrl: activeKey.keyUrl }),
    ...(activeKey?.sourceVault?.id && { vaultId: activeKey.sourceVault.id }),
    ...(federatedClientId && federatedClientId.toLowerCase() !== "none" && { federatedClientId }),
    rotationToLatestKeyVersionEnabled: properties.rotationToLatestKeyVersionEnabled ?? false,
    ...(lastKeyRotationTimestamp && {
      lastKeyRotationTime: lastKeyRotationTimestamp,
    }),
    ...(autoKeyRotationError && {
      autoKeyRotationError: {
        code: autoKeyRotationError.code ?? "Unknown",
        message: autoKeyRotationError.message ?? "no message",
      },
    }),
  };
}
