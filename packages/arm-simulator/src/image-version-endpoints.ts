import { invalidParameter } from "./arm-error.js";
import { page, type ArmAnswer, type ArmRequest } from "./arm-request.js";
import type { VisibleVersion } from "./image-version-lag.js";
import { renderImageVersion } from "./image-version-view.js";
import type { Accepted, ImageVersions } from "./image-versions.js";
import { DELETE_RETRY_AFTER_SECONDS, operationUrls } from "./operations.js";
import { displayNameOf } from "./regions.js";
import { aggregate, viewRegion } from "./replication.js";
import { parentId, resourceKey, type ComputeResourceId } from "./resource-id.js";
import { findSoftDeleted, renderSoftDeleted, softDeletedWithin } from "./soft-delete.js";
import type { Store } from "./store.js";

/** GET, PUT, PATCH and DELETE of one gallery image version; undefined for another method. */
export async function answerImageVersion(
  versions: ImageVersions,
  store: Store,
  id: ComputeResourceId,
  request: ArmRequest,
): Promise<ArmAnswer | undefined> {
  switch (request.method) {
    case "GET": {
      const seen = await versions.read(id);
      return {
        status: 200,
        body: renderImageVersion(seen.record, request.apiVersion, expand(store, seen, request)),
      };
    }
    case "PUT":
    case "PATCH": {
      const accepted =
        request.method === "PUT"
          ? await versions.put(id, request.body, request.apiVersion)
          : await versions.patch(id, request.body, request.apiVersion);
      // "PUT answers 201 with Azure-AsyncOperation", without Retry-After; an update answers 200.
      return {
        status: accepted.created ? 201 : 200,
        body: renderImageVersion(accepted.record, request.apiVersion),
        headers: asyncHeaders(accepted, request),
      };
    }
    case "DELETE": {
      const accepted = await versions.delete(
        id,
        request.query.get("bypassSoftDelete")?.toLowerCase() === "true",
      );
      if (accepted === undefined) return { status: 204 };
      return {
        status: 202,
        headers: {
          ...asyncHeaders(accepted, request, true),
          "Retry-After": String(DELETE_RETRY_AFTER_SECONDS),
        },
      };
    }
    default:
      return undefined;
  }
}

/** The versions of a definition; "LIST has no expand": no replication status. */
export function listImageVersions(
  versions: ImageVersions,
  store: Store,
  id: ComputeResourceId,
  request: ArmRequest,
): ArmAnswer {
  store.requireResourceGroup(id);
  const definition = store.requireResource(parentId(`${store.canonicalId(id)}`));
  return page(
    request,
    versions.list(definition).map((record) => renderImageVersion(record, request.apiVersion)),
  );
}

/** The soft-deleted versions of a definition. */
export function listSoftDeletedVersions(
  versions: ImageVersions,
  store: Store,
  definitionId: string,
  request: ArmRequest,
): ArmAnswer {
  const definition = store.requireResource(definitionId);
  // Includes a deletion that has ended by now.
  versions.list(definition);
  return page(request, softDeletedWithin(store, definition.id).map(renderSoftDeleted));
}

/** "Hard Delete permanently deletes the image without the possibility of a recovery." */
export async function purgeSoftDeletedVersion(
  versions: ImageVersions,
  store: Store,
  definitionId: string,
  version: string,
): Promise<ArmAnswer> {
  const definition = store.requireResource(definitionId);
  versions.list(definition); // As above.
  const id = `${definition.id}/versions/${version}`;
  const key = resourceKey(id);
  if (findSoftDeleted(store, key) === undefined) throw store.notFound(id);
  delete store.state.softDeleted[key];
  await store.commit();
  return { status: 200 };
}

function expand(
  store: Store,
  { record, atMs = store.replicationNow() }: VisibleVersion,
  request: ArmRequest,
): unknown {
  const wanted = request.query.get("$expand");
  if (wanted === null || wanted.toLowerCase() === "uefisettings") return undefined;
  if (wanted.toLowerCase() !== "replicationstatus")
    throw invalidParameter(
      "$expand",
      `The value '${wanted}' of parameter '$expand' is not allowed. Allowed values are: ReplicationStatus, UefiSettings.`,
    );
  const summary = record.regions.map((region) => ({
    region: displayNameOf(region.region),
    ...viewRegion(region, atMs),
  }));
  return {
    aggregatedState: aggregate(summary.map(({ state }) => state)),
    summary,
  };
}

function asyncHeaders(
  { record, operation }: Accepted,
  request: ArmRequest,
  withLocation = false,
): Record<string, string> {
  if (operation === undefined) return {};
  const urls = operationUrls(request.baseUrl, record.location, operation, request.apiVersion);
  return {
    "Azure-AsyncOperation": urls.asyncOperation,
    ...(withLocation ? { Location: urls.location } : {}),
  };
}
