import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { findChromium, startChromium } from "../../support/browser.js";
import { openPage, SEED_IMAGE, signIn } from "../../support/page.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { Stack } from "../../support/stack.js";

const chromium = findChromium();
if (chromium === undefined)
  console.warn(
    "SKIPPED: /api/ui was not opened in a browser, as this machine has none. Install one (Debian: apt install chromium), or name one by SIGIL_CHROMIUM=/path/to/chromium.",
  );

describe.skipIf(chromium === undefined)("signing in to the page", () => {
  let stack: Stack;
  let host: HostProcess;
  let browser: Browser;

  beforeAll(async () => {
    stack = await Stack.start();
    host = await stack.startHost();
    browser = await startChromium(chromium ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  it("shows a version of an image definition whose address one has opened, and keeps no token", async () => {
    const api = await stack.client(host);
    const id = seedVersionId("1.0.0");
    expect((await api.put(id, managedImageRequest())).status).toBe(202);
    await stack.events.ended(id);

    const { page, context, complaints, requests } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}`,
    );
    await signIn(page, "writer");
    expect(new URL(page.url()).pathname).toBe(`/api/ui/${SEED_IMAGE}`);
    expect(new URL(page.url()).search).toBe("");
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    expect(await page.locator("header").innerText()).toContain("Writer Write");
    const kept = await page.evaluate(() =>
      JSON.stringify({ ...sessionStorage, ...localStorage }),
    );
    expect(kept).not.toContain("eyJ");
    expect(kept).toContain("writer@localhost");
    expect(await context.cookies()).toEqual([]);
    const issuer = new URL(stack.services.tokenIssuer?.browserAuthority ?? "");
    expect(
      [...new Set(requests.map((each) => new URL(each).origin))].sort(),
    ).toEqual([host.origin, issuer.origin].sort());
    expect(complaints).toEqual([]);

    // A reload loses the tokens, not the person.
    await page.reload();
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    // Nor does it stand in the way of who goes back.
    await page.goto(`${host.origin}/api/ui/operations`);
    await page.getByRole("heading", { name: "Operations" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "MyImage" }).waitFor();
    await context.close();
  });

  it("a page that cannot be started says so", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.route("**/config.json", (route) =>
      route.fulfill({ status: 503 }),
    );
    await page.goto(`${host.origin}/api/ui/`);
    await page.getByText("The page could not be started.").waitFor();
    await context.close();
  });

  it("an answer of another attempt is not taken", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/?code=stolen&state=other`,
    );
    await page.getByText("Sign-in failed.").waitFor();
    expect(page.url()).toBe(`${host.origin}/api/ui/`);
    await context.close();
  });
});
