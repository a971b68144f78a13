import { ServiceError } from "../errors.js";
import { versionScope } from "../operation/catalog.js";
import { pageOf, type Page } from "../operation/queries.js";
import { recordKeyOf } from "../operation/records.js";
import {
  formatImageVersionId,
  keyOf,
  type ImageVersionId,
} from "../resource-id.js";
import type { Dependencies } from "./ports.js";
import type { ImageVersionRecord } from "./records.js";

type Reads = Pick<Dependencies, "store" | "index">;

/** Throws ServiceError NotFound for a version that Sigil was never asked for. */
export async function getImageVersion(
  { store }: Reads,
  id: ImageVersionId,
): Promise<ImageVersionRecord> {
  const resourceId = formatImageVersionId(id);
  const stored = await store.read(keyOf(resourceId));
  if (stored !== undefined) return stored.record;
  throw new ServiceError(
    "NotFound",
    `Sigil knows no image version ${resourceId}. Create it with a PUT to this address.`,
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
    page.rows.map((row) => store.read(recordKeyOf(row.target) ?? "")),
  );
  return pageOf(
    page,
    stored.flatMap((item) => (item === undefined ? [] : [item.record])),
  );
}
