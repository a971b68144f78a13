import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { LOCAL_APPLICATIONS } from "@sigil-local/token-issuer";
import { readEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import { startLocalServices, type LocalServices } from "@sigil-local/stack/services";

/** What runs az signed in. */
export interface SignedIn {
  readonly env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

/** The real az, signed in to stand-ins of its own, whose Microsoft Graph is at that origin. */
export async function logInWithAz(graphOrigin: string): Promise<SignedIn> {
  const services = await startLocalServices({
    environment: {},
    serviceBusConfiguration: await readEmulatorConfiguration("infra/service-bus-emulator.json"),
    ...(process.env["SIGIL_TEST_CERTIFICATES"] !== undefined && {
      certificatesDirectory: process.env["SIGIL_TEST_CERTIFICATES"],
    }),
  });
  try {
    const signedIn = await signInWithAz(services, graphOrigin);
    return {
      env: signedIn.env,
      async close() {
        await signedIn.close();
        await services.close();
      },
    };
  } catch (error) {
    await services.close();
    throw error;
  }
}

/** Of an az with a profile of its own, which trusts that authority and calls this machine alone. */
export function environmentOfAz(home: string, caFile: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: home,
    AZURE_CONFIG_DIR: path.join(home, ".azure"),
    AZURE_CORE_COLLECT_TELEMETRY: "false",
    REQUESTS_CA_BUNDLE: caFile,
    // Nobody listens there: a call that leaves this machine fails at once.
    HTTP_PROXY: "http://127.0.0.1:9",
    HTTPS_PROXY: "http://127.0.0.1:9",
    NO_PROXY: "localhost",
  };
}

/** The real az, signed in to these stand-ins. */
export async function signInWithAz(
  services: LocalServices,
  graphOrigin?: string,
): Promise<SignedIn> {
  const home = await mkdtemp(path.join(tmpdir(), "sigil-az-"));
  const env = environmentOfAz(home, services.certificates.caFile);
  const close = (): Promise<void> => rm(home, { recursive: true, force: true });
  const az = (...args: readonly string[]) => promisify(execFile)("az", [...args], { env });
  const { clientId, clientSecret } = LOCAL_APPLICATIONS.writer;
  try {
    await az(
      ...["cloud", "register", "--name", "Local"],
      ...["--endpoint-resource-manager", services.resourceManager?.endpoint ?? ""],
    );
    if (graphOrigin !== undefined)
      await az(
        ...["cloud", "update", "--name", "Local", "--cloud-config"],
        JSON.stringify({
          endpoints: { microsoftGraphResourceId: graphOrigin },
        }),
      );
    await az("cloud", "set", "--name", "Local");
    await az(
      ...["login", "--service-principal", "--username", clientId],
      ...["--password", clientSecret],
      ...["--tenant", services.tokenIssuer?.tenantId ?? ""],
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { env, close };
}
