import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { connectionStringOf, type TableStorage } from "@sigil-local/stack/memory-tables";

/** The parts of Azurite that are used; it ships no types. */
interface TableServer {
  readonly httpServer: { address(): AddressInfo };
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Azurite's table service on loopback, in memory. */
export async function startAzurite(): Promise<TableStorage> {
  process.env["APPLICATION_INSIGHTS_NO_DIAGNOSTIC_CHANNEL"] = "true"; // else Azurite's would be this process's OpenTelemetry
  const require = createRequire(import.meta.url);
  const load = <T>(name: string) =>
    (require(`azurite/dist/src/table/${name}.js`) as { default: unknown }).default as new (
      ...args: unknown[]
    ) => T;
  const Configuration = load<object>("TableConfiguration");
  const server = new (load<TableServer>("TableServer"))(
    new Configuration(
      "127.0.0.1",
      0,
      86_400, // seconds that an idle connection is kept
      "tables.json", // never written
      false, // debug log
      false, // access log
      undefined,
      undefined,
      false, // loose
      true, // skipApiVersionCheck: an SDK newer than Azurite is no error
      "",
      "",
      "",
      undefined,
      false,
      true, // in memory
    ),
  );
  await server.start();
  const { port } = server.httpServer.address();
  return {
    port,
    connectionString: connectionStringOf(port),
    close: () => server.close(),
  };
}
