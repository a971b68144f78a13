import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiClient, type ApiClient } from "../support/api-client.js";
import { withTitles } from "../../openapi/titles.mjs";
import { Stack } from "../support/stack.js";
import { document as asyncApi } from "../unit/events/document.js";
import { content as openApi } from "../unit/http/contract/document.js";

let stack: Stack;
let origin: string;
let stranger: ApiClient;

beforeAll(async () => {
  stack = await Stack.start();
  origin = (await stack.startHost()).origin;
  stranger = createApiClient(origin, undefined);
});
afterAll(() => stack.close());

async function fetchText(
  path: string,
): Promise<{ status: number; headers: Headers; text: string; url: string }> {
  const response = await fetch(new URL(path, origin));
  return {
    status: response.status,
    headers: response.headers,
    text: await response.text(),
    url: response.url,
  };
}

/** Every address that a page or style sheet would have a browser fetch. */
function addressesIn(text: string): string[] {
  return [
    ...text.matchAll(/\b(?:src|href|action)\s*=\s*["']?([^"'\s>]+)/giu),
    ...text.matchAll(/\burl\(\s*["']?([^"')]+)/giu),
    ...text.matchAll(/@import\s+["']([^"']+)/giu),
  ].map(([, address]) => address ?? "");
}

describe("without a token", () => {
  it("the OpenAPI document is answered as it lies in the repository", async () => {
    const { status, body } = await stranger.request("GET", "/openapi.json");
    expect(status).toBe(200);
    expect(body).toEqual(openApi);
  });

  it("the AsyncAPI document is answered whole", async () => {
    const { status, body } = await stranger.request("GET", "/asyncapi.json");
    expect(status).toBe(200);
    expect(body).toEqual(withTitles(asyncApi));
  });

  it("no other method is allowed there", async () => {
    for (const path of ["/openapi.json", "/asyncapi.json"]) {
      const { status, headers } = await stranger.request("DELETE", path);
      expect(status).toBe(405);
      expect(headers.get("allow")).toBe("GET");
    }
  });
});

describe("the page", () => {
  it("lets a browser fetch from this service alone, and run no script within it", async () => {
    const { status, headers, text } = await fetchText("/api/docs");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-request-id")).toBeTruthy();
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|style=/iu);
  });

  it.each(["/api/docs", "/api/docs/"])(
    "at %s finds its files beside it, and they name no address outside",
    async (path) => {
      const { text, url: page } = await fetchText(path);
      expect(text).not.toMatch(/\/\//u);
      const addresses = addressesIn(text).map((address) => {
        const url = new URL(address, page);
        expect(url.origin).toBe(origin);
        return url.pathname;
      });
      expect(addresses).toEqual([
        "/api/docs/swagger-ui.css",
        "/api/docs/page.css",
        "/api/docs/favicon-32x32.png",
        "/api/docs/swagger-ui-bundle.js",
        "/api/docs/start.js",
      ]);
      const files = await Promise.all(addresses.map(fetchText));
      expect(
        files.map(({ status, headers }) => [
          status,
          headers.get("content-type"),
          headers.get("x-content-type-options"),
        ]),
      ).toEqual([
        [200, "text/css; charset=utf-8", "nosniff"],
        [200, "text/css; charset=utf-8", "nosniff"],
        [200, "image/png", "nosniff"],
        [200, "text/javascript; charset=utf-8", "nosniff"],
        [200, "text/javascript; charset=utf-8", "nosniff"],
      ]);
      const style = files[0]?.text ?? "";
      expect(style.length).toBeGreaterThan(100_000);
      expect(addressesIn(style).filter((address) => !/^data:image/u.test(address))).toEqual([]);
    },
  );

  it("shows the document of the service that it came from", async () => {
    const script = await fetchText("/api/docs/start.js");
    const shown: { url: string; validatorUrl: unknown }[] = [];
    const classes: unknown[] = [];
    runInNewContext(script.text, {
      URL,
      document: {
        currentScript: { src: `${origin}/api/docs/start.js` },
        documentElement: {
          classList: { toggle: (...args: unknown[]) => classes.push(args) },
        },
      },
      matchMedia: () => ({ matches: true }),
      SwaggerUIBundle: (options: (typeof shown)[number]) => shown.push(options),
    });
    expect(shown).toHaveLength(1);
    expect(classes).toEqual([["dark-mode", true]]);
    // By default Swagger UI has its maker's validator look at the document.
    expect(shown[0]?.validatorUrl).toBeNull();
    expect((await fetchText(shown[0]?.url ?? "")).text).toBe(JSON.stringify(openApi));
  });

  it.each([
    "package.json",
    "swagger-ui-bundle.js.map",
    "__proto__",
    "constructor",
    "..%2fpackage.json",
    "%2e%2e%2f%2e%2e%2fpackage.json",
  ])("has no file %s", async (name) => {
    const { status, headers, text } = await fetchText(`/api/docs/${name}`);
    expect(status).toBe(404);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(JSON.parse(text)).toMatchObject({ code: "NotFound" });
  });
});

describe("the documents", () => {
  it("are served as the build has made them, and may run and fetch nothing but what lies beside them", async () => {
    const { text, headers } = await fetchText("/api/docs/guide");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(text).toContain("Publish encrypted image versions");
    for (const address of addressesIn(text)) {
      const { pathname, origin: from } = new URL(address, `${origin}/api/docs/guide/`);
      expect(from).toBe(origin);
      expect((await fetchText(pathname)).status, address).toBe(200);
    }
  });

  it.each(["package.json", "..%2f..%2fpackage.json", "docs/no-such-page.html"])(
    "have no file %s",
    async (name) => {
      const { status } = await fetchText(`/api/docs/guide/${name}`);
      expect(status).toBe(404);
    },
  );
});
