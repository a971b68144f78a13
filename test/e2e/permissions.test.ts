/** Least privilege: everything that infra/ grants is used here; that no test uses more, each Stack says as it closes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn, seedWorld } from "@sigil-local/arm-simulator/world";
import type { HostProcess } from "@sigil-local/functions-host/process";
import { pathOf, type ApiClient } from "../support/api-client.js";
import {
  CAPTURE_GROUP,
  capturedVersionId,
  capturingRequest,
  machineResources,
} from "../support/captures.js";
import { managedImageRequest, seedResource, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";
import { ARM_ACTIONS, SERVICE_BUS_RIGHTS, TABLE_ACTIONS } from "../support/uses.js";

const images = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
const tests = resourcesIn(LOCAL_SUBSCRIPTION_ID, "ImageTests");
const PREPARE = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/prepare`;

let stack: Stack;
let host: HostProcess;
let api: ApiClient;
beforeAll(async () => {
  stack = await Stack.start({
    simulator: {
      world: seedWorld(LOCAL_SUBSCRIPTION_ID, {
        compute: "NotRegistered",
        sigEncryption: "NotRegistered",
      }),
    },
    settings: {
      SIGIL_REQUIRE_SIG_ENCRYPTION: "true",
      SIGIL_TEST_MACHINES: "true",
      SIGIL_CAPTURE_RESOURCE_GROUPS: CAPTURE_GROUP,
      SIGIL_RECONCILE_SCHEDULE: "* * * * * *",
      SIGIL_DEAD_LETTER_SCHEDULE: "* * * * * *",
      SIGIL_KEY_GUARDIAN_SCHEDULE: "* * * * * *",
    },
  });
  host = await stack.startHost();
  api = await stack.client(host, ["ImageVersions.Admin"]);
});
afterAll(() => stack?.close());

const used = (): Set<string> => {
  stack.uses.resourceManager(stack.simulator.requests());
  return new Set(stack.uses.all.map((use) => use.replace(/ in .*$/u, "")));
};

test("a subscription is prepared, a test profile is set, versions are planned, created, failed and deleted, messages are taken, rejected and postponed", async () => {
  expect((await api.request("POST", PREPARE)).status).toBe(202);
  await stack.events.until((events) =>
    events.some(({ type }) => type === "Sigil.Subscription.Registering"),
  );
  for (const feature of ["SIGEncryption", undefined])
    await stack.simulator.setRegistrationState({
      subscriptionId: LOCAL_SUBSCRIPTION_ID,
      namespace: "Microsoft.Compute",
      ...(feature !== undefined && { feature }),
      state: "Registered",
    });
  await stack.events.until((events) =>
    events.some(({ type }) => type === "Sigil.Subscription.Prepared"),
  );
  await api.request("GET", `/subscriptions/${LOCAL_SUBSCRIPTION_ID}/disk-encryption-sets`);

  await api.request("GET", "/galleries");

  const created = seedVersionId("1.0.0");
  await api.put(created, managedImageRequest(), { "Idempotency-Key": "one" });
  await stack.events.ended(created);
  await api.request("GET", `${pathOf(created)}/use`);

  // From snapshots of a machine, which the sweep deletes.
  const captured = capturedVersionId("1.0.0");
  for (const resource of [
    resourcesIn(LOCAL_SUBSCRIPTION_ID, "Captures").group("westus"),
    images.imageDefinition("MyGallery", "Secured", "westus", {
      features: [{ name: "SecurityType", value: "TrustedLaunch" }],
    }),
    ...machineResources(0),
  ])
    await stack.simulator.putResource(resource);
  await api.put(captured, capturingRequest(0, 1));
  await stack.events.ended(captured);
  await expect
    .poll(
      () => stack.simulator.resources().filter(({ id }) => id.startsWith(`${CAPTURE_GROUP}/`)),
      {
        timeout: 60_000,
      },
    )
    .toEqual([]);

  // While its keys work: Azure says of a copy why it failed, of a write that it refuses it says so at once.
  const failed = seedVersionId("1.0.1");
  await stack.simulator.failRegion({ versionId: failed, region: "eastus2" });
  await api.put(failed, managedImageRequest());
  await stack.events.ended(failed);

  // A key that expires, so that a newer one is looked for, and one that is gone, so that its vault is.
  for (const { id, properties, ...key } of stack.simulator.resources()) {
    if (id.endsWith("/keys/WestUSDiskEncryptionSet1"))
      await stack.simulator.putResource({
        id,
        ...key,
        properties: { ...properties, attributes: { enabled: true, exp: 1 } },
      });
    if (id.endsWith("/keys/WestUSDiskEncryptionSet2")) await stack.simulator.removeResource(id);
  }
  await stack.events.until((events) =>
    ["KeyExpired", "KeyNotFound"].every((code) =>
      events.some(
        ({ type, data }) =>
          type === "Sigil.ImageVersion.KeyAtRisk" && JSON.stringify(data).includes(code),
      ),
    ),
  );
  for (const source of [
    created,
    seedResource("disks/myOSDisk"),
    seedResource("snapshots/myOSSnapshot"),
    seedResource("virtualMachines/myVM"),
  ])
    await api.request("POST", `${pathOf(seedVersionId("9.0.0"))}/plan`, {
      body: sourced(source),
    });

  // Of an image with a purchase plan: its terms are read, too.
  for (const resource of [
    tests.group("westus"),
    tests.virtualNetwork("tests", "westus", ["machines"]),
    images.imageDefinition("MyGallery", "Bought", "westus", {
      purchasePlan: { name: "9", publisher: "contoso", product: "linux" },
    }),
  ])
    await stack.simulator.putResource(resource);
  const bought = `${pathOf(created).replace(/\/images\/.*$/u, "")}/images/Bought`;
  const profile = {
    machineSize: "Standard_D2s_v5",
    resourceGroupName: "ImageTests",
    regions: [
      {
        name: "westus",
        subnetId: `${tests.virtualNetwork("tests", "westus", []).id}/subnets/machines`,
      },
    ],
    proof: { kind: "agentReady" },
  };
  await api.request("PUT", `${bought}/test-profile`, { body: profile });

  // A machine that leaves its disks, and one that runs a script.
  await stack.simulator.planMachine({ does: "leavesDisks" });
  for (const [i, proof] of [
    { kind: "serialLog", text: "login:" },
    { kind: "runCommand", script: "true" },
  ].entries()) {
    await api.request("PUT", `${bought.replace("Bought", "MyImage")}/test-profile`, {
      body: { ...profile, proof },
    });
    expect((await api.request("POST", `${pathOf(created)}/test`)).status).toBe(202);
    await stack.events.until(
      (events) => events.filter(({ type }) => type === "Sigil.ImageVersion.Tested").length > i,
    );
  }

  const deleted = await api.request("DELETE", `${pathOf(created)}?allowNoLatest=true`);
  expect(deleted.status).toBe(202);
  await stack.events.until((events) =>
    events.some(({ type }) => type === "Sigil.ImageVersion.Deleted"),
  );

  await api.request("GET", `${pathOf(created).replace(/\/versions\/.*$/u, "")}/deleted-versions`);

  // One that Azure must be asked about, and it says to come later: the message waits, and is sent again.
  stack.simulator.addFault({
    method: "GET",
    path: "/versions/2\\.0\\.0",
    times: null,
    action: "respond",
    status: 429,
  });
  const { properties, ...request } = managedImageRequest();
  await stack.send(
    "image-version-requests",
    requestOf("build-1", seedVersionId("2.0.0"), {
      ...request,
      properties: { ...properties, storageProfile: {} },
    }),
    requestOf("build-2", "no version", request),
  );
  await stack.events.until((events) =>
    events.some(({ type }) => type === "Sigil.ImageVersion.Rejected"),
  );
  await stack.uses.recorded("image-version-requests Send");
  const { body: kept } = await api.request<{ value: { id: string }[] }>(
    "GET",
    "/rejected-requests",
  );
  expect(kept).toMatchObject({ value: [{ rejectionCode: "InvalidRequest" }] });
  const again = `/rejected-requests/${kept.value[0]?.id}/send-again`;
  expect((await api.request("POST", again)).status).toBe(400);
});

test("and each right on Service Bus was used", () => {
  const uses = used();
  const rights = Object.entries(SERVICE_BUS_RIGHTS).flatMap(([entity, each]) =>
    each.map((right) => `${entity} ${right}`),
  );
  expect(rights.filter((right) => !uses.has(right))).toEqual([]);
});

test("and each on tables", () => {
  const uses = used();
  expect(TABLE_ACTIONS.filter((action) => !uses.has(action))).toEqual([]);
});

test("and each action of Azure Resource Manager that is said to be called", () => {
  const uses = used();
  expect([...ARM_ACTIONS.keys()].filter((action) => !uses.has(action))).toEqual([]);
});

function sourced(id: string): object {
  const { location, properties } = managedImageRequest();
  const storageProfile = {
    source: /virtualMachines/u.test(id) ? { virtualMachineId: id } : { id },
  };
  return {
    location,
    properties: {
      ...properties,
      storageProfile: /disks|snapshots/u.test(id)
        ? { osDiskImage: { source: { id } } }
        : storageProfile,
    },
  };
}

function requestOf(id: string, subject: string, data: object) {
  return {
    body: {
      specversion: "1.0",
      id,
      source: "urn:build",
      type: "Build.ImageReady",
      subject,
      data,
    },
    contentType: "application/cloudevents+json",
    messageId: id,
  };
}
