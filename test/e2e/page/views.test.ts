import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { findChromium, startChromium } from "./browser.js";
import { axeFindings, openPage, SEED_IMAGE, signIn } from "./page.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { Stack } from "../../support/stack.js";

const chromium = findChromium();

/** What the page may weigh, whole, and what it may ask for until the first data is shown. */
const MOST_BYTES = 150_000;
const MOST_REQUESTS = 12;

describe("every view of the page", needs("chromium", chromium), () => {
  let stack: Stack;
  let host: HostProcess;
  let browser: Browser;
  const views: Record<string, { path: string; heading: string }> = {
    home: { path: "", heading: "Images" },
    gallery: {
      path: SEED_IMAGE.replace(/^images(.*)\/.*$/u, "galleries$1"),
      heading: "MyGallery",
    },
    image: { path: SEED_IMAGE, heading: "MyImage" },
    version: {
      path: `${SEED_IMAGE}/versions/1.0.0`,
      heading: "MyImage 1.0.0",
    },
    create: { path: `${SEED_IMAGE}/create`, heading: "MyImage" },
    retention: { path: `${SEED_IMAGE}/retention`, heading: "MyImage" },
    operations: { path: "operations", heading: "Operations" },
    keys: { path: `keys/${LOCAL_SUBSCRIPTION_ID}`, heading: "Keys" },
    rejected: { path: "rejected", heading: "Rejected requests" },
    unknown: { path: "nowhere", heading: "There is no such page" },
  };

  beforeAll(async () => {
    stack = await Stack.start();
    host = await stack.startHost();
    browser = await startChromium(chromium ?? "");
    const api = await stack.client(host);
    await api.put(seedVersionId("1.0.0"), managedImageRequest());
    await stack.events.ended(seedVersionId("1.0.0"));
    await stack.send("image-version-requests", { body: { no: "event" } });
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  it.each([
    ["light", 1_400],
    ["dark", 1_400],
    ["light", 390],
  ] as const)(
    "axe finds nothing in %s at %i pixels, and nothing is wider than the window",
    async (colorScheme, width) => {
      const { page, context, complaints } = await openPage(
        browser,
        `${host.origin}/api/ui/`,
        { colorScheme, viewport: { width, height: 900 } },
      );
      expect(await axeFindings(page)).toEqual([]);
      await signIn(page, "admin");
      for (const [name, { path, heading }] of Object.entries(views)) {
        await page.evaluate(
          `history.pushState(undefined, "", "/api/ui/${path}"); dispatchEvent(new PopStateEvent("popstate"))`,
        );
        await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
        await (name === "create"
          ? page.getByRole("heading", { name: "Regions" }).waitFor()
          : name === "unknown" || page.getByText("Checked").first().waitFor());
        expect(await axeFindings(page), name).toEqual([]);
        expect(
          await page.evaluate("document.documentElement.scrollWidth"),
          name,
        ).toBeLessThanOrEqual(width);
      }
      expect(complaints).toEqual([]);
      await context.close();
    },
  );

  it("is light: bytes, requests, and data at the first answer", async () => {
    const { page, context, requests } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}`,
    );
    await signIn(page, "reader");
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    const asked = requests.slice(
      requests.findLastIndex((address) => address.includes("?code=")),
    );
    expect(asked.length).toBeLessThanOrEqual(MOST_REQUESTS);
    // All files that there are, also those that are loaded late.
    const html = await (await fetch(`${host.origin}/api/ui/`)).text();
    const names = new Set(
      [...html.matchAll(/\/api\/ui\/assets\/[\w.-]+/gu)].map(([name]) => name),
    );
    let bytes = html.length;
    for (const name of names) {
      const response = await fetch(host.origin + name, {
        headers: { "accept-encoding": "gzip" },
      });
      const text = await response.text();
      bytes += gzipSync(text).length;
      for (const [, chunk = ""] of text.matchAll(/"\.\/([\w-]+\.js)"/gu))
        names.add(`/api/ui/assets/${chunk}`);
    }
    expect(names.size).toBeGreaterThan(3);
    expect(bytes).toBeLessThan(MOST_BYTES);
    await context.close();
  });

  it("prints what is shown, without what is only for a screen", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}`,
      { colorScheme: "dark" },
    );
    await signIn(page, "admin");
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    await page.emulateMedia({ media: "print" });
    expect(
      await page.getByRole("link", { name: "Operations" }).isVisible(),
    ).toBe(false);
    expect(await page.getByLabel("Version or key").isVisible()).toBe(false);
    expect(await page.getByRole("link", { name: "1.0.0" }).isVisible()).toBe(
      true,
    );
    await page.getByText("Checked").first().waitFor();
    await context.close();
  });

  it("prints every version in every region, whatever the paper", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}`,
      { viewport: { width: 794, height: 1_123 } },
    );
    const names = Array.from({ length: 30 }, (_, index) => `region${index}`);
    await page.route("**/summary", (route) =>
      route.fulfill({
        headers: { ETag: '"1"' },
        json: {
          time: "2026-01-01T00:00:00Z",
          complete: true,
          diskEncryptionSets: [],
          versions: Array.from({ length: 50 }, (_, index) => ({
            name: `1.0.${49 - index}`,
            managedBy: "Sigil",
            provisioningState: "Succeeded",
            latest: false,
            excludeFromLatest: false,
            regions: names.map((name) => ({
              name,
              state: "Completed",
              progress: 100,
              latest: false,
              excludeFromLatest: false,
              encryptionType: "EncryptionAtRestWithPlatformKey",
              diskEncryptionSets: [],
            })),
          })),
        },
      }),
    );
    await signIn(page, "reader");
    await page.getByText("50 versions").waitFor();
    await page.emulateMedia({ media: "print" });
    await page.getByRole("link", { name: "1.0.0", exact: true }).waitFor();
    // The table is not cut: not at the foot of a page, nor at its side.
    expect(
      await page.evaluate(
        `(({ scrollHeight, clientHeight, scrollWidth, clientWidth }) => [scrollHeight - clientHeight, scrollWidth - clientWidth])(document.querySelector(".window-table"))`,
      ),
    ).toEqual([0, 0]);
    expect(
      await page.evaluate("document.documentElement.scrollWidth"),
    ).toBeLessThanOrEqual(794);
    await context.close();
  });

  it("does not say that nothing hangs on a key where that could not be read", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/keys/${LOCAL_SUBSCRIPTION_ID}`,
    );
    await page.route("**/summary", (route) =>
      route.fulfill({ status: 500, json: { status: 500 } }),
    );
    await signIn(page, "reader");
    await page
      .getByText("The versions of MyImage could not all be read")
      .waitFor();
    expect(await page.getByText("none found").count()).toBe(0);
    await context.close();
  });

  it("says of a version, in the table and of its keys that one is at risk, and what mends it", async () => {
    const problem = {
      code: "KeyDisabled",
      severity: "error",
      message: "The key is disabled.",
      remediation: "Enable it.",
      breaks: ["update"],
    };
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}/versions/1.0.0`,
    );
    await page.route("**/versions/1.0.0", async (route) => {
      const response = await route.fetch();
      const body = (await response.json()) as { sigil: object };
      const problems = [
        { ...problem, diskEncryptionSetId: "/set", regions: ["westus"] },
      ];
      const keys = { state: "AtRisk", problems, notSeen: [] };
      await route.fulfill({
        response,
        json: { ...body, sigil: { ...body.sigil, keys } },
      });
    });
    await page.route("**/summary", async (route) => {
      const response = await route.fetch();
      if (response.status() !== 200) return route.fulfill({ response });
      const body = (await response.json()) as { versions: object[] };
      return route.fulfill({
        response,
        json: {
          ...body,
          keys: [{ diskEncryptionSet: 0, problems: [problem], notSeen: [] }],
          versions: body.versions.map((one) => ({
            ...one,
            keys: "AtRisk",
            conditions: [{ type: "KeyAtRisk" }],
          })),
        },
      });
    });
    await signIn(page, "reader");
    await page
      .getByText("The key is disabled. It encrypts the version in westus.")
      .waitFor();
    await page.getByText("Enable it.").waitFor();
    await page.getByText("At risk", { exact: true }).waitFor();
    await page.goto(`${host.origin}/api/ui/${SEED_IMAGE}`);
    await page.locator(".badge", { hasText: "key at risk" }).waitFor();
    await page.goto(`${host.origin}/api/ui/keys/${LOCAL_SUBSCRIPTION_ID}`);
    await page.getByText("The key is disabled.").waitFor();
    await context.close();
  });

  it("times are the viewer's, with UTC on hover; the window's title says what is shown", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}/versions/1.0.0`,
    );
    await signIn(page, "reader");
    await page.getByRole("heading", { name: "Regions" }).waitFor();
    expect(await page.title()).toBe("MyImage 1.0.0 · Sigil");
    const time = page.locator("dd time").first();
    const utc = (await time.getAttribute("datetime")) ?? "";
    expect(await time.getAttribute("title")).toBe(
      `${utc.replace("T", " ").replace("Z", "")} UTC`,
    );
    const local = new Intl.DateTimeFormat("en-US", {
      dateStyle: "medium",
      timeStyle: "medium",
      timeZone: "Europe/Berlin",
    }).format(Date.parse(utc));
    expect(await time.innerText()).toBe(local);
    await page.evaluate(
      `history.pushState(undefined, "", "/api/ui/nowhere"); dispatchEvent(new PopStateEvent("popstate"))`,
    );
    await page.getByRole("heading", { name: "no such page" }).waitFor();
    expect(await page.title()).toBe("No such page · Sigil");
    await context.close();
  });
});
