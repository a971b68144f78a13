/**
 * Removes what has been kept for long enough. Invariants:
 *  1. An operation stays while it has not ended, while something of its resource is still to be told, and while the record
 *     of the resource names it: as the current operation, or as the one that was accepted last.
 *  2. What leads to an operation is removed after it: of a run that dies half-way, another finds the rest.
 *  3. A run does a bounded number of pages, and the next goes on behind them. Operations are read from the oldest that may
 *     stay on, so that a page costs the same whatever stays.
 *  4. Runs may come twice, or at once: each removal is of what is still as it was read, and what is gone is gone.
 */
import { createdAt, keptRow, keptScope, listingRows, operationScope } from "./catalog.js";
import { pagesOf } from "./pages.js";
import type { OperationDependencies, Stored } from "./ports.js";
import {
  operationIdOf,
  recordKeyOf,
  type IndexRow,
  type OperationRecord,
  type TrackedRecord,
} from "./records.js";
import { lastSequenceOf } from "./sequence.js";
import { ServiceError } from "../errors.js";
import { isSent, isStateConflict } from "./outbox.js";

/** What is done in one run: of each, so many pages, and none begun after so long. */
const MOST_PAGES = 50;
const MOST_MS = 60_000;
/** Operations of a page, and how many are looked at once: few enough that a slow store does not outlast the host's patience. */
const PAGE = 40;
const PARALLEL = 8;

/** Where the next run goes on: a row for each of what ages. */
const CURSOR_SCOPE = "ageing";

/** Rows that end with their age alone. */
export interface AgedRows {
  /** Removes from the page at `cursor` (absent: the first) what was written before; `next` is absent at the last page. */
  removePage(before: Date, cursor?: string): Promise<AgedPage>;
}

export interface AgedPage {
  readonly removed: number;
  /** Aged, and kept by Invariant 1. */
  readonly kept?: number;
  readonly next?: string;
  readonly errors?: readonly unknown[];
}

/** Something that ages, under a name that stays, and for how long it is kept. */
export interface Ageing {
  readonly name: string;
  readonly keepMs: number;
  readonly rows: AgedRows;
}

interface AgeingRun {
  readonly name: string;
  readonly removed: number;
  readonly kept: number;
  /** True where the next run has to go on. */
  readonly unfinished: boolean;
  /** What could not be removed this time. */
  readonly errors: readonly unknown[];
}

type Dependencies = Pick<OperationDependencies<TrackedRecord>, "store" | "index" | "kinds" | "now">;

/** Looks once at everything that ages. What fails ends the run of its own kind; the next goes on there. */
export async function removeAged(
  deps: Pick<Dependencies, "index" | "now">,
  all: readonly Ageing[],
): Promise<readonly AgeingRun[]> {
  const untilMs = deps.now().getTime() + MOST_MS;
  const runs: AgeingRun[] = [];
  for (const one of all) runs.push(await removeOne(deps, one, untilMs));
  return runs;
}

async function removeOne(
  { index, now }: Pick<Dependencies, "index" | "now">,
  { name, keepMs, rows }: Ageing,
  untilMs: number,
): Promise<AgeingRun> {
  const before = new Date(now().getTime() - keepMs);
  const errors: unknown[] = [];
  let removed = 0;
  let kept = 0;
  let unfinished = true;
  try {
    let cursor: string | undefined;
    for await (const cursors of pagesOf(index, CURSOR_SCOPE))
      cursor ??= cursors.find(({ row }) => row === name)?.target;
    for (let pages = 0; unfinished && pages < MOST_PAGES && now().getTime() < untilMs; pages += 1) {
      const page = await rows.removePage(before, cursor);
      removed += page.removed;
      kept += page.kept ?? 0;
      errors.push(...(page.errors ?? []));
      cursor = page.next;
      unfinished = cursor !== undefined;
      if (cursor !== undefined)
        await index.put([{ scope: CURSOR_SCOPE, row: name, target: cursor }]);
      else await index.remove([{ scope: CURSOR_SCOPE, row: name }]);
    }
  } catch (error) {
    errors.push(error);
  }
  return { name, removed, kept, unfinished, errors };
}

/** Operations that have ended before a time, with all their rows. */
export function agedOperations(deps: Dependencies): AgedRows {
  return {
    async removePage(before, cursor) {
      // What has ended before was created before. Where a page began earlier, its token still names a row behind that.
      const { rows, continuationToken: next } = await deps.index.page(
        operationScope({}),
        PAGE,
        cursor,
        createdAt(before.getTime()),
      );
      const resources = byResource(rows);
      const errors: unknown[] = [];
      const counts = { removed: 0, kept: 0 };
      const unavailable: ServiceError[] = [];
      const removeRows = async (): Promise<void> => {
        // Removals of one resource would meet at its record: they come one after the other.
        for (let resource = resources.shift(); resource !== undefined; resource = resources.shift())
          for (const row of resource)
            try {
              if (unavailable.length > 0) return;
              counts[await removeOperation(deps, row, before)] += 1;
            } catch (error) {
              // A store that cannot be reached ends the page. What is wrong with one operation holds back no other.
              if (isUnavailable(error)) unavailable.push(error);
              else if (!isStateConflict(error)) errors.push(error);
            }
      };
      await Promise.all(Array.from({ length: PARALLEL }, removeRows));
      if (unavailable[0] !== undefined) throw unavailable[0];
      return { ...counts, errors, ...(next !== undefined && { next }) };
    },
  };
}

function byResource(rows: readonly IndexRow[]): IndexRow[][] {
  const resources = new Map<string | undefined, IndexRow[]>();
  for (const row of rows) {
    const key = recordKeyOf(row.target);
    resources.set(key, [...(resources.get(key) ?? []), row]);
  }
  return [...resources.values()];
}

function isUnavailable(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.code === "DependencyUnavailable";
}

async function removeOperation(
  deps: Dependencies,
  row: IndexRow,
  before: Date,
): Promise<"removed" | "kept"> {
  const { index, store } = deps;
  const operation = (await store.readOperation(row.target))?.operation;
  if (operation === undefined) {
    await index.remove([row]); // Invariant 2.
    return "removed";
  }
  if (!hasAged(operation, before)) return "kept";
  const key = recordKeyOf(operation.id) ?? "";
  await removeReplaced(deps, key);
  const stored = await store.read(key);
  if (stored === undefined)
    throw new TypeError(`the record of operation ${operation.id} is missing`);
  if (!isSent(stored)) return "kept";
  if (isNamed(stored, operation.id)) {
    // It leaves the listings, and with them what each run looks at; whichever operation ages next removes it.
    await index.put([keptRow(operation.id)]);
    await index.remove(listingRows(operation, deps));
    await index.remove([row]);
    return "kept";
  }
  await index.remove(listingRows(operation, deps));
  await store.forget(stored, operation.id);
  await index.remove([row]);
  return "removed";
}

/** Removes what was kept for the record alone, once that names other operations. */
async function removeReplaced(deps: Dependencies, key: string): Promise<void> {
  const { index, store } = deps;
  for await (const rows of pagesOf(index, keptScope(key)))
    for (const row of rows) {
      const stored = await store.read(key);
      if (stored === undefined || !isSent(stored)) return;
      if (isNamed(stored, row.target)) continue;
      // A run that has died may have left its rows.
      const operation = (await store.readOperation(row.target))?.operation;
      if (operation !== undefined) await index.remove(listingRows(operation, deps));
      await store.forget(stored, row.target);
      await index.remove([row]);
    }
}

/** What has ended is named no more once another operation is: neither ever comes back. */
function isNamed({ record }: Pick<Stored<TrackedRecord>, "record">, operationId: string): boolean {
  const { key, sequence } = record;
  return [sequence, lastSequenceOf(record)].some(
    (named) => operationIdOf({ key, sequence: named }) === operationId,
  );
}

function hasAged({ endTime }: OperationRecord, before: Date): boolean {
  return endTime !== undefined && Date.parse(endTime) < before.getTime();
}
