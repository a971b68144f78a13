/**
 * Lists everything that needs a person, over all image definitions. Invariants:
 *  1. Rows come from the summaries of image definitions (summaries.ts) and from open operations, so they agree with GET, list and map.
 *     Nothing is stored.
 *  2. A wait for a test or for Azure needs no person. No row names a command that Sigil would refuse.
 *  3. A read covers at most `MOST_IMAGES` image definitions, `AT_ONCE` at a time, with at most one list from Azure per `LIST_EVERY_MS`;
 *     `complete` says whether that covered all of them.
 */
import { createHash } from "node:crypto";
import { ServiceError } from "../../errors.js";
import { pagesOf } from "../../operation/pages.js";
import type { StateStore } from "../../operation/ports.js";
import { listOperations, type Page } from "../../operation/queries.js";
import { AT_REST_SECONDS } from "../../operation/read-again.js";
import { operationIdOf, type OperationRecord } from "../../operation/records.js";
import { keyOf } from "../../resource-id.js";
import { SharedReads } from "../../shared-reads.js";
import type { AttentionView, ImageSummaryView } from "../contract.js";
import { IMAGES_SCOPE } from "../../listings.js";
import type { ImageVersionRecord } from "../state/record.js";
import {
  failedRegions,
  failedRow,
  keyRows,
  operationRow,
  rowsByPlace,
  versionRows,
  type AttentionRow,
} from "./attention-rows.js";
import { MOST_IMAGES, type Summarize } from "./summaries.js";

const KEEP_MS = 5_000;
const LIST_EVERY_MS = 3_000;
const LISTED_MS = 30_000;
const AT_ONCE = 8;

type Deps = Parameters<typeof listOperations>[0] & {
  readonly versions: Pick<StateStore<ImageVersionRecord>, "readRecord">;
};

interface AttentionQuery {
  readonly subscriptionId?: string | undefined;
  /** Resource id. */
  readonly gallery?: string | undefined;
  readonly severity?: AttentionRow["severity"] | undefined;
  readonly top?: number | undefined;
}

interface Found {
  readonly rows: readonly AttentionRow[];
  readonly seen: AttentionView["seen"];
  readonly complete: boolean;
  /** Seconds after which to read it again. */
  readonly readAgain: number;
}

/** A page of rows, and an ETag of everything shown. */
type AttentionPage = Page<AttentionRow> &
  Pick<AttentionView, "counts" | "seen" | "complete"> &
  Pick<Found, "readAgain"> & { readonly etag: string };

/** `more`: rows that belong to no image definition. */
type ReadAttention = (
  query: AttentionQuery,
  more?: readonly AttentionRow[],
  continuationToken?: string,
) => Promise<AttentionPage>;

export function createAttention(deps: Deps, summarize: Summarize): ReadAttention {
  const shared = new SharedReads<Found>({ most: MOST_IMAGES, keepMs: KEEP_MS, now: deps.now });
  return async ({ severity, top = 50, ...place }, more = [], after = "") => {
    const key = JSON.stringify(place).toLowerCase();
    const { rows, readAgain, ...rest } = await shared.once(key, () => read(deps, summarize, place));
    const all = [...rowsByPlace([...rows, ...more])];
    const left = all.filter(
      ([at, row]) => at > after && (severity === undefined || row.severity === severity),
    );
    const page = left.slice(0, top);
    const value = await Promise.all(page.map(([, row]) => withError(deps, row)));
    const count = (of: AttentionRow["severity"]): number =>
      all.filter(([, row]) => row.severity === of).length;
    const content = {
      value,
      counts: { error: count("error"), warning: count("warning") },
      ...rest,
    };
    const hash = createHash("sha256").update(JSON.stringify([content, left.length]));
    const last = page.at(-1);
    return {
      ...content,
      readAgain,
      etag: `"${hash.digest("hex").slice(0, 32)}"`,
      ...(left.length > page.length && last && { continuationToken: last[0] }),
    };
  };
}

/** Adds the error of the row's failed operation. */
async function withError({ store }: Deps, row: AttentionRow): Promise<AttentionRow> {
  const { operationId } = row.about;
  if (operationId === undefined || row.severity !== "error") return row;
  const { error, endTime } = (await store.readOperation(operationId))?.operation ?? {};
  return {
    ...row,
    ...(error && { message: error.message }),
    ...(endTime !== undefined && { since: endTime }),
  };
}

async function read(
  deps: Deps,
  summarize: Summarize,
  { subscriptionId, gallery }: Pick<AttentionQuery, "subscriptionId" | "gallery">,
): Promise<Found> {
  const outer = [gallery, subscriptionId && `/subscriptions/${subscriptionId}`]
    .filter((id) => id !== undefined)
    .map((id) => `${id}/`.toLowerCase());
  const isInside = (id: string): boolean =>
    outer.every((each) => `${id}/`.toLowerCase().startsWith(each));
  const images: string[] = [];
  for await (const rows of pagesOf(deps.index, IMAGES_SCOPE))
    images.push(...rows.map(({ target }) => target).filter(isInside));
  const operations = (await openOperations(deps)).filter(({ resourceId }) => isInside(resourceId));
  const asked = images.slice(0, MOST_IMAGES);
  const maxListMs = Math.max(LISTED_MS, asked.length * LIST_EVERY_MS);
  let complete = images.length === asked.length;
  let readAgain = AT_REST_SECONDS;
  const views = new Map<string, ImageSummaryView>();
  const ofOperations = operations.map(async (operation) =>
    operationRow(operation, await locationOf(deps, operation)),
  );
  const rows = (await Promise.all(ofOperations)).flat();
  const readNext = async (): Promise<void> => {
    for (let id = asked.shift(); id !== undefined; id = asked.shift())
      try {
        const { view, notCreated, readAgain: again } = await summarize(id, maxListMs);
        views.set(id, view);
        complete &&= view.complete;
        readAgain = Math.min(readAgain, again);
        for (const version of view.versions) rows.push(...versionRows(id, version));
        if (notCreated)
          rows.push(failedRow(notCreated.resourceId, "NotCreated", operationIdOf(notCreated)));
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        // A deleted image definition needs no person.
        complete &&= error.code === "NotFound";
      }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, readNext));
  const seen = seenIn([...views.values()]);
  return { rows: [...rows, ...keyRows(views)], seen, complete, readAgain };
}

/** Open operations that need a person. */
async function openOperations(deps: Deps): Promise<readonly OperationRecord[]> {
  const found: OperationRecord[] = [];
  let token: string | undefined;
  do {
    const page = await listOperations(deps, { needsAttention: true }, 100, token);
    found.push(...page.value);
    token = page.continuationToken;
  } while (token !== undefined);
  return found;
}

/** Read only if a region has failed. */
async function locationOf(
  { versions }: Deps,
  operation: OperationRecord,
): Promise<string | undefined> {
  if (failedRegions(operation).length === 0) return undefined;
  return (await versions.readRecord(keyOf(operation.resourceId)))?.status?.resource.location;
}

function seenIn(views: readonly ImageSummaryView[]): AttentionView["seen"] {
  const times = views
    .flatMap(({ seen }) => [seen.oldest, seen.newest])
    .filter((time) => time !== undefined)
    .sort((a, b) => Date.parse(a) - Date.parse(b));
  const [oldest] = times;
  const newest = times.at(-1);
  const sets = new Map<string, boolean>();
  for (const { diskEncryptionSets, keys = [] } of views)
    for (const [at, id] of diskEncryptionSets.entries()) {
      const key = keys.find((one) => one.diskEncryptionSet === at);
      const isSeen = key?.seenLately === true || sets.get(id.toLowerCase()) === true;
      sets.set(id.toLowerCase(), isSeen);
    }
  return {
    ...(newest !== undefined && { newest }),
    ...(oldest !== undefined && { oldest }),
    versions: views.reduce((sum, { versions }) => sum + versions.length, 0),
    neverVersions: views.reduce((sum, { seen }) => sum + seen.never, 0),
    sets: sets.size,
    neverSets: [...sets.values()].filter((isSeen) => !isSeen).length,
  };
}
