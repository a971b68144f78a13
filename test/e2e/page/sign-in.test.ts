import { describe, expect, it, onTestFinished } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { findChromium } from "./browser.js";
import { SEED_IMAGE, signIn, startWorld } from "./page.js";

const chromium = findChromium();

/** As a browser does that forbids site data. */
const KEEPS_NOTHING = `for (const name of ["sessionStorage", "localStorage"])
  Object.defineProperty(window, name, {
    get() {
      throw new DOMException(name + " is forbidden.", "SecurityError");
    },
  });`;

describe("signing in to the page", needs("chromium", chromium), () => {
  const world = startWorld();

  it("shows a version of an image definition whose address one has opened, and keeps no token", async () => {
    const id = seedVersionId("1.0.0");
    expect((await world.api.put(id, managedImageRequest())).status).toBe(202);
    await world.stack.events.ended(id);

    const { page, context, complaints, requests } = await world.open(SEED_IMAGE, "writer");
    expect(new URL(page.url()).pathname).toBe(`/api/ui/${SEED_IMAGE}`);
    expect(new URL(page.url()).search).toBe("");
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    await page.getByRole("button", { name: "Writer, Write" }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
    expect(kept).not.toContain("eyJ");
    expect(kept).toContain("writer@localhost");
    expect(await context.cookies()).toEqual([]);
    const issuer = new URL(world.stack.services.tokenIssuer?.browserAuthority ?? "");
    expect([...new Set(requests.map((each) => new URL(each).origin))].sort()).toEqual(
      [world.host.origin, issuer.origin].sort(),
    );
    expect(complaints).toEqual([]);

    // A reload loses the tokens, not the person.
    await page.reload();
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    // Nor does it stand in the way of who goes back.
    await page.goto(`${world.host.origin}/api/ui/operations`);
    await page.getByRole("heading", { name: "Operations" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "MyImage" }).waitFor();
  });

  it("needs no room in sessionStorage, and says what it needs where the browser keeps nothing", async () => {
    const { page, complaints } = await world.open(SEED_IMAGE);
    await page.evaluate(() => {
      for (let size = 2 ** 22; size >= 1; size /= 2)
        try {
          for (let n = 0; ; n += 1) sessionStorage.setItem(`${size}.${n}`, "x".repeat(size));
        } catch {
          // Full, but for half as much.
        }
    });
    await signIn(page, "writer");
    expect(new URL(page.url()).pathname).toBe(`/api/ui/${SEED_IMAGE}`);
    expect(await page.evaluate(() => localStorage.getItem("sigil.sign-in"))).toBeNull();
    expect(complaints).toEqual([]);

    const forbidden = await world.browser.newContext();
    await forbidden.addInitScript(KEEPS_NOTHING);
    const other = await forbidden.newPage();
    await other.goto(`${world.host.origin}/api/ui/`);
    await other.getByRole("button", { name: "Sign in" }).click();
    await other.getByText("Allow site data for").waitFor();
    await forbidden.close();
  });

  it("what is offered follows a role that changes, and a form that nothing can be kept of goes on", async () => {
    const issuer = world.stack.services.tokenIssuer;
    issuer?.setSignInLifetime(30, true); // Each call renews it.
    onTestFinished(() => {
      issuer?.setSignInLifetime(3_600, true);
      issuer?.setRoles("writer", ["ImageVersions.Write"]);
    });
    const { page, complaints } = await world.open(SEED_IMAGE, "writer");
    await page.evaluate(KEEPS_NOTHING);
    await page.getByRole("link", { name: "New version" }).click();
    await page.getByLabel("Version", { exact: true }).fill("7.7.7");
    await page.locator(".plan-status", { hasText: "Checked" }).waitFor();
    await page.goBack();
    await page.getByRole("link", { name: "New version" }).waitFor();

    issuer?.setRoles("writer", ["ImageVersions.Read"]);
    await page.getByRole("button", { name: /^(?:Live|Of )/u }).click();
    await page.getByRole("link", { name: "New version" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: /Writer, Read$/u }).waitFor();
    issuer?.setRoles("writer", ["ImageVersions.Admin"]);
    await page.getByRole("button", { name: /^(?:Live|Of )/u }).click();
    await page.getByRole("link", { name: "New version" }).waitFor();
    await page.getByRole("button", { name: /Writer, Admin$/u }).waitFor();
    expect(complaints).toEqual([]);
  });

  it("who signs out leaves neither a draft nor a name, and stays signed out while a token is being renewed", async () => {
    const issuer = world.stack.services.tokenIssuer;
    const { page } = await world.open(`${SEED_IMAGE}/create`);
    issuer?.setSignInLifetime(30, true);
    onTestFinished(() => issuer?.setSignInLifetime(3_600, true));
    await signIn(page, "writer");
    await page.getByLabel("Version", { exact: true }).fill("7.7.7");
    await expect
      .poll(() => page.evaluate(() => Object.keys(sessionStorage).join()))
      .toContain("sigil.draft/");
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    let hold = (): void => undefined;
    const renewal = new Promise<void>((resolve) => (hold = resolve));
    await page.route("**/token", async (route) => {
      hold();
      await held;
      await route.continue();
    });
    await page.getByLabel("Add regions").fill("westus");
    await page.getByLabel("Add regions").press("Enter");
    await renewal;
    await page.getByRole("button", { name: /, (?:Read|Write|Admin)$/u }).click();
    const atIssuer = page.waitForRequest("**/logout?**");
    await page.getByRole("button", { name: "Sign out" }).click();
    const { searchParams } = new URL((await atIssuer).url());
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: expect.any(String) as string,
      post_logout_redirect_uri: `${world.host.origin}/api/ui/`,
      logout_hint: "writer@localhost",
    });
    answer();
    await page.waitForURL("**/api/ui/");
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
  });

  it("who signs out while the issuer is away is told that the sign-in there goes on", async () => {
    const { page } = await world.open(SEED_IMAGE, "reader");
    await page.route("**/.well-known/openid-configuration", (route) => route.abort());
    await page.getByRole("button", { name: /, Read$/u }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out here, but not at").waitFor();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
  });

  it("who signs in as somebody else in the same tab finds no draft of the person before", async () => {
    const { page } = await world.open(`${SEED_IMAGE}/create`, "writer");
    await page.getByLabel("Version", { exact: true }).fill("7.7.7");
    await expect
      .poll(() => page.evaluate(() => Object.keys(sessionStorage).join()))
      .toContain("sigil.draft/");
    // The issuer's page, after the sign-in has ended, where another account is chosen.
    await page.route("**/authorize?*", (route) =>
      route.continue({
        url: route
          .request()
          .url()
          .replace(/login_hint=writer[^&]*/u, "login_hint=admin"),
      }),
    );
    await page.reload();
    await page.getByRole("button", { name: /, Admin$/u }).waitFor();
    const version = page.getByLabel("Version", { exact: true });
    await version.waitFor();
    expect(await version.inputValue()).toBe("");
    expect(await page.getByText("This is your draft").count()).toBe(0);
  });

  it("an issuer that takes the connection and never answers keeps nobody from reading while the token is good", async () => {
    const issuer = world.stack.services.tokenIssuer;
    issuer?.setSignInLifetime(59, true);
    onTestFinished(() => issuer?.setSignInLifetime(3_600, true));
    const { page } = await world.open(SEED_IMAGE);
    await page.route("**/token", (route) =>
      route.request().postData()?.includes("refresh_token") === true ? undefined : route.continue(),
    );
    const renewal = page.waitForRequest(
      (request) => request.postData()?.includes("refresh_token") === true,
    );
    await signIn(page, "reader");
    await renewal;
    await page.getByRole("button", { name: "Live" }).waitFor();
  });

  it("a page that cannot be started says so", async () => {
    const context = await world.browser.newContext();
    const page = await context.newPage();
    await page.route("**/config.json", (route) => route.fulfill({ status: 503 }));
    await page.goto(`${world.host.origin}/api/ui/`);
    await page.getByText("The page could not be started.").waitFor();
  });

  it("an answer of another attempt is not taken", async () => {
    const { page } = await world.open("?code=stolen&state=other");
    await page.getByText("Sign-in failed.").waitFor();
    expect(page.url()).toBe(`${world.host.origin}/api/ui/`);
  });
});
