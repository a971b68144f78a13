/** The page in a Chromium, against the local stack. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";

export type Username = "reader" | "writer" | "admin";

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
    if (
      message.type() === "error" &&
      !message.text().startsWith("Failed to load resource")
    )
      complaints.push(message.text());
  });
  await page.goto(address);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  return { page, context, requests, complaints };
}

/** Signs in by the local issuer; the page is then where it was. */
export async function signIn(page: Page, username: Username): Promise<void> {
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator(`a[href*="login_hint=${username}"]`).click();
  await page
    .getByRole("button", { name: /, (?:Read|Write|Admin|no role)$/u })
    .waitFor();
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
