import { TableClient, TableServiceClient } from "@azure/data-tables";
import type { TableStorage } from "../../src/azure/tables/table.js";

/** Every row of every table. */
export type TableExport = ReadonlyMap<string, readonly Row[]>;

type Row = Record<string, unknown> & {
  readonly partitionKey: string;
  readonly rowKey: string;
};

export async function exportTables(storage: TableStorage): Promise<TableExport> {
  const exported = new Map<string, Row[]>();
  for (const { name, client } of await tablesOf(storage)) {
    const rows: Row[] = [];
    for await (const { etag: _, timestamp: __, ...row } of client.listEntities())
      rows.push(row as Row);
    exported.set(name, rows);
  }
  return exported;
}

/** Puts the rows where none are any more: what the tables have now is lost. */
export async function importTables(
  storage: TableStorage,
  exported: TableExport = new Map<string, readonly Row[]>(),
): Promise<void> {
  for (const { name, client } of await tablesOf(storage)) {
    for await (const { partitionKey = "", rowKey = "" } of client.listEntities())
      await client.deleteEntity(partitionKey, rowKey);
    for (const row of exported.get(name) ?? []) await client.upsertEntity(row, "Replace");
  }
}

/** What CHANGELOG says to do with tables of an earlier release. */
export async function deleteTables(storage: TableStorage): Promise<void> {
  for (const { name, client } of await tablesOf(storage))
    if (name === "SigilState" || name === "SigilIndex") await client.deleteTable();
}

async function tablesOf(
  storage: TableStorage,
): Promise<readonly { name: string; client: TableClient }[]> {
  if (storage.kind !== "connectionString")
    throw new TypeError("the stand-in has a connection string");
  const options = { allowInsecureConnection: true };
  const service = TableServiceClient.fromConnectionString(storage.connectionString, options);
  const tables: { name: string; client: TableClient }[] = [];
  for await (const { name = "" } of service.listTables())
    tables.push({
      name,
      client: TableClient.fromConnectionString(storage.connectionString, name, options),
    });
  return tables;
}
