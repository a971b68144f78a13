/**
 * What is deployed, in figures beside their goals: its size, the modules that it loads, its cold start against a hello world's,
 * and the time to its first 202. All of it is the unpacked zip, in the local functions host.
 *
 * SIGIL_BASELINE names a checkout of an earlier release, built: its first 202 is then measured in turn with this one's.
 */
import { execFile } from "node:child_process";
import {
  copyFile,
  mkdir,
  mkdtemp,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, bench } from "vitest";
import { pathOf } from "../support/api-client.js";
import { unpackPackage } from "../support/package.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

const PAIRS = 10;
const HELLO_WORLD = `import { app } from "@azure/functions";
app.http("hello", { authLevel: "anonymous", handler: () => ({ body: "Hello, world!" }) });
app.serviceBusQueue("queue", { connection: "ServiceBusConnection", queueName: "image-version-requests", handler: () => undefined });
app.timer("timer", { schedule: "0 0 0 1 1 *", handler: () => undefined });
`;

const { SIGIL_BASELINE: baselineRoot } = process.env;
const unpacked = await unpackPackage();
const helloRoot = await helloWorld();
const startStack = (scriptRoot: string) => Stack.start({ scriptRoot });
const sigil = await startStack(unpacked.folder);
const hello = await startStack(helloRoot);
const baseline =
  baselineRoot === undefined ? undefined : await startStack(baselineRoot);

/** By figure, of every run. */
const measured = new Map<string, number[]>();
function note(figure: string, value: number): void {
  measured.set(figure, [...(measured.get(figure) ?? []), value]);
}

/** An app as the documents begin with, with a trigger of each kind that Sigil has. */
async function helloWorld(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "hello-world-"));
  await mkdir(path.join(folder, "functions"));
  await copyFile("host.json", path.join(folder, "host.json"));
  await writeFile(
    path.join(folder, "package.json"),
    JSON.stringify({ type: "module", main: "functions/*.js" }),
  );
  await writeFile(path.join(folder, "functions/hello.js"), HELLO_WORLD);
  await symlink(
    path.resolve("node_modules"),
    path.join(folder, "node_modules"),
  );
  return folder;
}

/** Milliseconds from the start of the host's process until a request has this status. */
async function firstAnswer(
  stack: Stack,
  status: number,
  address: string,
  request: RequestInit = {},
): Promise<number> {
  const start = performance.now();
  const host = await stack.startHost();
  const response = await fetch(`${host.origin}/api${address}`, request);
  await response.arrayBuffer();
  const elapsed = performance.now() - start;
  await host.kill();
  if (response.status !== status)
    throw new Error(`${address}: ${response.status}`);
  return elapsed;
}

let versions = 0;
async function firstAccepted(stack: Stack): Promise<number> {
  const token = await stack.services.tokenIssuer?.issueToken({
    roles: ["ImageVersions.Write"],
  });
  versions += 1;
  return firstAnswer(stack, 202, pathOf(seedVersionId(`1.0.${versions}`)), {
    method: "PUT",
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify(managedImageRequest()),
  });
}

async function modulesOf(
  folder: string,
): Promise<{ files: number; builtin: number }> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["test/bench/count-modules.mjs", folder],
    { env: { ...process.env, ...sigil.services.settings } },
  );
  return JSON.parse(stdout) as { files: number; builtin: number };
}

const median = (values: readonly number[] = []): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

afterAll(async () => {
  const line = (figure: string, value: string, goal = ""): string =>
    `${figure.padEnd(42)}${value.padStart(10)}   ${goal}`;
  const ms = (figure: string): string =>
    line(figure, `${median(measured.get(figure)).toFixed(0)} ms`);
  const ratio = (figure: string, goal: string): string =>
    line(figure, median(measured.get(figure)).toFixed(2), goal);
  const { files, builtin } = await modulesOf(unpacked.folder);
  const lines = [
    line("figure, medians of pairs", "measured", "goal"),
    line("zip", `${(unpacked.zipBytes / 1e6).toFixed(2)} MB`, "<= 3 MB"),
    line("modules loaded", String(files + builtin), "<= 500"),
    line("  of the app", String(files)),
    line("  of Node.js", String(builtin)),
    ms("first answer, hello world"),
    ms("first answer, Sigil"),
    ratio("first answer, Sigil / hello world", "<= 1.5"),
    ms("first 202, Sigil"),
  ];
  if (baselineRoot !== undefined) {
    const before = await modulesOf(baselineRoot);
    lines.push(
      ms("first 202, baseline"),
      ratio("first 202, Sigil / baseline", "<= 0.8"),
      line("modules loaded, baseline", String(before.files + before.builtin)),
    );
  }
  console.log(lines.join("\n"));
  for (const stack of [sigil, hello, baseline]) await stack?.close();
  await unpacked.remove();
  await rm(helloRoot, { recursive: true, force: true });
});

bench(
  "cold starts, in turn",
  async () => {
    const a = await firstAnswer(hello, 200, "/hello");
    const b = await firstAnswer(sigil, 200, "/health/live");
    note("first answer, hello world", a);
    note("first answer, Sigil", b);
    note("first answer, Sigil / hello world", b / a);
    const now = await firstAccepted(sigil);
    note("first 202, Sigil", now);
    if (baseline === undefined) return;
    const before = await firstAccepted(baseline);
    note("first 202, baseline", before);
    note("first 202, Sigil / baseline", now / before);
  },
  { iterations: PAIRS, time: 0, warmupIterations: 0, warmupTime: 0 },
);
