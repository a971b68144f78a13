/**
 * Which rows each operation has in the listings, so that every listing is read newest first, page by page, from one
 * scope, and none needs a scan. Rows follow the state they are made from: an effect of it, safe to repeat.
 */
import { kindOf } from "./kinds.js";
import type { TransitionContext } from "./ports.js";
import type {
  Effect,
  IndexRow,
  OperationRecord,
  OperationStatus,
} from "./records.js";

/** Narrows a listing of operations to a status and to one place: the narrowest that is given. */
export interface OperationFilter {
  readonly status?: OperationStatus;
  readonly subscriptionId?: string;
  /** One of those that a kind names (`Kind.placesOf`). */
  readonly place?: string;
}

/** Operations whose work is not finished and told: what the reconciler looks after. */
export const OPEN_SCOPE = "open";

export function openRow(operationId: string): IndexRow {
  return { scope: OPEN_SCOPE, row: operationId, target: operationId };
}

export function operationScope({
  status,
  subscriptionId,
  place = subscriptionId && `subscription-${subscriptionId.toLowerCase()}`,
}: OperationFilter): string {
  return ["operations", place, status]
    .filter((part) => part !== undefined)
    .join("-");
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
  const { placesOf, rowsOf } = kindOf(context, operation);
  const subscriptionId = /^\/subscriptions\/([^/]+)/u.exec(
    operation.resourceId,
  )?.[1];
  const places: OperationFilter[] = [
    {},
    ...(subscriptionId === undefined ? [] : [{ subscriptionId }]),
    ...(placesOf?.(operation.resourceId) ?? []).map((place) => ({ place })),
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
        ? [...rows(undefined), ...(rowsOf?.(operation) ?? [])]
        : []),
    ],
    remove:
      previousStatus === undefined || previousStatus === operation.status
        ? []
        : rows(previousStatus),
  };
}

/** Rows sort as text: time counted down from its end makes the newest the first. */
function newestFirst(operation: OperationRecord): string {
  const left = 9_999_999_999_999 - Date.parse(operation.createdTime);
  return `${String(left).padStart(13, "0")}-${operation.id}`;
}
