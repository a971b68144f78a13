/**
 * What is deployed: its size and the modules that it loads, beside their goals; its cold start against a hello world's, and the time to
 * its first 202, which differ too much from hour to hour to have one. All of it is the unpacked zip, in the local functions host.
 *
 * SIGIL_BASELINE names a checkout of an earlier release, built: its first 202 is then measured in turn with this one's.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, bench } from "vitest";
import { HELLO_WORLD, writeApp } from "./apps.js";
import { median, report, type Figure } from "./figures.js";
import { pathOf } from "../support/api-client.js";
import { unpackPackage } from "../support/package.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

const PAIRS = 10;
const { SIGIL_BASELINE: baselineRoot } = process.env;
const unpacked = await unpackPackage();
const helloApp = await writeApp(HELLO_WORLD);
const startStack = (scriptRoot: string) => Stack.start({ scriptRoot });
const sigil = await startStack(unpacked.folder);
const hello = await startStack(helloApp.folder);
const baseline =
  baselineRoot === undefined ? undefined : await startStack(baselineRoot);

/** By figure, of every run. */
const measured = new Map<string, number[]>();
function note(figure: string, value: number): void {
  measured.set(figure, [...(measured.get(figure) ?? []), value]);
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

const timeOf = (name: string): Figure => ({
  name,
  value: median(measured.get(name)),
  unit: "ms",
  digits: 0,
});
const ratioOf = (name: string): Figure => ({
  name,
  value: median(measured.get(name)),
});
const countOf = (name: string, value: number, atMost?: number): Figure => ({
  name,
  value,
  digits: 0,
  ...(atMost !== undefined && { atMost }),
});

afterAll(async () => {
  try {
    const { files, builtin } = await modulesOf(unpacked.folder);
    const figures = [
      { name: "zip", value: unpacked.zipBytes / 1e6, unit: "MB", atMost: 3 },
      countOf("modules loaded", files + builtin, 500),
      countOf("  of the app", files),
      countOf("  of Node.js", builtin),
      timeOf("first answer, hello world"),
      timeOf("first answer, Sigil"),
      ratioOf("first answer, Sigil / hello world"),
      timeOf("first 202, Sigil"),
    ];
    if (baselineRoot !== undefined) {
      const before = await modulesOf(baselineRoot);
      figures.push(
        timeOf("first 202, baseline"),
        ratioOf("first 202, Sigil / baseline"),
        countOf("modules loaded, baseline", before.files + before.builtin),
      );
    }
    report(`cold start, medians of ${PAIRS} pairs`, figures);
  } finally {
    for (const stack of [sigil, hello, baseline]) await stack?.close();
    await unpacked.remove();
    await helloApp.remove();
  }
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
