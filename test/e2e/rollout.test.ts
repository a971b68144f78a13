/** A version is promoted once machines have proven it in both regions, in the whole app; one that fails is not. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { pathOf, type ApiClient, type Problem } from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";
import type { components } from "../../src/generated/openapi.js";
import { naming } from "../support/naming.js";

type ImageVersion = components["schemas"]["ImageVersion"];

const machines = resourcesIn(LOCAL_SUBSCRIPTION_ID, "ImageTests");
const network = (region: string) =>
  machines.virtualNetwork(`tests-${region}`, region, ["machines"]);
const REGIONS = ["westus", "eastus2"];

let stack: Stack;
let admin: ApiClient;
let writer: ApiClient;
beforeAll(async () => {
  stack = await Stack.start({ settings: { SIGIL_TEST_MACHINES: "true" } });
  const host = await stack.startHost();
  admin = await stack.client(host, ["ImageVersions.Admin"]);
  writer = await stack.client(host);
  await stack.simulator.putResource(machines.group("westus"));
  for (const region of REGIONS) await stack.simulator.putResource(network(region));
  await stack.simulator.setMachineTimes({ startMs: 300, deleteMs: 200 });
  const image = pathOf(seedVersionId("1.0.0")).replace(/\/versions\/.*$/u, "");
  const { status } = await admin.request("PUT", `${image}/test-profile`, {
    body: {
      machineSize: "Standard_D2s_v5",
      resourceGroupName: "ImageTests",
      regions: REGIONS.map((name) => ({
        name,
        subnetId: `${network(name).id}/subnets/machines`,
      })),
      proof: { kind: "agentReady" },
    },
  });
  expect(status).toBe(200);
});
afterAll(() => stack.close());

const publish = async (version: string): Promise<void> => {
  const { status } = await writer.put(version, {
    ...managedImageRequest(),
    sigil: { promotion: { when: "tested" } },
  });
  expect(status).toBe(202);
};
const isTold = (type: string, version: string) =>
  stack.events.until((all) =>
    all.some((event) => event.type === `Sigil.ImageVersion.${type}` && event.subject === version),
  );
const get = async (version: string): Promise<ImageVersion> =>
  (await writer.request<ImageVersion>("GET", pathOf(version))).body;

test("a version that has passed in both regions is the latest", async () => {
  const version = seedVersionId("1.0.0");
  await publish(version);
  const events = await isTold("Promoted", version);
  const tested = events.filter(({ type }) => type === "Sigil.ImageVersion.TestResultReported");
  expect(tested).toMatchObject([
    { data: { name: "sigil/machine", result: "passed" } },
    { data: { name: "sigil/machine", result: "passed" } },
  ]);
  await expect.poll(async () => (await get(version)).sigil.latest).toBe(true);
});

test("a version that failed in one region is held back, and says why; a person may promote it", async () => {
  await stack.simulator.planMachine({ does: "wrongKey", region: "eastus2" });
  const version = seedVersionId("1.0.1");
  await publish(version);
  await isTold("RolloutHalted", version);
  const { sigil, properties } = await get(version);
  expect(sigil).toMatchObject({
    latest: false,
    promotion: { when: "tested" },
    rollout: {
      state: "Halted",
      message: naming(["eastus2"]),
      failed: [{ region: "eastus2", result: "failed" }],
    },
    conditions: [{ type: "NeedsAttention", reason: "Halted" }],
  });
  expect(properties.publishingProfile?.excludeFromLatest).toBe(true);

  // What was read may be sent back.
  const again = await writer.put(version, {
    ...(await get(version)),
  });
  expect(again.status).toBe(200);

  await writer.request("POST", `${pathOf(version)}/promote`);
  await isTold("Promoted", version);
  expect((await get(version)).sigil).not.toHaveProperty("rollout");
});

test("a version that is promoted in waves becomes the latest in one region after the other", async () => {
  const version = seedVersionId("1.1.0");
  const { status } = await writer.put(version, {
    ...managedImageRequest(),
    sigil: {
      promotion: {
        when: "waves",
        waves: [
          { regions: ["westus"], after: "tested" },
          { regions: ["eastus2"], after: "manual" },
        ],
      },
    },
  });
  expect(status).toBe(202);
  await isTold("WavePromoted", version);
  await expect.poll(async () => (await get(version)).sigil.latestIn).toEqual(["westus"]);
  expect((await get(version)).sigil.rollout).toMatchObject({
    state: "Waiting",
    wave: 2,
    message: naming(["eastus2"]),
  });
  const { status: promoted } = await writer.request("POST", `${pathOf(version)}/promote`);
  expect(promoted).toBe(202);
  await expect.poll(async () => (await get(version)).sigil.latestIn).toEqual(["eastus2", "westus"]);
});

test("a rule that contradicts itself is refused by name", async () => {
  const { body } = await writer.request<Problem>("POST", `${pathOf(seedVersionId("1.0.2"))}/plan`, {
    body: {
      ...managedImageRequest(),
      sigil: { promotion: { when: "manual", results: ["boot"] } },
    },
  });
  expect(JSON.stringify(body)).toContain("/sigil/promotion/results");
});
