// Makes pictures of every view of the page, light and dark, wide and narrow, from a running demo: dist/pictures/. Those that
// the documents show are copied to docs/pictures/. It takes a Chromium (Debian: apt install chromium), or SIGIL_CHROMIUM.
import { spawn } from "node:child_process";
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findChromium, startChromium } from "../test/e2e/page/browser.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUT = path.join(ROOT, "dist/pictures");
const SUBSCRIPTION = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const IMAGE = `images/${SUBSCRIPTION}/MyResourceGroup/MyGallery/MyImage`;
const VIEWS = {
  overview: "",
  gallery: IMAGE.replace(/^images(.*)\/.*$/u, "galleries$1"),
  image: IMAGE,
  version: `${IMAGE}/versions/1.0.1`,
  create: `${IMAGE}/create`,
  retention: `${IMAGE}/retention`,
  operations: "operations",
  keys: `keys/${SUBSCRIPTION}`,
  rejected: "rejected",
};
const VARIANTS = [
  { name: "light-wide", colorScheme: "light", width: 1280, height: 760 },
  { name: "dark-wide", colorScheme: "dark", width: 1280, height: 760 },
  { name: "light-narrow", colorScheme: "light", width: 390, height: 760 },
  { name: "dark-narrow", colorScheme: "dark", width: 390, height: 760 },
];
const SHOWN = ["image-light-wide", "version-light-wide", "keys-dark-wide"];

const demo = spawn(
  process.execPath,
  [path.join(ROOT, "packages/local-stack/dist/demo/main.js"), "--open"],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const browser = await startChromium(findChromium() ?? "/usr/bin/chromium");
try {
  const address = await addressOf(demo);
  await mkdir(OUT, { recursive: true });
  for (const { name, colorScheme, width, height } of VARIANTS) {
    const context = await browser.newContext({
      colorScheme,
      viewport: { width, height },
      timezoneId: "UTC",
    });
    const page = await context.newPage();
    await page.goto(address);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator('a[href*="login_hint=admin"]').click();
    await page.getByRole("button", { name: /, Admin$/u }).waitFor();
    for (const [view, route] of Object.entries(VIEWS)) {
      await page.evaluate(
        `history.pushState(undefined, "", "/api/ui/${route}"); dispatchEvent(new PopStateEvent("popstate"))`,
      );
      // The heading of a view that is loaded when it is opened, or the age of what was read.
      await (
        view === "create"
          ? page.getByRole("heading", { level: 1, name: /MyImage/u })
          : page.getByRole("button", { name: /^(?:Live|Read again)$/u }).first()
      ).waitFor();
      await page.waitForTimeout(500); // Requests that others lead to.
      await page.screenshot({ path: path.join(OUT, `${view}-${name}.png`) });
    }
    await context.close();
  }
  for (const name of SHOWN)
    await copyFile(path.join(OUT, `${name}.png`), path.join(ROOT, `docs/pictures/${name}.png`));
  console.log(`Pictures are in ${OUT}.`);
} finally {
  await browser.close();
  demo.kill("SIGINT");
}

/** Where the demo says that the page is. */
async function addressOf({ stdout }) {
  for await (const line of createInterface({ input: stdout })) {
    const [address] = /https?:\S+\/api\/ui\//u.exec(line) ?? [];
    if (address !== undefined) {
      stdout.resume();
      return address;
    }
  }
  throw new Error("The demo has ended without an address of the page.");
}
