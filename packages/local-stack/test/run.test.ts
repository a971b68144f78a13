import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";

const PACKAGES = path.join(import.meta.dirname, "../..");
/** Every compilation writes it anew. */
const COMPILED = path.join(PACKAGES, "../dist/openapi/openapi.json");

/** Runs an npm script's command; gives its exit code, stdout and stderr, and whether it compiled first. */
async function run(folder: string, ...args: readonly string[]) {
  const before = await stat(COMPILED);
  const [code, stdout, stderr] = await new Promise<[unknown, string, string]>((resolve) =>
    execFile(
      process.execPath,
      [path.join(PACKAGES, "run.mjs"), folder, ...args],
      (error, ...printed) => resolve([error?.code ?? 0, ...printed]),
    ),
  );
  const after = await stat(COMPILED);
  return { code, stdout, stderr, compiled: after.mtimeMs !== before.mtimeMs };
}

describe.each([
  "local-stack/dist/start",
  "local-stack/dist/demo",
  "service-bus-emulator/dist",
  "arm-simulator/dist",
  "functions-host/dist",
  "token-issuer/dist",
])("%s, once compiled", (folder) => {
  test("answers --help without compiling, with every exit code", async () => {
    const answer = await run(folder, "--help");
    expect(answer).toMatchObject({ code: 0, stderr: "", compiled: false });
    expect(answer.stdout).toMatch(/^Usage: /u);
    expect(answer.stdout).toMatch(/^Exit codes: 0 .*, 1 .*, 2 /mu);
  });

  test("answers a wrong option without compiling, with 2", async () => {
    const answer = await run(folder, "--wrong-option");
    expect(answer).toMatchObject({ code: 2, stdout: "", compiled: false });
    expect(answer.stderr).toContain("--wrong-option");
    expect(answer.stderr).toContain("--help");
  });
});
