/** A version's life in the browser: by the keyboard alone, and what one looks up of it. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { pathOf, type ApiClient } from "../../support/api-client.js";
import { findChromium, startChromium } from "./browser.js";
import {
  axeFindings,
  openPage,
  SEED_IMAGE,
  signIn,
  type Username,
} from "./page.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { Stack } from "../../support/stack.js";

const chromium = findChromium();

describe("a version's life in the page", needs("chromium", chromium), () => {
  let stack: Stack;
  let host: HostProcess;
  let browser: Browser;
  let api: ApiClient;

  beforeAll(async () => {
    stack = await Stack.start({
      simulator: { replication: { durationMs: 500 } },
      settings: {
        SIGIL_DRIFT_SCHEDULE: "* * * * * *",
        SIGIL_STALE_LOOK_SECONDS: "1",
        SIGIL_CONFIRM_SECONDS: "1",
        SIGIL_CONSUMER_SUBSCRIPTIONS: LOCAL_SUBSCRIPTION_ID,
        SIGIL_USE_DELAY_SECONDS: "0",
      },
    });
    const gallery = stack.simulator
      .resources()
      .find(({ id }) => id.endsWith("/galleries/MyGallery"));
    if (gallery === undefined) throw new Error("there is no MyGallery");
    await stack.simulator.putResource({
      ...gallery,
      properties: {
        ...gallery.properties,
        softDeletePolicy: { isSoftDeleteEnabled: true },
      },
    });
    host = await stack.startHost();
    browser = await startChromium(chromium ?? "");
    api = await stack.client(host);
    for (const [number, tags] of [
      ["1.0.0", { build: "1" }],
      ["1.1.0", { build: "2" }],
    ] as const) {
      const id = seedVersionId(number);
      await api.put(id, { ...managedImageRequest(), tags });
      await stack.events.ended(id);
    }
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  const open = async (
    path: string,
    username: Username = "writer",
    options: Parameters<typeof openPage>[2] = {},
  ) => {
    const opened = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}${path}`,
      options,
    );
    await signIn(opened.page, username);
    return opened;
  };
  const menu = async (page: Page, name: string): Promise<void> => {
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("button", { name, exact: true }).click();
  };

  it("by the keyboard alone: created, promoted, deleted, restored", async () => {
    const { page, context, complaints } = await open("/create");
    /** To what is called so, as Tab comes by it. */
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let steps = 0; steps < 80; steps += 1) {
        await page.keyboard.press("Tab");
        const label = await page.evaluate<string>(
          "(({ labels, textContent, ariaLabel }) => ariaLabel ?? labels?.[0]?.textContent ?? textContent)(document.activeElement)",
        );
        if (name.test(label)) return;
      }
      throw new Error(`${String(name)} is not reached by the keyboard.`);
    };
    await page.getByRole("heading", { level: 1 }).waitFor();
    await tabTo(/^Version$/u);
    await page.keyboard.type("2.0.0");
    await tabTo(/^Managed image$/u);
    await page.keyboard.type("myImage");
    await tabTo(/^Set of the OS disk$/u);
    await page.keyboard.type("{region}DiskEncryptionSet1");
    await tabTo(/^Set of data disks$/u);
    await page.keyboard.type("{region}DiskEncryptionSet2");
    await tabTo(/^Promotion$/u);
    await page.keyboard.type("Held back until somebody");
    await tabTo(/^Add regions$/u);
    await page.keyboard.type("westus, eastus2");
    await page.keyboard.press("Enter");
    await page
      .locator(".plan-status", { hasText: "Checked: no error" })
      .waitFor();
    await tabTo(/^Create 2\.0\.0$/u);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/versions\/2\.0\.0$/u);

    // Promoted from its headline or its menu, whichever comes first.
    await page.getByText("2 of 2", { exact: true }).waitFor();
    await page.getByRole("heading", { name: "Regions" }).waitFor();
    await tabTo(/^More actions$/u);
    await page.keyboard.press("Enter");
    await tabTo(/^Promote…$/u);
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("row", { name: "westus 1.1.0 → 2.0.0" }).waitFor();
    await tabTo(/^Promote$/u);
    await page.keyboard.press("Enter");
    await page.getByText("in all 2 regions").waitFor();

    await tabTo(/^More actions$/u);
    await page.keyboard.press("Enter");
    await tabTo(/^Delete…$/u);
    await page.keyboard.press("Enter");
    await dialog.getByText("MyGallery has soft delete").waitFor();
    await dialog.getByRole("row", { name: "westus 2.0.0 → 1.1.0" }).waitFor();
    await tabTo(/^Type 2\.0\.0/u);
    await page.keyboard.type("2.0.0");
    await tabTo(/^Delete 2\.0\.0$/u);
    await page.keyboard.press("Enter");
    await page
      .getByRole("heading", { name: /^2\.0\.0 was deleted at/u })
      .waitFor();

    // What was deleted is listed at the image definition, and restored there.
    await tabTo(/^Back to MyImage$/u);
    await page.keyboard.press("Enter");
    await tabTo(/^More actions$/u);
    await page.keyboard.press("Enter");
    await tabTo(/^Deleted versions$/u);
    await page.keyboard.press("Enter");
    const deleted = page.getByRole("table", { name: "Deleted versions" });
    await deleted.getByRole("row", { name: /^2\.0\.0/u }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await tabTo(/^Restore 2\.0\.0…$/u);
    await page.keyboard.press("Enter");
    await dialog.getByText("Azure gives it back as it was").waitFor();
    await tabTo(/^Restore 2\.0\.0$/u);
    await page.keyboard.press("Enter");
    await page.getByText("Accepted:").waitFor();
    await page.getByRole("link", { name: "2.0.0", exact: true }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("who uses a version is said, by name, with what each needs of it", async () => {
    const version = seedVersionId("1.0.0");
    const scope = version.replace(/\/galleries\/.*$/u, "");
    for (const [kind, name] of [
      ["virtualMachineScaleSets", "web"],
      ["virtualMachines", "build"],
    ] as const) {
      const storageProfile = { imageReference: { id: version }, osDisk: {} };
      await stack.simulator.putResource({
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
    const { page, context } = await open("/versions/1.0.0", "reader", {
      colorScheme: "dark",
    });
    await page.getByText("1 machine, 1 scale set").waitFor();
    await page.getByRole("button", { name: "Who uses it" }).click();
    const users = page.getByRole("table", { name: "Who uses it" });
    expect(await users.getByRole("row", { name: /^web/u }).innerText()).toMatch(
      /Scale set in westus\s+needs it for further instances/u,
    );
    expect(
      await users.getByRole("row", { name: /^build/u }).innerText(),
    ).toMatch(/runs on without it/u);
    expect(await axeFindings(page)).toEqual([]);
    await context.close();
  });

  it("a machine's commands are those of the region, for three tools", async () => {
    const { page, context } = await open("/versions/1.1.0", "reader", {
      colorScheme: "dark",
    });
    await page.getByRole("button", { name: "Machine commands" }).click();
    const commands = page.getByRole("region", { name: "the commands" });
    await expect.poll(() => commands.innerText()).toContain("az vm create");
    await page
      .getByRole("region", { name: "A machine of this version" })
      .getByRole("combobox")
      .selectOption("eastus2");
    await expect
      .poll(() => commands.innerText())
      .toContain("EastUS2DiskEncryptionSet1");
    expect(await commands.innerText()).toContain("--location eastus2");
    await page.getByRole("button", { name: "PowerShell" }).click();
    await expect.poll(() => commands.innerText()).toContain("New-AzVM");
    await page.getByRole("button", { name: "Bicep" }).click();
    await expect
      .poll(() => commands.innerText())
      .toContain("Microsoft.Compute/virtualMachines@");
    expect(await axeFindings(page)).toEqual([]);
    await context.close();
  });

  it("what tests have found is shown: whose, where, and why not", async () => {
    const reported = await api.request(
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
    const { page, context } = await open("/versions/1.1.0", "reader");
    const row = page
      .getByRole("table", { name: "Results of tests" })
      .getByRole("row", { name: /^boot/u });
    await row.waitFor();
    expect(await row.innerText()).toMatch(
      /westus[\s\S]*failed[\s\S]*The agent did not start\./iu,
    );
    expect(
      await row.getByRole("link", { name: "Its log" }).getAttribute("href"),
    ).toBe("https://tests.example/runs/4711");
    await context.close();
  });

  it("two versions are compared, whichever two", async () => {
    await api.request("PATCH", pathOf(seedVersionId("1.1.0")), {
      body: {
        properties: {
          publishingProfile: { endOfLifeDate: "2040-12-01T00:00:00Z" },
        },
      },
    });
    const { page, context } = await open("", "reader");
    await menu(page, "Compare two versions");
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
    await context.close();
  });

  it("is protected by a writer, and an Admin takes that off", async () => {
    const version = "/versions/1.0.0";
    const writer = await open(version);
    await menu(writer.page, "Protect from deletion…");
    await writer.page
      .getByRole("dialog")
      .getByRole("button", { name: "Protect" })
      .click();
    await writer.page.getByText("Not deleted until an Admin").waitFor();
    await writer.page.getByRole("button", { name: "More actions" }).click();
    for (const name of ["Delete…", "Take protection off…"])
      expect(
        await writer.page.getByRole("button", { name, exact: true }).count(),
        name,
      ).toBe(0);
    await writer.context.close();
    const admin = await open(version, "admin");
    await menu(admin.page, "Take protection off…");
    await admin.page
      .getByRole("dialog")
      .getByRole("button", { name: "Take protection off" })
      .click();
    await admin.page
      .getByText("Not deleted until an Admin")
      .waitFor({ state: "detached" });
    await admin.context.close();
  });

  it("its tags and end of life are changed without the whole form", async () => {
    const { page, context } = await open("/versions/1.1.0", "writer", {
      colorScheme: "dark",
    });
    await menu(page, "Tags and end of life…");
    const dialog = page.getByRole("dialog");
    const change = dialog.getByRole("button", { name: "Change" });
    await dialog.getByLabel("Value of tag 1").waitFor();
    expect(await change.isDisabled()).toBe(true);
    await dialog.getByLabel("Value of tag 1").fill("3");
    await dialog.getByRole("button", { name: "Add a tag" }).click();
    await dialog.getByLabel("Name of tag 2").fill("owner");
    await dialog.getByLabel("Value of tag 2").fill("team a");
    await dialog.getByLabel("End of life").fill("2041-06-01");
    await dialog.getByText("The same with sigil").click();
    await dialog
      .getByText("--set tags.build=3 --set 'tags.owner=team a'")
      .waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await change.click();
    await page.getByText("1 Jun 2041").waitFor();
    await page.getByText("team a").waitFor();
    await context.close();
  });

  it("what others have changed is put back by the PATCH that the condition names", async () => {
    const versionId = seedVersionId("1.0.0");
    await stack.simulator.editVersion({ versionId, tags: { build: "theirs" } });
    const { page, context } = await open("/versions/1.0.0", "writer", {
      colorScheme: "dark",
    });
    await page.getByRole("button", { name: "Put it back…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText('"build": "1"').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Put it back" }).click();
    await page
      .getByRole("button", { name: "Put it back…" })
      .waitFor({ state: "detached" });
    await expect
      .poll(async () => (await api.request("GET", pathOf(versionId))).body)
      .toMatchObject({ tags: { build: "1" } });
    await context.close();
  });
});
