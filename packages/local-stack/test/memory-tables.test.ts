import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startMemoryTables } from "../src/memory-tables/server.js";

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A table service on that folder, and what it answers. */
async function start(dataDirectory: string) {
  const tables = await startMemoryTables({ dataDirectory });
  const close = (): Promise<void> => tables.close();
  onTestFinished(close);
  const ask = async (method: string, address: string, body?: object): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${tables.port}/devstoreaccount1/${address}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text === "" ? undefined : (JSON.parse(text) as unknown),
    };
  };
  return { ask, close };
}

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "sigil-tables-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const ROW = (key: string): string => `State(PartitionKey='p',RowKey='${key}')`;

test("what was answered is there when the next one starts, and what was deleted is not", async () => {
  const folder = await emptyFolder();
  const first = await start(folder);
  await first.ask("POST", "Tables", { TableName: "State" });
  await first.ask("POST", "Tables", { TableName: "Empty" });
  for (const key of ["kept", "gone"]) await first.ask("PUT", ROW(key), { document: key });
  await first.ask("PUT", ROW("kept"), { document: "replaced" });
  await first.ask("DELETE", ROW("gone"));
  const kept = await first.ask("GET", ROW("kept"));
  await first.close();

  const second = await start(folder);
  expect(await second.ask("GET", ROW("kept"))).toEqual(kept);
  expect(kept.body).toMatchObject({ document: "replaced" });
  expect((await second.ask("GET", ROW("gone"))).status).toBe(404);
  expect((await second.ask("GET", "Tables")).body).toEqual({
    value: [{ TableName: "Empty" }, { TableName: "State" }],
  });
  // Begun anew: a line for each table.
  expect((await readFile(path.join(folder, "tables.jsonl"), "utf8")).split("\n")).toHaveLength(3);
});

test("a table that was deleted is not there when the next one starts, and what was created after it is", async () => {
  const folder = await emptyFolder();
  const first = await start(folder);
  for (const TableName of ["State", "Gone"]) {
    await first.ask("POST", "Tables", { TableName });
    await first.ask("PUT", `${TableName}(PartitionKey='p',RowKey='r')`, {});
    expect((await first.ask("DELETE", `Tables('${TableName}')`)).status).toBe(204);
  }
  expect((await first.ask("DELETE", "Tables('Gone')")).status).toBe(404);
  await first.ask("POST", "Tables", { TableName: "State" });
  await first.close();

  const second = await start(folder);
  expect((await second.ask("GET", "Tables")).body).toEqual({
    value: [{ TableName: "State" }],
  });
  expect((await second.ask("GET", ROW("r"))).status).toBe(404);
});

test("a line that was cut off is none, and what was written before it is there", async () => {
  const folder = await emptyFolder();
  const first = await start(folder);
  await first.ask("POST", "Tables", { TableName: "State" });
  await first.ask("PUT", ROW("kept"), { document: "kept" });
  await first.close();
  await appendFile(
    path.join(folder, "tables.jsonl"),
    '{"table":"State","rows":[{"partitionKey":"p","rowKey":"cut',
  );

  const second = await start(folder);
  expect((await second.ask("GET", ROW("kept"))).status).toBe(200);
  await second.ask("PUT", ROW("later"), { document: "later" });
  await second.close();
  const third = await start(folder);
  expect((await third.ask("GET", ROW("later"))).status).toBe(200);
});
