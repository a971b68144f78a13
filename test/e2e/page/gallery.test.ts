import { describe, expect, it } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { findChromium } from "./browser.js";
import { openPage, SEED_IMAGE, signIn, startWorld, summarized, versionIn } from "./page.js";

const chromium = findChromium();

describe("the view of an image definition", needs("chromium", chromium), () => {
  const world = startWorld((made) => made.make("1.0.0"));

  it("shows a version in each region, and a new one without being reloaded", async () => {
    const { page, complaints } = await world.open(SEED_IMAGE);
    await page.route("**/summary", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), "retry-after": "1" } });
    });
    await signIn(page, "reader");
    const row = page.getByRole("row", { name: /^1\.0\.0/u });
    await expect
      .poll(() => row.innerText())
      .toMatch(
        /Latest in (?:eastus2, westus|westus, eastus2)[\s\S]*Succeeded[\s\S]*Ready, latest[\s\S]*1 × [\s\S]*EastUS2DiskEncryptionSet1/u,
      );
    expect(await page.getByRole("link", { name: "New version" }).count()).toBe(0);

    await world.api.put(seedVersionId("1.0.1"), managedImageRequest());
    await page.getByRole("link", { name: "1.0.1" }).waitFor();

    // Filters are in the address: it can be sent to somebody.
    await page.getByLabel("Version or key").fill("1.0.1");
    await page.getByText("1 of 2 versions").waitFor();
    expect(new URL(page.url()).search).toBe("?q=1.0.1");
    await page.getByLabel("Version or key").fill("westusdisk");
    await page.getByText("2 versions").waitFor();
    expect(complaints).toEqual([]);
  });

  it("on a wall, the names of two keys are whole", async () => {
    const { page } = await world.open(SEED_IMAGE, "reader", {
      viewport: { width: 2_560, height: 1_440 },
    });
    await page.getByTitle("WestUSDiskEncryptionSet1, WestUSDiskEncryptionSet2").first().waitFor();
    expect(
      await page.evaluate(
        `[...document.querySelectorAll("td small")].filter((each) => each.scrollWidth > each.clientWidth).length`,
      ),
    ).toBe(0);
  });

  it("a region that Sigil still waits for is not said to be ready, also where Azure gives its version as the latest", async () => {
    const { page } = await world.open(SEED_IMAGE);
    const waits = () => ({ state: "Unknown", progress: 0 });
    await summarized(page, [
      versionIn(["westus"], "2.0.0", { latest: true, state: "Replicating" }, waits),
      versionIn(
        ["westus"],
        "1.0.0",
        { latest: true, managedBy: "Others", state: undefined },
        waits,
      ),
    ]);
    await signIn(page, "reader");
    const row = (name: RegExp) => page.getByRole("row", { name }).innerText();
    await page.getByText("2 versions").waitFor();
    expect(await row(/^2\.0\.0/u)).toMatch(/Waiting/u);
    expect(await row(/^1\.0\.0/u)).toMatch(/Not seen yet, latest/u);
  });

  it("a gallery shows all its image definitions, has an address, and is found again", async () => {
    const gallery = seedVersionId("1.0.0").replace(/\/images\/.*/u, "");
    const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
    const definition = of.imageDefinition("MyGallery", "Old", "westus");
    await world.stack.simulator.putResource({
      ...definition,
      properties: {
        ...definition.properties,
        description: "<img src=x onerror=alert(1)>",
        endOfLifeDate: "2020-01-01T00:00:00+00:00",
      },
    });
    const { page, complaints } = await world.open("", "reader");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search" }).fill(gallery);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "MyGallery" }).waitFor();
    expect(new URL(page.url()).pathname).toBe(
      `/api/ui/galleries/${LOCAL_SUBSCRIPTION_ID}/MyResourceGroup/MyGallery`,
    );
    await page.getByText("2 definitions").waitFor();
    const old = await page.getByRole("row", { name: /^Old/u }).innerText();
    expect(old).toContain("<img src=x onerror=alert(1)>");
    expect(old).toMatch(/Linux\s+Generalized\s+V2\s+x64\s+Standard/u);
    expect(old).toMatch(/past$/u);
    await page.getByLabel("Name or description").fill("myimage");
    await page.getByText("1 of 2 definitions").waitFor();
    await page.reload();
    await page.getByText("1 of 2 definitions").waitFor();
    await page.getByRole("link", { name: "MyImage" }).click();
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    await page
      .getByRole("navigation", { name: "Place" })
      .getByRole("link", { name: "MyGallery" })
      .click();
    await page.getByText("2 definitions").waitFor();
    await page.goBack();
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    await page.goBack();
    await page.getByText("1 of 2 definitions").waitFor();

    await page.getByRole("link", { name: "Overview", exact: true }).first().click();
    const table = page.getByRole("table", { name: "Image definitions" });
    // Also a definition that nobody has worked on, with what is to be said of it.
    await table.getByRole("link", { name: "Old" }).waitFor();
    expect(await table.getByRole("row", { name: /^MyImage 1\.0/u }).innerText()).toMatch(
      /1\.0\.\d[\s\S]*ago[\s\S]*2 of 2[\s\S]*Nothing to do/u,
    );
    await page.getByText(/^Listed by Azure .* ago/u).waitFor();
    await world.stack.simulator.putResource(of.imageDefinition("MyGallery", "Newest", "westus"));
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search" }).fill("MyGallery/Old");
    await page.getByRole("option", { name: /^Old/u }).waitFor();
    await page.keyboard.press("Escape");
    await table.getByRole("link", { name: "MyGallery" }).click();
    await page.getByText("2 definitions").waitFor();
    // The list is the service's, kept for an hour: who asks for it anew gets what there is.
    await page.getByRole("button", { name: "Read again" }).click();
    await page.getByRole("row", { name: /^Newest/u }).waitFor();
    expect(complaints).toEqual([]);

    await page.goto(
      `${world.host.origin}/api/ui/galleries/${LOCAL_SUBSCRIPTION_ID}/MyResourceGroup/None`,
    );
    await page.getByText(/Azure has no gallery .*None\./u).waitFor();
  });

  it("ten thousand versions are one answer, and at most 300 rows of them are made", async () => {
    const { page } = await world.open("", undefined, {
      viewport: { width: 1_600, height: 2_000 },
    });
    const regions = ["eastus2", "westus", "northeurope"];
    const key = {
      encryptionType: "EncryptionAtRestWithCustomerKey",
      diskEncryptionSets: [0],
      regionalReplicaCount: 1,
      storageAccountType: "Standard_LRS",
    };
    await summarized(
      page,
      Array.from({ length: 10_000 }, (_, index) =>
        versionIn(regions, `1.0.${9_999 - index}`, { latest: index === 0 }, () => key),
      ),
      { diskEncryptionSets: ["/subscriptions/x/diskEncryptionSets/one"] },
    );
    await signIn(page, "reader");
    await page.keyboard.press("Control+k");
    await page
      .getByRole("combobox", { name: "Search" })
      .fill(seedVersionId("1.0.0").replace(/\/versions.*/u, ""));
    await page.keyboard.press("Enter");
    await page.getByText("10000 versions").waitFor();
    const rows = page.locator("tbody tr");
    const most = async (): Promise<void> => expect(await rows.count()).toBeLessThanOrEqual(300);
    await most();
    const table = page.getByRole("region", { name: /^Versions of/u });
    await table.focus();
    await page.keyboard.press("End");
    await page.getByRole("link", { name: "1.0.0", exact: true }).waitFor();
    await most();
    // By the keyboard alone, to the top again.
    await page.keyboard.press("Home");
    await page.getByRole("link", { name: "1.0.9999", exact: true }).waitFor();
    await most();
  });

  it("an API that goes away is said, what is shown stays, and goes on when it comes back; one that refuses the token asks to sign in", async () => {
    const own = await world.stack.startHost();
    const port = Number(new URL(own.origin).port);
    const { page, context } = await openPage(world.browser, `${own.origin}/api/ui/${SEED_IMAGE}`);
    world.opened.push(context);
    await signIn(page, "reader");
    await page.getByRole("link", { name: "1.0.0" }).waitFor();

    await own.kill();
    await page.getByRole("button", { name: /^(?:Live|Of )/u }).click();
    await page.getByText("The API does not answer.").waitFor();
    await page.getByRole("link", { name: "1.0.0" }).waitFor();

    const again = await world.stack.startHost(undefined, {}, undefined, port);
    await page.getByText("The API does not answer.").waitFor({ state: "detached" });
    await page.getByRole("link", { name: "1.0.0" }).waitFor();

    await again.kill();
    await world.stack.startHost(
      undefined,
      { SIGIL_TOKEN_AUDIENCE: "api://other" },
      undefined,
      port,
    );
    await page.getByText("The sign-in has ended.").waitFor();
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
  });

  it("an API that never answers, or says when to ask again, is said; what is shown stays", async () => {
    const { page } = await world.open(SEED_IMAGE, "reader");
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    const askedAtMs: number[] = [];
    await page.route("**/summary", (route) => {
      askedAtMs.push(Date.now());
      return route.fulfill({
        status: 429,
        headers: { "Retry-After": "6" },
        json: {
          title: "Too many requests",
          detail: "Not so often.",
          status: 429,
          code: "TooManyRequests",
        },
      });
    });
    await page.getByRole("button", { name: /^(?:Live|Of )/u }).click();
    await page.getByText("The API answered 429.").waitFor();
    await page.getByText("Not so often.").waitFor();
    expect(await page.getByText("does not answer").count()).toBe(0);
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    await expect.poll(() => askedAtMs.length).toBe(2);
    expect((askedAtMs[1] ?? 0) - (askedAtMs[0] ?? 0)).toBeGreaterThan(5_900);

    await page.unroute("**/summary");
    await page.route("**/summary", () => undefined);
    await page.getByRole("button", { name: /^(?:Live|Of )/u }).click();
    await page.getByText("The API does not answer.").waitFor();
    await page.getByText("has not answered in 20 s.").waitFor();
    await page.getByText("What is shown is from").waitFor();
    await page.getByRole("button", { name: /^Of .* ago$/u }).waitFor();
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    await page.unroute("**/summary");
    await page.getByRole("button", { name: /^(?:Live|Of )/u }).click();
    await page.getByText("The API does not answer.").waitFor({ state: "detached" });
  });

  it("a form stays when the sign-in ends, and so does what is for an Admin", async () => {
    const { page } = await world.open(`${SEED_IMAGE}/create`);
    world.stack.services.tokenIssuer?.setSignInLifetime(3_600, false);
    await signIn(page, "admin");
    await page.getByLabel("Version", { exact: true }).fill("7.7.7");
    await page.route("**/api/subscriptions/**", (route) =>
      route.fulfill({ status: 401, json: { status: 401 } }),
    );
    await page.getByLabel("Add regions", { exact: true }).fill("westus");
    await page.keyboard.press("Enter");
    await page.getByText("The sign-in has ended.").waitFor();
    expect(await page.getByLabel("Version", { exact: true }).inputValue()).toBe("7.7.7");
    expect(await page.getByText("You may not").count()).toBe(0);
    world.stack.services.tokenIssuer?.setSignInLifetime(3_600, true);
  });

  it("a token is renewed before it ends, without a person", async () => {
    world.stack.services.tokenIssuer?.setSignInLifetime(30, true);
    const { page, requests } = await world.open(SEED_IMAGE, "reader");
    await page.getByRole("link", { name: "1.0.0" }).waitFor();
    expect(requests.filter((address) => address.endsWith("/token")).length).toBeGreaterThan(1);
    world.stack.services.tokenIssuer?.setSignInLifetime(3_600, true);
  });
});
