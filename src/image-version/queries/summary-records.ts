/** The records that a summary shows, from the rows of the listing where these say enough. */
import { setImmediate } from "node:timers/promises";
import { pagesOf } from "../../operation/pages.js";
import type { OperationDependencies } from "../../operation/ports.js";
import { operationIdOf, type IndexRow } from "../../operation/records.js";
import { formatImageVersionId, keyOf, parseImageVersionId } from "../../resource-id.js";
import { versionNameIn, versionScope } from "../../listings.js";
import { omit } from "../../objects.js";
import { calmRecord, listsAsKnown, readDigest, type Digest } from "../digest.js";
import type { ListedImageVersion } from "../resources.js";
import type { ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";

type Reads = Pick<OperationDependencies<ImageVersionRecord>, "store" | "index">;

const PAGE = 1_000;
const MOST_READS = 500;
/** Concurrent reads. */
const READS_AT_ONCE = 50;
/** Other requests are served after this many versions. */
export const AT_ONCE = 200;

/** The listing's row of a version: its last operation, and a digest. */
export type Row = Pick<IndexRow, "target" | "digest">;

/** A record whose operations have ended. */
export interface Kept {
  /** What the listing named when Sigil read the record. */
  readonly target: string;
  readonly record: ImageVersionRecord;
  /** If the record is made of a digest: how Azure listed the version last. */
  readonly calm?: { readonly digest: Digest; readonly listed: ListedImageVersion };
}

/** Of each version that was requested from Sigil. */
export async function readRows(
  { index }: Reads,
  imageId: string,
): Promise<ReadonlyMap<string, Row>> {
  const all = new Map<string, Row>();
  for await (const rows of pagesOf(index, versionScope(imageId), PAGE))
    for (const row of rows) all.set(versionNameIn(row), row);
  return all;
}

/**
 * Invariants 2 and 3 of summaries.ts. `names`: highest first; `remembered`: by name, and updated.
 */
export async function readRecords(
  { store }: Reads,
  imageId: string,
  names: readonly string[],
  items: ReadonlyMap<string, ListedImageVersion>,
  rows: ReadonlyMap<string, Row>,
  remembered: Map<string, Kept>,
): Promise<{
  readonly records: ReadonlyMap<string, ImageVersionRecord>;
  readonly complete: boolean;
}> {
  for (const name of remembered.keys()) if (!rows.has(name)) remembered.delete(name);
  const records = new Map<string, ImageVersionRecord>();
  const unread: string[] = [];
  for (const [at, name] of names.entries()) {
    if (at % AT_ONCE === AT_ONCE - 1) await setImmediate();
    const row = rows.get(name);
    if (row === undefined) continue;
    const known = byRow(`${imageId}/versions/${name}`, row, items.get(name), remembered.get(name));
    if (known !== "read") remembered.set(name, known);
    // The highest may be one whose creation has failed.
    else if (items.has(name) || at === 0 || readDigest(row.digest) === undefined) unread.push(name);
    const kept = remembered.get(name);
    if (kept !== undefined) records.set(name, kept.record);
  }
  const reading = unread.slice(0, MOST_READS);
  for (let at = 0; at < reading.length; at += READS_AT_ONCE)
    await Promise.all(
      reading.slice(at, at + READS_AT_ONCE).map(async (name) => {
        const id = parseImageVersionId(`${imageId}/versions/${name}`);
        if (id === undefined) return;
        const record = await store.readRecord(keyOf(formatImageVersionId(id)));
        if (record === undefined) return;
        records.set(name, record);
        const target = rows.get(name)?.target;
        // The listing may be slightly older, or newer, than the record.
        if (isFinal(record.state) && target?.split(" ")[0] === operationIdOf(record)) {
          const kept = withoutBulk(record);
          remembered.set(name, { target, record: kept });
          records.set(name, kept);
        } else remembered.delete(name);
      }),
    );
  return { records, complete: reading.length === unread.length };
}

/** What is known of a version without a read. */
function byRow(
  resourceId: string,
  { target, digest: text }: Row,
  listed: ListedImageVersion | undefined,
  kept: Kept | undefined,
): Kept | "read" {
  const known = kept?.target === target ? kept : undefined;
  if (known !== undefined && (known.calm === undefined || known.calm.listed === listed))
    return known;
  const digest = known?.calm?.digest ?? readDigest(text);
  if (listed === undefined || digest === undefined || !listsAsKnown(digest, listed)) return "read";
  const [operationId = ""] = target.split(" ");
  const record = known?.record ?? calmRecord(resourceId, operationId, digest, listed);
  return record === undefined ? "read" : { target, record, calm: { digest, listed } };
}

/** Invariant 3 of summaries.ts. */
function withoutBulk(record: ImageVersionRecord): ImageVersionRecord {
  const { status } = record;
  return {
    ...omit(record, "write", "pacing", "status"),
    ...(status && {
      status: {
        ...status,
        resource: { location: "", properties: { storageProfile: {} } },
      },
    }),
  };
}
