import type { VirtualMachine } from "@azure/arm-compute";
import { describe, expect, test } from "vitest";
import { resourcesIn } from "../src/world.js";
import {
  COMPUTE,
  DEFINITION,
  DURATION_MS,
  encryptedVersion,
  GROUP,
  plainVersion,
  setId,
  startForEach,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

const sized = (sets: string, number: number) => ({
  managedDisk: {
    diskEncryptionSet: { id: setId(`${sets}DiskEncryptionSet${number}`) },
  },
});

const machine = (
  image: string,
  storage: VirtualMachine["storageProfile"] = {},
  more: Partial<VirtualMachine> = {},
): VirtualMachine => ({
  location: "westus",
  storageProfile: { imageReference: { id: image }, ...storage },
  osProfile: { computerName: "tester", adminUsername: "sigil" },
  ...more,
});

const make = (body: VirtualMachine) =>
  h.client.virtualMachines.createOrUpdate(GROUP, "tester", body);

async function disksOf(made: VirtualMachine) {
  const { osDisk, dataDisks = [] } = made.storageProfile ?? {};
  return await Promise.all(
    [osDisk, ...dataDisks].map((disk) => h.client.disks.get(GROUP, disk?.name ?? "")),
  );
}

describe("a virtual machine of an image version", () => {
  test("gets a disk of each of the image's, encrypted with the set it is given", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS);
    const made = await make(
      machine(versionId("1.0.0"), {
        osDisk: { createOption: "FromImage", ...sized("WestUS", 1) },
        dataDisks: [{ lun: 0, createOption: "FromImage", ...sized("WestUS", 2) }],
      }),
    );
    const [os, data] = await disksOf(made);
    expect(os).toMatchObject({
      osType: "Linux",
      managedBy: made.id,
      encryption: {
        type: "EncryptionAtRestWithCustomerKey",
        diskEncryptionSetId: setId("WestUSDiskEncryptionSet1"),
      },
      creationData: { galleryImageReference: { id: versionId("1.0.0") } },
    });
    expect(data).toMatchObject({
      encryption: { diskEncryptionSetId: setId("WestUSDiskEncryptionSet2") },
      creationData: { galleryImageReference: { lun: 0 } },
    });
  });

  test("without sets has disks with the platform's key", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS);
    const disks = await disksOf(await make(machine(versionId("1.0.0"))));
    expect(disks.map(({ encryption }) => encryption)).toEqual([
      { type: "EncryptionAtRestWithPlatformKey" },
      { type: "EncryptionAtRestWithPlatformKey" },
    ]);
  });

  test("by a definition is of the latest in its region", async () => {
    for (const name of ["1.0.9", "1.0.10"]) await submit(h.client, name, plainVersion());
    await submit(
      h.client,
      "2.0.0",
      plainVersion({
        publishingProfile: {
          excludeFromLatest: true,
          targetRegions: [{ name: "westus" }],
        },
      }),
    );
    h.clock.advance(DURATION_MS);
    const [os] = await disksOf(await make(machine(DEFINITION)));
    expect(os?.creationData?.galleryImageReference?.id).toBe(versionId("1.0.10"));
  });

  test.each([
    ["regionFirst", true, undefined, "1.0.0"],
    ["regionFirst", true, false, "2.0.0"],
    ["regionFirst", false, true, "1.0.0"],
    ["either", true, undefined, "1.0.0"],
    ["either", true, false, "1.0.0"],
    ["either", false, true, "1.0.0"],
    ["either", undefined, false, "2.0.0"],
  ] as const)(
    "by a definition, read %s, where the version's flag is %s and the region's %s, is of %s",
    async (reading, ofVersion, ofRegion, latest) => {
      await h.simulator.control.setExclusionReading(reading);
      await submit(h.client, "1.0.0", plainVersion());
      await submit(
        h.client,
        "2.0.0",
        plainVersion({
          publishingProfile: {
            ...(ofVersion !== undefined && { excludeFromLatest: ofVersion }),
            targetRegions: [
              {
                name: "West US",
                ...(ofRegion !== undefined && { excludeFromLatest: ofRegion }),
              },
            ],
          },
        }),
      );
      h.clock.advance(DURATION_MS);
      const [os] = await disksOf(await make(machine(DEFINITION)));
      expect(os?.creationData?.galleryImageReference?.id).toBe(versionId(latest));
    },
  );

  test.each([
    ["a region that has no copy", { location: "eastus" }, DURATION_MS],
    ["a region whose copy is not completed", {}, 0],
  ])("is refused in %s", async (_, change, ageMs) => {
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(ageMs);
    await expect(make(machine(versionId("1.0.0"), {}, change))).rejects.toMatchObject({
      statusCode: 404,
      code: "GalleryImageNotFound",
    });
  });

  test("is refused with a set of another region, and leaves no disk", async () => {
    await submit(h.client, "1.0.0", encryptedVersion());
    h.clock.advance(DURATION_MS);
    await expect(
      make(
        machine(versionId("1.0.0"), {
          osDisk: { createOption: "FromImage", ...sized("EastUS2", 1) },
        }),
      ),
    ).rejects.toMatchObject({
      code: "InvalidParameter",
      message: expect.stringContaining("is in region 'eastus2'") as string,
    });
    const names: (string | undefined)[] = [];
    for await (const { name } of h.client.disks.listByResourceGroup(GROUP)) names.push(name);
    expect(names).toEqual(["myOSDisk", "myDataDisk"]);
  });

  test("is refused with the name of a disk that exists, and leaves that disk alone", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS);
    const before = await h.client.disks.get(GROUP, "myOSDisk");
    await expect(
      make(
        machine(versionId("1.0.0"), {
          osDisk: { createOption: "FromImage", name: "myOSDisk" },
        }),
      ),
    ).rejects.toMatchObject({ statusCode: 409, code: "Conflict" });
    expect(await h.client.disks.get(GROUP, "myOSDisk")).toEqual(before);
  });

  test("needs the purchase plan of its definition", async () => {
    const plan = { name: "plan", publisher: "contoso", product: "product" };
    await h.simulator.control.putResource(
      resourcesIn(SUBSCRIPTION, GROUP).imageDefinition("MyGallery", "MyImage", "westus", {
        purchasePlan: plan,
      }),
    );
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS);
    await expect(make(machine(versionId("1.0.0")))).rejects.toMatchObject({
      code: "VMMarketplaceInvalidInput",
    });
    expect((await make(machine(versionId("1.0.0"), {}, { plan }))).plan).toEqual(plan);
  });

  test("deleted takes the disks with it that say so, and frees the others", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS);
    const made = await make(
      machine(versionId("1.0.0"), {
        osDisk: { createOption: "FromImage", deleteOption: "Delete" },
      }),
    );
    const [os, data] = await disksOf(made);
    await h.client.virtualMachines.delete(GROUP, "tester");
    await expect(h.client.disks.get(GROUP, os?.name ?? "")).rejects.toMatchObject({
      statusCode: 404,
    });
    const freed = await h.client.disks.get(GROUP, data?.name ?? "");
    expect(freed).toMatchObject({ diskState: "Unattached" });
    expect(freed.managedBy).toBeUndefined();
  });
});

describe("a deployment", () => {
  const path = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.Resources/deployments/vm`;
  const deploy = (resource: object, parameters: object = {}) =>
    h.call("PUT", path, {
      body: {
        properties: {
          mode: "Incremental",
          template: { resources: [resource] },
          parameters,
        },
      },
    });
  const disk = {
    apiVersion: "2025-01-02",
    type: "Microsoft.Compute/disks",
    name: "deployed",
    location: "[parameters('where')]",
    properties: {},
  };

  test("puts its resources, with parameters", async () => {
    const answer = await deploy(disk, { where: { value: "westus" } });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        properties: {
          provisioningState: "Succeeded",
          outputResources: [{ id: `${COMPUTE}/disks/deployed` }],
        },
      },
    });
    expect((await h.client.disks.get(GROUP, "deployed")).location).toBe("westus");
  });

  test.each([
    [disk, "not '[parameters('where')]'"],
    [{ ...disk, location: "[resourceGroup().location]" }, "evaluates"],
    [
      { type: "Microsoft.Network/networkInterfaces", name: "nic" },
      "deploys only resources of Microsoft.Compute",
    ],
  ])("says what it cannot do: %#", async (resource, message) => {
    expect(await deploy(resource)).toMatchObject({
      status: 400,
      body: {
        error: {
          code: "InvalidTemplate",
          message: expect.stringContaining(message) as string,
        },
      },
    });
  });
});
