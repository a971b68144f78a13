import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { findChromium, startChromium } from "./browser.js";
import { axeFindings, openPage, SEED_IMAGE, signIn } from "./page.js";
import {
  managedImageRequest,
  seedResource,
  seedVersionId,
  snapshotsRequest,
} from "../../support/requests.js";
import { pathOf } from "../../support/api-client.js";
import { Stack } from "../../support/stack.js";
import { Trial } from "../../support/trial.js";

const chromium = findChromium();

const HOSTILE = `<img src=x onerror="document.title='owned'">`;

describe("a version made in the page", needs("chromium", chromium), () => {
  let stack: Stack;
  let host: HostProcess;
  let browser: Browser;

  beforeAll(async () => {
    stack = await Stack.start();
    host = await stack.startHost();
    browser = await startChromium(chromium ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });

  const open = async (
    path: string,
    username: "reader" | "writer" = "writer",
    options: Parameters<typeof openPage>[2] = {},
    image = SEED_IMAGE,
  ) => {
    const opened = await openPage(
      browser,
      `${host.origin}/api/ui/${image}/${path}`,
      options,
    );
    await signIn(opened.page, username);
    return opened;
  };
  const checked = (page: Page, text: string): Promise<void> =>
    page.locator(".plan-status", { hasText: `Checked: ${text}` }).waitFor();
  const region = (page: Page, name: string): Locator =>
    page.getByRole("group", { name, exact: true });
  const chosen = (select: Locator): Promise<string> =>
    select.locator("option:checked").innerText();
  const options = (select: Locator): Promise<string[]> =>
    select.locator("option").allInnerTexts();
  const paste = async (page: Page, body: unknown): Promise<void> => {
    await page.getByText("Begin with a request").click();
    await page.getByLabel("The body of a PUT").fill(JSON.stringify(body));
    await page.getByRole("button", { name: "Fill in the form" }).click();
  };

  it("has the waves of a promotion, one for each region at first", async () => {
    const { page, context } = await open("create");
    await paste(page, managedImageRequest());
    await page.getByLabel("Promotion", { exact: true }).selectOption("waves");
    expect(await page.getByLabel("Regions of wave 1").inputValue()).toBe(
      "westus",
    );
    await page.getByLabel("When wave 2 comes").selectOption("minutes");
    await page.getByLabel("Minutes before wave 2").fill("60");
    await page.getByText("in waves: westus; then eastus2.").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await checked(page, "no error");
    await context.close();
  });

  it("by hand is the seed's, from an empty form to every region usable (row S10)", async () => {
    const { page, context, complaints } = await open("create");
    await page.getByLabel("Version", { exact: true }).fill("1.0.0");
    await page
      .getByLabel("Managed image", { exact: true })
      .nth(1)
      .fill("myImage");
    await page.getByLabel("Region", { exact: true }).fill("westus");
    await region(page, "westus").getByLabel("Replicas").fill("2");
    await region(page, "westus")
      .getByLabel("Storage")
      .selectOption("Standard_LRS");
    await page.getByRole("button", { name: "Add a region" }).click();
    await region(page, "Region 2").getByLabel("Region").fill("eastus2");

    // The plan has looked into the source, and each disk has its row.
    await page.getByText("Its data disks: LUN 0.").waitFor();
    const os = page.getByLabel("OS disk in westus");
    expect(await options(os)).toEqual([
      "Choose a set",
      "WestUSDiskEncryptionSet1",
      "WestUSDiskEncryptionSet2",
    ]);
    expect(await options(page.getByLabel("OS disk in eastus2"))).toEqual([
      "Choose a set",
      "EastUS2DiskEncryptionSet1",
      "EastUS2DiskEncryptionSet2",
    ]);
    await os.selectOption("WestUSDiskEncryptionSet1");
    await page.getByText("Key ").first().waitFor();
    await page.getByRole("button", { name: "Fill the row of OS disk" }).click();
    expect(await chosen(page.getByLabel("OS disk in eastus2"))).toBe(
      "EastUS2DiskEncryptionSet1",
    );
    await page.getByLabel("Of data disks").fill("{region}DiskEncryptionSet2");
    await page.getByLabel("Of the OS disk").fill("{region}DiskEncryptionSet1");
    await page.getByRole("button", { name: "Choose", exact: true }).click();
    expect(await chosen(page.getByLabel("Data disk, LUN 0 in eastus2"))).toBe(
      "EastUS2DiskEncryptionSet2",
    );
    await checked(page, "no error");
    await page.getByText("The same with az").click();
    expect(
      await page.getByRole("region", { name: "The command line" }).innerText(),
    ).toContain("az sig image-version create");

    await page.getByRole("button", { name: "Create the version" }).click();
    await page.waitForURL(/\/versions\/1\.0\.0$/u);
    for (const name of ["westus", "eastus2"])
      await page
        .getByRole("row", {
          name: new RegExp(`^${name} .*(?:Ready|Completed)`, "u"),
        })
        .first()
        .waitFor();
    const id = seedVersionId("1.0.0");
    const api = await stack.client(host);
    const { body } = await api.request<{
      properties: unknown;
      sigil: { regions: { name: string; state: string }[] };
    }>("GET", pathOf(id));
    expect(body.sigil.regions).toMatchObject([
      { name: "westus", state: "Completed" },
      { name: "eastus2", state: "Completed" },
    ]);
    expect(body.properties).toMatchObject({
      publishingProfile: {
        targetRegions: [
          {
            regionalReplicaCount: 2,
            encryption:
              managedImageRequest().properties.publishingProfile
                ?.targetRegions?.[0]?.encryption,
          },
          {},
        ],
      },
    });
    expect(complaints).toEqual([]);
    // What was made is no draft any more.
    expect(
      await page.evaluate(() =>
        Object.keys(sessionStorage).filter((key) => key.includes("draft")),
      ),
    ).toEqual([]);
    await context.close();
  });

  it("says whether secrets can be provisioned, and shows at the field what the plan has against it", async () => {
    const { page, context, complaints } = await open("create");
    await page.getByLabel("Version", { exact: true }).fill("1.3.0");
    await paste(page, managedImageRequest());
    const secrets = page.getByLabel("Secrets provisioning");
    await secrets.selectOption("Supported");
    await page.getByLabel("Operating system").fill("mariner");
    const agent = page.getByLabel("Version of AzureGuestAgent");
    await agent.fill("2".repeat(65));
    await checked(page, "1 error");
    await page.locator("#source-secrets-findings", { hasText: "64" }).waitFor();
    expect(await secrets.getAttribute("aria-invalid")).toBe("true");
    expect(await axeFindings(page)).toEqual([]);
    await agent.fill("2.7.0");
    await checked(page, "no error");
    await page.getByRole("button", { name: "Create the version" }).click();
    await page.waitForURL(/\/versions\/1\.3\.0$/u);
    await page.getByText("supported: mariner, AzureGuestAgent 2.7.0").waitFor();
    const api = await stack.client(host);
    const { body } = await api.request<{ properties: unknown }>(
      "GET",
      pathOf(seedVersionId("1.3.0")),
    );
    expect(body.properties).toMatchObject({
      securityProfile: {
        secretsProvisioningSettings: {
          isSupported: true,
          osName: "mariner",
          components: [{ name: "AzureGuestAgent", version: "2.7.0" }],
        },
      },
    });
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("of a confidential machine has a key for each data disk", async () => {
    const { simulator } = stack;
    const { of } = new Trial(simulator, 0, () => Promise.resolve());
    for (const resource of [
      of.imageDefinition("MyGallery", "confidential", "eastus", {
        features: [{ name: "SecurityType", value: "ConfidentialVM" }],
      }),
      of.disk(
        "disks",
        "cvmDisk",
        "eastus",
        { os: true },
        {
          securityProfile: {
            securityType: "ConfidentialVM_DiskEncryptedWithPlatformKey",
          },
        },
      ),
      of.disk("disks", "cvmData", "eastus", { os: false }),
      of.virtualMachine(
        "cvm",
        "eastus",
        "cvmDisk",
        [{ lun: 0, name: "cvmData" }],
        {
          securityProfile: { securityType: "ConfidentialVM" },
        },
      ),
      of.diskEncryptionSet(
        "confidential",
        "eastus",
        "ConfidentialVmEncryptedWithCustomerKey",
      ),
    ])
      await simulator.putResource(resource);
    await simulator.setRegistrationState({
      subscriptionId: LOCAL_SUBSCRIPTION_ID,
      namespace: "Microsoft.Compute",
      feature: "ConfidentialVMDataDiskEncryptionPreview",
      state: "Registered",
    });
    const { page, context, complaints } = await open(
      "create",
      "writer",
      {},
      SEED_IMAGE.replace("MyImage", "confidential"),
    );
    await page.getByLabel("Version", { exact: true }).fill("1.0.0");
    await page.getByLabel("Virtual machine", { exact: true }).check();
    await page
      .getByLabel("Virtual machine", { exact: true })
      .nth(1)
      .fill("cvm");
    await page.getByLabel("Region", { exact: true }).fill("eastus");
    await page.getByText("Its data disks: LUN 0.").waitFor();
    await page.getByLabel("Confidential virtual machines").check();
    await page
      .getByLabel("Kind of confidential encryption")
      .selectOption("EncryptedWithPmk");
    const disk = page.getByLabel("Data disk, LUN 0 in eastus");
    expect(await options(disk)).toEqual([
      "Choose a set",
      "EastUSDiskEncryptionSet1",
      "EastUSDiskEncryptionSet2",
    ]);
    await page.getByLabel("Data disks have keys of confidential").check();
    expect(await options(disk)).toEqual(["Choose a set", "confidential"]);
    await disk.selectOption("confidential");
    await checked(page, "no error");
    await page.getByRole("button", { name: "Create the version" }).click();
    await page.waitForURL(/\/versions\/1\.0\.0$/u);
    const api = await stack.client(host);
    const { body } = await api.request<{ properties: unknown }>(
      "GET",
      pathOf(seedVersionId("1.0.0").replace("MyImage", "confidential")),
    );
    expect(body.properties).toMatchObject({
      publishingProfile: {
        targetRegions: [
          {
            encryption: {
              dataDiskImages: [
                {
                  lun: 0,
                  securityProfile: {
                    confidentialVMEncryptionType: "DataDiskEncryptedWithCmk",
                    secureVMDiskEncryptionSetId: seedResource(
                      "diskEncryptionSets/confidential",
                    ),
                  },
                },
              ],
            },
          },
        ],
      },
    });
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("with the seed's wrong region is caught at its field, and not sent (row S11)", async () => {
    const { page, context, requests } = await open("create");
    await page.getByLabel("Version", { exact: true }).fill("1.1.0");
    await paste(page, snapshotsRequest("eastus"));
    await checked(page, "2 errors");
    const select = page.getByLabel("OS disk in eastus", { exact: true });
    // Only the region's own sets are offered; what the request has is shown as what it is.
    expect(await options(select)).toEqual([
      "Choose a set",
      "EastUSDiskEncryptionSet1",
      "EastUSDiskEncryptionSet2",
      "EastUS2DiskEncryptionSet1 (in eastus2)",
    ]);
    expect(await select.getAttribute("aria-invalid")).toBe("true");
    const described = (await select.getAttribute("aria-describedby")) ?? "";
    expect(await page.locator(`[id="${described}"]`).innerText()).toMatch(
      /EastUS2DiskEncryptionSet1 is in eastus2/u,
    );
    // The summary leads to it.
    await page.getByRole("link", { name: "eastus: OS disk" }).click();
    expect(await page.locator(":focus").getAttribute("id")).toBe(
      await select.getAttribute("id"),
    );

    await page.getByRole("button", { name: "Create the version" }).click();
    expect(
      requests.filter((each) => /\/versions\/1\.1\.0\?/u.test(each)),
    ).toEqual([]);
    // The region's name was the mistake.
    await region(page, "eastus").getByLabel("Region").fill("eastus2");
    await checked(page, "no error");
    await context.close();
  });

  it("is not begun with what a form cannot show: the paste says what is wrong", async () => {
    const { page, context } = await open("create");
    await paste(page, {
      ...snapshotsRequest("eastus2"),
      tags: { build: { number: 4711 } },
    });
    const field = page.getByLabel("The body of a PUT");
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(
      await page
        .locator(
          `[id="${(await field.getAttribute("aria-describedby")) ?? ""}"]`,
        )
        .innerText(),
    ).toContain("/tags/build is an object. It must be text.");
    expect(await page.getByText("[object Object]").count()).toBe(0);
    await field.fill(JSON.stringify(snapshotsRequest("eastus2")));
    await page.getByRole("button", { name: "Fill in the form" }).click();
    await page.getByText("The form has it.").waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("false");
    await context.close();
  });

  it("needs no mouse, is read aloud, and fits a phone", async () => {
    const { page, context, complaints } = await open("create", "writer", {
      viewport: { width: 390, height: 844 },
    });
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let steps = 0; steps < 80; steps += 1) {
        await page.keyboard.press("Tab");
        const focused = page.locator(":focus");
        const label = await focused.evaluate((element) => {
          const { labels, textContent, ariaLabel } = element as unknown as {
            readonly labels?: ArrayLike<{ readonly textContent: string }>;
            readonly textContent: string;
            readonly ariaLabel: string | null;
          };
          return ariaLabel ?? labels?.[0]?.textContent ?? textContent;
        });
        if (name.test(label)) return;
      }
      throw new Error(`${String(name)} is not reached by the keyboard.`);
    };
    expect(await axeFindings(page)).toEqual([]);

    await page.getByRole("heading", { level: 1 }).waitFor();
    await tabTo(/^Version$/u);
    await page.keyboard.type("4.0.0");
    // Among radio buttons arrows choose.
    await tabTo(/Managed image/u);
    await tabTo(/^Managed image$/u);
    await page.keyboard.type("myImage");
    await tabTo(/^Region$/u);
    await page.keyboard.type("eastus");
    await tabTo(/^Replicas$/u);
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("0");
    await tabTo(/^Platform keys|Customer keys/u);
    await page.keyboard.press("ArrowLeft");
    expect(await page.getByLabel("Platform keys").isChecked()).toBe(true);

    // What is added has the focus, and what is removed leaves it near.
    await page.getByRole("button", { name: "Add a region" }).press("Enter");
    const focused = page.locator(":focus");
    await expect.poll(() => focused.getAttribute("id")).toBe("region-2-name");
    await page.getByRole("button", { name: "Remove Region 2" }).press("Enter");
    await expect.poll(() => focused.getAttribute("id")).toBe("regions");

    // What the plan says is told by a live region, and its links lead to the fields.
    const status = page.getByRole("status").filter({ hasText: "Checked" });
    await status.waitFor();
    expect(await status.innerText()).toMatch(/^Checked: 1 error/u);
    expect(await axeFindings(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(
      390,
    );
    await page.getByRole("link", { name: "eastus: replicas" }).focus();
    await page.keyboard.press("Enter");
    const replicas = page.getByLabel("Replicas", { exact: true });
    expect(await page.locator(":focus").getAttribute("id")).toBe(
      await replicas.getAttribute("id"),
    );
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("1");
    await page
      .getByRole("link", { name: "Source", exact: true })
      .nth(1)
      .waitFor();
    expect(await page.locator("#source-id-findings").innerText()).toMatch(
      /westus/u,
    );
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("is no offer to a reader", async () => {
    const { page, context } = await open("create", "reader");
    await page.getByText("You may not create or change versions").waitFor();
    expect(await page.locator("form").count()).toBe(0);
    await context.close();
    const api = await stack.client(host, ["ImageVersions.Read"]);
    const refused = await api.put(
      seedVersionId("9.0.0"),
      managedImageRequest(),
    );
    expect(refused.status).toBe(403);
  });

  it("whose answer is lost is sent again as the same request, and a plan that fails is made again", async () => {
    const { page, context } = await open("create");
    await page.route("**/plan", (route) => route.abort());
    await page.getByLabel("Version", { exact: true }).fill("5.0.0");
    await page.getByText("The plan could not be made.").waitFor();
    await page.unroute("**/plan");
    await page.getByRole("button", { name: "Check again" }).click();
    await page.locator(".plan-status", { hasText: "Checked" }).waitFor();
    await paste(page, managedImageRequest());
    await checked(page, "no error");

    const operations: unknown[] = [];
    await page.route("**/versions/5.0.0?plan=require", async (route) => {
      const response = await route.fetch();
      operations.push(((await response.json()) as { id: string }).id);
      if (operations.length === 1) await route.abort();
      else await route.fulfill({ response });
    });
    await page.getByRole("button", { name: "Create the version" }).click();
    await page.waitForURL(/\/versions\/5\.0\.0$/u);
    expect(operations).toHaveLength(2);
    expect(operations[0]).toBe(operations[1]);
    await context.close();
  });

  it("shows the names and messages of others as text", async () => {
    const { page, context, complaints } = await openPage(
      browser,
      `${host.origin}/api/ui/${SEED_IMAGE}/create`,
    );
    const message = `${HOSTILE} is no set`;
    await page.route("**/disk-encryption-sets*", (route) =>
      route.fulfill({
        json: {
          value: [
            {
              id: seedResource(`diskEncryptionSets/${HOSTILE}`),
              region: "westus",
              encryptionType: "EncryptionAtRestWithCustomerKey",
              provisioningState: HOSTILE,
              keyUrl: HOSTILE,
              rotationToLatestKeyVersionEnabled: true,
              autoKeyRotationError: { code: "x", message: HOSTILE },
            },
          ],
        },
      }),
    );
    await page.route("**/plan*", (route) =>
      route.fulfill({
        json: {
          findings: [
            {
              rule: "r",
              code: "x",
              severity: "error",
              pointer: "",
              message,
              remediation: HOSTILE,
            },
          ],
          changes: [],
        },
      }),
    );
    await signIn(page, "writer");
    const body = managedImageRequest();
    for (const target of body.properties.publishingProfile?.targetRegions ?? [])
      target.encryption = {
        osDiskImage: {
          diskEncryptionSetId: seedResource(`diskEncryptionSets/${HOSTILE}`),
        },
      };
    await paste(page, {
      ...body,
      tags: { [HOSTILE]: HOSTILE },
      properties: {
        ...body.properties,
        publishingProfile: {
          targetRegions: [
            ...(body.properties.publishingProfile?.targetRegions ?? []),
            { name: HOSTILE },
          ],
        },
      },
    });
    await page.getByText(message).first().waitFor();
    for (const summary of await page.locator("details > summary").all())
      await summary.click();
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).not.toBe("owned");
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("that lacks a set says how it is made", async () => {
    const { page, context } = await open("create");
    await page.getByLabel("Region", { exact: true }).fill("northeurope");
    await page.getByText("northeurope lacks the set").first().click();
    expect(
      await page
        .getByRole("region", { name: "az lines for northeurope-images" })
        .innerText(),
    ).toContain("--location northeurope");
    expect(
      await page
        .getByRole("region", { name: "Bicep for northeurope-images" })
        .innerText(),
    ).toContain("location: 'northeurope'");
    await context.close();
  });

  it("is kept as a draft in this tab, without a token, until it is discarded", async () => {
    const { page, context } = await open("create");
    await page.getByLabel("Version", { exact: true }).fill("3.0.0");
    await page.getByLabel("Region", { exact: true }).fill("westus");
    await page.locator(".plan-status", { hasText: "Checked" }).waitFor();
    const kept = await page.evaluate(() =>
      JSON.stringify({ ...sessionStorage }),
    );
    expect(kept).toContain("3.0.0");
    expect(kept).not.toContain("eyJ");
    await page.reload();
    await page.getByText("This is your draft").waitFor();
    expect(await page.getByLabel("Version", { exact: true }).inputValue()).toBe(
      "3.0.0",
    );
    await page.getByRole("button", { name: "Discard it" }).click();
    expect(await page.getByLabel("Version", { exact: true }).inputValue()).toBe(
      "",
    );
    await context.close();
  });

  it("is changed as it was read: what others changed meanwhile is shown, and kept", async () => {
    const id = seedVersionId("2.0.0");
    const api = await stack.client(host);
    expect((await api.put(id, managedImageRequest())).status).toBe(202);
    await stack.events.ended(id);

    const { page, context } = await open("versions/2.0.0/change");
    const west = region(page, "westus");
    await west.getByLabel("Replicas").fill("3");
    await checked(page, "no error");
    await page.getByText("What would change").first().waitFor();
    expect(
      (await api.put(id, { ...managedImageRequest(), tags: { build: "4711" } }))
        .status,
    ).toBe(202);
    await expect
      .poll(async () => (await api.request<object>("GET", pathOf(id))).body)
      .toMatchObject({ tags: { build: "4711" } });

    await page.getByRole("button", { name: "Change the version" }).click();
    await page.getByText("Somebody has changed the version").waitFor();
    await page.getByRole("button", { name: "Show what changed" }).click();
    await page.getByText('tags: – → {"build":"4711"}').waitFor();
    await page.getByRole("button", { name: "Keep my changes" }).click();
    expect(await page.getByLabel("Value of tag 1").inputValue()).toBe("4711");
    // A region is added; the keys that are there stay.
    await page.getByRole("button", { name: "Add a region" }).click();
    await region(page, "Region 3").getByLabel("Region").fill("eastus");
    await page.getByLabel("Of the OS disk").fill("{region}DiskEncryptionSet1");
    await page.getByLabel("Of data disks").fill("{region}DiskEncryptionSet2");
    await page.getByRole("button", { name: "Choose", exact: true }).click();
    expect(await page.locator("table.sets select").count()).toBe(2);
    await checked(page, "no error");
    await page.getByRole("button", { name: "Change the version" }).click();
    await page.waitForURL(/\/versions\/2\.0\.0$/u);
    await expect
      .poll(async () => (await api.request<object>("GET", pathOf(id))).body)
      .toMatchObject({
        tags: { build: "4711" },
        properties: {
          publishingProfile: {
            targetRegions: [{ regionalReplicaCount: 3 }, {}, {}],
          },
        },
      });
    await context.close();
  });
});
