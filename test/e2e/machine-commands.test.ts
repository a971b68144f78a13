import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import type { components } from "../../src/generated/openapi.js";
import { pathOf, type ApiClient, type Problem } from "../support/api-client.js";
import { signInWithAz } from "../support/azure-cli.js";
import {
  managedImageRequest,
  seedResource,
  seedVersionId,
} from "../support/requests.js";
import { Stack } from "../support/stack.js";

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

  const elsewhere = await api.request<Problem>(
    "GET",
    `${MACHINE}?region=northeurope`,
  );
  expect(elsewhere.body).toMatchObject({
    status: 400,
    errors: [{ code: "RegionNotInVersion", pointer: "/query/region" }],
  });
  const wrong = await api.request<Problem>(
    "GET",
    `${MACHINE}?name=${encodeURIComponent("x; id")}`,
  );
  expect(
    wrong.body.errors.map(({ code, pointer }) => `${code} ${pointer}`).sort(),
  ).toEqual(["InvalidFormat /query/name", "MissingParameter /query/region"]);
  const none = await api.request(
    "GET",
    `${pathOf(seedVersionId("9.9.9"))}/machine?region=westus`,
  );
  expect(none.status).toBe(404);
});

describe("with the real az", needs("az"), () => {
  test(
    "the command makes the machine, each disk encrypted with its set",
    { timeout: 180_000 },
    async () => {
      const { body } = await api.request<Commands>(
        "GET",
        `${MACHINE}?region=westus`,
      );
      const signedIn = await signInWithAz(stack.services);
      const { env } = signedIn;
      // Debian's az 2.45 was packed with other libraries than it was made for: it fails without these two.
      const nic = seedResource("networkInterfaces/myNic").replace(
        "Microsoft.Compute",
        "Microsoft.Network",
      );
      try {
        await promisify(execFile)(
          "bash",
          ["-euc", `${body.az} --nics ${nic} --no-wait`],
          { env },
        );
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
});
