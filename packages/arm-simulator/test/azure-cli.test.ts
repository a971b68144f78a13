import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { seedWorld } from "../src/world.js";
import { runProgram } from "@sigil-local/testing/program";
import { logIn, openAzureCli, type AzureCli } from "./azure-cli.js";
import {
  COMPUTE,
  encryptedVersion,
  get,
  plainVersion,
  setId,
  startHarness,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

/*
 * The commands of Microsoft's page "Use customer-managed keys for encrypting images", word for word, by the real Azure CLI.
 * Its subscription is filled in; nothing else is changed but what a test names.
 */

const HALF_AN_HOUR_MS = 30 * 60_000;
const V = versionId("1.0.0");
const AT = "-g MyResourceGroup --gallery-name MyGallery --gallery-image-definition MyImage";

describe("the Azure CLI", { ...needs("az"), timeout: 120_000 }, () => {
  let h: Harness;
  let az: AzureCli;
  beforeAll(async () => {
    h = await startHarness({
      world: seedWorld(SUBSCRIPTION, {
        compute: "NotRegistered",
        sigEncryption: "NotRegistered",
      }),
      // az waits 30 s between two looks at an operation: it is done by the first.
      replication: { durationMs: 0 },
    });
    az = await logIn(h);
  }, 120_000);
  afterAll(async () => {
    await az?.close();
    await h?.close();
  });
  beforeEach(() => h.simulator.control.removeResource(V));

  const registered = async () => {
    for (const feature of ["SIGEncryption", undefined])
      await h.simulator.control.setRegistrationState({
        subscriptionId: SUBSCRIPTION,
        namespace: "Microsoft.Compute",
        ...(feature !== undefined && { feature }),
        state: "Registered",
      });
  };

  test("logs in with what the simulator's program prints", async () => {
    const data = await mkdtemp(path.join(tmpdir(), "sigil-simulator-"));
    const own = await openAzureCli();
    const ports = ["--port", "--token-port", "--identity-port"];
    const program = runProgram("arm-simulator/dist/main.js", [
      "--data",
      data,
      ...ports.flatMap((port) => [port, "0"]),
    ]);
    try {
      await program.waitForLine(/az login/u);
      const [, printed = ""] = program
        .stdout()
        .split("The Azure CLI, with a profile of its own:\n");
      const lines = printed.split("\n").slice(0, 3).join("\n");
      expect(await own.json(`{ ${lines}\n} >&2; az account show --query id`)).toBe(SUBSCRIPTION);
    } finally {
      program.kill("SIGTERM");
      await program.exited;
      await own.close();
      await rm(data, { recursive: true, force: true });
    }
  });

  test("registers the feature, and shows when it is Registered", async () => {
    await az.json("az feature register --namespace Microsoft.Compute --name SIGEncryption");
    const show = "az feature show --namespace Microsoft.Compute --name SIGEncryption | grep state";
    expect((await az.run(show)).stdout.trim()).toBe('"state": "Registering"');
    h.clock.advance(HALF_AN_HOUR_MS);
    expect((await az.run(show)).stdout.trim()).toBe('"state": "Registered"');
  });

  test("registers the provider", async () => {
    const show = "az provider show -n Microsoft.Compute | grep registrationState";
    expect((await az.run(show)).stdout).toContain('"NotRegistered"');
    await az.json("az provider register -n Microsoft.Compute");
    h.clock.advance(HALF_AN_HOUR_MS);
    expect((await az.run(show)).stdout).toContain('"Registered"');
  });

  const encrypted = (sets: string) => ({
    osDiskImage: { diskEncryptionSetId: setId(`${sets}DiskEncryptionSet1`) },
    dataDiskImages: [{ lun: 0, diskEncryptionSetId: setId(`${sets}DiskEncryptionSet2`) }],
  });
  const targetRegions = [
    {
      name: "West US",
      regionalReplicaCount: 2,
      storageAccountType: "Standard_LRS",
      encryption: encrypted("WestUS"),
    },
    {
      name: "East US 2",
      regionalReplicaCount: 1,
      encryption: encrypted("EastUS2"),
    },
  ];

  test("creates an encrypted version of a managed image", async () => {
    await registered();
    await az.json(`az sig image-version create \\
   -g MyResourceGroup \\
   --gallery-image-version 1.0.0 \\
   --location westus \\
   --target-regions westus=2=standard_lrs eastus2 \\
   --target-region-encryption WestUSDiskEncryptionSet1,0,WestUSDiskEncryptionSet2 EastUS2DiskEncryptionSet1,0,EastUS2DiskEncryptionSet2 \\
   --gallery-name MyGallery \\
   --gallery-image-definition MyImage \\
   --managed-image "/subscriptions/${SUBSCRIPTION}/resourceGroups/myResourceGroup/providers/Microsoft.Compute/images/myImage"`);
    const version = await get(h.client, "1.0.0");
    expect(version).toMatchObject({
      provisioningState: "Succeeded",
      publishingProfile: { targetRegions },
    });
    expect(version.storageProfile?.source?.id).toMatch(/\/images\/myImage$/u);
  });

  const fromSnapshots = (regions: string) => `az sig image-version create \\
   -g MyResourceGroup \\
   --gallery-image-version 1.0.0 \\
   --location westus\\
   --target-regions ${regions}\\
   --target-region-encryption WestUSDiskEncryptionSet1,0,WestUSDiskEncryptionSet2 EastUS2DiskEncryptionSet1,0,EastUS2DiskEncryptionSet2 \\
   --os-snapshot "/subscriptions/${SUBSCRIPTION}/resourceGroups/myResourceGroup/providers/Microsoft.Compute/snapshots/myOSSnapshot" \\
   --data-snapshot-luns 0 \\
   --data-snapshots "/subscriptions/${SUBSCRIPTION}/resourceGroups/myResourceGroup/providers/Microsoft.Compute/snapshots/myDDSnapshot" \\
   --gallery-name MyGallery \\
   --gallery-image-definition MyImage `;

  test("the page's command for snapshots gives eastus the sets of eastus2, and is refused for it", async () => {
    await registered();
    const { code, stderr } = await az.run(fromSnapshots("westus=2=standard_lrs eastus"));
    expect(code).toBe(1);
    expect(stderr).toContain("(InvalidParameter)");
    expect(stderr).toContain("EastUS2DiskEncryptionSet1' is in region 'eastus2'");
    await expect(get(h.client, "1.0.0")).rejects.toThrow("was not found");
  });

  test("with eastus2 in place of eastus it creates an encrypted version of snapshots", async () => {
    await registered();
    await az.json(fromSnapshots("westus=2=standard_lrs eastus2"));
    const { publishingProfile, storageProfile } = await get(h.client, "1.0.0");
    expect(publishingProfile).toMatchObject({ targetRegions });
    expect(storageProfile?.osDiskImage?.source?.id).toMatch(/\/snapshots\/myOSSnapshot$/u);
    expect(storageProfile?.dataDiskImages).toMatchObject([{ lun: 0 }]);
    expect(storageProfile?.dataDiskImages?.[0]?.source?.id).toMatch(/\/snapshots\/myDDSnapshot$/u);
  });

  test("lists, shows, waits for and deletes versions", async () => {
    await registered();
    await submit(h.client, "1.0.0", plainVersion());
    await az.json(`az sig image-version wait ${AT} --gallery-image-version 1.0.0 --created`);
    expect(await az.json(`az sig image-version list ${AT} --query "[].name"`)).toEqual(["1.0.0"]);
    expect(
      await az.json(
        `az sig image-version show ${AT} --gallery-image-version 1.0.0 --expand ReplicationStatus`,
      ),
    ).toMatchObject({
      id: V,
      replicationStatus: { aggregatedState: "Completed" },
    });
    await az.json(`az sig image-version delete ${AT} --gallery-image-version 1.0.0`);
    const { code, stderr } = await az.run(
      `az sig image-version show ${AT} --gallery-image-version 1.0.0`,
    );
    expect(code).toBe(3);
    expect(stderr).toContain("(ResourceNotFound)");
  });

  // The page names the two options without a whole command. Debian's az 2.45 was packed with other Azure libraries than it
  // was made for: without --nics it fails before it calls Azure, without --no-wait after the machine is made.
  test("makes a virtual machine of a version, its disks encrypted with the sets that it is given", async () => {
    await registered();
    await submit(h.client, "1.0.0", encryptedVersion());
    await az.json(`az vm create -g MyResourceGroup -n myTestVM \\
   --image ${V} \\
   --os-disk-encryption-set WestUSDiskEncryptionSet1 \\
   --data-disk-encryption-sets WestUSDiskEncryptionSet2 \\
   --nics ${COMPUTE.replace("Compute", "Network")}/networkInterfaces/myNic --generate-ssh-keys --no-wait`);
    const disks = await az.json(
      `az disk list -g MyResourceGroup --query "[?starts_with(name, 'myTestVM_')].encryption"`,
    );
    expect(disks).toEqual([
      {
        type: "EncryptionAtRestWithCustomerKey",
        diskEncryptionSetId: setId("WestUSDiskEncryptionSet1"),
      },
      {
        type: "EncryptionAtRestWithCustomerKey",
        diskEncryptionSetId: setId("WestUSDiskEncryptionSet2"),
      },
    ]);
  });

  test("shows and lists disk encryption sets", async () => {
    expect(
      await az.json("az disk-encryption-set show -g MyResourceGroup -n WestUSDiskEncryptionSet1"),
    ).toMatchObject({
      id: setId("WestUSDiskEncryptionSet1"),
      location: "westus",
      encryptionType: "EncryptionAtRestWithCustomerKey",
    });
    for (const where of ["", "-g MyResourceGroup"])
      expect(await az.json(`az disk-encryption-set list ${where} --query "[].name"`)).toContain(
        "EastUS2DiskEncryptionSet2",
      );
  });

  test("is refused a change of what an image definition never changes", async () => {
    await registered();
    const { code, stderr } = await az.run(
      "az sig image-definition update -g MyResourceGroup --gallery-name MyGallery --gallery-image-definition MyImage --set osState=Specialized",
    );
    expect(code).toBe(1);
    expect(stderr).toContain(
      "(PropertyChangeNotAllowed) Changing property 'galleryImage.properties.osState' is not allowed.",
    );
  });

  test("creates a gallery and an image definition with a purchase plan", async () => {
    await registered();
    await az.json("az sig create -g MyResourceGroup --gallery-name Created");
    await az.json(
      "az sig image-definition create -g MyResourceGroup --gallery-name Created --gallery-image-definition Planned --publisher Contoso --offer Linux --sku standard --os-type Linux --hyper-v-generation V2 --plan-name plan --plan-publisher contoso --plan-product product",
    );
    expect(await h.client.galleryImages.get("MyResourceGroup", "Created", "Planned")).toMatchObject(
      {
        osState: "Generalized",
        hyperVGeneration: "V2",
        identifier: { publisher: "Contoso", offer: "Linux", sku: "standard" },
        purchasePlan: {
          name: "plan",
          publisher: "contoso",
          product: "product",
        },
      },
    );
  });
});
