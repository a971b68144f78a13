import { afterAll, beforeAll, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import type { components } from "../../src/generated/openapi.js";
import { pathOf, type ApiClient, type Problem } from "../support/api-client.js";
import { seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

type Schemas = components["schemas"];

const tests = resourcesIn(LOCAL_SUBSCRIPTION_ID, "ImageTests");
const network = tests.virtualNetwork("tests-westus", "westus", ["machines"]);
const PROFILE = `${pathOf(seedVersionId("1.0.0")).replace(/\/versions\/.*$/u, "")}/test-profile`;

let stack: Stack;
let admin: ApiClient;
let writer: ApiClient;
beforeAll(async () => {
  stack = await Stack.start();
  const host = await stack.startHost();
  admin = await stack.client(host, ["ImageVersions.Admin"]);
  writer = await stack.client(host, ["ImageVersions.Write"]);
  await stack.simulator.putResource(tests.group("westus"));
  await stack.simulator.putResource(network);
});
afterAll(() => stack.close());

const body = {
  machineSize: "Standard_D2s_v5",
  resourceGroupName: "ImageTests",
  regions: [{ name: "West US", subnetId: `${network.id}/subnets/machines` }],
  proof: { kind: "runCommand", script: "systemctl is-system-running --wait" },
};

test("a test profile is set by an administrator once it is proven, shown to readers without its script, and taken away", async () => {
  expect((await writer.request<Problem>("GET", PROFILE)).status).toBe(404);
  const refused = await writer.request<Problem>("PUT", PROFILE, { body });
  expect(refused.body).toMatchObject({
    status: 403,
    requiredRole: "ImageVersions.Admin",
  });
  const wrong = await admin.request<Problem>("PUT", PROFILE, {
    body: { ...body, concurrency: 0, proof: { kind: "ping" } },
  });
  expect(wrong.body.errors.map(({ code, pointer }) => `${code} ${pointer}`).sort()).toEqual([
    "NotAllowedValue /proof/kind",
    "NotInRange /concurrency",
  ]);
  const contradictory = await admin.request<Problem>("PUT", PROFILE, {
    body: { ...body, proof: { kind: "serialLog" } },
  });
  expect(contradictory.body).toMatchObject({
    status: 400,
    errors: [{ code: "MissingProperty", pointer: "/proof/text" }],
  });
  const elsewhere = await admin.request<Problem>("PUT", PROFILE, {
    body: { ...body, regions: [{ ...body.regions[0], name: "eastus" }] },
  });
  expect(elsewhere.body).toMatchObject({
    status: 422,
    code: "PreflightFailed",
    errors: [{ code: "SubnetRegion", pointer: "/regions/0/subnetId" }],
  });

  const set = await admin.request<Schemas["ProvenTestProfile"]>("PUT", PROFILE, { body });
  expect(set).toMatchObject({ status: 200, body: { findings: [] } });
  const { profile } = set.body;
  expect(profile).toMatchObject({
    ...body,
    regions: [{ name: "westus" }],
    startMinutes: 20,
    proofMinutes: 10,
    concurrency: 4,
    keepFailedMinutes: 0,
  });
  const shown = await admin.request<Schemas["StoredTestProfile"]>("GET", PROFILE);
  expect(shown.body).toEqual(profile);
  const { body: toWriter } = await writer.request("GET", PROFILE);
  expect(toWriter).toEqual({ ...profile, proof: { kind: "runCommand" } });
  // What an administrator reads may be sent again.
  expect((await admin.request("PUT", PROFILE, { body: shown.body })).status).toBe(200);

  expect((await writer.request("DELETE", PROFILE)).status).toBe(403);
  const removed = await admin.request("DELETE", PROFILE);
  expect(removed).toMatchObject({ status: 200, body: { proof: body.proof } });
  expect((await admin.request("DELETE", PROFILE)).status).toBe(404);
});
