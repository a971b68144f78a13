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
  galleryIdOf,
  imageIdOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ArmClient } from "./client.js";
import { knownRefusal } from "./refusals.js";
import { GALLERIES_API_VERSION, readPages, urlOf } from "./pages.js";
import { armErrorIn, saidBy, toServiceError, type ArmCall, type ArmResponse } from "./errors.js";

const VERSIONS = "Microsoft.Compute/galleries/images/versions";

/**
 * Gallery image versions in the wire's own form, through the pipeline of `@azure/arm-compute`: the SDK's methods speak an
 * earlier api-version, and leave out of a body what they do not know.
 */
export function createResourceManager(arm: ArmClient): ResourceManager {
  const urlOfVersion = (id: ImageVersionId, query?: string): string =>
    urlOf(arm, formatImageVersionId(id), GALLERIES_API_VERSION, query);
  /** The URL of the operation that the answer has begun, if any. */
  const begun = (call: ArmCall, response: ArmResponse): string | undefined => {
    if (response.status >= 300) throw toServiceError(call, response, arm.now());
    return response.headers.get("azure-asyncoperation");
  };

  return {
    async getImageVersion(id) {
      const call = callOf("read", id);
      const response = await arm.request(
        call,
        "GET",
        urlOfVersion(id, "$expand=ReplicationStatus"),
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
      return begun(call, await arm.request(call, "PUT", urlOfVersion(id), toWire(request)));
    },

    async deleteImageVersion(id, { bypassSoftDelete = false } = {}) {
      const call = callOf("deletion", id);
      const response = await arm.request(
        call,
        "DELETE",
        urlOfVersion(id, bypassSoftDelete ? "bypassSoftDelete=true" : ""),
      );
      return response.status === 404 ? undefined : begun(call, response);
    },

    async listDeletedVersions(imageId) {
      const [galleryId = ""] = imageId.split("/images/");
      const items = await readPages<WireDeletedVersion>(arm, {
        what: `the list of deleted versions of ${imageId}`,
        // What ARM asks for this list Microsoft's list of actions does not say: this has it, whatever its name.
        action: "Microsoft.Compute/galleries/*/read",
        scope: galleryId,
        path: deletedVersionsPath(imageId),
        apiVersion: GALLERIES_API_VERSION,
      });
      return items?.flatMap((item) => deletedVersion(item) ?? []);
    },

    async restoreImageVersion(id, location) {
      const call = callOf("restore", id);
      // As the reference's example has it, and as az sends it. Should others have restored it a moment ago, it loses no region.
      const body = {
        location,
        properties: {
          restore: true,
          storageProfile: {},
          safetyProfile: { allowDeletionOfReplicatedLocations: false },
        },
      };
      return begun(call, await arm.request(call, "PUT", urlOfVersion(id), body));
    },

    async purgeImageVersion(id) {
      const path = `${deletedVersionsPath(imageIdOf(id))}/${id.versionName}`;
      const call: ArmCall = {
        what: `the deletion of version ${id.versionName} for good`,
        // Microsoft's list of actions has none for it: this is made of the path, as ARM makes its actions.
        action: "Microsoft.Compute/galleries/softDeletedArtifactTypes/artifacts/versions/delete",
        scope: galleryIdOf(id),
      };
      const response = await arm.request(call, "DELETE", urlOf(arm, path, GALLERIES_API_VERSION));
      if (response.status === 404) return false;
      begun(call, response);
      return true;
    },

    previewPut: (id, request) =>
      Promise.resolve({
        method: "PUT",
        url: urlOfVersion(id),
        body: toWire(request),
      }),

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
      if (response.status !== 200) throw toServiceError(call, response, arm.now());
      const error = armErrorIn(response.body);
      return error === undefined
        ? undefined
        : { code: knownRefusal(error).code, message: saidBy(error) };
    },
  };
}

/** Where ARM lists the soft-deleted versions of an image definition. */
function deletedVersionsPath(imageId: string): string {
  return `${imageId.replace("/images/", "/softDeletedArtifactTypes/Images/artifacts/")}/versions`;
}

function callOf(what: "read" | "write" | "deletion" | "restore", id: ImageVersionId): ArmCall {
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
  properties: { softDeletedTime, consumptionEndTime, hardDeletionTargetTime } = {},
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

function toWire({
  sigil: _, // Ours: ARM does not know it.
  ...body
}: ImageVersionRequest): object {
  return body;
}
