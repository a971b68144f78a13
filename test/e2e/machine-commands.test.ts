import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { needs } from "@sigil-local/testing/tools";
import type { components } from "../../src/generated/openapi.js";
import { pathOf, type ApiClient, type Problem } from "../support/api-client.js";
import { signInWithAz } from "../support/azure-cli.js";
import { managedImageRequest, seedResource, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";
import { seedSet } from "../support/trial.js";

type Commands = components["schemas"]["MachineCommands"];

const VERSION = seedVersionId("1.0.0");
const MACHINE = `${pathOf(VERSION)}/machine`;

let stack: Stack;
let api: ApiClient;
beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 500 } },
  });
  api = await stack.client(await stack.startHost());
  await api.put(VERSION, managedImageRequest());
  await stack.events.ended(VERSION);
});
afterAll(() => stack?.close());

test("a version says how a machine is made of it in each of its regions, and refuses others", async () => {
  const { status, body } = await api.request<Commands>(
    "GET",
    `${MACHINE}?region=East%20US%202&name=it&size=Standard_D4s_v5&resourceGroup=Others`,
  );
  expect(status).toBe(200);
  expect(body).toMatchObject({ region: "eastus2", warnings: [] });
  for (const form of [body.az, body.powerShell, body.bicep])
    for (const part of [
      VERSION,
      "eastus2",
      "Standard_D4s_v5",
      seedResource("diskEncryptionSets/EastUS2DiskEncryptionSet1"),
      seedResource("diskEncryptionSets/EastUS2DiskEncryptionSet2"),
    ])
      expect(form).toContain(part);

  const elsewhere = await api.request<Problem>("GET", `${MACHINE}?region=northeurope`);
  expect(elsewhere.body).toMatchObject({
    status: 400,
    errors: [{ code: "RegionNotInVersion", pointer: "/query/region" }],
  });
  const wrong = await api.request<Problem>("GET", `${MACHINE}?name=${encodeURIComponent("x; id")}`);
  expect(wrong.body.errors.map(({ code, pointer }) => `${code} ${pointer}`).sort()).toEqual([
    "InvalidFormat /query/name",
    "MissingParameter /query/region",
  ]);
  const none = await api.request("GET", `${pathOf(seedVersionId("9.9.9"))}/machine?region=westus`);
  expect(none.status).toBe(404);
});

describe("with the real az", needs("az"), () => {
  test(
    "the command makes the machine, each disk encrypted with its set",
    { timeout: 180_000 },
    async () => {
      const { body } = await api.request<Commands>("GET", `${MACHINE}?region=westus`);
      const signedIn = await signInWithAz(stack.services);
      const { env } = signedIn;
      // Debian's az 2.45 was packed with other libraries than it was made for: it fails without these two.
      const nic = seedResource("networkInterfaces/myNic").replace(
        "Microsoft.Compute",
        "Microsoft.Network",
      );
      try {
        await promisify(execFile)("bash", ["-euc", `${body.az} --nics ${nic} --no-wait`], { env });
        const { stdout } = await promisify(execFile)(
          "az",
          [
            ...["disk", "list", "-g", "MyResourceGroup", "--query"],
            "[?starts_with(name, 'image-test_')].encryption.diskEncryptionSetId",
          ],
          { env },
        );
        expect(JSON.parse(stdout)).toEqual([
          seedResource("diskEncryptionSets/WestUSDiskEncryptionSet1"),
          seedResource("diskEncryptionSets/WestUSDiskEncryptionSet2"),
        ]);
      } finally {
        await signedIn.close();
        // What az has asked is not Sigil's.
        stack.simulator.clearRequests();
      }
    },
  );

  test(
    "a plan's remedy for a Trusted Launch machine with customers' keys publishes it",
    { timeout: 180_000 },
    async () => {
      const control = stack.simulator;
      const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
      const trusted = { securityProfile: { securityType: "TrustedLaunch" } };
      const keyed = (
        disk: string,
        os: boolean,
        encryption: { type: string; diskEncryptionSetId: string },
      ) => of.disk("disks", disk, "westus", { os }, { ...trusted, encryption });
      const single = {
        type: "EncryptionAtRestWithCustomerKey",
        diskEncryptionSetId: seedSet("WestUS"),
      };
      const double = {
        type: "EncryptionAtRestWithPlatformAndCustomerKeys",
        diskEncryptionSetId: seedResource("diskEncryptionSets/WestUSDoubleEncryptionSet"),
      };
      const machine = of.virtualMachine(
        "trusted",
        "westus",
        "trustedOs",
        [{ lun: 0, name: "trustedData" }],
        trusted,
      );
      const definition = of.imageDefinition("MyGallery", "Trusted", "westus", {
        features: [{ name: "SecurityType", value: "TrustedLaunch" }],
      });
      for (const resource of [
        keyed("trustedOs", true, single),
        keyed("trustedData", false, double),
        machine,
        definition,
      ])
        await control.putResource(resource);

      const version = `${definition.id}/versions/1.0.0`;
      const request = managedImageRequest();
      const body = (storageProfile: object) => ({
        ...request,
        properties: { ...request.properties, storageProfile },
      });
      const refused = await api.request<Problem>("PUT", `${pathOf(version)}?plan=require`, {
        body: body({ source: { virtualMachineId: machine.id } }),
      });
      const finding = refused.body.errors.find(
        ({ code }) => code === "TrustedLaunchWithCustomerKeys",
      );
      const [, commands = "", storageProfile = ""] =
        /: (az .*) Then .* storageProfile: (\{.*\})$/u.exec(finding?.remediation ?? "") ?? [];

      const signedIn = await signInWithAz(stack.services);
      try {
        await promisify(execFile)("bash", ["-euc", commands], {
          env: signedIn.env,
        });
      } finally {
        await signedIn.close();
        stack.simulator.clearRequests();
      }
      expect(
        control.resources().find(({ id }) => id === of.id("snapshots/trusted-1.0.0-lun0"))
          ?.properties,
      ).toMatchObject({ encryption: double });
      await api.put(version, body(JSON.parse(storageProfile) as object));
      await stack.events.ended(version);
      expect(await api.request("GET", pathOf(version))).toMatchObject({
        body: { properties: { provisioningState: "Succeeded" } },
      });
    },
  );
});
