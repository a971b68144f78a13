import type {
  ComputeManagementClient,
  GalleryImageVersion,
} from "@azure/arm-compute";
import type {
  ImageVersionRequest,
  ResourceManager,
  DeletedImageVersion,
  ObservedImageVersion,
} from "../../image-version/index.js";
import type { RegionState } from "../../operation/records.js";
import {
  canonicalRegion,
  formatImageVersionId,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ArmClient, CallOptions } from "./client.js";
import { knownRefusal } from "./refusals.js";
import { readPages, urlOf } from "./pages.js";
import { armErrorIn, saidBy, toServiceError, type ArmCall } from "./errors.js";

const VERSIONS = "Microsoft.Compute/galleries/images/versions";
/** Of `galleryImageVersions`, as `@azure/arm-compute` asks for them. */
const GALLERIES_API_VERSION = "2025-12-03";
/** The first in which a deleted version says until when it can be restored, and DELETE has `bypassSoftDelete`. */
const SOFT_DELETE_API_VERSION = "2026-03-03";

/** Gallery image versions by `@azure/arm-compute`. */
export function createResourceManager(arm: ArmClient): ResourceManager {
  return {
    async getImageVersion(id) {
      const call = callOf("read", id);
      const response = await arm.send(call, (callOptions) =>
        arm
          .compute(id.subscriptionId)
          .galleryImageVersions.get(...namesOf(id), {
            ...callOptions,
            expand: "ReplicationStatus",
          }),
      );
      const body = arm.bodyOf<WireImageVersion>(call, response);
      return body === undefined ? undefined : observed(body);
    },

    async listImageVersions(imageId) {
      const items = await readPages<WireImageVersion & { name?: string }>(arm, {
        what: `the list of versions of ${imageId}`,
        action: `${VERSIONS}/read`,
        scope: imageId,
        path: `${imageId}/versions`,
        apiVersion: GALLERIES_API_VERSION,
      });
      return items?.flatMap((item) => {
        if (item.name === undefined) return [];
        const { regions: _, ...shown } = observed(item);
        return [{ ...shown, name: item.name }];
      });
    },

    async putImageVersion(id, request) {
      const call = callOf("write", id);
      const response = await arm.send(call, (callOptions) =>
        put(arm.compute(id.subscriptionId), id, request, callOptions),
      );
      if (response.status >= 300)
        throw toServiceError(call, response, arm.now());
      return response.headers.get("azure-asyncoperation");
    },

    async deleteImageVersion(id, { bypassSoftDelete = false } = {}) {
      const call = callOf("deletion", id);
      const response = bypassSoftDelete
        ? await arm.request(
            call,
            "DELETE",
            urlOf(
              arm,
              formatImageVersionId(id),
              SOFT_DELETE_API_VERSION,
              "bypassSoftDelete=true",
            ),
          )
        : await arm.send(call, (callOptions) =>
            arm
              .compute(id.subscriptionId)
              .galleryImageVersions.delete(...namesOf(id), callOptions)
              .submitted(),
          );
      if (response.status >= 300 && response.status !== 404)
        throw toServiceError(call, response, arm.now());
      return response.headers.get("azure-asyncoperation");
    },

    async listDeletedVersions(imageId) {
      const [galleryId = "", imageName = ""] = imageId.split("/images/");
      const items = await readPages<WireDeletedVersion>(arm, {
        what: `the list of deleted versions of ${imageId}`,
        // What ARM asks for this list Microsoft's list of actions does not say: this has it, whatever its name.
        action: "Microsoft.Compute/galleries/*/read",
        scope: galleryId,
        path: `${galleryId}/softDeletedArtifactTypes/Images/artifacts/${imageName}/versions`,
        apiVersion: SOFT_DELETE_API_VERSION,
      });
      return items?.flatMap((item) => deletedVersion(item) ?? []);
    },

    async restoreImageVersion(id, location) {
      const call = callOf("restore", id);
      // As the reference's example has it, and as az sends it. Should others have restored it a moment ago, it loses no region.
      const body = {
        location,
        restore: true,
        storageProfile: {},
        safetyProfile: { allowDeletionOfReplicatedLocations: false },
      };
      const response = await arm.send(call, (callOptions) =>
        arm
          .compute(id.subscriptionId)
          .galleryImageVersions.createOrUpdate(
            ...namesOf(id),
            body,
            callOptions,
          )
          .submitted(),
      );
      if (response.status >= 300)
        throw toServiceError(call, response, arm.now());
      return response.headers.get("azure-asyncoperation");
    },

    async previewPut(id, request) {
      const { method, url, body } = await arm.preview(
        id.subscriptionId,
        (client) => put(client, id, request),
      );
      if (typeof body !== "string")
        throw new TypeError("the SDK has sent no JSON");
      return { method, url, body: JSON.parse(body) as unknown };
    },

    async getOperationError(url) {
      // The address came from ARM and carries our token: it goes to ARM or nowhere.
      const { origin, pathname } = new URL(url);
      if (origin !== new URL(arm.endpoint).origin) return undefined;
      const call: ArmCall = {
        what: "the read of an operation",
        action: "Microsoft.Compute/locations/capsOperations/read",
        scope: pathname,
      };
      const response = await arm.request(call, "GET", url);
      if (response.status === 404) return undefined;
      if (response.status !== 200)
        throw toServiceError(call, response, arm.now());
      const error = armErrorIn(response.body);
      return error === undefined
        ? undefined
        : { code: knownRefusal(error).code, message: saidBy(error) };
    },
  };
}

function callOf(
  what: "read" | "write" | "deletion" | "restore",
  id: ImageVersionId,
): ArmCall {
  const action = {
    read: "read",
    write: "write",
    deletion: "delete",
    restore: "write",
  }[what];
  return {
    what: `the ${what} of version ${id.versionName}`,
    action: `${VERSIONS}/${action}`,
    scope: formatImageVersionId(id),
  };
}

/** The poller is not awaited: that would poll until the end, hours later. `submitted` is the PUT alone. */
function put(
  client: ComputeManagementClient,
  id: ImageVersionId,
  request: ImageVersionRequest,
  callOptions?: CallOptions,
): Promise<void> {
  return client.galleryImageVersions
    .createOrUpdate(...namesOf(id), toModel(request), callOptions)
    .submitted();
}

/** The resource in the wire's form, as far as it is looked into here. */
interface WireImageVersion {
  readonly properties?: {
    readonly provisioningState?: string;
    readonly publishingProfile?: { readonly publishedDate?: string };
    readonly replicationStatus?: {
      readonly summary?: readonly {
        readonly region?: string;
        readonly state?: string;
        readonly progress?: number;
        readonly details?: string;
      }[];
    };
  };
}

/** A GallerySoftDeletedResource, as far as it is looked into here. */
interface WireDeletedVersion {
  readonly name?: string;
  readonly location?: string;
  readonly properties?: {
    readonly softDeletedTime?: string;
    readonly consumptionEndTime?: string;
    readonly hardDeletionTargetTime?: string;
  };
}

function deletedVersion({
  name,
  location = "",
  properties: {
    softDeletedTime,
    consumptionEndTime,
    hardDeletionTargetTime,
  } = {},
}: WireDeletedVersion): DeletedImageVersion | undefined {
  return name === undefined
    ? undefined
    : {
        name,
        location: canonicalRegion(location),
        ...(softDeletedTime && { softDeletedTime }),
        ...(consumptionEndTime && { consumptionEndTime }),
        ...(hardDeletionTargetTime && { hardDeletionTargetTime }),
      };
}

function observed(body: WireImageVersion): ObservedImageVersion {
  const { properties = {} } = body;
  return {
    provisioningState: properties.provisioningState ?? "Unknown",
    resource: { ...body, properties } as unknown as ImageVersionRequest,
    ...(properties.publishingProfile?.publishedDate !== undefined && {
      publishedDate: properties.publishingProfile.publishedDate,
    }),
    regions: (properties.replicationStatus?.summary ?? []).map(
      ({ region, state, progress, details }) => ({
        name: canonicalRegion(region ?? ""),
        state: (state ?? "Unknown") as RegionState,
        progress: progress ?? 0,
        ...(details && { details }),
      }),
    ),
  };
}

/** The SDK's model is the wire's form with `properties` spread out and dates as Date. */
function toModel({
  properties,
  sigil: _, // Ours: ARM does not know it.
  ...rest
}: ImageVersionRequest): GalleryImageVersion {
  const { publishingProfile, ...others } = properties;
  const endOfLifeDate = publishingProfile?.endOfLifeDate;
  return {
    ...rest,
    ...others,
    publishingProfile: {
      ...publishingProfile,
      ...(endOfLifeDate !== undefined && {
        endOfLifeDate: new Date(endOfLifeDate),
      }),
    },
  } as GalleryImageVersion;
}

function namesOf(id: ImageVersionId): [string, string, string, string] {
  return [id.resourceGroupName, id.galleryName, id.imageName, id.versionName];
}
