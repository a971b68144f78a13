import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { seedVersionId } from "../../support/requests.js";
import { findChromium } from "./browser.js";
import {
  axeFindings,
  changed,
  choose,
  goTo,
  REGIONS,
  SEED_IMAGE,
  signIn,
  startWorld,
  summarized,
  versionIn,
} from "./page.js";

const chromium = findChromium();

/** What the page may weigh, whole, and what it may ask for until the first data is shown. */
const MOST_BYTES = 100_000;
const MOST_REQUESTS = 12;

const VERSION = `${SEED_IMAGE}/versions/1.0.0`;
const KEYS = `keys/${LOCAL_SUBSCRIPTION_ID}`;

const VIEWS = {
  home: ["", "Overview"],
  gallery: [SEED_IMAGE.replace(/^images(.*)\/.*$/u, "galleries$1"), "MyGallery"],
  image: [SEED_IMAGE, "MyImage"],
  version: [VERSION, "MyImage 1.0.0"],
  create: [`${SEED_IMAGE}/create`, "New version of MyImage"],
  retention: [`${SEED_IMAGE}/retention`, "Retention of MyImage"],
  operations: ["operations", "Operations"],
  keys: [KEYS, "Keys"],
  rejected: ["rejected", "Rejected requests"],
  unknown: ["nowhere", "There is no such page"],
} as const;

/** What is known of the version's keys. */
function keysAre(page: Page, keys: object): Promise<unknown> {
  return changed<{ sigil: object }>(page, "**/versions/1.0.0?*", (body) => ({
    ...body,
    sigil: { ...body.sigil, keys },
  }));
}

const KEY = "WestUSDiskEncryptionSet1";
const EXPIRES = "2031-03-03T12:00:00.000Z";

describe("every view of the page", needs("chromium", chromium), () => {
  const world = startWorld(async (made) => {
    const { simulator } = made.stack;
    const key = simulator.resources().find(({ id }) => id.endsWith(`/keys/${KEY}`));
    if (key === undefined) throw new Error(`${KEY} is not there`);
    const attributes = { enabled: true, exp: Date.parse(EXPIRES) / 1_000 };
    await simulator.putResource({
      ...key,
      properties: { ...key.properties, attributes },
    });
    await made.make("1.0.0");
    await made.stack.send("image-version-requests", { body: { no: "event" } });
  });

  it.each([
    ["light", 1_400],
    ["dark", 1_400],
    ["light", 390],
    ["light", 320],
  ] as const)(
    "axe finds nothing in %s at %i pixels, and nothing is wider than the window",
    async (colorScheme, width) => {
      const { page, complaints } = await world.open("", undefined, {
        colorScheme,
        viewport: { width, height: 900 },
      });
      expect(await axeFindings(page)).toEqual([]);
      await signIn(page, "admin");
      for (const [name, [path, heading]] of Object.entries(VIEWS)) {
        await goTo(page, path);
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
      await goTo(page, SEED_IMAGE);
      const shown = width < 760 ? "Map" : "Table";
      await page.getByRole("button", { name: shown, pressed: true, exact: true }).waitFor();
      expect(complaints).toEqual([]);
    },
  );

  it("is light: bytes, requests, and data at the first answer", async () => {
    const { page, requests } = await world.open(SEED_IMAGE, "reader");
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    const asked = requests.slice(requests.findLastIndex((address) => address.includes("?code=")));
    expect(asked.length).toBeLessThanOrEqual(MOST_REQUESTS);
    // All files that there are, also those that are loaded late.
    const html = await (await fetch(`${world.host.origin}/api/ui/`)).text();
    const names = new Set([...html.matchAll(/\/api\/ui\/assets\/[\w.-]+/gu)].map(([name]) => name));
    let bytes = html.length;
    for (const name of names) {
      const response = await fetch(world.host.origin + name, {
        headers: { "accept-encoding": "gzip" },
      });
      const text = await response.text();
      bytes += gzipSync(text).length;
      for (const [, chunk = ""] of text.matchAll(/"\.\/([\w-]+\.js)"/gu))
        names.add(`/api/ui/assets/${chunk}`);
    }
    expect(names.size).toBeGreaterThan(3);
    expect(bytes).toBeLessThan(MOST_BYTES);
  });

  it("shows at once what was shown before, on the way back to it", async () => {
    const { page } = await world.open(SEED_IMAGE, "reader");
    const version = page.getByRole("link", { name: "1.0.0" });
    await version.waitFor();
    await goTo(page, VERSION);
    await page.getByRole("heading", { name: "MyImage 1.0.0", level: 1 }).waitFor();
    await page.route("**/api/subscriptions/**", () => undefined); // No answer comes.
    await goTo(page, SEED_IMAGE);
    await version.waitFor();
    await goTo(page, VERSION);
    await page.getByRole("heading", { name: "MyImage 1.0.0", level: 1 }).waitFor();
  });

  it("prints what is shown, without what is only for a screen", async () => {
    const { page } = await world.open(SEED_IMAGE, "admin", {
      colorScheme: "dark",
    });
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    await page.emulateMedia({ media: "print" });
    expect(await page.getByRole("link", { name: "Operations" }).isVisible()).toBe(false);
    expect(await page.getByLabel("Version or key").isVisible()).toBe(false);
    expect(await page.getByRole("link", { name: "1.0.0" }).isVisible()).toBe(true);
  });

  it("prints every version in every region, whatever the paper", async () => {
    const { page } = await world.open(SEED_IMAGE, undefined, {
      viewport: { width: 794, height: 1_123 },
    });
    const names = Array.from({ length: 30 }, (_, index) => `region${index}`);
    await summarized(
      page,
      Array.from({ length: 50 }, (_, index) => versionIn(names, `1.0.${49 - index}`)),
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
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(794);
  });

  it("does not say that nothing hangs on a key where that could not be read", async () => {
    const { page } = await world.open(KEYS);
    await page.route("**/summary", (route) =>
      route.fulfill({ status: 500, json: { status: 500 } }),
    );
    await signIn(page, "reader");
    await page.getByText(/^Not all versions of .*MyGallery\/MyImage.* could be read/u).waitFor();
    expect(await page.getByText("none", { exact: true }).count()).toBe(0);
  });

  it("says of a version, in the table and of its keys that one is at risk, and what mends it", async () => {
    const problem = {
      code: "KeyDisabled",
      severity: "error",
      message: "The key is disabled.",
      remediation: "Enable it.",
      breaks: ["update"],
    };
    const { page } = await world.open(VERSION);
    const problems = [{ ...problem, diskEncryptionSetId: "/set", regions: ["westus"] }];
    await keysAre(page, { state: "AtRisk", problems, notSeen: [] });
    await changed<{ versions: object[] }>(page, "**/summary", (body) => ({
      ...body,
      keys: [{ diskEncryptionSet: 0, problems: [problem], notSeen: [] }],
      versions: body.versions.map((one) => ({
        ...one,
        keys: "AtRisk",
        conditions: [{ type: "KeyAtRisk" }],
      })),
    }));
    await signIn(page, "reader");
    await page.getByText("The key is disabled.").waitFor();
    await page.getByText("It encrypts the version in westus.").waitFor();
    await page.getByText("Enable it.").waitFor();
    await page.getByText(/^1 of \d at risk/u).waitFor();
    await goTo(page, SEED_IMAGE);
    await page
      .getByText(/^Key at risk in/u)
      .first()
      .waitFor();
    // On the overview the service's row for the key, the command that helps, and the way to it; and the rest if it is asked for.
    const row = (title: string) => ({
      severity: "error",
      code: "KeyDisabled",
      title,
      message: "It encrypts MyImage 1.0.0.",
      about: { diskEncryptionSetId: "/set", versions: [seedVersionId("1.0.0")] },
      whatToDo: {
        verb: "Open key",
        sentence: "Enable it.",
        command: "az keyvault key set-attributes",
        request: "GET /api",
      },
    });
    const next = { nextLink: "/api/attention?continuationToken=2", continuationToken: "2" };
    await changed<object>(page, /\/api\/attention(?!\?cont)/u, (body) => ({
      ...body,
      ...next,
      value: [row("Key disabled: westus")],
      counts: { error: 2, warning: 0 },
    }));
    await page.route("**/api/attention?continuationToken=2", (route) =>
      route.fulfill({ headers: { ETag: '"2"' }, json: { value: [row("Key disabled: eastus2")] } }),
    );
    await goTo(page, "");
    const attention = page.getByRole("region", { name: "Needs attention" });
    await attention.getByText("1 of 2, the most urgent first").waitFor();
    await attention.getByText("az keyvault key set-attributes").waitFor();
    await attention.getByRole("button", { name: "Show more" }).click();
    await attention.getByText("Key disabled: eastus2").first().waitFor();
    expect(await attention.getByRole("button", { name: "Show more" }).count()).toBe(0);
    await page.getByText(/ · Regions seen /u).waitFor();
    await attention.getByRole("link", { name: "Open key Key disabled: westus" }).click();
    await page.getByText("The key is disabled.").waitFor();
    expect(page.url()).toContain(KEYS);
    await page.getByText(/^1 of \d+ at risk$/u).waitFor();
    expect(await page.getByRole("row").nth(1).innerText()).toContain("Key disabled");
    await page.getByRole("button", { name: /^Show the fix/u }).click();
    await page.getByText("Enable it.").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    const refreshed = page.waitForRequest(/versions\/\d.*\?expand=keys&refresh=true$/u);
    await page.getByRole("button", { name: "Refresh" }).click();
    await refreshed;
  });

  it("says when each key of a version expires, and of each set, exact on hover", async () => {
    const { page } = await world.open(VERSION, "reader");
    const keys = page.getByRole("region", { name: "Keys" });
    await keys.getByText("The first expires 3 Mar 2031").waitFor();
    await keys.getByText(/^All \d+ sets$/u).click();
    const row = keys.getByRole("row", { name: /^westus /u });
    await row.getByText("Expires 3 Mar 2031").waitFor();
    expect(await keys.locator("time").last().getAttribute("title")).toContain(
      "(2031-03-03 12:00:00.000 UTC)",
    );
    // Of the opened version: the summary has no set that works and was never stored.
    await goTo(page, KEYS);
    await page.getByText("Safe, expires 3 Mar 2031").waitFor();
    expect(await page.getByText("Safe, expires").count()).toBe(1);
    await page.getByText("Safe, no expiry").first().waitFor();
  });

  it("the overview says to an Admin which messages were rejected, and leads to them", async () => {
    const { page } = await world.open("", "admin", { colorScheme: "dark" });
    const attention = page.getByRole("region", { name: "Needs attention" });
    await attention.getByText(/^The oldest/u).waitFor();
    await page
      .getByText(/ · 3 galleries, 3 images, 1 version in 2 regions · Regions seen /u)
      .waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await attention.getByRole("link", { name: /A message was rejected$/u }).click();
    await page.getByRole("button", { name: "Send again" }).waitFor();
  });

  it("times are short, and exact on hover; the window's title says what is shown", async () => {
    const { page } = await world.open(VERSION, "reader");
    await page.getByRole("heading", { name: "Regions" }).waitFor();
    expect(await page.title()).toBe("MyImage 1.0.0 · Sigil");
    const time = page.locator(".head time").first();
    const utc = (await time.getAttribute("datetime")) ?? "";
    expect(await time.getAttribute("title")).toContain(
      `(${utc.replace("T", " ").replace("Z", "")} UTC)`,
    );
    expect(await time.innerText()).toMatch(/^(?:yesterday )?\d\d:\d\d$/u);
    // By a name, not by an id.
    expect(await page.locator("main").innerText()).not.toMatch(/by [0-9a-f]{8}-/u);
    await goTo(page, "nowhere");
    await page.getByRole("heading", { name: "no such page" }).waitFor();
    expect(await page.title()).toBe("No such page · Sigil");
  });

  it("a region that is ready has a whole bar, and sets that nobody has seen are one folded line", async () => {
    const { page } = await world.open(VERSION);
    const notSeen = Array.from({ length: 60 }, (_, index) => ({
      code: "NotLookedAtYet",
      message: "The set was not seen yet.",
      regions: ["westus"],
      diskEncryptionSetId: `/sets/set-${index}`,
    }));
    await keysAre(page, { state: "Unknown", problems: [], notSeen });
    await signIn(page, "reader");
    const line = page.getByText("60 sets not seen yet");
    await line.waitFor();
    expect(await page.getByText("The set was not seen yet.").isVisible()).toBe(false);
    const bars = page.getByRole("progressbar", { name: /^westus: 100 %$/u });
    expect(await bars.count()).toBe(1);
    expect(
      await page.evaluate(
        `((bar) => bar.firstElementChild.getBoundingClientRect().width / bar.getBoundingClientRect().width)(document.querySelector('[aria-label="westus: 100 %"]'))`,
      ),
    ).toBe(1);
    await line.click();
    await page.getByText("The set was not seen yet.").waitFor();
  });

  it("a version's sets are read when somebody opens it, and what it shows again by Refresh", async () => {
    const { page, requests } = await world.open(VERSION, "reader");
    await page.getByText(/^Safe, seen \d+ s ago$/u).waitFor();
    expect(requests.some((one) => one.endsWith("1.0.0?expand=keys"))).toBe(true);
    await page.getByText(/ · regions seen \d+ s ago, keys seen \d+ s ago/u).waitFor();
    const refreshed = page.waitForRequest("**/1.0.0?expand=keys&refresh=true");
    await page.getByRole("button", { name: "Refresh" }).click();
    await refreshed;
  });

  it("a wave that waits has its button, grey with the reason where the service would refuse it", async () => {
    const { page } = await world.open(VERSION);
    const problem = {
      code: "KeyDisabled",
      severity: "error",
      message: "The key is disabled.",
      remediation: "Enable it: az keyvault key set-attributes --enabled true",
      breaks: ["update"],
      diskEncryptionSetId: "/set",
      regions: ["westus"],
    };
    const since = "2026-01-01T00:00:00Z";
    const whatToDo = { verb: "", sentence: "", request: "" };
    const waits = { type: "NeedsAttention", reason: "WaitsForGo", message: "", whatToDo };
    let isBroken = true;
    await changed<{ properties: { publishingProfile: object }; sigil: object }>(
      page,
      "**/versions/1.0.0?*",
      (body) => ({
        ...body,
        properties: {
          ...body.properties,
          publishingProfile: { ...body.properties.publishingProfile, excludeFromLatest: true },
        },
        sigil: {
          ...body.sigil,
          rollout: { state: "Waiting", message: "", wave: 2, waitsForGo: true },
          keys: {
            state: isBroken ? "AtRisk" : "Safe",
            seenTime: since,
            problems: isBroken ? [problem] : [],
            notSeen: [],
          },
          conditions: [
            ...(isBroken ? [{ type: "KeyAtRisk", message: "", since, whatToDo }] : []),
            waits,
          ],
        },
      }),
    );
    await changed<object>(page, "**/forecast?of=promote", (body) => ({
      ...body,
      findings: isBroken ? [{ ...problem, pointer: "" }] : [],
    }));
    await page.route("**/test-results", (route) =>
      route.fulfill({
        json: {
          value: Array.from({ length: 10 }, (_, index) => ({
            name: `boot${index}`,
            region: "westus",
            result: "passed",
            time: since,
            reportedBy: { appId: "00000000-0000-0000-0000-00000f1e2d3c" },
          })),
        },
      }),
    );
    await signIn(page, "writer");
    await page.getByText("Not yet possible: The key is disabled.").waitFor();
    const promote = page.getByRole("button", { name: "Review and promote wave 2" });
    expect(await promote.getAttribute("aria-disabled")).toBe("true");
    await promote.dispatchEvent("click");
    expect(await page.getByRole("dialog").count()).toBe(0);
    // The command stands in sight, apart from its sentence.
    const state = page.getByRole("region", { name: "State" });
    await state
      .getByText("az keyvault key set-attributes --enabled true", { exact: true })
      .waitFor();
    // Who did what, and since when it is so; the rest if it is asked for.
    const history = page.getByRole("region", { name: "History" });
    await history.getByText("by application 0f1e2d3c").first().waitFor();
    expect(await history.getByRole("listitem").count()).toBe(10);
    await history.getByRole("button", { name: "All 12" }).click();
    await history.getByText("Key at risk in westus").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    isBroken = false;
    await page.getByRole("button", { name: "Refresh" }).first().click();
    await page.getByText("Not yet possible:").waitFor({ state: "detached" });
    await promote.click();
    await page.getByRole("dialog").waitFor();
  });

  it("what is disabled looks disabled, also where it would take something away", async () => {
    const { page } = await world.open(VERSION, "writer");
    await choose(page, "Delete…");
    const button = page.getByRole("button", { name: "Delete 1.0.0" });
    await page.getByText("This cannot be undone").waitFor();
    const colours = () =>
      page.evaluate<string>(
        `(({ backgroundColor, color }) => backgroundColor + color)(getComputedStyle([...document.querySelectorAll("dialog button")].find(({ textContent }) => textContent === "Delete 1.0.0")))`,
      );
    const disabled = await colours();
    expect(await button.isDisabled()).toBe(true);
    await page.getByRole("checkbox", { name: "Leave regions without a latest version" }).check();
    await page.getByRole("textbox", { name: /^Type 1\.0\.0/u }).fill("1.0.0");
    expect(await button.isEnabled()).toBe(true);
    expect(await colours()).not.toBe(disabled);
  });

  it("200 versions in 30 regions are a map that scrolls one way, and the keyboard goes through it", async () => {
    const { page } = await world.open(SEED_IMAGE, undefined, {
      viewport: { width: 1_280, height: 800 },
    });
    await summarized(
      page,
      Array.from({ length: 200 }, (_, index) =>
        versionIn(
          REGIONS.filter((name) => index !== 3 || name !== "uaenorth"),
          `1.${199 - index}.0`,
          { latest: index === 0 },
          (name) => (index === 1 && name === "westus" ? { state: "Failed" } : {}),
        ),
      ),
    );
    await signIn(page, "reader");
    const grid = page.getByRole("grid", { name: "200 versions in 30 regions" });
    await grid.waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(1_280);
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
    expect(await row("1.198.0").innerText()).toMatch(/29 of 30\s+Failed in westus/u);
    expect(await row("1.196.0").innerText()).toMatch(/29 of 29\s+Not in uaenorth/u);
    // One Tab stop; the arrows move, and the card says what is there.
    await grid.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("End");
    const card = page.getByRole("complementary", { name: "Details" });
    await card.getByText("1.198.0 in").waitFor();
    await card.getByText("southeastasia").waitFor();
    await page.keyboard.press("Control+End");
    await card.getByText("1.0.0 in").waitFor();
    expect(await page.getByRole("link", { name: "1.0.0", exact: true }).isVisible()).toBe(true);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "MyImage 1.0.0" }).waitFor();
  });

  it("Ctrl-K finds a version by its number, and in a region, and goes there", async () => {
    const { page } = await world.open("operations", "reader");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search" }).fill("1.0");
    const first = page.getByRole("option", { selected: true });
    await first.getByText(/^\S+ 1\.0\.0$/u).waitFor();
    await page.getByRole("combobox", { name: "Search" }).fill("1.0.0 westus");
    await page.getByRole("option", { name: /MyImage 1\.0\.0 in westus/u }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "MyImage 1.0.0" }).waitFor();
  });
});
