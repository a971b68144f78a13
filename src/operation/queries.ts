import { ServiceError } from "../errors.js";
import { isListed, OPEN_SCOPE, operationScope, type OperationFilter } from "./catalog.js";
import type { IndexPage, OperationDependencies } from "./ports.js";
import { readListAgain, secondsUntilNews } from "./read-again.js";
import {
  operationIdOf,
  recordKeyOf,
  sequenceOf,
  type Followed,
  type OperationRecord,
  type TrackedRecord,
} from "./records.js";
import { firstSequenceOf, lastSequenceOf } from "./sequence.js";

type Reads = Pick<OperationDependencies<TrackedRecord>, "store" | "index">;

/** One page of a listing. */
export interface Page<T> {
  readonly value: readonly T[];
  /** Opaque; absent on the last page. */
  readonly continuationToken?: string;
}

/**
 * Throws ServiceError NotFound for an unknown id; the message says if the operation was removed.
 */
export async function getOperation(
  { store }: { readonly store: Pick<Reads["store"], "read" | "readOperation"> },
  operationId: string,
): Promise<Followed> {
  const followed = await store.readOperation(operationId);
  if (followed !== undefined) return followed;
  const key = recordKeyOf(operationId);
  const record = key && (await store.read(key))?.record;
  throw new ServiceError(
    "NotFound",
    record &&
      firstSequenceOf(record) <= sequenceOf(operationId) &&
      sequenceOf(operationId) <= lastSequenceOf(record)
      ? `Operation ${operationId} ended long ago and is no longer kept. The latest operation of ${record.resourceId} is ${operationIdOf(record)}.`
      : `There is no operation ${operationId}.`,
  );
}

/**
 * Newest first, except those that need attention: they are few, and found among all unfinished
 * ones. A page may be shorter than `top`; the last page has no continuation token.
 */
export async function listOperations(
  deps: Reads & Pick<OperationDependencies<TrackedRecord>, "kinds" | "now">,
  filter: OperationFilter,
  top: number,
  continuationToken: string | undefined,
): Promise<Page<OperationRecord> & { readonly readAgain: number }> {
  const { store, index, now } = deps;
  const page = await index.page(
    filter.needsAttention ? OPEN_SCOPE : operationScope(filter),
    top,
    continuationToken,
  );
  const followed = await Promise.all(page.rows.map((row) => store.readOperation(row.target)));
  // A row may be a moment older than its operation, so the operation decides.
  const listed = followed
    .filter((each) => each !== undefined)
    .filter(
      ({ operation }) =>
        isListed(operation, filter, deps) && (!filter.needsAttention || needsAttention(operation)),
    );
  const running = listed.filter(({ operation }) => operation.endTime === undefined);
  return {
    ...pageOf(
      page,
      listed.map(({ operation }) => operation),
    ),
    readAgain: readListAgain(running.map((each) => secondsUntilNews(each, now()))),
  };
}

/** Whether it is unfinished and has stalled, or one of its regions has failed or stalled. */
function needsAttention({ endTime, stalled, regions }: OperationRecord): boolean {
  return (
    endTime === undefined &&
    (stalled === true ||
      regions.some(({ state, stalledTime }) => state === "Failed" || stalledTime !== undefined))
  );
}

/** The error for a continuation token that no page returned. */
export function forgedToken(cause?: unknown): ServiceError {
  return new ServiceError("InvalidRequest", "The continuation token is not from this list.", {
    cause,
    findings: [
      {
        code: "InvalidFormat",
        pointer: "/query/continuationToken",
        message: "Use nextLink, or the continuationToken of the page before, unchanged.",
      },
    ],
  });
}

/** One page of what the rows of `page` refer to. */
function pageOf<T>({ continuationToken }: IndexPage, value: readonly T[]): Page<T> {
  return {
    value,
    ...(continuationToken !== undefined && { continuationToken }),
  };
}
