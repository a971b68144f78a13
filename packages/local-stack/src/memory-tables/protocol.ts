/** Table Storage's REST protocol, as far as `@azure/data-tables` speaks it for Sigil. */
import { randomUUID } from "node:crypto";
import type { Position, Row, Selection } from "./rows.js";
import { TableError, type Tables, type Write } from "./tables.js";

export interface TableRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly ifMatch: string | undefined;
  readonly body: string;
}

export interface TableResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The cost of a request: each counts as one of Azure's billed transactions. */
export interface TableAccess {
  readonly kind: "read" | "write" | "transaction" | "createTable" | "deleteTable";
  readonly table: string;
  readonly method: string;
  readonly url: string;
}

const MOST_ROWS = 1_000;
const JSON_TYPE = {
  "Content-Type": "application/json;odata=minimalmetadata",
};

export function accessOf({ method, url, body }: TableRequest): TableAccess {
  const path = pathOf(url);
  const asked = { method, url };
  if (path === "Tables" && method === "POST")
    return { ...asked, kind: "createTable", table: tableIn(body) };
  const named = nameIn(path);
  if (named !== undefined && method === "DELETE")
    return { ...asked, kind: "deleteTable", table: named };
  if (path === "$batch")
    return {
      ...asked,
      kind: "transaction",
      table: addressIn(requestsIn(body)[0]?.url ?? "").table,
    };
  return {
    ...asked,
    kind: method === "GET" ? "read" : "write",
    table: addressIn(url).table,
  };
}

export function answer(tables: Tables, request: TableRequest): TableResponse {
  try {
    return respond(tables, request);
  } catch (error) {
    return refusal(error);
  }
}

function respond(tables: Tables, request: TableRequest): TableResponse {
  const { method, url, body } = request;
  const path = pathOf(url);
  if (path === "Tables" && method === "POST") {
    tables.create(tableIn(body));
    return { status: 204 };
  }
  if (path === "Tables" && method === "GET")
    return {
      status: 200,
      headers: JSON_TYPE,
      body: JSON.stringify({
        value: tables.names.map((TableName) => ({ TableName })),
      }),
    };
  const named = nameIn(path);
  if (named !== undefined && method === "DELETE") {
    tables.delete(named);
    return { status: 204 };
  }
  if (path === "$batch") return transact(tables, body);
  const { table, position } = addressIn(url);
  if (method !== "GET") {
    const [etag] = tables.write(table, [writeOf(request)]);
    return { status: 204, headers: etag === undefined ? {} : { ETag: etag } };
  }
  if (position === undefined)
    return query(tables, table, new URL(url, "http://localhost").searchParams);
  const row = tables.rowsOf(table).get(position);
  if (row === undefined) throw new TableError(404, "ResourceNotFound");
  return {
    status: 200,
    headers: { ...JSON_TYPE, ETag: row.etag },
    body: JSON.stringify(entityOf(row)),
  };
}

function refusal(error: unknown): TableResponse {
  const { status, code, message } =
    error instanceof TableError ? error : new TableError(500, "InternalError", String(error));
  return {
    status,
    headers: JSON_TYPE,
    body: JSON.stringify({
      "odata.error": { code, message: { lang: "en-US", value: message } },
    }),
  };
}

function query(tables: Tables, table: string, parameters: URLSearchParams): TableResponse {
  const top = Number(parameters.get("$top") ?? MOST_ROWS);
  const from = startOf(parameters);
  const { rows, next } = tables
    .rowsOf(table)
    .page(
      { ...selectionOf(parameters.get("$filter")), ...(from && { from }) },
      Math.min(top, MOST_ROWS),
    );
  return {
    status: 200,
    headers: {
      ...JSON_TYPE,
      ...(next && {
        "x-ms-continuation-NextPartitionKey": tokenOf(next.partitionKey),
        "x-ms-continuation-NextRowKey": tokenOf(next.rowKey),
      }),
    },
    body: JSON.stringify({
      value: rows.map(entityOf).map((entity) => selected(entity, parameters.get("$select"))),
    }),
  };
}

const COMPARISON = /^(PartitionKey|RowKey) (eq|gt|ge|lt|le) '((?:[^']|'')*)'(?: and |$)/u;
const COMPARES: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  eq: (a, b) => a === b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
};

/** Comparisons of keys, joined by `and`. Throws TableError for any other filter. */
function selectionOf(filter: string | null): Selection {
  const tests: ((position: Position) => boolean)[] = [];
  let partitionKey: string | undefined;
  for (let rest = filter ?? ""; rest !== "";) {
    const [whole, key, comparison = "", quoted = ""] = COMPARISON.exec(rest) ?? [];
    const compare = COMPARES[comparison];
    if (whole === undefined || compare === undefined)
      throw new TableError(501, "NotImplemented", `The filter ${rest}`);
    const value = quoted.replaceAll("''", "'");
    if (key === "PartitionKey" && comparison === "eq") partitionKey = value;
    tests.push((position) =>
      compare(key === "RowKey" ? position.rowKey : position.partitionKey, value),
    );
    rest = rest.slice(whole.length);
  }
  return {
    ...(partitionKey !== undefined && { partitionKey }),
    accepts: (position) => tests.every((accepts) => accepts(position)),
  };
}

function startOf(parameters: URLSearchParams): Position | undefined {
  const partitionKey = parameters.get("NextPartitionKey");
  return partitionKey === null
    ? undefined
    : {
        partitionKey: keyOf(partitionKey),
        rowKey: keyOf(parameters.get("NextRowKey") ?? TOKEN),
      };
}

/** As Azure's, a token is not the key itself. */
const TOKEN = "1!";

function tokenOf(key: string): string {
  return TOKEN + Buffer.from(key).toString("base64url");
}

function keyOf(token: string): string {
  if (!token.startsWith(TOKEN))
    throw new TableError(400, "InvalidInput", "The token is not one of ours.");
  return Buffer.from(token.slice(TOKEN.length), "base64url").toString();
}

/** As Azure: null for a selected property that the entity lacks. */
function selected(entity: Readonly<Record<string, unknown>>, select: string | null): object {
  return select === null
    ? entity
    : Object.fromEntries(
        ["odata.etag", ...select.split(",")].map((name) => [name, entity[name] ?? null]),
      );
}

function entityOf(row: Row): Readonly<Record<string, unknown>> {
  return {
    "odata.etag": row.etag,
    PartitionKey: row.partitionKey,
    RowKey: row.rowKey,
    Timestamp: row.timestamp,
    ...row.properties,
  };
}

/** An entity group transaction: a changeset in a batch, each part a request of its own. */
function transact(tables: Tables, body: string): TableResponse {
  const requests = requestsIn(body);
  const parts = ((): readonly string[] => {
    try {
      const { table } = addressIn(requests[0]?.url ?? "");
      return tables
        .write(table, requests.map(writeOf))
        .map(
          (etag) =>
            `HTTP/1.1 204 No Content\r\n${etag === undefined ? "" : `ETag: ${etag}\r\n`}\r\n`,
        );
    } catch (error) {
      const { status, body: why = "" } = refusal(error);
      return [`HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\n\r\n${why}\r\n`];
    }
  })();
  const batch = `batchresponse_${randomUUID()}`;
  const changeset = `changesetresponse_${randomUUID()}`;
  return {
    status: 202,
    headers: { "Content-Type": `multipart/mixed; boundary=${batch}` },
    body: [
      `--${batch}`,
      `Content-Type: multipart/mixed; boundary=${changeset}`,
      "",
      ...parts.flatMap((part) => [
        `--${changeset}`,
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        part,
      ]),
      `--${changeset}--`,
      `--${batch}--`,
      "",
    ].join("\r\n"),
  };
}

function requestsIn(body: string): readonly TableRequest[] {
  return [...body.matchAll(PART)].map(
    ([, method = "", address = "", headers = "", content = ""]) => ({
      method,
      url: new URL(address).pathname,
      ifMatch: /^if-match: (.*)$/imu.exec(headers)?.[1],
      body: content,
    }),
  );
}

/** A request line, headers, blank lines, and a body in one line where there is one. */
const PART = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n((?:[^\r\n]+\r\n)*)(?:\r\n)+(\{.*\})?/gmu;

function writeOf({ method, url, ifMatch, body }: TableRequest): Write {
  const { PartitionKey, RowKey, ...properties } =
    body === "" ? {} : (JSON.parse(body) as Record<string, unknown>);
  const position = addressIn(url).position ?? {
    partitionKey: String(PartitionKey),
    rowKey: String(RowKey),
  };
  return { ...position, kind: kindOf(method), properties, ifMatch };
}

function kindOf(method: string): Write["kind"] {
  switch (method) {
    case "POST":
      return "insert";
    case "PUT":
      return "replace";
    case "PATCH":
    case "MERGE":
      return "merge";
    case "DELETE":
      return "delete";
    default:
      throw new TableError(405, "UnsupportedHttpVerb");
  }
}

/** The path after the account. */
function pathOf(url: string): string {
  return /^\/[^/]+\/([^?]*)/u.exec(url)?.[1] ?? "";
}

/** The table's name, from the URL of a table itself. */
function nameIn(path: string): string | undefined {
  return /^Tables\('([^']*)'\)$/u.exec(decodeURIComponent(path))?.[1];
}

function addressIn(url: string): { table: string; position?: Position } {
  const [, table = "", partitionKey, rowKey] =
    /^([A-Za-z0-9]+)(?:\((?:PartitionKey='(.*)',RowKey='(.*)')?\))?$/u.exec(pathOf(url)) ?? [];
  return partitionKey === undefined || rowKey === undefined
    ? { table }
    : {
        table,
        position: {
          partitionKey: unquoted(partitionKey),
          rowKey: unquoted(rowKey),
        },
      };
}

function unquoted(key: string): string {
  return decodeURIComponent(key).replaceAll("''", "'");
}

function tableIn(body: string): string {
  return (JSON.parse(body) as { TableName: string }).TableName;
}
