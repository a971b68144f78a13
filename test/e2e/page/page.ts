/** The page in a Chromium, against the local stack. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import type { HostProcess } from "@sigil-local/functions-host/process";
import type { ApiClient } from "../../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { Stack, type StackOptions } from "../../support/stack.js";
import { findChromium, startChromium } from "./browser.js";

export type Username = "reader" | "writer" | "admin" | "approver";

/** Everything that a page does which its readers never see, and should never happen. */
export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses that it asked for, whether answered or not. */
  readonly requests: string[];
  /** Errors of scripts, violations of the policy, and what the console has of either. */
  readonly complaints: string[];
}

/** Opens a path of the page, signed out, and waits until it asks to sign in: it draws itself after its scripts have loaded. */
export async function openPage(
  browser: Browser,
  address: string,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    locale: "en-US",
    timezoneId: "Europe/Berlin",
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(60_000); // as long as a test may take
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // An answer that is no success is an error in Chromium's console, also where the page expects it.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      complaints.push(message.text());
  });
  await page.goto(address);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  return { page, context, requests, complaints };
}

/** What the tests of a file share. */
export class World {
  stack!: Stack;
  host!: HostProcess;
  browser!: Browser;
  /** As a Writer. */
  api!: ApiClient;
  readonly opened: BrowserContext[] = [];

  async start(options: StackOptions = {}): Promise<void> {
    this.stack = await Stack.start(options);
    this.host = await this.stack.startHost();
    this.browser = await startChromium(findChromium() ?? "");
    this.api = await this.stack.client(this.host);
  }

  async close(): Promise<void> {
    await this.browser?.close();
    await this.stack?.close();
  }

  /** Opens a path below /api/ui/, and signs in. What is opened is closed as its test ends. */
  async open(
    path: string,
    username?: Username,
    options?: Parameters<typeof openPage>[2],
  ): Promise<OpenPage> {
    const opened = await openPage(this.browser, `${this.host.origin}/api/ui/${path}`, options);
    this.opened.push(opened.context);
    if (username !== undefined) await signIn(opened.page, username);
    return opened;
  }

  /** A version of the seed's image definition, until it has ended. */
  async make(number: string, more: object = {}): Promise<void> {
    const id = seedVersionId(number);
    await this.api.put(id, { ...managedImageRequest(), ...more });
    await this.stack.events.ended(id);
  }
}

/** A stack, a host and a browser for the tests of a file, and what `prepare` makes there. */
export function startWorld(
  prepare: (world: World) => Promise<void> = () => Promise.resolve(),
  options: StackOptions = {},
): World {
  const world = new World();
  beforeAll(async () => {
    await world.start(options);
    await prepare(world);
  });
  afterEach(async () => {
    for (const context of world.opened.splice(0)) {
      // An answer that is being changed while its page is closed is nobody's.
      for (const page of context.pages()) await page.unrouteAll({ behavior: "ignoreErrors" });
      await context.close();
    }
  });
  afterAll(() => world.close());
  return world;
}

/** Goes to a path below /api/ui/ without loading the page anew. */
export function goTo(page: Page, path: string): Promise<void> {
  return page.evaluate<void>(
    `history.pushState(undefined, "", "/api/ui/${path}"); dispatchEvent(new PopStateEvent("popstate"))`,
  );
}

/** An action of the menu: what would be refused is not there. */
export async function choose(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("button", { name, exact: true }).click();
}

/** That what was asked for was accepted, and what has become of it. */
export function accepted(page: Page): Locator {
  return page.getByRole("status").getByText(/: (?:accepted|done)/u);
}

/** What the API answers, changed on its way to the page. */
export function changed<Body extends object>(
  page: Page,
  address: string | RegExp,
  change: (body: Body) => object,
): Promise<unknown> {
  return page.route(address, async (route) => {
    const response = await route.fetch();
    await route.fulfill({
      response,
      ...(response.status() === 200 && {
        json: change((await response.json()) as Body),
      }),
    });
  });
}

/** The summary of an image definition that has these versions. */
export function summarized(
  page: Page,
  versions: readonly object[],
  more: object = {},
): Promise<unknown> {
  return page.route("**/summary", (route) =>
    route.fulfill({
      headers: { ETag: '"1"' },
      json: {
        time: "2026-01-01T00:00:00Z",
        complete: true,
        diskEncryptionSets: [],
        ...more,
        versions,
      },
    }),
  );
}

/** A version of a summary, ready in each region. */
export function versionIn(
  regions: readonly string[],
  name: string,
  { latest = false, ...more }: Readonly<Record<string, unknown>> = {},
  ofRegion: (region: string) => object = () => ({}),
) {
  return {
    name,
    managedBy: "Sigil",
    provisioningState: "Succeeded",
    state: "Succeeded",
    latest,
    excludeFromLatest: false,
    regions: regions.map((region) => ({
      name: region,
      state: "Completed",
      progress: 100,
      latest,
      excludeFromLatest: false,
      encryptionType: "EncryptionAtRestWithPlatformKey",
      diskEncryptionSets: [],
      ...ofRegion(region),
    })),
    ...more,
  };
}

/** Those of every geography. */
export const REGIONS =
  "brazilsouth canadacentral centralus eastus eastus2 mexicocentral southcentralus westus westus3 francecentral germanywestcentral italynorth northeurope norwayeast polandcentral swedencentral switzerlandnorth uksouth westeurope israelcentral qatarcentral southafricanorth uaenorth australiaeast centralindia eastasia japaneast japanwest koreacentral southeastasia".split(
    " ",
  );

/** Markup where a name is expected. */
export const HOSTILE = `<img src=x onerror="document.title='taken over'">`;

/** To what is called so, as Tab comes by it. Of a date, parts that no selector finds have the focus. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let steps = 0; steps < 80; steps += 1) {
    await page.keyboard.press("Tab");
    const label = await page.evaluate<string>(
      "(({ labels, textContent, ariaLabel }) => ariaLabel ?? labels?.[0]?.textContent ?? textContent)(document.activeElement)",
    );
    if (name.test(label)) return;
  }
  throw new Error(`${String(name)} is not reached by the keyboard.`);
}

/** Signs in by the local issuer; the page is then where it was. */
export async function signIn(page: Page, username: Username): Promise<void> {
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator(`a[href*="login_hint=${username}"]`).click();
  await page.getByRole("button", { name: /, (?:Read|Write|Admin|Approve|no role)$/u }).waitFor();
}

/** Below /api/ui/: the seed's image definition. */
export const SEED_IMAGE = `images/${LOCAL_SUBSCRIPTION_ID}/MyResourceGroup/MyGallery/MyImage`;

/** What axe finds wrong, each with where. The policy of the page forbids scripts of others: this one comes by the debugger. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(
    `if (!window.axe) { ${await readFile(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8")} }`,
  );
  return page.evaluate<readonly string[]>(
    `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ": " + target.join(" ") + ": " + failureSummary)))`,
  );
}
