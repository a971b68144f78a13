import type { Locator, Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { findChromium } from "./browser.js";
import {
  axeFindings,
  HOSTILE,
  REGIONS,
  SEED_IMAGE,
  signIn,
  startWorld,
  tabTo,
  type World,
} from "./page.js";
import {
  managedImageRequest,
  seedResource,
  seedVersionId,
  snapshotsRequest,
} from "../../support/requests.js";
import { pathOf } from "../../support/api-client.js";
import { capturingRequest, machineResources } from "../../support/captures.js";
import { Trial } from "../../support/trial.js";

const chromium = findChromium();

describe("a version made in the page", needs("chromium", chromium), () => {
  const world = startWorld();
  const open = (
    path: string,
    username: "reader" | "writer" = "writer",
    options: Parameters<World["open"]>[2] = {},
    image = SEED_IMAGE,
  ) => world.open(`${image}/${path}`, username, options);
  const checked = (page: Page, text: string): Promise<void> =>
    page.locator(".plan-status", { hasText: `Checked: ${text}` }).waitFor();
  const region = (page: Page, name: string): Locator =>
    page.getByRole("row", { name, exact: true });
  const addRegions = async (page: Page, names: string): Promise<void> => {
    await page.getByLabel("Add regions", { exact: true }).fill(names);
    await page.keyboard.press("Enter");
  };
  const chosen = (select: Locator): Promise<string> => select.locator("option:checked").innerText();
  const options = (select: Locator): Promise<string[]> => select.locator("option").allInnerTexts();
  const paste = async (page: Page, body: unknown): Promise<void> => {
    await page.getByText("Begin with a request").click();
    await page.getByLabel("The body of a PUT").fill(JSON.stringify(body));
    await page.getByRole("button", { name: "Fill in the form" }).click();
  };

  it("by hand is the seed's, from an empty form to every region usable (row S10)", async () => {
    const { page, complaints } = await open("create?from=none");
    await page.getByLabel("Version", { exact: true }).fill("1.0.0");
    await page.getByLabel("Managed image", { exact: true }).fill("myImage");
    // Nothing is found wrong of what nobody has come to yet.
    await page.locator(".plan-status", { hasText: "still to be" }).waitFor();
    expect(await page.getByText("to correct").count()).toBe(0);
    await addRegions(page, "West US, eastus2");
    await region(page, "westus").getByLabel("Replicas").fill("2");
    await region(page, "westus").getByLabel("Storage").selectOption("Standard_LRS");

    // The plan has looked into the source, and each disk has its column.
    await page.getByText("Its data disks: LUN 0.").waitFor();
    const os = page.getByLabel("OS disk in westus");
    expect(await options(os)).toEqual([
      "Choose a set",
      "WestUSDiskEncryptionSet1",
      "WestUSDiskEncryptionSet2",
    ]);
    await os.selectOption("WestUSDiskEncryptionSet1");
    expect(await os.getAttribute("title")).toMatch(/^Key /u);
    // By rule the others: what was chosen by hand stays.
    await page.getByLabel("Set of data disks").fill("{region}DiskEncryptionSet2");
    await page.getByLabel("Set of the OS disk").fill("{region}DiskEncryptionSet1");
    await page.getByText("3 of 3 sets found").waitFor();
    await page
      .getByRole("img", {
        name: "EastUS2DiskEncryptionSet2, found by the rule",
      })
      .waitFor();
    expect(await chosen(os)).toBe("WestUSDiskEncryptionSet1");
    await page.getByRole("button", { name: "Choose the set of OS disk in eastus2" }).click();
    const other = page.getByLabel("OS disk in eastus2", { exact: true });
    expect(await options(other)).toEqual([
      "By the rule",
      "EastUS2DiskEncryptionSet1",
      "EastUS2DiskEncryptionSet2",
    ]);
    await checked(page, "no error");
    await os.selectOption("By the rule");
    await page.getByText("The same with sigil").click();
    expect(await page.getByRole("region", { name: "The command line" }).innerText()).toMatch(
      /^sigil image-version create[\s\S]*--os-disk-set-rule/u,
    );

    await page.getByRole("button", { name: "Create 1.0.0" }).click();
    await page.waitForURL(/\/versions\/1\.0\.0$/u);
    for (const name of ["westus", "eastus2"])
      await page
        .getByRole("row", {
          name: new RegExp(`^${name} .*(?:Ready|Completed)`, "u"),
        })
        .first()
        .waitFor();
    const id = seedVersionId("1.0.0");
    const { body } = await world.api.request<{
      properties: {
        publishingProfile: { targetRegions: { encryption: unknown }[] };
      };
      sigil: { regions: { name: string; state: string }[] };
    }>("GET", pathOf(id));
    expect(body.sigil.regions).toMatchObject([
      { name: "westus", state: "Completed" },
      { name: "eastus2", state: "Completed" },
    ]);
    const [west] = body.properties.publishingProfile.targetRegions;
    expect(west).toMatchObject({ regionalReplicaCount: 2 });
    // As the request that names each set, which Azure compares without case.
    expect(JSON.stringify(west?.encryption).toLowerCase()).toBe(
      JSON.stringify(
        managedImageRequest().properties.publishingProfile?.targetRegions?.[0]?.encryption,
      ).toLowerCase(),
    );
    expect(complaints).toEqual([]);
    // What was made is no draft any more.
    expect(
      await page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.includes("draft"))),
    ).toEqual([]);
  });

  it("at 30 regions is a row a region, in waves by geography; what is wrong with one is said once, and moves no row", async () => {
    const { page } = await open("create?from=none", "writer", {
      viewport: { width: 1_280, height: 800 },
    });
    await page.getByLabel("Managed image", { exact: true }).fill("myImage");
    await addRegions(page, REGIONS.join(", "));
    await page.getByText("30 regions", { exact: true }).waitFor();
    await page.getByLabel("When it becomes the latest").selectOption("In waves");
    expect(
      await page
        .getByRole("row", { name: /^Wave [12] /u })
        .getByRole("cell", { name: /region/u })
        .allInnerTexts(),
    ).toEqual(["1 region", "29 regions"]);
    await page.getByLabel("When wave 2 begins").selectOption("minutes");
    await page.getByLabel("Minutes before wave 2").fill("60");
    await page.getByLabel("Wave of Europe").selectOption({ label: "1" });
    await page.getByLabel("Wave of uksouth").selectOption({ label: "2" });
    await page.getByText("2 waves: 10 regions; then 20 regions.").waitFor();
    await page.getByLabel("Replicas in all regions").fill("3");
    await page.getByLabel("Replicas in westus", { exact: true }).fill("101");
    await page.getByLabel("Encryption", { exact: true }).selectOption("platform");
    await page.getByText("188 replicas in 30 regions").waitFor();
    // While it is typed in, nothing is said of it.
    await page.locator(".plan-status", { hasText: "still to be" }).waitFor();
    const table = page.getByRole("table", { name: "Regions" });
    const heights = async (): Promise<unknown[]> => {
      const boxes = (await table.locator("tr").all()).map((row) => row.boundingBox());
      return (await Promise.all(boxes)).map((box) => box?.height);
    };
    const before = await heights();
    await page.keyboard.press("Tab");
    await checked(page, "1 error");
    const found = page.locator(".card", { has: table }).locator(".note");
    expect(await found.count()).toBe(1);
    expect(await found.innerText()).toMatch(/^westus: replicas/u);
    const replicas = page.getByLabel("Replicas in westus", { exact: true });
    const described = (await replicas.getAttribute("aria-describedby")) ?? "";
    expect(await page.locator(`[id="${described}"]`).innerText()).toMatch(/100/u);
    expect(await heights()).toEqual(before);
    expect(await page.getByRole("button", { name: /^Create/u }).isDisabled()).toBe(true);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(1_280);
    expect(await axeFindings(page)).toEqual([]);
  });

  it("begins with what an earlier version has, under the next number, and is sent as it stands", async () => {
    const patched = await world.api.request("PATCH", pathOf(seedVersionId("1.0.0")), {
      body: { tags: { team: "web" } },
    });
    expect(patched.status).toBeLessThan(300);
    await expect
      .poll(async () => (await world.api.request("GET", pathOf(seedVersionId("1.0.0")))).body)
      .toMatchObject({ tags: { team: "web" } });
    const { page } = await open("versions/1.0.0");
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("link", { name: "New version from this one" }).click();
    const source = page.getByLabel("Managed image", { exact: true });
    await source.waitFor();
    // What it is made from is another one's.
    expect(await source.inputValue()).toBe("");
    await page.locator(".plan-status", { hasText: "still to be" }).waitFor();
    expect(await page.getByText("to correct").count()).toBe(0);
    expect(await page.getByLabel("Value of tag 1").inputValue()).toBe("web");
    expect(await page.getByLabel("Set of data disks").inputValue()).toMatch(
      /^\{region\}DiskEncryptionSet2$/iu,
    );
    expect(await region(page, "westus").getByLabel("Replicas").inputValue()).toBe("2");
    await page.getByText("4 of 4 sets found").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    // Nothing was done yet that would be a draft.
    await page.reload();
    await source.waitFor();
    expect(await page.getByText("This is your draft").count()).toBe(0);
    // A new version begins so by itself.
    await page.goto(`${world.host.origin}/api/ui/${SEED_IMAGE}/create`);
    await page.getByText("All of 1.0.0 but its number").waitFor();
    await source.fill("myImage");
    await source.press("Tab");
    await checked(page, "no error");
    await page.getByRole("button", { name: "Create 1.0.1" }).click();
    await page.waitForURL(/\/versions\/1\.0\.1$/u);
    await page.getByText("Tag team", { exact: true }).waitFor();
  });

  it("is begun with another version, or none, without losing what was filled in", async () => {
    const { page } = await open("create?from=none");
    const image = page.getByLabel("Managed image", { exact: true });
    await image.fill("mine");
    const begin = page.getByLabel("Begin with", { exact: true });
    await begin.selectOption("what 1.0.0 has");
    await page.getByText("All of 1.0.0 but its number").waitFor();
    expect(await image.inputValue()).toBe("");
    await begin.selectOption("an empty form");
    await expect.poll(() => image.inputValue()).toBe("mine");
    await page.getByText("This is your draft").waitFor();
  });

  it("is made from VHDs, with an end of life from a calendar", async () => {
    const { page } = await open("create?from=none");
    await page.getByLabel("Made from").selectOption("vhd");
    await page.getByLabel("Storage account").fill("mystorageaccount");
    await page
      .getByLabel("OS disk", { exact: true })
      .fill("https://mystorageaccount.blob.core.windows.net/vhds/os.vhd");
    const end = page.getByLabel("End of life", { exact: true });
    expect(await end.getAttribute("type")).toBe("date");
    await end.fill("2030-12-01");
    await page.locator("summary", { hasText: "The request to Sigil" }).click();
    const request = await page.getByRole("region", { name: "The request to Sigil" }).innerText();
    expect(JSON.parse(request.slice(request.indexOf("\n")))).toMatchObject({
      properties: {
        publishingProfile: { endOfLifeDate: "2030-12-01" },
        storageProfile: {
          osDiskImage: {
            source: {
              storageAccountId: seedResource("x").replace(
                /Microsoft\.Compute\/.*$/u,
                "Microsoft.Storage/storageAccounts/mystorageaccount",
              ),
              uri: "https://mystorageaccount.blob.core.windows.net/vhds/os.vhd",
            },
          },
        },
      },
    });
  });

  it("says whether secrets can be provisioned, and shows at the field what the plan has against it", async () => {
    const { page, complaints } = await open("create?from=none");
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
    await page.getByRole("button", { name: "Create 1.3.0" }).click();
    await page.waitForURL(/\/versions\/1\.3\.0$/u);
    await page.getByText("supported: mariner, AzureGuestAgent 2.7.0").waitFor();
    const { body } = await world.api.request<{ properties: unknown }>(
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
  });

  it("of a confidential machine has a key for each data disk", async () => {
    const { simulator } = world.stack;
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
      of.virtualMachine("cvm", "eastus", "cvmDisk", [{ lun: 0, name: "cvmData" }], {
        securityProfile: { securityType: "ConfidentialVM" },
      }),
      of.diskEncryptionSet("confidential", "eastus", "ConfidentialVmEncryptedWithCustomerKey"),
    ])
      await simulator.putResource(resource);
    await simulator.setRegistrationState({
      subscriptionId: LOCAL_SUBSCRIPTION_ID,
      namespace: "Microsoft.Compute",
      feature: "ConfidentialVMDataDiskEncryptionPreview",
      state: "Registered",
    });
    const { page, complaints } = await open(
      "create",
      "writer",
      {},
      SEED_IMAGE.replace("MyImage", "confidential"),
    );
    await page.getByLabel("Version", { exact: true }).fill("1.0.0");
    await page.getByLabel("Made from").selectOption("virtualMachine");
    await page.getByLabel("Virtual machine", { exact: true }).fill("cvm");
    await addRegions(page, "eastus");
    await page.getByText("Its data disks: LUN 0.").waitFor();
    await page.getByLabel("Encryption", { exact: true }).selectOption("confidential");
    await page.getByLabel("Kind of confidential encryption").selectOption("EncryptedWithPmk");
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
    await page.getByRole("button", { name: "Create 1.0.0" }).click();
    await page.waitForURL(/\/versions\/1\.0\.0$/u);
    const { body } = await world.api.request<{ properties: unknown }>(
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
                    secureVMDiskEncryptionSetId: seedResource("diskEncryptionSets/confidential"),
                  },
                },
              ],
            },
          },
        ],
      },
    });
    expect(complaints).toEqual([]);
  });

  it("with the seed's wrong region is caught at its field, and not sent (row S11)", async () => {
    const { page, requests } = await open("create?from=none");
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
    const review = page.getByRole("complementary");
    await review.getByRole("link", { name: "eastus: OS disk" }).click();
    expect(await page.locator(":focus").getAttribute("id")).toBe(await select.getAttribute("id"));

    expect(await page.getByRole("button", { name: "Create 1.1.0" }).isDisabled()).toBe(true);
    expect(requests.filter((each) => /\/versions\/1\.1\.0\?/u.test(each))).toEqual([]);
    // The sets were the mistake.
    await select.selectOption("EastUSDiskEncryptionSet1");
    await page
      .getByLabel("Data disk, LUN 0 in eastus", { exact: true })
      .selectOption("EastUSDiskEncryptionSet2");
    await checked(page, "no error");
  });

  it("is not begun with what a form cannot show: the paste says what is wrong", async () => {
    const { page } = await open("create?from=none");
    await paste(page, {
      ...snapshotsRequest("eastus2"),
      tags: { build: { number: 4711 } },
    });
    const field = page.getByLabel("The body of a PUT");
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(
      await page
        .locator(`[id="${(await field.getAttribute("aria-describedby")) ?? ""}"]`)
        .innerText(),
    ).toContain("/tags/build is an object. It must be text.");
    expect(await page.getByText("[object Object]").count()).toBe(0);
    await field.fill(JSON.stringify(snapshotsRequest("eastus2")));
    await page.getByRole("button", { name: "Fill in the form" }).click();
    await page.getByText("The form has it.").waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("false");
  });

  it("needs no mouse, is read aloud, and fits a phone", async () => {
    const { page, complaints } = await open("create?from=none", "writer", {
      viewport: { width: 390, height: 844 },
    });
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await axeFindings(page)).toEqual([]);

    await tabTo(page, /^Version$/u);
    await page.keyboard.type("4.0.0");
    await tabTo(page, /^Managed image$/u);
    await page.keyboard.type("myImage");
    await tabTo(page, /^Encryption$/u);
    await page.keyboard.type("Platform");
    await tabTo(page, /^Add regions$/u);
    await page.keyboard.type("eastus");
    await page.keyboard.press("Enter");
    await tabTo(page, /^Replicas in eastus$/u);
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("0");
    await tabTo(page, /^Storage in eastus$/u);

    // What is removed leaves the focus near.
    await addRegions(page, "mars");
    await page.getByRole("button", { name: "Remove mars" }).press("Enter");
    const focused = page.locator(":focus");
    await expect.poll(() => focused.getAttribute("id")).toBe("regions");

    // What the plan says is told by a live region, and its links lead to the fields.
    const status = page.getByRole("status").filter({ hasText: "Checked" });
    await status.waitFor();
    expect(await status.innerText()).toMatch(/^Checked: 1 error/u);
    expect(await axeFindings(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    const review = page.getByRole("complementary");
    await review.getByRole("link", { name: "eastus: replicas" }).focus();
    await page.keyboard.press("Enter");
    const replicas = page.getByLabel("Replicas in eastus");
    expect(await page.locator(":focus").getAttribute("id")).toBe(await replicas.getAttribute("id"));
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("1");
    await page.getByRole("link", { name: "Source", exact: true }).waitFor();
    expect(await page.locator("#source-id-findings").innerText()).toMatch(/westus/u);
    expect(complaints).toEqual([]);
  });

  it("is no offer to a reader", async () => {
    const { page } = await open("create?from=none", "reader");
    await page.getByText("You may not create or change versions").waitFor();
    expect(await page.locator("form").count()).toBe(0);
    const reader = await world.stack.client(world.host, ["ImageVersions.Read"]);
    const refused = await reader.put(seedVersionId("9.0.0"), managedImageRequest());
    expect(refused.status).toBe(403);
  });

  it("whose answer is lost is sent again as the same request, and a plan that fails is made again", async () => {
    const { page } = await open("create?from=none");
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
    await page.getByRole("button", { name: "Create 5.0.0" }).click();
    await page.waitForURL(/\/versions\/5\.0\.0$/u);
    expect(operations).toHaveLength(2);
    expect(operations[0]).toBe(operations[1]);
  });

  it("shows the names and messages of others as text", async () => {
    const { page, complaints } = await world.open(`${SEED_IMAGE}/create`);
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
    for (const summary of await page.locator("details > summary").all()) await summary.click();
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).not.toBe("taken over");
    expect(complaints).toEqual([]);
  });

  it("that lacks a set says how it is made", async () => {
    const { page } = await open("create?from=none");
    await addRegions(page, "northeurope");
    await page.getByText("northeurope lacks the set").first().click();
    expect(
      await page.getByRole("region", { name: "az lines for northeurope-images" }).innerText(),
    ).toContain("--location northeurope");
    expect(
      await page.getByRole("region", { name: "Bicep for northeurope-images" }).innerText(),
    ).toContain("location: 'northeurope'");
  });

  it("is kept as a draft in this tab, without a token, until it is discarded", async () => {
    const { page } = await open("create?from=none");
    await page.getByLabel("Version", { exact: true }).fill("3.0.0");
    await addRegions(page, "westus");
    await page.locator(".plan-status", { hasText: "Checked" }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
    expect(kept).toContain("3.0.0");
    expect(kept).not.toContain("eyJ");
    await page.reload();
    await page.getByText("This is your draft").waitFor();
    expect(await page.getByLabel("Version", { exact: true }).inputValue()).toBe("3.0.0");
    await page.getByRole("button", { name: "Discard it" }).click();
    expect(await page.getByLabel("Version", { exact: true }).inputValue()).toBe("");
  });

  it("is changed as it was read: what others changed meanwhile is shown, and kept", async () => {
    const id = seedVersionId("2.0.0");
    expect((await world.api.put(id, managedImageRequest())).status).toBe(202);
    await world.stack.events.ended(id);

    const { page } = await open("versions/2.0.0/change");
    const west = region(page, "westus");
    // Nothing is changed yet.
    await page.getByText("Nothing is changed yet.").waitFor();
    expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
    await west.getByLabel("Replicas").fill("3");
    await checked(page, "no error");
    await page.getByText("What would change").first().waitFor();
    expect(
      (
        await world.api.put(id, {
          ...managedImageRequest(),
          tags: { build: "4711" },
        })
      ).status,
    ).toBe(202);
    await expect
      .poll(async () => (await world.api.request<object>("GET", pathOf(id))).body)
      .toMatchObject({ tags: { build: "4711" } });

    const save = page.getByRole("button", { name: "Save 1 change", exact: true });
    await save.click();
    await page.getByText("The version was changed since you read it").waitFor();
    await page.getByRole("button", { name: "Show what changed" }).click();
    await page.getByText("Tag build becomes 4711.").waitFor();
    await page.getByRole("button", { name: "Keep my changes" }).click();
    expect(await page.getByLabel("Value of tag 1").inputValue()).toBe("4711");
    // A region is added; the keys that are there stay, and its own are by the rule that those follow.
    await addRegions(page, "eastus");
    await page.getByRole("img", { name: "EastUSDiskEncryptionSet1, found by the rule" }).waitFor();
    await page.getByText("2 of 2 sets found").waitFor();
    await checked(page, "no error");
    await page.getByRole("button", { name: "Save 2 changes" }).click();
    await page.waitForURL(/\/versions\/2\.0\.0$/u);
    await expect
      .poll(async () => (await world.api.request<object>("GET", pathOf(id))).body)
      .toMatchObject({
        tags: { build: "4711" },
        properties: {
          publishingProfile: {
            targetRegions: [{ regionalReplicaCount: 3 }, {}, {}],
          },
        },
      });
  });

  it("of a Trusted Launch machine is offered a capture, which says what it lacks at its own place", async () => {
    const images = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
    for (const resource of [
      images.imageDefinition("MyGallery", "Secured", "westus", {
        features: [{ name: "SecurityType", value: "TrustedLaunch" }],
      }),
      ...machineResources(0),
    ])
      await world.stack.simulator.putResource(resource);
    const { page } = await open(
      "create?from=none",
      "writer",
      {},
      SEED_IMAGE.replace("MyImage", "Secured"),
    );
    const { sigil: _, ...body } = capturingRequest(0, 1);
    await paste(page, body);
    await page.getByLabel("Version", { exact: true }).fill("1.0.0");
    const box = page.getByLabel("Capture by snapshots");
    expect(await box.isChecked()).toBe(false);
    await box.check();
    await page.getByText("Sigil has no resource group for snapshots").first().waitFor();
    expect(await box.getAttribute("aria-invalid")).toBe("true");
    await page.getByRole("link", { name: "Capture", exact: true }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await box.uncheck();
    expect(await box.isChecked()).toBe(false);
  });
});
