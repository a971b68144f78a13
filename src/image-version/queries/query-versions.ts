/**
 * Finds versions in all image definitions by the listing's rows. Invariants:
 *  1. Azure is never asked. A version that was never requested from Sigil is not found.
 *  2. A page costs one listing of image definitions and, of each that it reads, one page of rows for
 *     each thousand versions. It reads a record only where the row has no copy of it (find.ts): of
 *     at most `MOST_RECORDS` versions, or of one image definition if that alone has more.
 */
import { pagesOf } from "../../operation/pages.js";
import type { Index } from "../../operation/ports.js";
import type { Page } from "../../operation/queries.js";
import { IMAGES_SCOPE, versionNameIn, versionScope } from "../../listings.js";
import { keyOf, parseImageVersionId, parseResourceId } from "../../resource-id.js";
import type { FoundImageVersionView } from "../contract.js";
import type { Dependencies } from "../ports.js";
import * as found from "./find.js";

const ROWS = 1_000;
const IMAGES_AT_ONCE = 16;
const MOST_RECORDS = 500;
const RECORDS_AT_ONCE = 50;
/** No further image definition is read after so many. */
const MOST_FOUND = 1_000;
const TOP = 100;

export interface VersionQuery extends found.VersionFilters {
  readonly subscriptionId?: string | undefined;
  readonly gallery?: string | undefined;
  readonly image?: string | undefined;
  /** The most image definitions that the page reads. */
  readonly top?: number | undefined;
}

type Reads = Pick<Dependencies, "now" | "looks"> & {
  readonly index: Pick<Index, "page">;
  readonly store: Pick<Dependencies["store"], "readRecord">;
};

/** The versions of an image definition by number; undefined: the record is to be read. */
interface Listed {
  readonly imageId: string;
  readonly versions: Map<string, found.Found>;
  readonly unread: readonly string[];
}

export async function queryImageVersions(
  reads: Reads,
  query: VersionQuery,
  continuationToken?: string,
): Promise<Page<FoundImageVersionView>> {
  const { top = TOP } = query;
  const images: { readonly row: string; readonly target: string }[] = [];
  for await (const rows of pagesOf(reads.index, IMAGES_SCOPE, ROWS, continuationToken)) {
    images.push(...rows.filter(({ target }) => isMeant(target, query)));
    if (images.length > top) break;
  }
  const value: FoundImageVersionView[] = [];
  let done = 0;
  let records = 0;
  while (done < Math.min(top, images.length) && value.length < MOST_FOUND) {
    const some = images.slice(done, Math.min(top, done + IMAGES_AT_ONCE));
    const all = await Promise.all(some.map(({ target }) => listed(reads, target)));
    for (const one of all) {
      records += one.unread.length;
      if (records > MOST_RECORDS && done > 0) return pageOf(value, images, done); // Invariant 2.
      await readUnread(reads, one);
      value.push(...found.find(one.imageId, seen(reads, one), query, reads.now()));
      done += 1;
    }
  }
  return pageOf(value, images, done);
}

/** The token is the row of the last image definition that was read. */
function pageOf(
  value: readonly FoundImageVersionView[],
  images: readonly { readonly row: string }[],
  done: number,
): Page<FoundImageVersionView> {
  const last = images[done - 1];
  return { value, ...(done < images.length && last && { continuationToken: last.row }) };
}

function isMeant(imageId: string, { subscriptionId, gallery, image }: VersionQuery): boolean {
  const names = imageId.split("/");
  return (
    found.isNamed(parseResourceId(imageId)?.subscriptionId ?? "", subscriptionId) &&
    found.isNamed(names.at(-3) ?? "", gallery) &&
    found.isNamed(names.at(-1) ?? "", image)
  );
}

async function listed({ index }: Reads, imageId: string): Promise<Listed> {
  const versions = new Map<string, found.Found>();
  const unread: string[] = [];
  for await (const rows of pagesOf(index, versionScope(imageId), ROWS, undefined, true))
    for (const row of rows) {
      const shown = found.readShown(row.shown);
      if (shown === undefined) unread.push(versionNameIn(row));
      else if (shown.found) versions.set(versionNameIn(row), shown.found);
    }
  return { imageId, versions, unread };
}

async function readUnread({ store }: Reads, { imageId, versions, unread }: Listed): Promise<void> {
  for (let at = 0; at < unread.length; at += RECORDS_AT_ONCE)
    await Promise.all(
      unread.slice(at, at + RECORDS_AT_ONCE).map(async (name) => {
        const record = await store.readRecord(keyOf(`${imageId}/versions/${name}`));
        const one = record && found.foundIn(record);
        if (one) versions.set(name, one);
      }),
    );
}

/** With this instance's newer looks. */
function seen({ looks }: Reads, { imageId, versions }: Listed): ReadonlyMap<string, found.Found> {
  return new Map(
    [...versions].map(([name, one]) => {
      const id = parseImageVersionId(`${imageId}/versions/${name}`);
      return [name, id ? found.withSeen(one, looks.seen(id)) : one];
    }),
  );
}
