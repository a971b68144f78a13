/** A version is tested by machines, in the whole app: in two regions, of which one has another key than was asked for. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { pathOf, type ApiClient, type Operation, type Problem } from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { milestones, Stack } from "../support/stack.js";

const VERSION = seedVersionId("1.0.0");
const TEST = `${pathOf(VERSION)}/test`;
const machines = resourcesIn(LOCAL_SUBSCRIPTION_ID, "ImageTests");
const network = (region: string) =>
  machines.virtualNetwork(`tests-${region}`, region, ["machines"]);

let stack: Stack;
let admin: ApiClient;
let writer: ApiClient;
beforeAll(async () => {
  stack = await Stack.start({ settings: { SIGIL_TEST_MACHINES: "true" } });
  const host = await stack.startHost();
  admin = await stack.client(host, ["ImageVersions.Admin"]);
  writer = await stack.client(host);
  await stack.simulator.putResource(machines.group("westus"));
  for (const region of ["westus", "eastus2"]) await stack.simulator.putResource(network(region));
  await stack.simulator.setMachineTimes({ startMs: 300, deleteMs: 200 });
});
afterAll(() => stack.close());

const setProfile = async (): Promise<void> => {
  const { status } = await admin.request(
    "PUT",
    `${TEST.replace(/\/versions\/.*$/u, "")}/test-profile`,
    {
      body: {
        machineSize: "Standard_D2s_v5",
        resourceGroupName: "ImageTests",
        regions: ["westus", "eastus2"].map((name) => ({
          name,
          subnetId: `${network(name).id}/subnets/machines`,
        })),
        proof: { kind: "serialLog", text: "login:" },
      },
    },
  );
  expect(status).toBe(200);
};

/** The operation of a test, once it has ended. */
async function tested(body?: object): Promise<Operation> {
  const accepted = await writer.request<Operation>("POST", TEST, body && { body });
  expect(accepted.status).toBe(202);
  const path = `/operations/${accepted.body.id}`;
  await expect
    .poll(async () => (await admin.request<Operation>("GET", path)).body.endTime !== undefined, {
      interval: 100,
    })
    .toBe(true);
  return (await admin.request<Operation>("GET", path)).body;
}

test("a wrong key in one region fails the test; the next one passes; no machine is left", async () => {
  await writer.put(VERSION, managedImageRequest());
  await stack.events.ended(VERSION);
  const early = await writer.request<Problem>("POST", TEST);
  expect(early.body).toMatchObject({ status: 409, code: "TestRefused" });
  await setProfile();

  await stack.simulator.planMachine({ does: "wrongKey", region: "eastus2" });
  const failed = await tested();
  expect(failed).toMatchObject({
    kind: "TestImageVersion",
    status: "Failed",
    error: { code: "TestFailed", errors: [{ code: "DiskEncryptionMismatch" }] },
    tests: [
      { name: "westus", result: "passed", state: "Gone" },
      { name: "eastus2", result: "failed", state: "Gone" },
    ],
  });
  expect(failed.tests?.[0]?.output).toContain("login:");
  const seen = await writer.request<Operation>("GET", `/operations/${failed.id}`);
  expect(seen.body.tests?.[0]).not.toHaveProperty("output");

  const passed = await tested({ regions: ["East US 2"] });
  expect(passed).toMatchObject({
    status: "Succeeded",
    percentComplete: 100,
    tests: [{ name: "eastus2", result: "passed" }],
  });
  const events = await stack.events.until((all) =>
    all.some(({ type }) => type === "Sigil.ImageVersion.Tested"),
  );
  expect(
    milestones(
      events.filter(({ type }) => /Test(?!ResultReported)/u.test(type)),
      VERSION,
    ),
  ).toEqual([
    "eastus2/tested",
    "eastus2/tested",
    "failed",
    "requested",
    "requested",
    "tested",
    "westus/tested",
  ]);
  expect(
    stack.simulator.resources().filter(({ tags }) => tags?.["sigil-operation"] !== undefined),
  ).toEqual([]);
});

test("a deployment that makes no machines says how that is changed", async () => {
  const host = await stack.startHost(undefined, {
    SIGIL_TEST_MACHINES: "false",
  });
  const other = await stack.client(host);
  const { body } = await other.request<Problem>("POST", TEST);
  expect(body).toMatchObject({ status: 409, code: "TestMachinesOff" });
});
