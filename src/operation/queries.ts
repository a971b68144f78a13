import { ServiceError } from "../errors.js";
import { operationScope, type OperationFilter } from "./catalog.js";
import type { IndexPage, OperationDependencies } from "./ports.js";
import type { OperationRecord, TrackedRecord } from "./records.js";

type Reads = Pick<OperationDependencies<TrackedRecord>, "store" | "index">;

/** One page of a listing. */
export interface Page<T> {
  readonly value: readonly T[];
  /** Opaque; absent on the last page. */
  readonly continuationToken?: string;
}

/** Throws ServiceError NotFound for an id that no operation has. */
export async function getOperation(
  { store }: Reads,
  operationId: string,
): Promise<OperationRecord> {
  const operation = await store.readOperation(operationId);
  if (operation !== undefined) return operation;
  throw new ServiceError("NotFound", `There is no operation ${operationId}.`);
}

/** Newest first. A page may be shorter than `top`; the last is the one without a continuation token. */
export async function listOperations(
  { store, index }: Reads,
  filter: OperationFilter,
  top: number,
  continuationToken: string | undefined,
): Promise<Page<OperationRecord>> {
  const page = await index.page(operationScope(filter), top, continuationToken);
  const operations = await Promise.all(
    page.rows.map((row) => store.readOperation(row.target)),
  );
  return pageOf(
    page,
    // A row may be a moment older than its operation: the operation itself decides.
    operations.filter(
      (operation): operation is OperationRecord =>
        operation !== undefined &&
        (filter.status === undefined || operation.status === filter.status),
    ),
  );
}

/** One page of what the rows of `page` name. */
export function pageOf<T>(
  { continuationToken }: IndexPage,
  value: readonly T[],
): Page<T> {
  return {
    value,
    ...(continuationToken !== undefined && { continuationToken }),
  };
}
