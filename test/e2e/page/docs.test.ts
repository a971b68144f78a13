import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { findChromium, startChromium } from "./browser.js";
import { Stack } from "../../support/stack.js";
import { documentedOperations } from "../../unit/http/contract/document.js";

const chromium = findChromium();

/** Everything that a page does which its readers never see, and should never happen. */
interface Watched {
  readonly page: Page;
  /** Addresses that it asked for, whether answered or not. */
  readonly requests: string[];
  readonly complaints: string[];
}

describe("/api/docs in a browser", needs("chromium", chromium), () => {
  let stack: Stack;
  let origin: string;
  let browser: Browser;

  beforeAll(async () => {
    stack = await Stack.start();
    origin = (await stack.startHost()).origin;
    browser = await startChromium(chromium ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  async function watch(): Promise<Watched> {
    const page = await browser.newPage();
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
    page.on("response", (response) => {
      if (response.status() >= 400) complaints.push(`${response.url()} is ${response.status()}`);
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning")
        complaints.push(message.text());
    });
    await page.exposeFunction("reportViolation", (violation: string) => complaints.push(violation));
    await page.addInitScript(`
      document.addEventListener("securitypolicyviolation", (event) =>
        reportViolation(event.violatedDirective + " forbids " + event.blockedURI));`);
    return { page, requests, complaints };
  }

  it.each(["/api/docs", "/api/docs/"])(
    "%s shows every operation by its name, asks nobody but this service, and breaks no policy of its own",
    async (path) => {
      const { page, requests, complaints } = await watch();
      await page.goto(origin + path);
      await page.locator(".opblock").first().waitFor();
      const shown = await page.locator(".opblock-summary").allInnerTexts();
      expect(shown.sort()).toEqual(
        documentedOperations()
          .map(({ method, template, operation }) =>
            [method.toUpperCase(), template, operation.summary].join("\n"),
          )
          .sort(),
      );
      const addresses = new Set(requests);
      addresses.delete(`${origin}/api/docs/favicon-32x32.png`); // Asked for by browsers that have a place to show it.
      expect([...addresses].sort()).toEqual(
        [
          ...new Set([path, "/api/docs/"]),
          "/api/docs/page.css",
          "/api/docs/start.js",
          "/api/docs/swagger-ui-bundle.js",
          "/api/docs/swagger-ui.css",
          "/api/openapi.json",
        ].map((each) => origin + each),
      );
      expect(complaints).toEqual([]);
      await page.close();
    },
  );

  it("an operation opens, and can be tried out against the service", async () => {
    const { page, requests, complaints } = await watch();
    await page.goto(`${origin}/api/docs`);
    const operation = page.locator("#operations-Service-getLiveness");
    await operation.locator(".opblock-summary-control").click();
    await operation.getByRole("button", { name: "Try it out" }).click();
    await operation.getByRole("button", { name: "Execute" }).click();
    const answer = operation.locator(".live-responses-table");
    await answer.getByText('"status": "ok"').waitFor();
    expect(await answer.locator(".response-col_status").last().innerText()).toContain("200");
    expect(requests).toContain(`${origin}/api/health/live`);
    expect(requests.filter((address) => new URL(address).origin !== origin)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("its policy keeps a script from asking anybody else, and this test would hear of it", async () => {
    const { page, complaints } = await watch();
    await page.goto(`${origin}/api/docs`);
    await page.evaluate(`fetch("https://outside.invalid/").catch(() => undefined)`);
    await expect.poll(() => complaints).toContain("connect-src forbids https://outside.invalid/");
    await page.close();
  });
});
