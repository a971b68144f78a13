/**
 * Removes what has been kept long enough. Invariants:
 *  1. An operation stays until it has ended, everything about its resource is reported, and its
 *     record no longer names it as the current or last accepted operation. A record that has one
 *     operation goes with it (`Kind.once`).
 *  2. What leads to an operation is removed after it, so that another run finds what is left if
 *     this one dies.
 *  3. A run handles a limited number of pages, and the next run continues after them. It reads
 *     operations from the oldest that may stay, so a page costs the same however many stay.
 *  4. Runs may repeat or overlap: each removal applies only to what is unchanged since it was read,
 *     and a missing row is no error.
 */
import { createdAt, keptRow, keptScope, listingRows, operationScope } from "./catalog.js";
import { kindOf } from "./kinds.js";
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

/** Limits of one run: pages of each kind, and the time after which no page begins. */
const MOST_PAGES = 50;
const MOST_MS = 60_000;
/**
 * Operations a page, and how many are handled at once: few enough that a slow store does not exceed
 * the host's time limit.
 */
const PAGE = 40;
const PARALLEL = 8;

/** Stores where the next run continues: a row for each kind. */
const CURSOR_SCOPE = "ageing";

/** Rows that only their age removes. */
export interface AgedRows {
  /**
   * Removes rows written before `before` from the page at `cursor`; absent: the first page. `next`
   * is absent after the last page.
   */
  removePage(before: Date, cursor?: string): Promise<AgedPage>;
}

export interface AgedPage {
  readonly removed: number;
  /** Rows old enough, but kept by Invariant 1. */
  readonly kept?: number;
  readonly next?: string;
  readonly errors?: readonly unknown[];
}

/** A kind of rows that age: a stable name, and how long they are kept. */
export interface Ageing {
  readonly name: string;
  readonly keepMs: number;
  readonly rows: AgedRows;
}

interface AgeingRun {
  readonly name: string;
  readonly removed: number;
  readonly kept: number;
  /** True if the next run must continue. */
  readonly unfinished: boolean;
  /** Failures to remove a row. */
  readonly errors: readonly unknown[];
}

type Dependencies = Pick<OperationDependencies<TrackedRecord>, "store" | "index" | "kinds" | "now">;

/** Runs every kind once. A failure ends the run of its kind, and the next run continues there. */
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

/** Operations that ended before a time, with all their rows. */
export function agedOperations(deps: Dependencies): AgedRows {
  return {
    async removePage(before, cursor) {
      // An operation that ended before that time was also created before it. If a page began
      // earlier, its token still names a row after that.
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
        // Removals of one resource would conflict on its record, so they run one after the other.
        for (let resource = resources.shift(); resource !== undefined; resource = resources.shift())
          for (const row of resource)
            try {
              if (unavailable.length > 0) return;
              counts[await removeOperation(deps, row, before)] += 1;
            } catch (error) {
              // An unreachable store ends the page. An error with one operation does not stop the
              // others.
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
  if (isNamed(stored, operation.id) && !kindOf(deps, operation).once) {
    // Removes it from the listings, and so from later runs. Whichever operation ages next removes
    // the rest.
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

/** Removes operations that were kept only for the record, once it names others. */
async function removeReplaced(deps: Dependencies, key: string): Promise<void> {
  const { index, store } = deps;
  for await (const rows of pagesOf(index, keptScope(key)))
    for (const row of rows) {
      const stored = await store.read(key);
      if (stored === undefined || !isSent(stored)) return;
      if (isNamed(stored, row.target)) continue;
      // A run that died may have left its rows.
      const operation = (await store.readOperation(row.target))?.operation;
      if (operation !== undefined) await index.remove(listingRows(operation, deps));
      await store.forget(stored, row.target);
      await index.remove([row]);
    }
}

/**
 * Whether the record names the operation. Once an ended operation is no longer named, it never is
 * again.
 */
function isNamed({ record }: Pick<Stored<TrackedRecord>, "record">, operationId: string): boolean {
  const { key, sequence } = record;
  return [sequence, lastSequenceOf(record)].some(
    (named) => operationIdOf({ key, sequence: named }) === operationId,
  );
}

function hasAged({ endTime }: OperationRecord, before: Date): boolean {
  return endTime !== undefined && Date.parse(endTime) < before.getTime();
}
