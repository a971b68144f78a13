/**
 * Which rows each operation has in the listings, so that every listing is read newest first, page by page, from one
 * scope, and none needs a scan. Rows follow the state they are made from: an effect of it, safe to repeat.
 */
import { kindOf } from "./kinds.js";
import type { TransitionContext } from "./ports.js";
import {
  recordKeyOf,
  type Effect,
  type IndexRow,
  type OperationRecord,
  type OperationStatus,
} from "./records.js";

/** Narrows a listing of operations to a status and to one place: the narrowest that is given. */
export interface OperationFilter {
  readonly status?: OperationStatus;
  readonly subscriptionId?: string;
  /** One of those that a kind names (`Kind.placesOf`). */
  readonly place?: string;
  /** Those alone that have not ended, and that somebody should look at. */
  readonly needsAttention?: boolean;
}

/** Operations whose work is not finished and told: what the reconciler looks after. */
export const OPEN_SCOPE = "open";

/** Operations that are in no listing any more, and stay only because the record of that key names them. */
export function keptScope(key: string): string {
  return `kept-${key}`;
}

export function keptRow(operationId: string): IndexRow {
  return {
    scope: keptScope(recordKeyOf(operationId) ?? ""),
    row: operationId,
    target: operationId,
  };
}

export function openRow(operationId: string): IndexRow {
  return { scope: OPEN_SCOPE, row: operationId, target: operationId };
}

export function operationScope({
  status,
  subscriptionId,
  place = subscriptionId && `subscription-${subscriptionId.toLowerCase()}`,
}: OperationFilter): string {
  return ["operations", place, status].filter((part) => part !== undefined).join("-");
}

/**
 * The rows of an operation in its present status, and those that a change from `previousStatus` leaves behind. Those of a
 * new operation have its open row once more: a request slower than the reconciler's patience may have lost its first.
 */
export function indexed(
  operation: OperationRecord,
  context: Pick<TransitionContext, "kinds">,
  previousStatus?: OperationStatus,
): Extract<Effect, { kind: "index" }> {
  const { rowsOf, laterRowsOf } = kindOf(context, operation);
  const rows = (status: OperationStatus | undefined): IndexRow[] =>
    listedRows(operation, context, status);
  return {
    kind: "index",
    put: [
      ...(previousStatus === undefined ? [openRow(operation.id)] : []),
      ...rows(operation.status),
      ...(previousStatus === undefined
        ? [...rows(undefined), ...(rowsOf?.(operation) ?? []), ...(laterRowsOf?.(operation) ?? [])]
        : []),
    ],
    remove:
      previousStatus === undefined || previousStatus === operation.status
        ? []
        : rows(previousStatus),
  };
}

/** True where the operation is in the listing that `filter` narrows. */
export function isListed(
  operation: OperationRecord,
  filter: OperationFilter,
  context: Pick<TransitionContext, "kinds">,
): boolean {
  const scope = operationScope(filter);
  return listedRows(operation, context, filter.status && operation.status).some(
    (row) => row.scope === scope,
  );
}

const STATUSES = {
  NotStarted: true,
  Running: true,
  Succeeded: true,
  Failed: true,
  Canceled: true,
} as const satisfies Record<OperationStatus, true>;

/**
 * Every row that an operation may have in listings of operations, but that in the listing of all of them. One of an
 * earlier status may be left: whoever wrote it was late.
 */
export function listingRows(
  operation: OperationRecord,
  context: Pick<TransitionContext, "kinds">,
): readonly IndexRow[] {
  return [undefined, ...(Object.keys(STATUSES) as OperationStatus[])]
    .flatMap((status) => listedRows(operation, context, status))
    .filter(({ scope }) => scope !== operationScope({}));
}

/** One row a place where the operation is listed. */
function listedRows(
  operation: OperationRecord,
  context: Pick<TransitionContext, "kinds">,
  status: OperationStatus | undefined,
): IndexRow[] {
  const { placesOf } = kindOf(context, operation);
  const subscriptionId = /^\/subscriptions\/([^/]+)/u.exec(operation.resourceId)?.[1];
  const places: OperationFilter[] = [
    {},
    ...(subscriptionId === undefined ? [] : [{ subscriptionId }]),
    ...(placesOf?.(operation.resourceId) ?? []).map((place) => ({ place })),
  ];
  const row = `${createdAt(Date.parse(operation.createdTime))}-${operation.id}`;
  return places.map((place) => ({
    scope: operationScope({ ...place, ...(status && { status }) }),
    row,
    target: operation.id,
  }));
}

/**
 * Where the rows of operations of that time begin; behind it are theirs and those of all before. Rows sort as text: time
 * counted down from its end makes the newest the first.
 */
export function createdAt(ms: number): string {
  return String(9_999_999_999_999 - ms).padStart(13, "0");
}
