import { execFile, spawnSync } from "node:child_process";
import { cp } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { systemClock } from "@sigil-local/clock";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { temporaryDirectory } from "./program.js";
import { start } from "./support.js";

/*
 * Microsoft's .NET client against the emulator: the program in dotnet/ is built and run in a folder that is removed with
 * everything that dotnet and NuGet put there.
 */

const PROGRAM = path.join(import.meta.dirname, "dotnet");
const HAS_DOTNET = spawnSync("dotnet", ["--version"], { stdio: "ignore" }).status === 0;

test(
  "the .NET client sends, receives, settles, schedules, uses sessions and rules, and makes subscriptions, plain and by TLS",
  { ...needs("dotnet", HAS_DOTNET), timeout: 180_000 },
  async () => {
    const folder = await temporaryDirectory();
    await cp(PROGRAM, folder, { recursive: true });
    const tls = await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? "");
    const dotnet = (...args: string[]): Promise<{ stdout: string }> =>
      promisify(execFile)("dotnet", args, {
        cwd: folder,
        env: {
          ...process.env,
          DOTNET_CLI_HOME: folder,
          DOTNET_CLI_TELEMETRY_OPTOUT: "1",
          DOTNET_GENERATE_ASPNET_CERTIFICATE: "false",
          DOTNET_NOLOGO: "1",
          MSBUILDDISABLENODEREUSE: "1",
          NUGET_HTTP_CACHE_PATH: path.join(folder, "http-cache"),
          NUGET_PACKAGES: path.join(folder, "packages"),
          NUGET_PLUGINS_CACHE_PATH: path.join(folder, "plugins-cache"),
          NUGET_SCRATCH: path.join(folder, "scratch"),
          SSL_CERT_FILE: tls.caFile,
          TMPDIR: folder,
          UseSharedCompilation: "false",
        },
      });
    try {
      await dotnet("restore");
    } catch (error) {
      const { stdout = String(error) } = error as { readonly stdout?: string };
      const why = /error (.*)/u.exec(stdout)?.[1] ?? stdout;
      throw new Error(`NuGet does not give Azure.Messaging.ServiceBus: ${why}`, {
        cause: error,
      });
    }
    await dotnet("build", "--no-restore", "--output", "built");
    for (const byTls of [false, true]) {
      const { emulator } = await start(
        {
          Queues: [{ Name: "q" }, { Name: "sessions", Properties: { RequiresSession: true } }],
          Topics: [{ Name: "t", Subscriptions: [{ Name: "s" }] }],
        },
        { clock: systemClock, tls },
      );
      const args = byTls
        ? [emulator.tlsConnectionString, `sb://localhost:${emulator.port}`]
        : [emulator.connectionString];
      const { stdout } = await dotnet(path.join("built", "client.dll"), ...args);
      expect(stdout.trim().split("\n")).toHaveLength(10);
    }
  },
);
