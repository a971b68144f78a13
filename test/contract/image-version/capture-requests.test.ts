/** How many requests to Azure a capture costs, and that a creation without one costs none of them. */
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { request } from "../../support/dependencies.js";
import { seedVersionId, snapshotsRequest } from "../../support/requests.js";
import { capturedVersionId, capturingRequest, startCaptures } from "../../support/captures.js";

/** What an instance of the product has sent before it sends the creation, each as "GET …/type/name". */
async function sentBeforeCreation(body: ImageVersionRequest, id: string): Promise<string[]> {
  // Pages as long as Azure's.
  const world = await startCaptures({ enforceRateLimits: true });
  try {
    const { control } = world.simulator;
    await control.setSnapshots({ readyMs: 10_000 });
    const instance = world.instance();
    await request(instance, id, body);
    const isSent = () => control.countRequests({ method: "PUT", path: "/versions/" }) > 0;
    for (let steps = 0; steps < 20 && !isSent(); steps += 1) {
      for (const message of await world.takeDue()) await world.handle(message, instance);
      const { dueTime } = (await world.read(id)).record;
      world.clock.advance(Math.max(1_000, Date.parse(dueTime) - world.clock.now()));
    }
    const sent = control
      .requests()
      .map(({ method, path }) => [method, path.replace(/(\/keys\/.*)\/versions\/.*/u, "$1")])
      .map(([method, path = ""]) => `${method} ${path.split("/").slice(-2).join("/")}`);
    return sent.slice(
      0,
      sent.findIndex((one) => /^PUT versions/u.test(one)),
    );
  } finally {
    await world.close();
  }
}

test("a capture of three disks asks Azure at most 30 times until the creation is sent", async () => {
  const sent = await sentBeforeCreation(capturingRequest(2, 1), capturedVersionId("1.0.0"));
  expect(sent.filter((one) => one.startsWith("PUT snapshots/"))).toHaveLength(3);
  expect(sent.length).toBeLessThanOrEqual(30);
});

test("a creation without a capture asks for what its rules need, once each", async () => {
  const sent = await sentBeforeCreation(snapshotsRequest("eastus2"), seedVersionId("1.0.0"));
  expect(sent.sort()).toEqual([
    "GET Microsoft.Compute/diskEncryptionSets",
    `GET ${LOCAL_SUBSCRIPTION_ID}/locations`,
    "GET galleries/MyGallery",
    "GET images/MyImage",
    "GET keys/EastUS2DiskEncryptionSet1",
    "GET keys/EastUS2DiskEncryptionSet2",
    "GET keys/WestUSDiskEncryptionSet1",
    "GET keys/WestUSDiskEncryptionSet2",
    "GET providers/Microsoft.Compute",
    "GET snapshots/myDDSnapshot",
    "GET snapshots/myOSSnapshot",
    "GET versions/1.0.0",
  ]);
});
