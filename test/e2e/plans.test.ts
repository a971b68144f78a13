import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { components } from "../../src/generated/openapi.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn, seedWorld } from "@sigil-local/arm-simulator/world";
import { pathOf, type ApiClient, type Operation, type Problem } from "../support/api-client.js";
import {
  managedImageRequest,
  seedRegion,
  seedVersionId,
  snapshotsRequest,
} from "../support/requests.js";
import { Stack } from "../support/stack.js";

type Plan = components["schemas"]["Plan"];
type Preparation = components["schemas"]["SubscriptionPreparation"];
type DiskEncryptionSets = components["schemas"]["DiskEncryptionSetList"];

const SUBSCRIPTION = `/subscriptions/${LOCAL_SUBSCRIPTION_ID}`;
const WRONG_REGION = {
  rule: "disk-encryption-set-region",
  code: "DiskEncryptionSetInOtherRegion",
  severity: "error",
} as const;

let stack: Stack;
let api: ApiClient;
beforeAll(async () => {
  stack = await Stack.start({
    settings: { SIGIL_REQUIRE_SIG_ENCRYPTION: "true" },
    simulator: {
      world: seedWorld(LOCAL_SUBSCRIPTION_ID, { registrationMs: 300 }),
      replication: { durationMs: 500 },
    },
  });
  api = await stack.client(await stack.startHost());
});
afterAll(() => stack.close());

let versions = 0;
let id: string;
beforeEach(() => {
  versions += 1;
  id = seedVersionId(`1.0.${versions}`);
});

const plan = (body: unknown) => api.request<Plan>("POST", `${pathOf(id)}/plan`, { body });

const errorsOf = ({ findings }: Plan) => findings.filter(({ severity }) => severity === "error");

async function ended(operation: Operation): Promise<Operation> {
  await expect
    .poll(
      async () => {
        const { body } = await api.request<Operation>("GET", `/operations/${operation.id}`);
        operation = body;
        return body.status;
      },
      { interval: 100 },
    )
    .toMatch(/Succeeded|Failed/u);
  return operation;
}

// First: what a plan has seen registered is not asked for again for some seconds.
describe("preparing a subscription", () => {
  test("a plan says that it is needed and how; it registers provider and feature, and then the plan is clean", async () => {
    for (const feature of [undefined, "SIGEncryption"])
      await stack.simulator.setRegistrationState({
        subscriptionId: LOCAL_SUBSCRIPTION_ID,
        namespace: "Microsoft.Compute",
        ...(feature && { feature }),
        state: "NotRegistered",
      });
    const { body: before } = await plan(managedImageRequest());
    expect(errorsOf(before)).toMatchObject([
      { code: "ProviderNotRegistered", severity: "error" },
      { code: "FeatureNotRegistered", severity: "error" },
    ]);
    for (const { remediation } of errorsOf(before))
      expect(remediation).toContain(`POST /api${SUBSCRIPTION}/prepare`);
    const unprepared = await api.request<Preparation>("GET", `${SUBSCRIPTION}/prepare`);
    expect(unprepared.body).toEqual({
      subscriptionId: LOCAL_SUBSCRIPTION_ID,
      prepared: false,
      registrations: [
        { name: "Microsoft.Compute", state: "NotRegistered" },
        { name: "Microsoft.Compute/SIGEncryption", state: "NotRegistered" },
      ],
    });

    const asked = await api.request<Operation>("POST", `${SUBSCRIPTION}/prepare`);
    expect(asked.status).toBe(202);
    expect(asked.headers.get("location")).toMatch(/\/prepare$/u);
    expect(asked.headers.get("operation-location")).toContain(`/api/operations/${asked.body.id}`);
    expect(await ended(asked.body)).toMatchObject({
      kind: "PrepareSubscription",
      status: "Succeeded",
      percentComplete: 100,
      resourceId: SUBSCRIPTION,
    });

    const prepared = await api.request<Preparation>("GET", `${SUBSCRIPTION}/prepare`);
    expect(prepared.body).toMatchObject({
      prepared: true,
      operation: { id: asked.body.id, status: "Succeeded" },
    });
    expect(errorsOf((await plan(managedImageRequest())).body)).toEqual([]);
    const listed = await api.request<{ value: Operation[] }>(
      "GET",
      `/operations?subscriptionId=${LOCAL_SUBSCRIPTION_ID}&status=Succeeded&top=1`,
    );
    expect(listed.body.value.map((operation) => operation.id)).toEqual([asked.body.id]);
  });
});

describe("a plan", () => {
  test("of a good request has no finding, and says what would change and be sent", async () => {
    const { status, body } = await plan(managedImageRequest());

    expect(status).toBe(200);
    expect(body.findings).toMatchObject([
      {
        code: "StorageChosenByAzure",
        severity: "info",
        pointer: "/properties/publishingProfile/targetRegions/1",
      },
    ]);
    expect(body.changes.map((change) => [change.propertyChangeType, change.pointer])).toEqual([
      ["Create", "/location"],
      ["Create", "/properties/storageProfile/source/id"],
      ["Create", "/properties/publishingProfile/targetRegions/0"],
      ["Create", "/properties/publishingProfile/targetRegions/1"],
    ]);
    expect(body.changes[2]?.after).toMatchObject({
      name: "westus",
      regionalReplicaCount: 2,
    });
    expect(body.request?.method).toBe("PUT");
    expect(body.request?.url).toMatch(
      new RegExp(
        `^${stack.services.settings["SIGIL_RESOURCE_MANAGER_ENDPOINT"]}${id}\\?api-version=\\d{4}-\\d\\d-\\d\\d$`,
        "iu",
      ),
    );
    expect(body.request?.body).toMatchObject({ location: "westus" });
    expect(body.sourceDataDiskLuns).toEqual([0]);
  });

  test("writes nothing: no state, no operation, no event, nothing to Azure", async () => {
    stack.simulator.clearRequests();
    const before = stack.events.received.length;

    await plan(managedImageRequest());

    expect((await api.request("GET", pathOf(id))).status).toBe(404);
    expect(stack.simulator.requests().filter(({ method }) => method !== "GET")).toEqual([]);
    expect(stack.events.received.slice(before).filter(({ subject }) => subject === id)).toEqual([]);
  });

  test("names every mistake with its field and what mends it; a PUT that requires one is refused with the same", async () => {
    const body = snapshotsRequest("eastus");
    const { body: planned } = await plan(body);

    const errors = errorsOf(planned);
    expect(errors).toMatchObject([WRONG_REGION, WRONG_REGION]);
    for (const finding of errors) {
      expect(finding.pointer).toMatch(
        /^\/properties\/publishingProfile\/targetRegions\/1\/encryption\//u,
      );
      expect(finding.message).toContain("eastus2");
      expect(finding.remediation).toContain("eastus");
    }

    const refused = await api.request<Problem>("PUT", `${pathOf(id)}?plan=require`, { body });
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ code: "PreflightFailed" });
    expect(refused.body.errors).toEqual(planned.findings);
    expect((await api.request("GET", pathOf(id))).status).toBe(404);

    const accepted = await api.request<Operation>("PUT", `${pathOf(id)}?plan=require`, {
      body: snapshotsRequest("eastus2"),
    });
    expect(accepted.status).toBe(202);
    expect((await ended(accepted.body)).status).toBe("Succeeded");
  });

  test("is what an operation that was not planned ends with", async () => {
    const body = snapshotsRequest("eastus");
    const { body: planned } = await plan(body);
    const operation = await ended((await api.put(id, body)).body);

    expect(operation.status).toBe("Failed");
    expect(operation.error).toMatchObject({ code: "PreflightFailed" });
    expect(operation.error?.errors).toEqual(errorsOf(planned));
  });

  test("of what was asked for already has nothing to change or send", async () => {
    const body = managedImageRequest();
    await ended((await api.put(id, body)).body);

    const again = await plan(body);
    expect(again.body).toMatchObject({
      changes: [],
    });
    expect(again.body.findings).toContainEqual(
      expect.objectContaining({ code: "AlreadyRequested", severity: "info" }),
    );
    expect(again.body).not.toHaveProperty("request");

    const other = managedImageRequest();
    other.properties.publishingProfile?.targetRegions?.pop();
    const { body: otherwise } = await plan(other);
    expect(otherwise.findings).toMatchObject([{ code: "RegionKept", severity: "warning" }]);
    expect(otherwise.changes).toEqual([]);
    const removal = await api.request<Plan>("POST", `${pathOf(id)}/plan?removeRegions=East US 2`, {
      body: other,
    });
    expect(removal.body.changes).toMatchObject([
      {
        propertyChangeType: "Delete",
        pointer: "/properties/publishingProfile/targetRegions",
        before: "eastus2",
      },
    ]);
  });

  test("warns of a key that no longer rotates, and the operation keeps the warning", async () => {
    const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup");
    const stuck = of.diskEncryptionSet("StuckSet", "westus", undefined, {
      autoKeyRotationError: { code: "KeyVaultAccessForbidden", message: "No." },
    });
    await stack.simulator.putResource(stuck);
    const region = seedRegion("westus", "WestUS");
    const body = managedImageRequest();
    if (body.properties.publishingProfile)
      body.properties.publishingProfile.targetRegions = [
        {
          ...region,
          encryption: {
            ...region.encryption,
            osDiskImage: { diskEncryptionSetId: stuck.id },
          },
        },
      ];
    const warning = {
      code: "DiskEncryptionSetKeyRotationFailing",
      severity: "warning",
    };
    expect((await plan(body)).body.findings).toContainEqual(expect.objectContaining(warning));

    const { body: operation } = await api.request<Operation>("PUT", `${pathOf(id)}?plan=require`, {
      body,
    });
    expect(await ended(operation)).toMatchObject({
      status: "Succeeded",
      warnings: expect.arrayContaining([expect.objectContaining(warning)]) as unknown,
    });
  });

  test("needs the role of what it plans, and a body of the right shape", async () => {
    const reader = await stack.client(await stack.startHost(), ["ImageVersions.Read"]);
    const forbidden = await reader.request<Problem>("POST", `${pathOf(id)}/plan`, {
      body: managedImageRequest(),
    });
    expect(forbidden.status).toBe(403);
    const bad = await plan({ location: "westus" });
    expect(bad.status).toBe(400);
    expect((bad.body as unknown as Problem).errors).toMatchObject([
      { code: "MissingProperty", pointer: "/properties" },
    ]);
    const unknown = await api.request<Problem>("PUT", `${pathOf(id)}?plan=maybe`, {
      body: managedImageRequest(),
    });
    expect(unknown.status).toBe(400);
    expect(unknown.body.errors).toMatchObject([{ pointer: "/query/plan" }]);
  });
});

describe("the disk encryption sets of a subscription", () => {
  test("are listed by region, with what a person needs to choose one", async () => {
    const { status, body } = await api.request<DiskEncryptionSets>(
      "GET",
      `${SUBSCRIPTION}/disk-encryption-sets?region=East%20US%202`,
    );
    expect(status).toBe(200);
    expect(new Set(body.value.map((set) => set.region))).toEqual(new Set(["eastus2"]));
    expect(body.value.find((set) => set.id.endsWith("/EastUS2DiskEncryptionSet1"))).toMatchObject({
      region: "eastus2",
      encryptionType: "EncryptionAtRestWithCustomerKey",
      provisioningState: "Succeeded",
      rotationToLatestKeyVersionEnabled: true,
    });
  });

  test("of an unknown subscription are 404, and a forged continuation token is refused", async () => {
    const nowhere = await api.request<Problem>(
      "GET",
      "/subscriptions/0d9d2b45-6f3f-4d5e-9a51-6f7b8c9d0e1f/disk-encryption-sets",
    );
    expect(nowhere.status).toBe(404);
    const forged = await api.request<Problem>(
      "GET",
      `${SUBSCRIPTION}/disk-encryption-sets?continuationToken=https://evil.example`,
    );
    expect(forged.status).toBe(400);
    expect(forged.body.errors).toMatchObject([{ pointer: "/query/continuationToken" }]);
  });
});

// The last: until the time that Azure has named nobody asks it the same again.
test("a plan shows the purchase plan of the image definition, whose machines have to name it", async () => {
  const purchasePlan = {
    name: "9-gen2",
    publisher: "contoso",
    product: "hardened-linux",
  };
  await stack.simulator.putResource(
    resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup").imageDefinition(
      "MyGallery",
      "Bought",
      "westus",
      { purchasePlan },
    ),
  );
  const planned = await api.request<Plan>(
    "POST",
    `${pathOf(id).replace("/images/MyImage/", "/images/Bought/")}/plan`,
    { body: managedImageRequest() },
  );
  expect(planned.body).toMatchObject({ purchasePlan });
  expect(errorsOf(planned.body)).toEqual([]);
  expect((await plan(managedImageRequest())).body).not.toHaveProperty("purchasePlan");
});

test("a plan answers 503 with Retry-After while Azure throttles its reads", async () => {
  stack.simulator.addFault({
    path: "/images/Unread\\?",
    action: "respond",
    status: 429,
    headers: { "Retry-After": "17" },
  });
  const throttled = await api.request<Plan>(
    "POST",
    `${pathOf(id).replace("/images/MyImage/", "/images/Unread/")}/plan`,
    { body: managedImageRequest() },
  );
  expect(throttled.status).toBe(503);
  expect(throttled.headers.get("retry-after")).toBe("17");
  expect(throttled.body).toMatchObject({ code: "ResourceManagerThrottled" });
});
