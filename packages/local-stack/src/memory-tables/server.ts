/**
 * A table service in memory, for tests and benches that need speed: a write costs the same however much is stored, where
 * Azurite's grows. It knows what `@azure/data-tables` asks for Sigil, and passes the same suites as Azurite.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connectionStringOf, type TableStorage } from "../table-storage.js";
import { accessOf, answer, type TableAccess } from "./protocol.js";
import { Tables } from "./tables.js";

/** As long as Azurite's: a client never meets a connection that is just being closed. */
const KEEP_ALIVE_MS = 86_400_000;

/** Starts on loopback. `onRequest` is told of each request before it is answered. */
export async function startMemoryTables(
  options: {
    readonly port?: number;
    readonly onRequest?: (access: TableAccess) => void;
  } = {},
): Promise<TableStorage> {
  const tables = new Tables();
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
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    port,
    connectionString: connectionStringOf(port),
    close: () =>
      (closed ??= new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      })),
  };
}
