/**
 * The rows of each operation in the listings. Each listing reads one scope, newest first, page by
 * page, and needs no scan. Rows are effects of the state they are derived from, and safe to repeat.
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

/** Narrows a listing of operations to a status and to one place: the narrowest one given. */
export interface OperationFilter {
  readonly status?: OperationStatus;
  readonly subscriptionId?: string;
  /** One of the places that a kind names (`Kind.placesOf`). */
  readonly place?: string;
  /** Only operations that have not ended and need attention. */
  readonly needsAttention?: boolean;
}

/** Operations with work or reports left, which the reconciler checks. */
export const OPEN_SCOPE = "open";

/** Operations no longer in any listing, kept only because the record of that key names them. */
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
 * The rows of an operation in its present status, and those to remove after a change from
 * `previousStatus`. A new operation gets its open row again, because the reconciler may have
 * removed the first one of a slow request.
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

/** Whether the operation is in the listing that `filter` narrows. */
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
 * Every row that an operation may have in listings of operations, except in the listing of all. A
 * late writer may have left the row of an earlier status.
 */
export function listingRows(
  operation: OperationRecord,
  context: Pick<TransitionContext, "kinds">,
): readonly IndexRow[] {
  return [undefined, ...(Object.keys(STATUSES) as OperationStatus[])]
    .flatMap((status) => listedRows(operation, context, status))
    .filter(({ scope }) => scope !== operationScope({}));
}

/** One row for each place that lists the operation. */
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
 * Where the rows of operations created at that time begin; older ones follow. Rows sort as text, so
 * a time counted down puts the newest first.
 */
export function createdAt(ms: number): string {
  return String(9_999_999_999_999 - ms).padStart(13, "0");
}
