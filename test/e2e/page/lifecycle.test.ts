/** A version's life in the browser: by the keyboard alone, and what one looks up of it. */
import type { Page } from "playwright-core";
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
  SEED_IMAGE,
  startWorld,
  tabTo,
  type Username,
  type World,
} from "./page.js";

const chromium = findChromium();

const SETTINGS = {
  SIGIL_DRIFT_SCHEDULE: "* * * * * *",
  SIGIL_STALE_LOOK_SECONDS: "1",
  SIGIL_CONFIRM_SECONDS: "1",
  SIGIL_CONSUMER_SUBSCRIPTIONS: LOCAL_SUBSCRIPTION_ID,
  SIGIL_USE_DELAY_SECONDS: "0",
  SIGIL_GALLERY_POLICY: JSON.stringify({
    rules: [
      {
        callers: [
          { role: "ImageVersions.Write" },
          { role: "ImageVersions.Admin" },
          { role: "ImageVersions.Approve" },
        ],
        galleries: [{ subscriptionId: "*" }],
      },
    ],
    gates: [
      {
        images: [{ subscriptionId: "*", imageName: "Gated" }],
        regions: ["westus"],
        tests: [{ name: "scan", reporters: [{ appId: "scanner" }] }],
      },
    ],
  }),
};

/** Two versions, in a gallery with soft delete. */
async function prepare(world: World): Promise<void> {
  const { simulator } = world.stack;
  const gallery = simulator.resources().find(({ id }) => id.endsWith("/galleries/MyGallery"));
  if (gallery === undefined) throw new Error("there is no MyGallery");
  await simulator.putResource({
    ...gallery,
    properties: {
      ...gallery.properties,
      softDeletePolicy: { isSoftDeleteEnabled: true },
    },
  });
  await simulator.putResource(
    resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup").imageDefinition(
      "MyGallery",
      "Gated",
      "westus",
    ),
  );
  await world.make("1.0.0", { tags: { build: "1" } });
  await world.make("1.1.0", { tags: { build: "2" } });
}

describe("a version's life in the page", needs("chromium", chromium), () => {
  const world = startWorld(prepare, {
    simulator: { replication: { durationMs: 500 } },
    settings: SETTINGS,
  });
  const open = (
    path: string,
    username: Username = "writer",
    options: Parameters<World["open"]>[2] = {},
  ) => world.open(`${SEED_IMAGE}${path}`, username, options);

  it("by the keyboard alone: created, promoted, deleted, restored", async () => {
    const { page, complaints } = await open("/create");
    await page.getByRole("heading", { level: 1 }).waitFor();
    await tabTo(page, /^Version$/u);
    await page.keyboard.type("2.0.0");
    await tabTo(page, /^Managed image$/u);
    await page.keyboard.type("myImage");
    await tabTo(page, /^Set of the OS disk$/u);
    await page.keyboard.type("{region}DiskEncryptionSet1");
    await tabTo(page, /^Set of data disks$/u);
    await page.keyboard.type("{region}DiskEncryptionSet2");
    await tabTo(page, /^When it becomes the latest$/u);
    await page.keyboard.type("When someone promotes it");
    await tabTo(page, /^Add regions$/u);
    await page.keyboard.type("westus, eastus2");
    await page.keyboard.press("Enter");
    await page.locator(".plan-status", { hasText: "Checked: no error" }).waitFor();
    await tabTo(page, /^Create 2\.0\.0$/u);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/versions\/2\.0\.0$/u);

    // Promoted from its headline or its menu, whichever comes first.
    await page.getByText("2 of 2 regions", { exact: true }).waitFor();
    await page.getByRole("heading", { name: "Regions" }).waitFor();
    await tabTo(page, /^More actions$/u);
    await page.keyboard.press("Enter");
    await tabTo(page, /^Promote…$/u);
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("row", { name: "westus 1.1.0 → 2.0.0" }).waitFor();
    await tabTo(page, /^Promote$/u);
    await page.keyboard.press("Enter");
    await page.getByText("in 2 of 2 regions").waitFor();

    await tabTo(page, /^More actions$/u);
    await page.keyboard.press("Enter");
    await tabTo(page, /^Delete…$/u);
    await page.keyboard.press("Enter");
    await dialog.getByText("MyGallery has soft delete").waitFor();
    await dialog.getByRole("row", { name: "westus 2.0.0 → 1.1.0" }).waitFor();
    await tabTo(page, /^Type 2\.0\.0/u);
    await page.keyboard.type("2.0.0");
    await tabTo(page, /^Delete 2\.0\.0$/u);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /^2\.0\.0 was deleted at/u }).waitFor();

    // What was deleted is listed at the image definition, and restored there.
    await tabTo(page, /^Back to MyImage$/u);
    await page.keyboard.press("Enter");
    await tabTo(page, /^More actions$/u);
    await page.keyboard.press("Enter");
    await tabTo(page, /^Deleted versions$/u);
    await page.keyboard.press("Enter");
    const deleted = page.getByRole("table", { name: "Deleted versions" });
    await deleted.getByRole("row", { name: /^2\.0\.0/u }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await tabTo(page, /^Restore 2\.0\.0…$/u);
    await page.keyboard.press("Enter");
    await dialog.getByText("Azure restores it as it kept it").waitFor();
    await tabTo(page, /^Restore 2\.0\.0$/u);
    await page.keyboard.press("Enter");
    await accepted(page).waitFor();
    await page.getByRole("link", { name: "2.0.0", exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });

  it("a deleted version is deleted for good by an Admin", async () => {
    const deletedId = seedVersionId("0.8.0");
    await world.make("0.8.0");
    await world.api.request("DELETE", pathOf(deletedId));
    await world.stack.events.ended(deletedId);
    const writer = await open("/versions/0.8.0");
    await writer.page.getByRole("button", { name: /^Restore/u }).waitFor();
    const purge = { name: /^Delete .*for good/u };
    expect(await writer.page.getByRole("button", purge).count()).toBe(0);
    const { page, complaints } = await open("/versions/0.8.0", "admin", {
      colorScheme: "dark",
    });
    await page.getByRole("button", purge).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("This cannot be undone").waitFor();
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Cancel");
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Delete 0.8.0 for good" }).click();
    await page.getByText("It cannot be restored.").waitFor();
    expect(await page.getByRole("button", { name: "Restore" }).count()).toBe(0);
    expect(complaints).toEqual([]);
  }, 120_000);

  // Of another version than the next test: who uses a version is kept for half a minute.
  it("a Failed version, which Azure does not delete softly, is deleted for good by an Admin", async () => {
    const forGood = { name: "Delete it for good" };
    const refused = async (username: Username) => {
      const { page } = await open("/versions/1.1.0", username);
      await changed<{ findings: object[] }>(page, "**/forecast?of=delete", (forecast) => ({
        ...forecast,
        findings: [
          {
            code: "FailedNotSoftDeletable",
            pointer: "",
            message: "1.1.0 is Failed, and Azure deletes no Failed version.",
            severity: "error",
            remediation: "Repair it, then delete it.",
          },
        ],
      }));
      await choose(page, "Delete…");
      const dialog = page.getByRole("dialog");
      await dialog.getByText("Repair it, then delete it.").waitFor();
      await dialog.getByRole("textbox").fill("1.1.0");
      const button = dialog.getByRole("button", { name: "Delete 1.1.0" });
      expect(await button.isDisabled()).toBe(true);
      expect(await dialog.getByText("You can restore").count()).toBe(0);
      return { page, dialog, button };
    };
    const writer = await refused("writer");
    expect(await writer.dialog.getByRole("checkbox", forGood).count()).toBe(0);
    const { page, dialog, button } = await refused("admin");
    await dialog.getByRole("checkbox", forGood).check();
    await dialog.getByText("This cannot be undone").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    const sent = new Promise<string>((resolve) => {
      void page.route("**/versions/1.1.0?*", async (route) => {
        if (route.request().method() !== "DELETE") return route.fallback();
        resolve(route.request().url());
        return route.abort();
      });
    });
    await button.click();
    expect(await sent).toMatch(/bypassSoftDelete=true/u);
  });

  it("who uses a version is said, by name, with what each needs of it", async () => {
    const version = seedVersionId("1.0.0");
    const scope = version.replace(/\/galleries\/.*$/u, "");
    for (const [kind, name] of [
      ["virtualMachineScaleSets", "web"],
      ["virtualMachines", "build"],
    ] as const) {
      const storageProfile = { imageReference: { id: version }, osDisk: {} };
      await world.stack.simulator.putResource({
        id: `${scope}/${kind}/${name}`,
        name,
        type: `Microsoft.Compute/${kind}`,
        location: "westus",
        properties:
          kind === "virtualMachines"
            ? { storageProfile }
            : { virtualMachineProfile: { storageProfile } },
      });
    }
    const { page } = await open("/versions/1.0.0", "reader", {
      colorScheme: "dark",
    });
    await page.getByText("1 machine, 1 scale set").waitFor();
    await page.getByRole("button", { name: "Who uses it" }).click();
    const users = page.getByRole("table", { name: "Who uses it" });
    expect(await users.getByRole("row", { name: /^web/u }).innerText()).toMatch(
      /Scale set in westus\s+needs it for further instances/u,
    );
    expect(await users.getByRole("row", { name: /^build/u }).innerText()).toMatch(
      /runs on without it/u,
    );
    expect(await axeFindings(page)).toEqual([]);
  });

  it("a machine's commands are those of the region, for three tools", async () => {
    const { page } = await open("/versions/1.1.0", "reader", {
      colorScheme: "dark",
    });
    await page.getByRole("button", { name: "Machine commands" }).click();
    const commands = page.getByRole("region", { name: "the commands" });
    await expect.poll(() => commands.innerText()).toContain("az vm create");
    await page
      .getByRole("region", { name: "A machine of this version" })
      .getByRole("combobox")
      .selectOption("eastus2");
    await expect.poll(() => commands.innerText()).toContain("EastUS2DiskEncryptionSet1");
    expect(await commands.innerText()).toContain("--location eastus2");
    await page.getByRole("button", { name: "PowerShell" }).click();
    await expect.poll(() => commands.innerText()).toContain("New-AzVM");
    await page.getByRole("button", { name: "Bicep" }).click();
    await expect.poll(() => commands.innerText()).toContain("Microsoft.Compute/virtualMachines@");
    expect(await axeFindings(page)).toEqual([]);
  });

  it("what tests have found is shown: whose, where, and why not", async () => {
    const reported = await world.api.request(
      "POST",
      `${pathOf(seedVersionId("1.1.0"))}/test-results`,
      {
        body: {
          name: "boot",
          region: "westus",
          result: "failed",
          message: "The agent did not start.",
          link: "https://tests.example/runs/4711",
        },
      },
    );
    expect(reported.status).toBeLessThan(300);
    const { page } = await open("/versions/1.1.0", "reader");
    const row = page
      .getByRole("table", { name: "Results of tests" })
      .getByRole("row", { name: /^boot/u });
    await row.waitFor();
    expect(await row.innerText()).toMatch(/westus[\s\S]*failed[\s\S]*The agent did not start\./iu);
    expect(await row.getByRole("link", { name: "Its log" }).getAttribute("href")).toBe(
      "https://tests.example/runs/4711",
    );
  });

  it("two versions are compared, whichever two", async () => {
    await world.api.request("PATCH", pathOf(seedVersionId("1.1.0")), {
      body: {
        properties: {
          publishingProfile: { endOfLifeDate: "2040-12-01T00:00:00Z" },
        },
      },
    });
    const { page } = await open("", "reader");
    await choose(page, "Compare two versions");
    await page.getByLabel("First version").selectOption("1.0.0");
    await page.getByLabel("Second version").selectOption("1.1.0");
    const table = page.getByRole("table", {
      name: "What 1.1.0 has otherwise than 1.0.0",
    });
    await table
      .getByRole("row", { name: /^End of life/u })
      .getByText("2040")
      .waitFor();
    expect(await axeFindings(page)).toEqual([]);
  });

  it("is protected by a writer, and an Admin takes that off", async () => {
    const version = "/versions/1.0.0";
    const writer = await open(version);
    await choose(writer.page, "Protect from deletion…");
    await writer.page.getByRole("dialog").getByRole("button", { name: "Protect" }).click();
    await writer.page.getByText("Not deleted until an Admin").waitFor();
    await writer.page.getByRole("button", { name: "More actions" }).click();
    for (const name of ["Delete…", "Remove protection…"])
      expect(await writer.page.getByRole("button", { name, exact: true }).count(), name).toBe(0);
    const admin = await open(version, "admin");
    await choose(admin.page, "Remove protection…");
    await admin.page.getByRole("dialog").getByRole("button", { name: "Remove protection" }).click();
    await admin.page.getByText("Not deleted until an Admin").waitFor({ state: "detached" });
  });

  it("its tags and end of life are changed without the whole form", async () => {
    const { page } = await open("/versions/1.1.0", "writer", {
      colorScheme: "dark",
    });
    await choose(page, "Tags and end of life…");
    const dialog = page.getByRole("dialog");
    const change = dialog.getByRole("button", { name: "Save" });
    await dialog.getByLabel("Value of tag 1").waitFor();
    expect(await change.isDisabled()).toBe(true);
    await dialog.getByLabel("Value of tag 1").fill("3");
    await dialog.getByRole("button", { name: "Add a tag" }).click();
    await dialog.getByLabel("Name of tag 2").fill("owner");
    await dialog.getByLabel("Value of tag 2").fill("team a");
    await dialog.getByLabel("End of life").fill("2041-06-01");
    await dialog.getByText("The same with sigil").click();
    await dialog.getByText("--set tags.build=3 --set 'tags.owner=team a'").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await change.click();
    await page.getByText("1 Jun 2041").waitFor();
    await page.getByText("team a").waitFor();
  });

  it("what others have changed is put back by the PATCH that the condition names", async () => {
    const versionId = seedVersionId("1.0.0");
    await world.stack.simulator.editVersion({
      versionId,
      tags: { build: "theirs" },
    });
    const { page } = await open("/versions/1.0.0", "writer", {
      colorScheme: "dark",
    });
    // Without the tick, the plan says what a person must accept first.
    await page.route("**/plan", async (route) => {
      const response = await route.fetch();
      const plan = (await response.json()) as { findings: object[] };
      const found = {
        rule: "latest",
        code: "RegionWouldLoseLatest",
        severity: "error",
        pointer: "",
        message: "westus would have no latest version.",
        remediation: "Allow it.",
      };
      await route.fulfill({ response, json: { ...plan, findings: [...plan.findings, found] } });
    });
    await page.getByRole("button", { name: "Undo the change…" }).click();
    const dialog = page.getByRole("dialog");
    const undo = dialog.getByRole("button", { name: "Undo the change" });
    await dialog.getByText("westus would have no latest version.").waitFor();
    expect(await undo.isDisabled()).toBe(true);
    await dialog.getByRole("checkbox").check();
    await dialog
      .getByRole("listitem")
      .getByText(/build was .*1.*, is .*theirs/u)
      .waitFor();
    expect(await dialog.getByText('"build": "1"').isVisible()).toBe(false);
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByText("Command line and JSON").click();
    await dialog.getByText('"build": "1"').waitFor();
    await undo.click();
    await page.getByRole("button", { name: "Undo the change…" }).waitFor({ state: "detached" });
    await expect
      .poll(async () => (await world.api.request("GET", pathOf(versionId))).body)
      .toMatchObject({ tags: { build: "1" } });
  });

  it("a version that waits for a gate says so, and who approves lets it pass, with a reason", async () => {
    const id = seedVersionId("1.0.0").replace("MyImage", "Gated");
    const made = await world.api.put(id, managedImageRequest());
    expect(made.body).toMatchObject({ status: "NotStarted" });
    await world.stack.events.ended(id);
    const path = `${SEED_IMAGE.replace("MyImage", "Gated")}/versions/1.0.0`;
    const writer = await world.open(path, "writer");
    const closed = (page: Page) => page.getByRole("heading", { name: "Gate closed in westus" });
    await closed(writer.page).waitFor();
    await writer.page.getByText("in westus scan has not passed.").waitFor();
    const approve = { name: "Approve…" };
    expect(await writer.page.getByRole("button", approve).count()).toBe(0);

    const { page } = await world.open(path, "approver", {
      colorScheme: "dark",
    });
    await page.getByRole("button", approve).click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", { name: "Approve" });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel("Reason").fill("Scanned by hand.");
    await dialog.getByText("The same with sigil").click();
    await dialog
      .getByText(/^sigil image-version approve .* --regions westus --reason 'Scanned by hand\.'$/u)
      .waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await confirm.click();
    await closed(page).waitFor({ state: "detached" });
    const approval = page.getByRole("row", { name: /^sigil\/approval/u });
    expect(await approval.innerText()).toMatch(/westus[\s\S]*Scanned by hand\.[\s\S]*Approver/u);
    // What may be done with it now is for a writer.
    expect(await page.getByRole("button", { name: "More actions" }).count()).toBe(0);
  });

  it("a bad version is revoked, which deletes nothing: who needs it, and which is the latest then, stand before the button", async () => {
    await world.make("1.2.0");
    const id = seedVersionId("1.2.0");
    await world.stack.simulator.putResource({
      id: `${id.replace(/\/galleries\/.*$/u, "")}/virtualMachineScaleSets/shop`,
      name: "shop",
      type: "Microsoft.Compute/virtualMachineScaleSets",
      location: "westus",
      properties: {
        virtualMachineProfile: {
          storageProfile: { imageReference: { id }, osDisk: {} },
        },
      },
    });
    const { page } = await open("/versions/1.2.0");
    // Beside what can be undone, and not with the deletion.
    await page.getByRole("button", { name: "More actions" }).click();
    expect(
      await page.locator(".pop").getByRole("separator").locator("~ button").allInnerTexts(),
    ).toEqual(["Delete…"]);
    await page.getByRole("button", { name: "Revoke…" }).click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", { name: "Revoke" });
    await dialog.getByText("Nothing is deleted").waitFor();
    await dialog.getByRole("row", { name: /^shop Scale set in westus/u }).waitFor();
    for (const region of ["westus", "eastus2"])
      await dialog.getByRole("row", { name: `${region} 1.2.0 → 1.1.0` }).waitFor();
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel("Reason").fill("CVE-2026-1234: openssl");
    await dialog.getByLabel("Version to use instead").fill("1.1.0");
    await dialog.getByText("The same with sigil").click();
    await dialog
      .getByText(
        /^sigil image-version revoke .* -e 1\.2\.0 --reason 'CVE-2026-1234: openssl' --replacement 1\.1\.0$/u,
      )
      .waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await confirm.click();

    await page.getByRole("heading", { name: "Revoked: do not use" }).waitFor();
    await page.getByText(/CVE-2026-1234: openssl, use 1\.1\.0\./u).waitFor();
    await page.getByText("in 0 of 2 regions", { exact: true }).waitFor();
    const { body } = await world.api.request<{
      sigil: { conditions: { type: string }[] };
    }>("GET", pathOf(id));
    expect(body.sigil.conditions.map(({ type }) => type)).toContain("Revoked");
    await page.getByRole("button", { name: "More actions" }).click();
    for (const name of ["Promote…", "Revoke…", "Lift the revocation…"])
      expect(await page.getByRole("button", { name, exact: true }).count(), name).toBe(0);
  });
});
