import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import type { HttpRequest, InvocationContext } from "@azure/functions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pageHandlers } from "../../../src/http/page-handlers.js";

let folder: string;
let getPage: ReturnType<typeof pageHandlers>["getPage"];
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "sigil-page-"));
  mkdirSync(path.join(folder, "assets"));
  writeFileSync(path.join(folder, "index.html"), "<!doctype html>");
  writeFileSync(path.join(folder, "assets/page-AB12.js"), "1;".repeat(2_000));
  ({ getPage } = pageHandlers(pathToFileURL(`${folder}/`), {
    issuer: "https://issuer.example/tenant/v2.0",
    authority: "https://issuer.example/tenant/v2.0",
    clientId: "client",
    scope: "api://sigil/.default",
    scopesAssign: false,
  }));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function get(name: string, headers: Record<string, string> = {}) {
  const response = await getPage(
    {
      url: `http://localhost/api/ui/${name}`,
      params: { path: name },
      headers: new Headers(headers),
    } as unknown as HttpRequest,
    { invocationId: "1" } as InvocationContext,
  );
  if (response === undefined) throw new TypeError("There is no answer.");
  return {
    status: response.status ?? 200,
    headers: new Headers(response.headers),
    body: response.body as Buffer,
  };
}

test("a file that is named by its content is kept for a year, and zipped for whoever takes that", async () => {
  const plain = await get("assets/page-AB12.js");
  expect(plain.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(plain.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  const zipped = await get("assets/page-AB12.js", {
    "accept-encoding": "gzip",
  });
  expect(zipped.headers.get("content-encoding")).toBe("gzip");
  expect(gunzipSync(zipped.body)).toEqual(plain.body);
});

test.each(["", "images/a/b/c/d/versions/1.0.0", "operations/", "nowhere"])(
  "/api/ui/%s is the page, asked for each time and answered with 304 where it is known",
  async (name) => {
    const { status, headers, body } = await get(name);
    expect([status, body.toString()]).toEqual([200, "<!doctype html>"]);
    expect(headers.get("cache-control")).toBe("no-cache");
    const etag = headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{27}"$/u);
    const known = await get(name, { "if-none-match": `W/${etag}` });
    expect([known.status, known.body]).toEqual([304, undefined]);
  },
);

test("the page runs its own files alone, and asks this service and the issuer alone", async () => {
  const { headers } = await get("");
  expect(headers.get("content-security-policy")?.split("; ")).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self' https://issuer.example",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]);
});

test.each(["assets/other.js", "assets/../index.html", "assets/", "assets"])(
  "%s is no file: 404, or the page",
  async (name) => {
    const { status, headers } = await get(name);
    if (status === 404) expect(headers.get("content-type")).toBe("application/problem+json");
    else expect(headers.get("content-type")).toContain("text/html");
  },
);

test("how to sign in is told without a token; nothing where it is not set up", async () => {
  const { body } = await get("config.json");
  expect(JSON.parse(body.toString())).toMatchObject({
    signIn: { clientId: "client", scope: "api://sigil/.default" },
  });
  const without = pageHandlers(pathToFileURL(`${folder}/`), undefined);
  const answer = await without.getPage(
    {
      url: "http://localhost/api/ui/config.json",
      params: { path: "config.json" },
      headers: new Headers(),
    } as unknown as HttpRequest,
    { invocationId: "1" } as InvocationContext,
  );
  expect((answer?.body as Buffer).toString()).toBe("{}");
});
