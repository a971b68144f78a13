/**
 * Which rows each operation has in the listings, so that every listing is read newest first, page by page, from one
 * scope, and none needs a scan. Rows follow the state they are made from: an effect of it, safe to repeat.
 */
import type {
  Effect,
  IndexRow,
  OperationRecord,
  OperationStatus,
} from "./records.js";
import {
  imageIdIn,
  imageIdOf,
  keyOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../resource-id.js";

/** Narrows a listing of operations to a status and to one place: the narrowest that is given. */
export interface OperationFilter {
  readonly status?: OperationStatus;
  readonly subscriptionId?: string;
  /** Resource id. */
  readonly gallery?: string;
  /** Resource id. */
  readonly image?: string;
}

/** Operations whose work is not finished and told: what the reconciler looks after. */
export const OPEN_SCOPE = "open";

export function openRow(operationId: string): IndexRow {
  return { scope: OPEN_SCOPE, row: operationId, target: operationId };
}

export function operationScope(filter: OperationFilter): string {
  const place =
    filter.image !== undefined
      ? `-image-${keyOf(filter.image)}`
      : filter.gallery !== undefined
        ? `-gallery-${keyOf(filter.gallery)}`
        : filter.subscriptionId !== undefined
          ? `-subscription-${filter.subscriptionId.toLowerCase()}`
          : "";
  return `operations${place}${filter.status === undefined ? "" : `-${filter.status}`}`;
}

/**
 * The rows of an operation in its present status, and those that a change from `previousStatus` leaves behind. Those of a
 * new operation have its open row once more: a request slower than the reconciler's patience may have lost its first.
 */
export function indexed(
  operation: OperationRecord,
  previousStatus?: OperationStatus,
): Extract<Effect, { kind: "index" }> {
  const id = parseImageVersionId(operation.resourceId);
  const image =
    id === undefined ? imageIdIn(operation.resourceId) : imageIdOf(id);
  const subscriptionId = /^\/subscriptions\/([^/]+)/u.exec(
    operation.resourceId,
  )?.[1];
  const places: OperationFilter[] = [
    {},
    ...(subscriptionId === undefined ? [] : [{ subscriptionId }]),
    ...(image === undefined
      ? []
      : [
          { gallery: image.slice(0, image.lastIndexOf("/images/")) },
          { image },
        ]),
  ];
  const row = newestFirst(operation);
  const rows = (status: OperationStatus | undefined): IndexRow[] =>
    places.map((place) => ({
      scope: operationScope({ ...place, ...(status && { status }) }),
      row,
      target: operation.id,
    }));
  return {
    kind: "index",
    put: [
      ...(previousStatus === undefined ? [openRow(operation.id)] : []),
      ...rows(operation.status),
      ...(previousStatus === undefined
        ? [
            ...rows(undefined),
            ...(id === undefined ? [] : [versionRow(id, operation.id)]),
          ]
        : []),
    ],
    remove:
      previousStatus === undefined || previousStatus === operation.status
        ? []
        : rows(previousStatus),
  };
}

/** The versions of one image definition, highest first. */
export function versionScope(imageId: string): string {
  return `versions-${keyOf(imageId)}`;
}

function versionRow(id: ImageVersionId, operationId: string): IndexRow {
  const parts = id.versionName
    .split(".")
    .map((part) => String(9_999_999_999 - Number(part)).padStart(10, "0"));
  return {
    scope: versionScope(imageIdOf(id)),
    row: parts.join("."),
    target: operationId,
  };
}

/** Rows sort as text: time counted down from its end makes the newest the first. */
function newestFirst(operation: OperationRecord): string {
  const left = 9_999_999_999_999 - Date.parse(operation.createdTime);
  return `${String(left).padStart(13, "0")}-${operation.id}`;
}
