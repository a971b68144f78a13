/**
 * A table service whose rows are in memory: a write costs the same however much is stored. It knows what `@azure/data-tables`
 * asks for Sigil, and passes the same suites as Azurite (test/azurite).
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { Journal } from "./journal.js";
import { accessOf, answer, type TableAccess } from "./protocol.js";
import { Tables } from "./tables.js";

/** The well-known development account: public, and of no use anywhere else. */
const ACCOUNT = "devstoreaccount1";
const KEY =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/** Else a client that uses an idle connection in the moment in which it is closed sees a reset. */
const KEEP_ALIVE_MS = 86_400_000;

/** A running table service. */
export interface TableStorage {
  readonly port: number;
  readonly connectionString: string;
  close(): Promise<void>;
}

export interface MemoryTablesOptions {
  readonly port?: number;
  /** Where rows outlive the process: what was answered is there when the next one starts. */
  readonly dataDirectory?: string;
  /** Stamps each row; the time of day if not given. */
  readonly now?: () => Date;
  /** Told each request before it is answered. */
  readonly onRequest?: (access: TableAccess) => void;
}

/** Starts on loopback. Rejects with one line where the port is taken. */
export async function startMemoryTables(options: MemoryTablesOptions = {}): Promise<TableStorage> {
  const { port: wanted = 0, dataDirectory } = options;
  const journal =
    dataDirectory === undefined ? undefined : new Journal(path.join(dataDirectory, "tables.jsonl"));
  const tables = new Tables(journal, options.now);
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const request = {
        method: incoming.method ?? "",
        url: incoming.url ?? "",
        ifMatch: incoming.headers["if-match"],
        body: Buffer.concat(chunks).toString(),
      };
      options.onRequest?.(accessOf(request));
      const { status, headers = {}, body = "" } = answer(tables, request);
      outgoing.writeHead(status, headers).end(body);
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(wanted, "127.0.0.1", resolve);
    });
  } catch (error) {
    journal?.close();
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Error(
      `Port ${wanted} for table storage is taken: stop what listens there, or choose another port (0 for any free one).`,
      { cause: error },
    );
  }
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    port,
    connectionString: connectionStringOf(port),
    close: () =>
      (closed ??= new Promise((resolve) => {
        server.close(() => {
          journal?.close();
          resolve();
        });
        server.closeAllConnections();
      })),
  };
}

/** For whatever serves the development account on that port. */
export function connectionStringOf(port: number): string {
  return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};TableEndpoint=http://127.0.0.1:${port}/${ACCOUNT};`;
}
