import { ServiceError } from "../errors.js";
import {
  operationScope,
  versionScope,
  type OperationFilter,
} from "./catalog.js";
import type { Dependencies, IndexPage } from "./ports.js";
import {
  versionKeyOf,
  type ImageVersionRecord,
  type OperationRecord,
} from "./records.js";
import {
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "./resource-id.js";

type Reads = Pick<Dependencies, "store" | "index">;

/** One page of a listing. */
export interface Page<T> {
  readonly value: readonly T[];
  /** Opaque; absent on the last page. */
  readonly continuationToken?: string;
}

/** Throws ServiceError NotFound for a version that Sigil was never asked for. */
export async function getImageVersion(
  { store }: Reads,
  id: ImageVersionId,
): Promise<ImageVersionRecord> {
  const resourceId = formatImageVersionId(id);
  const stored = await store.read(keyOf(resourceId));
  if (stored !== undefined) return stored.version;
  throw new ServiceError(
    "NotFound",
    `Sigil knows no image version ${resourceId}. Create it with a PUT to this address.`,
  );
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

/** Highest version number first. */
export async function listImageVersions(
  { store, index }: Reads,
  imageId: string,
  top: number,
  continuationToken: string | undefined,
): Promise<Page<ImageVersionRecord>> {
  const page = await index.page(versionScope(imageId), top, continuationToken);
  const stored = await Promise.all(
    page.rows.map((row) => store.read(versionKeyOf(row.target) ?? "")),
  );
  return pageOf(
    page,
    stored.flatMap((item) => (item === undefined ? [] : [item.version])),
  );
}

function pageOf<T>(
  { continuationToken }: IndexPage,
  value: readonly T[],
): Page<T> {
  return {
    value,
    ...(continuationToken !== undefined && { continuationToken }),
  };
}
