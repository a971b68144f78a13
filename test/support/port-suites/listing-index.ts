import { expect, test } from "vitest";
import type { Index, IndexPage } from "../../../src/operation/ports.js";
import { newKey } from "./records.js";

/** What every Index does. */
export function indexSuite(createIndex: () => Index): void {
  const rowsOf = (scope: string, ...rows: string[]) =>
    rows.map((row) => ({ scope, row, target: `target of ${row}` }));

  test("lists the rows of a scope in their order, and no others", async () => {
    const index = createIndex();
    const scope = newKey();
    await index.put([...rowsOf(scope, "c", "a", "b"), ...rowsOf(newKey(), "d")]);
    const rows: IndexPage["rows"][number][] = [];
    let token: string | undefined;
    do {
      const page = await index.page(scope, 10, token);
      rows.push(...page.rows);
      token = page.continuationToken;
    } while (token !== undefined);
    expect(rows.map(({ writtenTime: _, ...row }) => row)).toEqual(rowsOf(scope, "a", "b", "c"));
    for (const { writtenTime } of rows) expect(new Date(writtenTime).getTime()).toBeGreaterThan(0);
  });

  test("an empty scope has one page, with nothing in it", async () => {
    const page = await createIndex().page(newKey(), 10);
    expect(page).toEqual({ rows: [] });
  });

  test("pages go on where the last ended, each row once", async () => {
    const index = createIndex();
    const scope = newKey();
    await index.put(rowsOf(scope, "e", "d", "c", "b", "a"));
    const pages: string[][] = [];
    let token: string | undefined;
    do {
      const page = await index.page(scope, 2, token);
      pages.push(page.rows.map(({ row }) => row));
      token = page.continuationToken;
    } while (token !== undefined);
    expect(pages).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  test("a token of another scope shows nothing of that scope", async () => {
    const index = createIndex();
    const [scope, other] = [newKey(), newKey()];
    await index.put([...rowsOf(scope, "a"), ...rowsOf(other, "b", "c", "d")]);
    const { continuationToken } = await index.page(other, 1);
    expect(continuationToken).toBeDefined();
    const { rows } = await index.page(scope, 10, continuationToken);
    expect(rows.filter((row) => row.scope !== scope)).toEqual([]);
    expect(rows.map(({ target }) => target)).not.toContain("target of c");
  });

  test("a row put again is one row, with the last target", async () => {
    const index = createIndex();
    const scope = newKey();
    await index.put(rowsOf(scope, "a"));
    await index.put([{ scope, row: "a", target: "another" }]);
    const { rows } = await index.page(scope, 10);
    expect(rows.map(({ row, target }) => [row, target])).toEqual([["a", "another"]]);
  });

  test("a row has its digest until it is put without one", async () => {
    const index = createIndex();
    const scope = newKey();
    const row = { scope, row: "a", target: "one" };
    await index.put([{ ...row, digest: '{"form":1}' }]);
    expect((await index.page(scope, 10)).rows).toMatchObject([{ digest: '{"form":1}' }]);
    await index.put([row]);
    expect((await index.page(scope, 10)).rows[0]).not.toHaveProperty("digest");
  });

  test("a page has what queries show of a row where it is asked for, and nowhere else", async () => {
    const index = createIndex();
    const scope = newKey();
    const row = { scope, row: "a", target: "one", digest: "{}" };
    await index.put([{ ...row, shown: '{"form":1}' }]);
    const [shown] = (await index.page(scope, 10, undefined, undefined, true)).rows;
    expect(shown).toMatchObject({ ...row, shown: '{"form":1}' });
    const [plain] = (await index.page(scope, 10)).rows;
    expect(plain).toMatchObject(row);
    expect(plain?.writtenTime).toBe(shown?.writtenTime);
    expect(plain).not.toHaveProperty("shown");
    await index.put([row]);
    expect((await index.page(scope, 10, undefined, undefined, true)).rows[0]).not.toHaveProperty(
      "shown",
    );
  });

  test("a row removed again stays removed", async () => {
    const index = createIndex();
    const scope = newKey();
    await index.put(rowsOf(scope, "a", "b"));
    await index.remove([{ scope, row: "a" }]);
    await index.remove([
      { scope, row: "a" },
      { scope, row: "never" },
    ]);
    const { rows } = await index.page(scope, 10);
    expect(rows.map(({ row }) => row)).toEqual(["b"]);
  });

  test.each([
    ["text", "text"],
    ["nothing", ""],
    ["null in base64", Buffer.from("null").toString("base64")],
    ["an object in base64", Buffer.from('{"a":1}').toString("base64")],
  ])("%s is refused as a continuation token", async (_, token) => {
    await expect(createIndex().page(newKey(), 10, token)).rejects.toMatchObject({
      code: "InvalidRequest",
      retryable: false,
      findings: [{ code: "InvalidFormat", pointer: "/query/continuationToken" }],
    });
  });

  test("a page begins behind the row that is named, which need not be there", async () => {
    const index = createIndex();
    const scope = newKey();
    await index.put(rowsOf(scope, "a", "c", "d", "e"));
    const { rows, continuationToken } = await index.page(scope, 2, undefined, "b");
    expect(rows.map(({ row }) => row)).toEqual(["c", "d"]);
    const next = await index.page(scope, 2, continuationToken, "b");
    expect(next.rows.map(({ row }) => row)).toEqual(["e"]);
    expect(next).not.toHaveProperty("continuationToken");
  });
}
