import {
  ArmError,
  existsElsewhere,
  invalidRequestContent,
  locationNotAvailable,
} from "./arm-error.js";
import { page, type ArmAnswer, type ArmRequest } from "./arm-request.js";
import { validateGalleryResource } from "./gallery-rules.js";
import { isObject } from "./json-shape.js";
import { asMadeOf } from "./made-of.js";
import { findRegion, offeredRegions } from "./regions.js";
import { requireProvider } from "./registrations.js";
import { parentId, resourceGroupKey, resourceKey, type ComputeResourceId } from "./resource-id.js";
import { softDeletedWithin } from "./soft-delete.js";
import { putWithKeys } from "./key-vault.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

/*
 * Everything of Microsoft.Compute but image versions: galleries, definitions, disk encryption sets, images, disks,
 * snapshots, virtual machines. They are kept as they were put, with what made-of.ts adds; a PUT is done when it is answered.
 */

/** GET, PUT, PATCH and DELETE of one resource; undefined for another method. */
export async function answerResource(
  store: Store,
  id: ComputeResourceId,
  request: ArmRequest,
): Promise<ArmAnswer | undefined> {
  store.requireResourceGroup(id);
  const path = store.canonicalId(id);
  switch (request.method) {
    case "GET":
      return { status: 200, body: store.requireResource(path) };
    case "PUT":
    case "PATCH":
      return await putResource(store, id, path, request);
    case "DELETE": {
      const key = resourceKey(path);
      const { resources, imageVersions } = store.state;
      if (resources[key] === undefined) return { status: 204 };
      const holder = resources[key].managedBy;
      if (holder !== undefined && /^disks$/iu.test(id.type))
        throw new ArmError(
          409,
          "OperationNotAllowed",
          `Disk ${resources[key].name} is attached to VM ${holder}.`,
        );
      const nested = [...Object.keys(resources), ...Object.keys(imageVersions)];
      if (
        nested.some((other) => other.startsWith(`${key}/`)) ||
        softDeletedWithin(store, path).length > 0
      )
        throw new ArmError(
          409,
          "CannotDeleteResource",
          "Can not delete resource before nested resources are deleted.",
        );
      store.removeResource(path);
      await store.commit();
      return { status: 200 };
    }
    default:
      return undefined;
  }
}

async function putResource(
  store: Store,
  id: ComputeResourceId,
  path: string,
  request: ArmRequest,
): Promise<ArmAnswer> {
  requireProvider(store, id.subscriptionId);
  const before = store.findResource(path);
  if (before === undefined && request.method === "PATCH") throw store.notFound(path);
  if (id.names.length > 1 && store.findResource(parentId(path)) === undefined)
    throw new ArmError(
      404,
      "ParentResourceNotFound",
      `Failed to perform 'write' on resource(s) of type '${id.type}', because the parent resource '${parentId(path)}' could not be found.`,
    );
  if (!isObject(request.body)) throw invalidRequestContent("the body must be a JSON object");
  const asked = request.method === "PATCH" ? { ...before, ...request.body } : request.body;
  const location = typeof asked["location"] === "string" ? asked["location"] : "";
  const region = findRegion(location);
  if (location === "")
    throw new ArmError(
      400,
      "LocationRequired",
      "The location property is required for this definition.",
    );
  const offered = offeredRegions(store.subscription(id.subscriptionId));
  if (region === undefined || !offered.includes(region))
    throw locationNotAvailable(
      `Microsoft.Compute/${id.type}`,
      location,
      offered.map(({ name }) => name),
    );
  if (before !== undefined && before.location !== region.name)
    throw existsElsewhere(id.names.join("/"), id.resourceGroup, {
      is: before.location ?? "",
      asked: region.name,
    });
  const properties = isObject(asked["properties"]) ? asked["properties"] : {};
  const resource = asMadeOf(store, {
    ...asked,
    id: path,
    name: before?.name ?? id.names.at(-1) ?? "",
    type: `Microsoft.Compute/${id.type}`,
    location: region.name,
    properties: {
      ...(request.method === "PATCH" ? before?.properties : {}),
      ...properties,
      provisioningState: "Succeeded",
    },
  });
  validateGalleryResource(store, resource, before);
  putWithKeys(store, resource);
  await store.commit();
  // Disks and snapshots have no 201 in the specification.
  const created = before === undefined && !/^(?:disks|snapshots)$/iu.test(id.type);
  return { status: created ? 201 : 200, body: resource };
}

/** Resources of a type, in a subscription, a resource group or under a parent. */
export function listResources(
  store: Store,
  prefix: string,
  type: string,
  request: ArmRequest,
): ArmAnswer {
  return page(request, store.listResources(prefix, type));
}

export async function answerResourceGroup(
  store: Store,
  subscriptionId: string,
  name: string,
  request: ArmRequest,
): Promise<ArmAnswer | undefined> {
  const key = resourceGroupKey({ subscriptionId, resourceGroup: name });
  store.subscription(subscriptionId);
  switch (request.method) {
    case "GET":
    case "HEAD":
      store.requireResourceGroup({ subscriptionId, resourceGroup: name });
      return request.method === "HEAD"
        ? { status: 204 }
        : { status: 200, body: store.state.resources[key] };
    case "PUT": {
      const location = isObject(request.body) ? request.body["location"] : "";
      const region = findRegion(typeof location === "string" ? location : "");
      if (region === undefined)
        throw new ArmError(
          400,
          "LocationRequired",
          "The location property is required for this definition and must be a region.",
        );
      const before = store.state.resources[key];
      const group: ArmResource = {
        id: `/subscriptions/${subscriptionId}/resourceGroups/${before?.name ?? name}`,
        name: before?.name ?? name,
        type: "Microsoft.Resources/resourceGroups",
        location: region.name,
        properties: { provisioningState: "Succeeded" },
      };
      store.putResource(group);
      await store.commit();
      return { status: before === undefined ? 201 : 200, body: group };
    }
    default:
      return undefined;
  }
}
