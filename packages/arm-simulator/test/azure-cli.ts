import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { LOCAL_APPLICATIONS } from "@sigil-local/token-issuer";
import type { Harness } from "./harness.js";

/** The Azure CLI with a profile of its own, in a temporary folder. */
export interface AzureCli {
  /** Runs a bash script as a person pastes it; never rejects. */
  run(script: string): Promise<CliResult>;
  /** The same, of which the output is JSON; throws what was printed when it fails. */
  json(script: string): Promise<unknown>;
  close(): Promise<void>;
}

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The Azure CLI, with no cloud but Azure's own yet. */
export async function openAzureCli(): Promise<AzureCli> {
  const home = await mkdtemp(path.join(tmpdir(), "sigil-az-"));
  const environment = {
    PATH: process.env["PATH"],
    HOME: home,
    AZURE_CONFIG_DIR: path.join(home, ".azure"),
    AZURE_CORE_COLLECT_TELEMETRY: "false",
    AZURE_CORE_NO_COLOR: "true",
    REQUESTS_CA_BUNDLE: process.env["NODE_EXTRA_CA_CERTS"],
    // Nobody listens there: a call that leaves this machine fails at once.
    HTTP_PROXY: "http://127.0.0.1:9",
    HTTPS_PROXY: "http://127.0.0.1:9",
    NO_PROXY: "localhost",
  };
  const run = (script: string): Promise<CliResult> =>
    new Promise((resolve) => {
      execFile(
        "bash",
        ["-euo", "pipefail", "-c", script],
        { env: environment },
        (error, stdout, stderr) =>
          resolve({
            code: error === null ? 0 : Number(error.code ?? -1),
            stdout,
            stderr,
          }),
      );
    });
  return {
    run,
    async json(script) {
      const { code, stdout, stderr } = await run(script);
      if (code !== 0) throw new Error(`${script}\nended with ${code}:\n${stderr}`);
      return stdout === "" ? undefined : (JSON.parse(stdout) as unknown);
    },
    close: () => rm(home, { recursive: true, force: true }),
  };
}

/** The Azure CLI, logged in to a simulator. */
export async function logIn({ simulator, issuer }: Harness): Promise<AzureCli> {
  const cli = await openAzureCli();
  const { clientId, clientSecret } = LOCAL_APPLICATIONS.writer;
  try {
    await cli.json(
      `az cloud register --name Simulator --endpoint-resource-manager ${simulator.endpoint}`,
    );
    await cli.json("az cloud set --name Simulator");
    await cli.json(
      `az login --service-principal --username ${clientId} --password ${clientSecret} --tenant ${issuer.tenantId}`,
    );
  } catch (error) {
    await cli.close();
    throw error;
  }
  return cli;
}
