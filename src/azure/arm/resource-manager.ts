import type {
  ImageVersionRequest,
  ResourceManager,
  ObservedImageVersion,
} from "../../image-version/index.js";
import type { DeletedImageVersion } from "../../image-version/ports.js";
import { omit } from "../../objects.js";
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
 * Gallery image versions as ARM sends them, through the pipeline of `@azure/arm-compute`. The SDK's
 * own methods use an earlier api-version and drop unknown members from a body.
 */
export function createResourceManager(arm: ArmClient): ResourceManager {
  const urlOfVersion = (id: ImageVersionId, query?: string): string =>
    urlOf(arm, formatImageVersionId(id), GALLERIES_API_VERSION, query);
  /** The URL of the operation that ARM started, if any. */
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
        const shown = omit(observed(item), "regions");
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
        // Microsoft's list of actions does not name the permission for this list. This one covers
        // it under any name.
        action: "Microsoft.Compute/galleries/*/read",
        scope: galleryId,
        path: deletedVersionsPath(imageId),
        apiVersion: GALLERIES_API_VERSION,
      });
      return items?.flatMap((item) => deletedVersion(item) ?? []);
    },

    async restoreImageVersion(id, location) {
      const call = callOf("restore", id);
      // The body in the reference's example, which az also sends. If others restored the version a
      // moment ago, it loses no region.
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
        // Microsoft's list of actions has none for this. Build it from the path, as ARM builds its
        // actions.
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
      // ARM supplied the address and the request carries Sigil's token, so send it only to ARM.
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

/** The members of ARM's resource that this file reads. */
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

/** The members of a GallerySoftDeletedResource that this file reads. */
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

function toWire(body: ImageVersionRequest): object {
  return omit(body, "sigil");
}
