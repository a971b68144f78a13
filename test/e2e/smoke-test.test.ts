/** infra/smoke-test.mjs against the app in its host; az is one that knows the answers. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { SCHEMA } from "../../src/operation/records.js";
import { seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

const IMAGE = seedVersionId("1.0.0").replace(/\/versions\/.*$/u, "");

let stack: Stack;
let host: HostProcess;
let folder: string;
let zip: string;
/** As `az functionapp function list` names them. */
let functions: { name: string }[];

beforeAll(async () => {
  stack = await Stack.start();
  const lines: string[] = [];
  host = await stack.startHost((line) => lines.push(line));
  functions = announced(lines).map((name) => ({ name: `app/${name}` }));
  folder = await mkdtemp(path.join(tmpdir(), "sigil-az-"));
  zip = path.join(folder, "sigil.zip");
  await run(process.execPath, ["infra/package.mjs", zip]);
});
afterAll(async () => {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
});

/** What the host prints of a function: two blanks, its name, and how it is triggered. */
function announced(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /^ {2}([a-z\d-]+) {2}/u.exec(line)?.[1] ?? []);
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function smokeTest(
  found: readonly { name: string }[],
  ...args: readonly string[]
): Promise<Outcome> {
  await putAz(found);
  return run(process.execPath, [
    "infra/smoke-test.mjs",
    `--api=${host.origin}/api`,
    "--audience=sigil",
    `--image=${IMAGE}`,
    "--resource-group=sigil",
    "--app=sigil",
    `--package=${zip}`,
    "--wait-seconds=0",
    ...args,
  ]);
}

/** An az that knows a deployment with these functions; it writes down what is published. */
async function putAz(found: readonly { name: string }[]): Promise<void> {
  const accessToken = await stack.services.tokenIssuer?.issueToken({
    roles: ["ImageVersions.Write"],
  });
  const az = path.join(folder, "az");
  await writeFile(
    az,
    `#!/bin/sh
case "$*" in
  account*) echo '${JSON.stringify({ accessToken })}' ;;
  *functionAppName*) echo app ;;
  *apiUrl*) echo '${host.origin}/api' ;;
  *config-zip*) echo "$*" > '${folder}/published' ;;
  functionapp*) echo '${JSON.stringify(found)}' ;;
esac
`,
  );
  await chmod(az, 0o755);
}

function run(command: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { env: { ...process.env, PATH: `${folder}:${process.env["PATH"]}` } },
      (error, stdout, stderr) =>
        resolve({
          code: error === null ? 0 : Number(error.code),
          stdout,
          stderr,
        }),
    );
  });
}

test("finds a deployment that works in order", async () => {
  const { code, stdout, stderr } = await smokeTest(functions);
  expect(stderr).toBe("");
  expect(stdout.trimEnd().split("\n")).toEqual([
    "ok      ready: tables, service-bus, receivers",
    "ok      nobody is let in without a token",
    "ok      the token is accepted",
    expect.stringMatching(/^ok {6}a plan is answered, with .*SourceNotFound/u),
    `ok      ${functions.length} functions are there`,
  ]);
  expect(code).toBe(0);
});

test("the pipelines' scripts find the app in the outputs of the deployment", async () => {
  await putAz(functions);
  expect(await run(".ci/smoke-test", ["sigil", "sigil", IMAGE, zip])).toMatchObject({
    code: 0,
    stderr: "",
  });
  expect(await run(".ci/publish", ["sigil", "dist/sigil.zip"])).toMatchObject({
    code: 0,
    stderr: "",
  });
  expect(await readFile(path.join(folder, "published"), "utf8")).toContain(
    "--resource-group sigil --name app --src dist/sigil.zip",
  );
});

test.each([
  ["of the same schema", { version: "0.3.1", schema: SCHEMA }, 0],
  ["of a newer one", { version: "0.4.0", schema: SCHEMA + 1 }, 0],
  ["of an older one", { version: "0.2.9", schema: SCHEMA - 1 }, 1],
  ["that says none", { version: "0.2.0" }, 1],
])(
  "a package %s is gone back to only where it reads what the other stores",
  async (_, kept, code) => {
    const file = path.join(folder, "kept.zip");
    await writeFile(file, zipSync({ "package.json": strToU8(JSON.stringify(kept)) }));
    const outcome = await run(".ci/may-go-back", [zip, file]);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(code === 0 ? /^$/u : new RegExp(`schema ${SCHEMA}\\.`, "u"));
  },
);

test("needs no right where the sources are: the source of its plan is in the gallery", async () => {
  await stack.simulator.denyAction({
    action: "Microsoft.Compute/images/read",
    scope: IMAGE.replace(/\/providers\/.*$/u, ""),
  });
  expect(await smokeTest(functions)).toMatchObject({ code: 0, stderr: "" });
});

test("names the functions that are missing", async () => {
  const { code, stderr } = await smokeTest(functions.slice(1), "--attempts=2");
  expect(stderr).toMatch(/^FAILED {2}\d+ functions are there. Missing: \S+\n$/u);
  expect(code).toBe(1);
});

test("says what Sigil's identity may not do", async () => {
  await stack.simulator.denyAction({
    action: "Microsoft.Compute/galleries/read",
    scope: IMAGE.replace(/\/images\/.*$/u, ""),
  });
  // The other keeps for a while what Azure has shown it of the gallery.
  host = await stack.startHost();
  const { code, stderr } = await smokeTest(functions, "--attempts=2");
  expect(stderr).toContain("FAILED  Sigil's identity lacks a role:");
  expect(stderr).toContain("Microsoft.Compute/galleries/read");
  expect(code).toBe(1);
});

test("gives up on one that does not answer", async () => {
  const { code, stderr } = await smokeTest(
    functions,
    "--api=http://127.0.0.1:9/api",
    "--attempts=2",
  );
  expect(stderr).toMatch(/^FAILED {2}not ready: no answer/u);
  expect(code).toBe(1);
});
