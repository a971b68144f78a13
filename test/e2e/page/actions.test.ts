import { describe, expect, it } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { pathOf } from "../../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { findChromium } from "./browser.js";
import {
  accepted,
  axeFindings,
  changed,
  choose,
  goTo,
  HOSTILE,
  SEED_IMAGE,
  signIn,
  startWorld,
  type World,
} from "./page.js";

const chromium = findChromium();

const SETTINGS = {
  SIGIL_TEST_MACHINES: "true",
  SIGIL_TEST_MACHINE_PRICES: '{"currency":"EUR","hour":{"westus/Standard_D2s_v5":0.1}}',
};

async function prepare(world: World): Promise<void> {
  await world.make("1.0.0");
  await world.make("1.1.0", {
    tags: { [HOSTILE.replace(/[<>]/gu, "")]: HOSTILE },
  });
  await world.stack.send("image-version-requests", {
    body: {
      specversion: "1.0",
      id: HOSTILE,
      source: "urn:test",
      type: "test",
      subject: seedVersionId("9.0.0"),
      data: { location: HOSTILE, properties: {} },
    },
  });
}

describe("what may be done in the page", needs("chromium", chromium), () => {
  const world = startWorld(prepare, { settings: SETTINGS });

  it("a writer sees what a rollback changes in each region, and then rolls back", async () => {
    const { page, complaints } = await world.open(SEED_IMAGE, "writer");
    await choose(page, "Roll back…");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("From 1.1.0 to 1.0.0.").waitFor();
    expect(await dialog.getByRole("row", { name: "westus 1.1.0 → 1.0.0" }).count()).toBe(1);
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await page
      .getByRole("row", {
        name: /^1\.0\.0 Latest in (?:eastus2, westus|westus, eastus2)/u,
      })
      .waitFor();
    await page.getByRole("row", { name: /^1\.1\.0 Excluded from latest/u }).waitFor();
    // The operation's own view says what came of it.
    await page.getByRole("link", { name: "Roll back" }).click();
    await page.getByText("From 1.1.0 to 1.0.0.").waitFor();
    await page.getByText("Succeeded").first().waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "MyImage" }).waitFor();
    expect(complaints).toEqual([]);
  });

  it("a promotion says which version the latest becomes, before it is asked for", async () => {
    const { page } = await world.open(`${SEED_IMAGE}/versions/1.1.0`, "writer");
    await choose(page, "Promote…");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("row", { name: "westus 1.0.0 → 1.1.0" }).waitFor();
    await dialog.getByText("and is then the latest in 2 of 2.").waitFor();
    // By the keyboard: Escape leaves everything as it is, and the focus is where it was.
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe(
      "More actions",
    );
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Promote" }).click();
    await accepted(page).waitFor();
    await page.getByText("Ready everywhere, latest in all 2").waitFor();
  });

  it("who reads a dialog sees what others change meanwhile, and does nothing to what was not seen", async () => {
    await world.make("3.0.0");
    const { page } = await world.open(`${SEED_IMAGE}/versions/3.0.0`, "writer");
    await choose(page, "Delete…");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("row", { name: "westus 3.0.0 → 1.1.0" }).waitFor();
    await world.api.request("POST", `${pathOf(seedVersionId("3.0.0"))}/demote?allowNoLatest=true`);
    await dialog.getByText("The latest stays the same in every region.").waitFor();
    await dialog.getByRole("textbox").fill("3.0.0");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("alert").getByText("changed").waitFor();
    await page.keyboard.press("Escape");
    await world.api.request("DELETE", pathOf(seedVersionId("3.0.0")));
    await world.stack.events.ended(seedVersionId("3.0.0"));
  });

  it("a version's own view offers to roll back to it", async () => {
    const { page } = await world.open(`${SEED_IMAGE}/versions/1.0.0`, "writer");
    await choose(page, "Roll back to this version…");
    await page.getByRole("dialog").getByText("From 1.1.0 to 1.0.0.").waitFor();
  });

  it("a test is not offered where the image definition has no profile for it", async () => {
    const { page } = await world.open(`${SEED_IMAGE}/versions/1.0.0`, "writer");
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("button", { name: "Delete…" }).waitFor();
    expect(await page.getByRole("button", { name: "Test…", exact: true }).count()).toBe(0);
    expect(await axeFindings(page)).toEqual([]);
  });

  it("the overview has a wave that waits for a person, and the version the next one; each is promoted there: what is foretold comes", async () => {
    const image = seedVersionId("4.0.0");
    await world.api.put(image, {
      ...managedImageRequest(),
      sigil: {
        promotion: {
          when: "waves",
          waves: [
            { regions: ["westus"], after: "manual" },
            { regions: ["eastus2"], after: "manual" },
          ],
        },
      },
    });
    await world.stack.events.ended(image);
    // The overview has read no version for that.
    const { page, requests } = await world.open("", "writer");
    const attention = page.getByRole("region", { name: "Needs attention" });
    const waits = "MyImage 4.0.0 waits for a person";
    await attention.getByText(waits).first().waitFor();
    expect(requests.filter((one) => one.includes("/versions/"))).toEqual([]);
    await attention.getByRole("link", { name: `Promote wave 1 ${waits}` }).click();
    for (const [wave, region, other] of [
      [1, "westus", "eastus2"],
      [2, "eastus2", "westus"],
    ] as const) {
      await page.getByRole("heading", { name: `Wave ${wave} waits for a person` }).waitFor();
      await page.getByRole("button", { name: `Review and promote wave ${wave}` }).click();
      const dialog = page.getByRole("dialog");
      await dialog
        .getByRole("row", {
          name: new RegExp(`^${region} \\S+ → 4\\.0\\.0`, "u"),
        })
        .waitFor();
      await dialog.getByText("1 other region").waitFor();
      expect(await dialog.getByRole("row", { name: new RegExp(`^${other}`, "u") }).count()).toBe(0);
      expect(await axeFindings(page)).toEqual([]);
      await dialog.getByRole("button", { name: `Promote wave ${wave}` }).click();
      await page.getByText(wave === 1 ? "in 1 of 2 regions" : "in 2 of 2 regions").waitFor();
    }
    // Not simply latest, where it is so in one region of two.
    await world.api.request("DELETE", `${pathOf(image)}?allowNoLatest=true`);
    await world.stack.events.ended(image);
  });

  it("a test that was asked for shows in the version's operations at once, and what it has proven", async () => {
    const { page } = await world.open(`${SEED_IMAGE}/versions/1.0.0`);
    const tests = [
      {
        name: "westus",
        state: "Gone",
        result: "passed",
        attempts: 1,
        attemptsAllowed: 3,
        machineSize: "Standard_D2s_v5",
        provenTime: "2026-01-01T00:00:00Z",
      },
    ];
    const operation = {
      id: `${"0".repeat(32)}-1`,
      kind: "TestImageVersion",
      status: "Succeeded",
      resourceId: seedVersionId("1.0.0"),
      createdTime: "2026-01-01T00:00:00Z",
      percentComplete: 100,
      regions: [],
      history: [],
      tests,
    };
    let asked = false;
    await page.route("**/test-profile", (route) => route.fulfill({ json: {} }));
    await page.route("**/versions/1.0.0/test/plan", (route) =>
      route.fulfill({
        json: {
          attempts: 3,
          regions: [
            {
              name: "westus",
              machineSize: "Standard_D2s_v5",
              resourceGroupName: "ImageTests",
              subnetId: "/subnet",
              disks: [{}],
              atMostMinutes: 60,
              cost: { message: "Unknown." },
            },
          ],
        },
      }),
    );
    await page.route("**/versions/1.0.0/test", (route) => {
      asked = true;
      return route.fulfill({ status: 202, json: operation });
    });
    await page.route("**/operations?*", (route) =>
      asked ? route.fulfill({ json: { value: [operation] } }) : route.continue(),
    );
    await signIn(page, "writer");
    await page.getByRole("link", { name: "Create: done" }).waitFor();
    await choose(page, "Test…");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("westus: Standard_D2s_v5 in ImageTests").waitFor();
    await dialog.getByRole("button", { name: "Test" }).click();
    await accepted(page).waitFor();
    await page.getByText("Started and proven").waitFor();
  });

  it("a test says what would be made in each region, and what that costs", async () => {
    const machines = resourcesIn(LOCAL_SUBSCRIPTION_ID, "ImageTests");
    await world.stack.simulator.putResource(machines.group("westus"));
    const regions = ["westus", "eastus2"].map((name) => ({
      name,
      network: machines.virtualNetwork(`tests-${name}`, name, ["machines"]),
    }));
    for (const { network } of regions) await world.stack.simulator.putResource(network);
    const admin = await world.stack.client(world.host, ["ImageVersions.Admin"]);
    const image = pathOf(seedVersionId("1.0.0")).replace(/\/versions\/.*$/u, "");
    const { status } = await admin.request("PUT", `${image}/test-profile`, {
      body: {
        machineSize: "Standard_D2s_v5",
        resourceGroupName: "ImageTests",
        regions: regions.map(({ name, network }) => ({
          name,
          subnetId: `${network.id}/subnets/machines`,
        })),
        proof: { kind: "agentReady" },
      },
    });
    expect(status).toBe(200);
    const { page } = await world.open(`${SEED_IMAGE}/versions/1.0.0`, "writer");
    await choose(page, "Test…");
    const dialog = page.getByRole("dialog");
    await dialog
      .getByText(
        "westus: Standard_D2s_v5 in ImageTests, with 2 disks, deleted after at most 60 minutes. Cost: At most 0.30 EUR",
      )
      .waitFor();
    await dialog.getByText("Cost: Unknown: SIGIL_TEST_MACHINE_PRICES").waitFor();
    expect(await axeFindings(page)).toEqual([]);
  });

  it("a cancel says what becomes of what has begun, by the kind of the operation", async () => {
    const { page } = await world.open(`operations/${"0".repeat(32)}-1`);
    let kind = "TestImageVersion";
    let status = "Running";
    await page.route("**/api/operations/*", (route) =>
      route.fulfill({
        json: {
          id: `${"0".repeat(32)}-1`,
          kind,
          status,
          resourceId: seedVersionId("1.0.0"),
          createdTime: "2026-01-01T00:00:00Z",
          percentComplete: 0,
          regions: [],
          history: [],
        },
      }),
    );
    await signIn(page, "admin");
    const said = async (): Promise<string> => {
      await page.getByRole("button", { name: "Cancel the operation" }).click();
      const dialog = page.getByRole("dialog");
      const text = await dialog.innerText();
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      return text;
    };
    expect(await said()).toContain("deletes the test machines");
    kind = "PrepareSubscription";
    await page.reload();
    expect(await said()).toContain("Azure finishes the registrations");
    status = "NotStarted";
    await page.reload();
    expect(await said()).toContain("It has not started");
  });

  it("the cancel of a creation says where the version stays the latest, and takes it out there if that is ticked", async () => {
    const operationId = `${"0".repeat(32)}-1`;
    const operation = {
      id: operationId,
      kind: "CreateImageVersion",
      status: "Running",
      resourceId: seedVersionId("1.0.0"),
      createdTime: "2026-01-01T00:00:00Z",
      percentComplete: 0,
      regions: [],
      history: [],
    };
    const { page } = await world.open(`operations/${operationId}`);
    await page.route("**/api/operations/*", (route) => route.fulfill({ json: operation }));
    await page.route("**/forecast?of=demote", (route) =>
      route.fulfill({
        json: {
          of: "demote",
          inLatest: [],
          regions: [
            { region: "eastus2", from: "1.0.0", to: "0.9.0" },
            { region: "westus", from: "1.0.0" },
          ],
          findings: [],
        },
      }),
    );
    await signIn(page, "admin");
    await page.getByRole("button", { name: "Cancel the operation" }).click();
    const dialog = page.getByRole("dialog");
    const row = (name: string) => dialog.getByRole("row", { name }).waitFor();
    await row("eastus2 1.0.0 → 0.9.0");
    await row("westus 1.0.0 → stays 1.0.0");
    await dialog.getByLabel("Remove it from latest there, too").check();
    await row("westus 1.0.0 → none");
    expect(await axeFindings(page)).toEqual([]);
    const sent = page.waitForRequest(/\/cancel/u);
    await dialog.getByRole("button", { name: "Cancel the operation" }).click();
    expect((await sent).url()).toMatch(/\/cancel\?allowNoLatest=true$/u);
  });

  it("a version is deleted only by who types its number", async () => {
    await world.make("0.9.0");
    const { page } = await world.open(`${SEED_IMAGE}/versions/0.9.0`, "writer");
    await choose(page, "Delete…");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("This cannot be undone").waitFor();
    await dialog
      .getByText("MyGallery has no soft delete. The version cannot be restored.")
      .waitFor();
    await dialog.getByText("Nobody uses it.").waitFor();
    // The keyboard begins where nothing is lost.
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Cancel");
    await dialog.getByText("The latest stays the same in every region.").waitFor();
    const button = dialog.getByRole("button", { name: "Delete 0.9.0" });
    expect(await button.isDisabled()).toBe(true);
    await dialog.getByRole("textbox").fill("0.9.0");
    await button.click();
    // A deletion that succeeds is no error: what was done, by whom, and the way back.
    const done = page.getByRole("heading", {
      name: /^0\.9\.0 was deleted at \d\d:\d\d by Writer$/u,
    });
    await done.waitFor();
    expect(await axeFindings(page)).toEqual([]);
    expect(await page.getByRole("alert").allInnerTexts()).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/./u) as unknown]),
    );
    for (const name of ["More actions", "Change", "Restore…"])
      expect(await page.getByRole("button", { name }).count(), name).toBe(0);
    await page.getByRole("link", { name: "Back to MyImage" }).click();
    await page.getByRole("heading", { level: 1, name: "MyImage" }).waitFor();
  });

  it("a region that has failed is offered to be retried once the operation that repairs it by itself has ended", async () => {
    const { page } = await world.open(`${SEED_IMAGE}/versions/1.0.0`);
    let status = "Running";
    await changed<{ sigil: { regions: object[] } }>(
      page,
      "**/versions/1.0.0?*",
      ({ sigil, ...rest }) => {
        const failed = { state: "Failed" };
        const regions = sigil.regions.map((one) => ({ ...one, ...failed }));
        return { ...rest, sigil: { ...sigil, regions } };
      },
    );
    await changed(page, /\/operations\/[^?]+$/u, (operation) => ({
      ...operation,
      status,
    }));
    await signIn(page, "admin");
    await page.getByRole("heading", { name: /^Failed in/u }).waitFor();
    await page.getByText("Azure gave no reason.").first().waitFor();
    const retry = page.getByRole("button", { name: "Retry…" });
    expect(await retry.count()).toBe(0);
    status = "Failed";
    await page.getByRole("button", { name: "Live" }).click();
    await retry.waitFor();
  });

  it("asked for once more after every answer was lost, it is the same request", async () => {
    const { page } = await world.open(`${SEED_IMAGE}/versions/1.0.0`, "writer");
    const keys: (string | undefined)[] = [];
    const operations: unknown[] = [];
    await page.route("**/{promote,demote}", async (route) => {
      keys.push(route.request().headers()["idempotency-key"]);
      const response = await route.fetch();
      operations.push(((await response.json()) as { id: string }).id);
      if (operations.length <= 3) await route.abort();
      else await route.fulfill({ response });
    });
    await page.getByRole("button", { name: "More actions" }).click();
    await page
      .getByRole("button", { name: /^(?:Promote|Exclude)/u })
      .first()
      .click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", {
      name: /^(?:Promote|Exclude)/u,
    });
    await confirm.click();
    await dialog.getByRole("alert").getByText("could not be reached").waitFor();
    await confirm.click();
    await accepted(page).waitFor();
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(1);
    expect(new Set(operations).size).toBe(1);
  });

  it("who may only read is offered nothing, and refused by the API all the same", async () => {
    const { page } = await world.open(`${SEED_IMAGE}/versions/1.0.0`);
    let token = "";
    page.on("request", (request) => {
      token = request.headers()["authorization"] ?? token;
    });
    await signIn(page, "reader");
    await page.getByRole("heading", { name: "Regions" }).waitFor();
    for (const name of ["More actions", "Change"])
      expect(
        await page
          .getByRole("button", { name })
          .or(page.getByRole("link", { name, exact: true }))
          .count(),
        name,
      ).toBe(0);
    expect(await page.getByRole("link", { name: "Rejected" }).count()).toBe(0);
    await goTo(page, "rejected");
    await page.getByText("ImageVersions.Admin").waitFor();
    const refused = await fetch(
      `${world.host.origin}/api/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/MyResourceGroup/galleries/MyGallery/images/MyImage/rollback`,
      {
        method: "POST",
        headers: { Authorization: token, "Content-Type": "application/json" },
        body: "{}",
      },
    );
    expect(refused.status).toBe(403);
    await refused.body?.cancel();
  });

  it("names and messages of others are shown as text, whatever they are", async () => {
    const { page, complaints } = await world.open(`${SEED_IMAGE}/versions/1.1.0`, "admin");
    await page.getByText(HOSTILE, { exact: true }).waitFor();
    await page.getByRole("link", { name: "Rejected" }).click();
    // Each error with its field, what was wrong and what to do.
    const errors = page.getByRole("list", { name: "Errors" });
    await errors.waitFor();
    expect(await errors.getByRole("listitem").count()).toBeGreaterThan(0);
    await errors.getByText("/data/location").first().waitFor();
    await page.getByText("Show").click();
    expect(await page.locator("details pre").innerText()).toContain('\n  "specversion": "1.0",');
    await page
      .getByText(HOSTILE.replaceAll('"', String.raw`\"`))
      .first()
      .waitFor();
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).toBe("Rejected requests · Sigil");
    expect(complaints).toEqual([]);

    // Sent again it is refused again, and the answer says why.
    await page.getByRole("button", { name: "Send again" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Send again" }).click();
    await dialog.getByRole("alert").getByText("/data/location").first().waitFor();
    await page.keyboard.press("Escape");

    // Corrected it is accepted, and no longer among the rejected.
    await page.getByRole("button", { name: "Correct and send" }).click();
    const corrected = page.getByRole("dialog");
    await corrected.getByLabel("Image version", { exact: true }).fill(seedVersionId("1.2.0"));
    const send = corrected.getByRole("button", { name: "Plan and send" });
    const body = corrected.getByLabel("Body", { exact: true });
    await body.fill("{");
    await corrected.getByText("It is no JSON:").waitFor();
    expect(await body.getAttribute("aria-invalid")).toBe("true");
    expect(await send.isDisabled()).toBe(true);
    await body.fill(JSON.stringify(managedImageRequest()));
    await send.click();
    await accepted(page).waitFor();
    await page.getByText("There are none.").waitFor();
  });
});
