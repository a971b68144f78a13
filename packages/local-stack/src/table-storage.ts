import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { Writable } from "node:stream";

/** Azurite's well-known development account: public, and of no use anywhere else. */
const ACCOUNT = "devstoreaccount1";
const KEY =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/** After five, as by default, a client that uses an idle connection in the moment in which it is closed sees a reset. */
const KEEP_ALIVE_SECONDS = 86_400;

/** The parts of Azurite that are used; it ships no types. */
interface TableServer {
  readonly httpServer: { address(): AddressInfo };
  start(): Promise<void>;
  close(): Promise<void>;
}
interface Azurite {
  readonly TableServer: new (configuration: object) => TableServer;
  readonly TableConfiguration: new (...args: unknown[]) => object;
}

/** A running table service. */
export interface TableStorage {
  readonly port: number;
  readonly connectionString: string;
  close(): Promise<void>;
}

export interface TableStorageOptions {
  readonly port?: number;
  readonly dataDirectory?: string;
  /** Told each request that was answered: method, URL. */
  readonly onRequest?: (method: string, url: string) => void;
}

/** Starts Azurite's table service on loopback; without `dataDirectory` it keeps everything in memory. */
export async function startTableStorage(
  options: TableStorageOptions,
): Promise<TableStorage> {
  const { TableServer, TableConfiguration } = loadAzurite();
  const { port: wanted = 0, dataDirectory, onRequest } = options;
  const server = new TableServer(
    new TableConfiguration(
      "127.0.0.1",
      wanted,
      KEEP_ALIVE_SECONDS,
      path.join(dataDirectory ?? "", "tables.json"),
      false, // debug log
      onRequest !== undefined, // access log
      onRequest && accessLog(onRequest),
      undefined,
      false, // loose
      true, // skipApiVersionCheck: an SDK newer than Azurite is no error
      "",
      "",
      "",
      undefined,
      false,
      dataDirectory === undefined,
    ),
  );
  try {
    await server.start();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Error(
      `Port ${wanted} for table storage is taken: stop what listens there, or choose another port (0 for any free one).`,
      { cause: error },
    );
  }
  const { port } = server.httpServer.address();
  let closed: Promise<void> | undefined;
  return {
    port,
    connectionString: connectionStringOf(port),
    close: () => (closed ??= server.close()),
  };
}

/** Azurite's log has a line a request, as web servers have it: `… "GET /account/table HTTP/1.1" 200 …`. */
function accessLog(onRequest: (method: string, url: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      const [, method, url] = /"([A-Z]+) (\S+) HTTP/u.exec(line) ?? [];
      if (method !== undefined && url !== undefined) onRequest(method, url);
      done();
    },
  });
}

export function connectionStringOf(port: number): string {
  return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};TableEndpoint=http://127.0.0.1:${port}/${ACCOUNT};`;
}

function loadAzurite(): Azurite {
  const require = createRequire(import.meta.url);
  const load = (name: string): unknown =>
    (require(`azurite/dist/src/table/${name}.js`) as { default: unknown })
      .default;
  return {
    TableServer: load("TableServer") as Azurite["TableServer"],
    TableConfiguration: load(
      "TableConfiguration",
    ) as Azurite["TableConfiguration"],
  };
}
