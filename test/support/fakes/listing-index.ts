import type { Index } from "../../../src/operation/ports.js";
import { forgedToken } from "../../../src/operation/queries.js";

type WrittenRow = Awaited<ReturnType<Index["page"]>>["rows"][number];

export interface MemoryIndex extends Index {
  /** What each scope that has rows lists, in order. */
  listed(): ReadonlyMap<string, readonly string[]>;
}

/** Table Storage may end a page before `top`, and a page here has two rows: whoever needs all has to go on. */
const MOST_ROWS = 2;

export function createMemoryIndex(now: () => Date, mostRows = MOST_ROWS): MemoryIndex {
  const scopes = new Map<string, Map<string, WrittenRow>>();
  const rowsOf = (scope: string): WrittenRow[] =>
    [...(scopes.get(scope)?.values() ?? [])].sort((a, b) => (a.row < b.row ? -1 : 1));
  return {
    put(rows) {
      const writtenTime = now().toISOString();
      for (const row of rows) {
        const scope = scopes.get(row.scope) ?? new Map<string, WrittenRow>();
        scopes.set(row.scope, scope);
        scope.set(row.row, { ...row, writtenTime });
      }
      return Promise.resolve();
    },
    remove(rows) {
      for (const { scope, row } of rows) scopes.get(scope)?.delete(row);
      return Promise.resolve();
    },
    // async: a forged token is a rejection
    async page(scope, top, continuationToken, after = "", withShown = false) {
      const last = continuationToken === undefined ? "" : lastRowOf(continuationToken);
      const rows = rowsOf(scope).filter(({ row }) => row > after && row > last);
      const page = rows.slice(0, Math.min(top, mostRows));
      const end = page.at(-1);
      return await Promise.resolve({
        rows: page.map(({ shown, ...row }) => ({
          ...row,
          ...(withShown && shown !== undefined && { shown }),
        })),
        ...(end && rows.length > page.length && { continuationToken: tokenOf(end.row) }),
      });
    },
    listed: () =>
      new Map(
        [...scopes.keys()]
          .map((scope) => [scope, rowsOf(scope)] as const)
          .filter(([, rows]) => rows.length > 0)
          .map(([scope, rows]) => [scope, rows.map(({ target }) => target)]),
      ),
  };
}

function tokenOf(last: string): string {
  return Buffer.from(JSON.stringify({ last })).toString("base64");
}

function lastRowOf(token: string): string {
  try {
    const text = Buffer.from(token, "base64").toString("utf8");
    const { last } = JSON.parse(text) as { last?: unknown };
    if (typeof last === "string") return last;
  } catch {
    // Answered below.
  }
  throw forgedToken();
}
