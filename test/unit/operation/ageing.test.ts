import { beforeEach, describe, expect, test } from "vitest";
import { removeAged, type AgedRows, type Ageing } from "../../../src/operation/ageing.js";
import { createdAt, indexed, listingRows, operationScope } from "../../../src/operation/catalog.js";
import type { OperationStatus } from "../../../src/operation/records.js";
import { createMemoryIndex } from "../../support/fakes/listing-index.js";
import { accepted, at } from "../../support/transitions.js";

const NOW = Date.UTC(2026, 0, 1);

describe("the rows of an operation that goes", () => {
  const { operation } = accepted();
  const ALL: readonly OperationStatus[] = [
    "NotStarted",
    "Running",
    "Succeeded",
    "Failed",
    "Canceled",
  ];
  const listed = ({ scope, row }: { scope: string; row: string }): string => `${scope}/${row}`;

  test("are those of every status that it may have had, and none that leads to it", () => {
    const put = new Set(
      ALL.flatMap((status) => indexed({ ...operation, status }, at(0)).put.map(listed)),
    );
    const going = listingRows(operation, at(0));
    for (const row of going) expect(put).toContain(listed(row));
    expect(new Set(going.map(listed)).size).toBe(going.length);
    // What remains: the open row, the row in the listing of all, the version's own and its image definition's.
    expect(put.size - going.length).toBe(4);
    expect(going.map(({ scope }) => scope)).not.toContain(operationScope({}));
  });

  test("begin at its time, behind those of later ones", () => {
    const ms = Date.parse(operation.createdTime);
    const row = listingRows(operation, at(0))[0]?.row ?? "";
    expect(row > createdAt(ms)).toBe(true);
    expect(row < createdAt(ms - 1)).toBe(true);
    expect(row > createdAt(ms + 1)).toBe(true);
  });
});

describe("a run", () => {
  let nowMs: number;
  let deps: Parameters<typeof removeAged>[0];
  beforeEach(() => {
    nowMs = NOW;
    deps = {
      index: createMemoryIndex(() => new Date(nowMs)),
      now: () => new Date(nowMs),
    };
  });

  /** So many pages, one row to be removed in each; `asked` are the cursors that were given. */
  function pages(count: number, fails: (page: number) => boolean = () => false) {
    const asked: number[] = [];
    const befores: Date[] = [];
    const rows: AgedRows = {
      removePage(before, cursor = "0") {
        const page = Number(cursor);
        asked.push(page);
        befores.push(before);
        return fails(page)
          ? Promise.reject(new Error(`page ${page}`))
          : Promise.resolve({
              removed: 1,
              kept: 2,
              ...(page + 1 < count && { next: String(page + 1) }),
            });
      },
    };
    return { asked, befores, rows };
  }

  const ageing = (rows: AgedRows, name = "rows"): Ageing => ({
    name,
    keepMs: 1_000,
    rows,
  });

  test("goes through all pages and tells what it did; the next begins anew", async () => {
    const { asked, befores, rows } = pages(3);
    expect(await removeAged(deps, [ageing(rows)])).toEqual([
      { name: "rows", removed: 3, kept: 6, unfinished: false, errors: [] },
    ]);
    expect(befores[0]).toEqual(new Date(NOW - 1_000));
    await removeAged(deps, [ageing(rows)]);
    expect(asked).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test("ends after 50 pages, and the next goes on behind them", async () => {
    const { asked, rows } = pages(55);
    expect(await removeAged(deps, [ageing(rows)])).toMatchObject([
      { removed: 50, unfinished: true },
    ]);
    expect(await removeAged(deps, [ageing(rows)])).toMatchObject([
      { removed: 5, unfinished: false },
    ]);
    expect(asked).toEqual(Array.from({ length: 55 }, (_, page) => page));
  });

  test("begins no page after a minute, and the next goes on behind the last", async () => {
    const { asked, rows } = pages(3);
    const slow: AgedRows = {
      removePage(before, cursor) {
        nowMs += 60_000;
        return rows.removePage(before, cursor);
      },
    };
    expect(await removeAged(deps, [ageing(slow)])).toMatchObject([
      { removed: 1, unfinished: true },
    ]);
    await removeAged(deps, [ageing(slow)]);
    expect(asked).toEqual([0, 1]);
  });

  test("of many that age, each goes on where it has stopped, in whatever order", async () => {
    const all = ["a", "b", "c"].map((name) => ({ name, ...pages(55) }));
    const ageings = all.map(({ rows, name }) => ageing(rows, name));
    await removeAged(deps, ageings);
    await removeAged(deps, ageings.toReversed());
    for (const { asked } of all)
      expect(asked).toEqual(Array.from({ length: 55 }, (_, page) => page));
  });

  test("ends at what fails, goes on there the next time, and holds up nothing else", async () => {
    let down = true;
    const failing = pages(3, (page) => down && page === 1);
    const other = pages(2);
    const both = [ageing(failing.rows), ageing(other.rows, "other")];
    expect(await removeAged(deps, both)).toEqual([
      {
        name: "rows",
        removed: 1,
        kept: 2,
        unfinished: true,
        errors: [new Error("page 1")],
      },
      { name: "other", removed: 2, kept: 4, unfinished: false, errors: [] },
    ]);
    down = false;
    await removeAged(deps, both);
    expect(failing.asked).toEqual([0, 1, 1, 2]);
    expect(other.asked).toEqual([0, 1, 0, 1]);
  });
});
