import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { unpackPackage, type UnpackedPackage } from "../support/package.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

/** The zip that is deployed, unpacked where no package can be found beside it. */
let unpacked: UnpackedPackage;
let stack: Stack;
let host: HostProcess;

beforeAll(async () => {
  unpacked = await unpackPackage();
  stack = await Stack.start({ scriptRoot: unpacked.folder });
  host = await stack.startHost();
});
afterAll(async () => {
  await stack?.close();
  await unpacked?.remove();
});

test("is three megabytes at the most, and has no package in it that would be installed", async () => {
  expect(unpacked.zipBytes).toBeLessThan(3_000_000);
  const places = unpacked.files.map((file) =>
    file.replace(/^(dist\/site\/).*|\/[^/]+$/u, (_, site?: string) => site ?? "/"),
  );
  expect([...new Set(places)]).toEqual([
    "LICENSE",
    "THIRD-PARTY-NOTICES.txt",
    "dist/chunks/",
    "dist/docs/",
    "dist/functions/",
    "dist/openapi/",
    "dist/page/assets/",
    "dist/page/",
    "dist/site/",
    "functions.json",
    "host.json",
    "package.json",
  ]);
  const manifest = await readFile(path.join(unpacked.folder, "package.json"));
  expect(Object.keys(JSON.parse(manifest.toString()) as object)).toEqual([
    "name",
    "version",
    "license",
    "type",
    "main",
    "engines",
    "schema",
  ]);
});

test("takes a request and does it", async () => {
  const api = await stack.client(host);
  const id = seedVersionId("1.0.0");
  const { status } = await api.put(id, managedImageRequest());
  expect(status).toBe(202);
  expect(await stack.events.ended(id)).toMatchObject([{ type: "Sigil.ImageVersion.Completed" }]);
});

test("has the page, whole: what it names is there", async () => {
  const response = await fetch(`${host.origin}/api/ui/`);
  const html = await response.text();
  const names = [...html.matchAll(/"(\/api\/ui\/assets\/[^"]+)"/gu)];
  expect(names).toHaveLength(3);
  for (const [, name = ""] of names) {
    const file = await fetch(host.origin + name);
    expect([name, file.status]).toEqual([name, 200]);
    await file.body?.cancel();
  }
});

test("is ready", async () => {
  const api = await stack.client(host, []);
  expect(await api.request("GET", "/health/ready")).toMatchObject({
    status: 200,
    body: { status: "ok" },
  });
});

test.each([
  ["openapi.json", "application/json"],
  ["asyncapi.json", "application/json"],
  ["docs", "text/html; charset=utf-8"],
  ["docs/start.js", "text/javascript; charset=utf-8"],
  ["docs/swagger-ui.css", "text/css; charset=utf-8"],
  ["docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
  ["docs/favicon-32x32.png", "image/png"],
])("serves %s", async (file, mediaType) => {
  const response = await fetch(`${host.origin}/api/${file}`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe(mediaType);
  expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(100);
});

test("an error in the log names the line of the source", async () => {
  const lines: string[] = [];
  const unreachable = await stack.startHost((line) => lines.push(line), {
    AzureWebJobsStorage:
      "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;TableEndpoint=http://127.0.0.1:9/a",
  });
  const response = await fetch(`${unreachable.origin}/api/health/ready`);
  expect(response.status).toBe(503);
  expect(lines.join("\n")).toMatch(/src\/(?:azure|http)\/[\w/-]+\.ts:\d+:\d+/u);
});
