import { ServiceError } from "../errors.js";
import { versionScope } from "../operation/catalog.js";
import { pageOf, type Page } from "../operation/queries.js";
import { recordKeyOf } from "../operation/records.js";
import {
  formatImageVersionId,
  imageIdOf,
  keyOf,
  type ImageVersionId,
} from "../resource-id.js";
import { latestOf } from "./latest.js";
import type { Dependencies } from "./ports.js";
import type { ImageVersionRecord } from "./records.js";

type Reads = Pick<Dependencies, "store" | "index">;

/** A version, and whether it is the latest of its image definition. */
export interface KnownImageVersion {
  readonly record: ImageVersionRecord;
  readonly latest: boolean;
}

/** Throws ServiceError NotFound for a version that Sigil was never asked for. */
export async function getImageVersion(
  reads: Reads,
  id: ImageVersionId,
): Promise<KnownImageVersion> {
  const resourceId = formatImageVersionId(id);
  const [stored, latest] = await Promise.all([
    reads.store.read(keyOf(resourceId)),
    latestOf(reads, imageIdOf(id)),
  ]);
  if (stored !== undefined)
    return { record: stored.record, latest: stored.record.key === latest };
  throw new ServiceError(
    "NotFound",
    `Sigil knows no image version ${resourceId}. Create it with a PUT to this address.`,
  );
}

/** Highest version number first. The latest is that of the whole list, whatever the page holds. */
export async function listImageVersions(
  reads: Reads,
  imageId: string,
  top: number,
  continuationToken: string | undefined,
): Promise<Page<KnownImageVersion>> {
  const [{ value, ...page }, latest] = await Promise.all([
    listRecords(reads, imageId, top, continuationToken),
    latestOf(reads, imageId),
  ]);
  return {
    ...page,
    value: value.map((record) => ({ record, latest: record.key === latest })),
  };
}

/** Highest version number first. */
export async function listRecords(
  { store, index }: Reads,
  imageId: string,
  top: number,
  continuationToken: string | undefined,
): Promise<Page<ImageVersionRecord>> {
  const page = await index.page(versionScope(imageId), top, continuationToken);
  const stored = await Promise.all(
    page.rows.map((row) => store.read(recordKeyOf(row.target) ?? "")),
  );
  return pageOf(
    page,
    stored.flatMap((item) => (item === undefined ? [] : [item.record])),
  );
}
