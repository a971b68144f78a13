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
const MOST_BYTES = 100_000;
const MOST_REQUESTS = 12;

const REGIONS =
  "brazilsouth canadacentral centralus eastus eastus2 mexicocentral southcentralus westus westus3 francecentral germanywestcentral italynorth northeurope norwayeast polandcentral swedencentral switzerlandnorth uksouth westeurope israelcentral qatarcentral southafricanorth uaenorth australiaeast centralindia eastasia japaneast japanwest koreacentral southeastasia";

describe("every view of the page", needs("chromium", chromium), () => {
  let stack: Stack;
  let host: HostProcess;
  let browser: Browser;
  const views: Record<string, { path: string; heading: string }> = {
    home: { path: "", heading: "Overview" },
    gallery: {
      path: SEED_IMAGE.replace(/^images(.*)\/.*$/u, "galleries$1"),
      heading: "MyGallery",
    },
    image: { path: SEED_IMAGE, heading: "MyImage" },
    version: {
      path: `${SEED_IMAGE}/versions/1.0.0`,
      heading: "MyImage 1.0.0",
    },
    create: { path: `${SEED_IMAGE}/create`, heading: "New version of MyImage" },
    retention: {
      path: `${SEED_IMAGE}/retention`,
      heading: "Retention of MyImage",
    },
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
    ["light", 320],
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
          : name === "unknown" ||
            page
              .getByRole("button", { name: /^(?:Live|Read again)$/u })
              .first()
              .waitFor());
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
    await page.getByRole("button", { name: "Table" }).click();
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
      .getByText(
        /The versions of .*MyGallery\/MyImage.* could not all be read/u,
      )
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
    await page.route("**/versions/1.0.0?*", async (route) => {
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
    await page.getByText("The key is disabled.").waitFor();
    await page.getByText("It encrypts the version in westus.").waitFor();
    await page.getByText("Enable it.").waitFor();
    await page.getByText("1 at risk").first().waitFor();
    await page.goto(`${host.origin}/api/ui/${SEED_IMAGE}`);
    await page
      .getByText(/^Key at risk in/u)
      .first()
      .waitFor();
    await page.goto(`${host.origin}/api/ui/keys/${LOCAL_SUBSCRIPTION_ID}`);
    await page.getByText("The key is disabled.").waitFor();
    await context.close();
  });

  it("times are short, and exact on hover; the window's title says what is shown", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}/versions/1.0.0`,
    );
    await signIn(page, "reader");
    await page.getByRole("heading", { name: "Regions" }).waitFor();
    expect(await page.title()).toBe("MyImage 1.0.0 · Sigil");
    const time = page.locator(".head time").first();
    const utc = (await time.getAttribute("datetime")) ?? "";
    expect(await time.getAttribute("title")).toContain(
      `(${utc.replace("T", " ").replace("Z", "")} UTC)`,
    );
    expect(await time.innerText()).toMatch(/^(?:yesterday )?\d\d:\d\d$/u);
    // By a name, not by an id.
    expect(await page.locator("main").innerText()).not.toMatch(
      /by [0-9a-f]{8}-/u,
    );
    await page.evaluate(
      `history.pushState(undefined, "", "/api/ui/nowhere"); dispatchEvent(new PopStateEvent("popstate"))`,
    );
    await page.getByRole("heading", { name: "no such page" }).waitFor();
    expect(await page.title()).toBe("No such page · Sigil");
    await context.close();
  });

  it("a region that is ready has a whole bar, and sets that nobody has looked at are one folded line", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}/versions/1.0.0`,
    );
    await page.route("**/versions/1.0.0?*", async (route) => {
      const response = await route.fetch();
      const body = (await response.json()) as { sigil: object };
      const notSeen = Array.from({ length: 60 }, (_, index) => ({
        code: "NotLookedAtYet",
        message: "The set was not looked at.",
        regions: ["westus"],
        diskEncryptionSetId: `/sets/set-${index}`,
      }));
      const keys = { state: "Unknown", problems: [], notSeen };
      await route.fulfill({
        response,
        json: { ...body, sigil: { ...body.sigil, keys } },
      });
    });
    await signIn(page, "reader");
    const line = page.getByText("60 sets not looked at yet");
    await line.waitFor();
    expect(await page.getByText("The set was not looked at.").isVisible()).toBe(
      false,
    );
    const bars = page.getByRole("progressbar", { name: /^westus: 100 %$/u });
    expect(await bars.count()).toBe(1);
    expect(
      await page.evaluate(
        `((bar) => bar.firstElementChild.getBoundingClientRect().width / bar.getBoundingClientRect().width)(document.querySelector('[aria-label="westus: 100 %"]'))`,
      ),
    ).toBe(1);
    await line.click();
    await page.getByText("The set was not looked at.").waitFor();
    await context.close();
  });

  it("a version's sets are looked at when somebody opens it", async () => {
    const { page, context, requests } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}/versions/1.0.0`,
    );
    await signIn(page, "reader");
    await page.getByText("All safe").waitFor();
    expect(requests.some((one) => one.endsWith("1.0.0?expand=keys"))).toBe(
      true,
    );
    await context.close();
  });

  it("what is disabled looks disabled, also where it would take something away", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}/versions/1.0.0`,
    );
    await signIn(page, "writer");
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("button", { name: "Delete…" }).click();
    const button = page.getByRole("button", { name: "Delete 1.0.0" });
    await page.getByText("This is final").waitFor();
    const colours = () =>
      page.evaluate<string>(
        `(({ backgroundColor, color }) => backgroundColor + color)(getComputedStyle([...document.querySelectorAll("dialog button")].find(({ textContent }) => textContent === "Delete 1.0.0")))`,
      );
    const disabled = await colours();
    expect(await button.isDisabled()).toBe(true);
    await page
      .getByRole("checkbox", { name: "Leave regions without a latest version" })
      .check();
    await page.getByRole("textbox", { name: /^Type 1\.0\.0/u }).fill("1.0.0");
    expect(await button.isEnabled()).toBe(true);
    expect(await colours()).not.toBe(disabled);
    await context.close();
  });

  it("200 versions in 30 regions are a map that scrolls one way, and the keyboard goes through it", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}`,
      { viewport: { width: 1_280, height: 800 } },
    );
    const regions = REGIONS.split(" ");
    await page.route("**/summary", (route) =>
      route.fulfill({
        headers: { ETag: '"1"' },
        json: {
          time: "2026-01-01T00:00:00Z",
          complete: true,
          diskEncryptionSets: [],
          versions: Array.from({ length: 200 }, (_, index) => ({
            name: `1.${199 - index}.0`,
            managedBy: "Sigil",
            provisioningState: "Succeeded",
            state: "Succeeded",
            latest: index === 0,
            excludeFromLatest: false,
            regions: regions
              .filter((name) => index !== 3 || name !== "uaenorth")
              .map((name) => ({
                name,
                state:
                  index === 1 && name === "westus" ? "Failed" : "Completed",
                progress: 100,
                latest: index === 0,
                excludeFromLatest: false,
                encryptionType: "EncryptionAtRestWithPlatformKey",
                diskEncryptionSets: [],
              })),
          })),
        },
      }),
    );
    await signIn(page, "reader");
    const grid = page.getByRole("grid", { name: "200 versions in 30 regions" });
    await grid.waitFor();
    expect(
      await page.evaluate("document.documentElement.scrollWidth"),
    ).toBeLessThanOrEqual(1_280);
    expect(await axeFindings(page)).toEqual([]);
    const cells = page.locator('[role="gridcell"].tile');
    expect(await cells.count()).toBeLessThan(3_000);
    const { width = 0 } = (await cells.first().boundingBox()) ?? {};
    expect(width).toBeGreaterThanOrEqual(12);
    expect(width).toBeLessThanOrEqual(16);
    const row = (name: string) =>
      page.getByRole("row", {
        name: new RegExp(`^${name.replaceAll(".", String.raw`\.`)} `, "u"),
      });
    expect(await row("1.198.0").innerText()).toMatch(
      /29 of 30\s+Failed in westus/u,
    );
    expect(await row("1.196.0").innerText()).toMatch(
      /29 of 29\s+Not in uaenorth/u,
    );
    // One Tab stop; the arrows move, and the card says what is there.
    await grid.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("End");
    const card = page.getByRole("complementary", { name: "Details" });
    await card.getByText("1.198.0 in").waitFor();
    await card.getByText("southeastasia").waitFor();
    await page.keyboard.press("Control+End");
    await card.getByText("1.0.0 in").waitFor();
    expect(
      await page.getByRole("link", { name: "1.0.0", exact: true }).isVisible(),
    ).toBe(true);
    await page.keyboard.press("Enter");
    await page
      .getByRole("heading", { level: 1, name: "MyImage 1.0.0" })
      .waitFor();
    await context.close();
  });

  it("Ctrl-K finds a version in a region, and goes there", async () => {
    const { page, context } = await openPage(
      browser,
      `${host.origin}/api/ui/operations`,
    );
    await signIn(page, "reader");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search" }).fill("1.0.0 westus");
    await page
      .getByRole("option", { name: /MyImage 1\.0\.0 in westus/u })
      .waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page
      .getByRole("heading", { level: 1, name: "MyImage 1.0.0" })
      .waitFor();
    await context.close();
  });
});
