import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import {
  type ApiClient,
  type ImageVersion,
  type Operation,
  type Problem,
  pathOf,
} from "../support/api-client.js";
import {
  managedImageRequest,
  seedResource,
  seedVersionId,
  snapshotsRequest,
} from "../support/requests.js";
import { milestones, Stack } from "../support/stack.js";

let stack: Stack;
let host: HostProcess;
let api: ApiClient;

beforeAll(async () => {
  stack = await Stack.start();
  host = await stack.startHost();
  api = await stack.client(host);
});
afterAll(() => stack.close());

describe("an image version by HTTP", () => {
  const id = seedVersionId("1.0.0");

  it("is accepted, created and reported region by region (S10)", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const accepted = await api.put(id, managedImageRequest(), { traceparent });
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get("location")).toBe(`${host.origin}/api${pathOf(id)}`);
    expect(accepted.headers.get("operation-location")).toBe(
      `${host.origin}/api/operations/${accepted.body.id}`,
    );
    expect(accepted.headers.get("retry-after")).toMatch(/^\d+$/u);

    const [end] = await stack.events.ended(id);
    expect(end?.type).toBe("Sigil.ImageVersion.Completed");
    expect(milestones(stack.events.received, id)).toEqual([
      "accepted",
      "completed",
      "creating",
      "eastus2/completed",
      "westus/completed",
    ]);
    // The caller's trace goes through every message to every event.
    const traces = stack.events.received
      .filter((event) => event.subject === id)
      .map((event) => event.traceparent);
    expect(new Set(traces)).toEqual(new Set([traceparent]));
  });

  it("shows its operation with each transition", async () => {
    const { body } = await api.request<{ value: Operation[] }>(
      "GET",
      `/operations?gallery=${seedResource("galleries/MyGallery")}`,
    );
    const operation = body.value.find(({ resourceId }) => resourceId === id);
    expect(operation).toMatchObject({
      status: "Succeeded",
      percentComplete: 100,
    });
    // Replicating is not among them where the first look has found every region ready; on a slow machine it waits for an answer.
    expect(
      operation?.history
        .map(({ state }) => state)
        .filter((state) => !["Replicating", "Waiting"].includes(state)),
    ).toEqual(["Accepted", "Creating", "Succeeded"]);
    const byId = await api.request<Operation>("GET", `/operations/${operation?.id}`);
    expect(byId.body).toEqual(operation);
  });

  it("shows itself in ARM's shape, with the encryption that each disk got (S1)", async () => {
    const { status, body } = await api.request<ImageVersion>("GET", pathOf(id));
    expect(status).toBe(200);
    expect(body.properties.provisioningState).toBe("Succeeded");
    expect(body.properties.replicationStatus).toMatchObject({
      aggregatedState: "Completed",
    });
    expect(
      body.sigil.regions.map(({ name, state, encryption }) => ({
        name,
        state,
        encryption,
      })),
    ).toEqual(
      [
        { name: "westus", prefix: "WestUS" },
        { name: "eastus2", prefix: "EastUS2" },
      ].map(({ name, prefix }) => ({
        name,
        state: "Completed",
        encryption: {
          osDiskImage: {
            type: "EncryptionAtRestWithCustomerKey",
            diskEncryptionSetId: seedResource(`diskEncryptionSets/${prefix}DiskEncryptionSet1`),
          },
          dataDiskImages: [
            {
              lun: 0,
              type: "EncryptionAtRestWithCustomerKey",
              diskEncryptionSetId: seedResource(`diskEncryptionSets/${prefix}DiskEncryptionSet2`),
            },
          ],
        },
      })),
    );
  });

  it("is one operation when the same is asked again, however it is spelt", async () => {
    const first = await api.put(id, managedImageRequest());
    const spelt = JSON.parse(
      JSON.stringify(managedImageRequest())
        .replace('"name":"westus"', '"name":"West US"')
        .replace("standard_lrs", "Standard_LRS")
        .replaceAll('"/subscriptions', '"subscriptions')
        .replaceAll("diskEncryptionSets", "DISKENCRYPTIONSETS"),
    ) as unknown;
    const again = await api.put(id.replace("MyGallery", "mygallery"), spelt);
    expect(again.status).toBe(202);
    expect(again.body.id).toBe(first.body.id);
    expect(stack.simulator.creates(id)).toBe(1);
  });

  it("is refused with what cannot be changed when something else is asked", async () => {
    const other = managedImageRequest();
    other.properties.storageProfile = {
      source: { id: seedResource("images/other") },
    };
    const { status, body } = await api.request<Problem & { nextFreeVersion: string }>(
      "PUT",
      pathOf(id),
      { body: other },
    );
    expect(status).toBe(409);
    expect(body.code).toBe("ImageVersionConflict");
    expect(body.errors).toMatchObject([
      {
        rule: "immutable-properties",
        code: "ImmutableProperty",
        pointer: "/properties/storageProfile/source/id",
      },
    ]);
    expect(body.nextFreeVersion).toBe("1.0.1");
  });
});

it("refuses the seed's snapshots sample, whose region is wrong, before anything is created (S4)", async () => {
  const id = seedVersionId("1.1.0");
  const { body } = await api.put(id, snapshotsRequest("eastus"));
  const [end] = await stack.events.ended(id);
  expect(end?.type).toBe("Sigil.ImageVersion.Failed");
  const operation = await api.request<Operation>("GET", `/operations/${body.id}`);
  expect(operation.body.status).toBe("Failed");
  expect(operation.body.error?.code).toBe("PreflightFailed");
  expect(
    operation.body.error?.errors.map(({ code, pointer }) => ({
      code,
      pointer,
    })),
  ).toEqual([
    {
      code: "DiskEncryptionSetInOtherRegion",
      pointer:
        "/properties/publishingProfile/targetRegions/1/encryption/osDiskImage/diskEncryptionSetId",
    },
    {
      code: "DiskEncryptionSetInOtherRegion",
      pointer:
        "/properties/publishingProfile/targetRegions/1/encryption/dataDiskImages/0/diskEncryptionSetId",
    },
  ]);
  expect(operation.body.error?.errors[0]?.message).toBe(
    `${seedResource("diskEncryptionSets/EastUS2DiskEncryptionSet1")} is in eastus2 but is named for the OS disk in eastus.`,
  );
  expect(stack.simulator.creates(id)).toBe(0);
  expect(
    stack.simulator.countRequests({
      method: "PUT",
      path: "versions/1\\.1\\.0",
    }),
  ).toBe(0);
});

it("ends Failed naming the region that failed, and reports the others (P2)", async () => {
  const id = seedVersionId("1.2.0");
  await stack.simulator.failRegion({
    region: "eastus2",
    message: "The replica could not be written.",
  });
  const { body } = await api.put(id, managedImageRequest());
  await stack.events.ended(id);
  expect(milestones(stack.events.received, id)).toEqual([
    "accepted",
    "creating",
    "eastus2/failed/1",
    "failed",
    "westus/completed",
  ]);
  const operation = await api.request<Operation>("GET", `/operations/${body.id}`);
  expect(operation.body.error).toMatchObject({ code: "ReplicationFailed" });
  expect(operation.body.error?.errors).toHaveLength(1);
  expect(operation.body.error?.errors[0]?.pointer).toBe(
    "/properties/publishingProfile/targetRegions/1",
  );
  expect(operation.body.error?.errors[0]?.message).toContain("The replica could not be written.");
  // It has ended: there is nothing left to look at.
  expect(await api.request("GET", "/operations?needsAttention=true")).toMatchObject({
    status: 200,
    body: { value: [] },
  });
  expect(await api.request("GET", "/operations?needsAttention=perhaps")).toMatchObject({
    status: 400,
  });
});

it("honours an Idempotency-Key", async () => {
  const id = seedVersionId("1.3.0");
  const key = { "Idempotency-Key": "build-4711" };
  const first = await api.put(id, managedImageRequest(), key);
  const again = await api.put(id, managedImageRequest(), key);
  expect(again.body.id).toBe(first.body.id);
  const reused = await api.request<Problem>("PUT", pathOf(seedVersionId("1.3.1")), {
    body: managedImageRequest(),
    headers: key,
  });
  expect(reused.status).toBe(422);
  expect(reused.body.code).toBe("IdempotencyKeyReused");
  await stack.events.ended(id);
});

it("lists operations newest first, by status, page by page", async () => {
  const all: string[] = [];
  let address: string | undefined = "/operations?status=Succeeded&top=1";
  while (address !== undefined) {
    const page: { body: { value: Operation[]; nextLink?: string } } = await api.request(
      "GET",
      address,
    );
    expect(page.body.value.length).toBeLessThanOrEqual(1);
    all.push(...page.body.value.map(({ resourceId }) => resourceId.split("/").at(-1) ?? ""));
    address = page.body.nextLink;
  }
  expect(all).toEqual(["1.3.0", "1.0.0"]);
  const failed = await api.request<{ value: Operation[] }>("GET", "/operations?status=Failed");
  expect(failed.body.value.map(({ resourceId }) => resourceId.split("/").at(-1))).toEqual([
    "1.2.0",
    "1.1.0",
  ]);
});

it("lists an image's versions as Azure has them, highest first", async () => {
  const versions = pathOf(seedVersionId("1.0.0")).replace(/\/1\.0\.0$/u, "");
  const { body } = await api.request<{ value: ImageVersion[] }>("GET", versions);
  expect(body.value.map(({ name }) => name)).toEqual(["1.3.0", "1.2.0", "1.0.0"]);
});

describe("every mistake has its own right answer", () => {
  const path = pathOf(seedVersionId("9.0.0"));
  const cases: [string, number, string, () => Promise<{ status: number; body: Problem }>][] = [
    ["malformed JSON", 400, "MalformedJson", () => api.request("PUT", path, { body: "{" })],
    [
      "a content type other than JSON",
      415,
      "UnsupportedMediaType",
      () =>
        api.request("PUT", path, {
          body: "a: b",
          headers: { "Content-Type": "application/yaml" },
        }),
    ],
    [
      "a body over 256 KB",
      413,
      "PayloadTooLarge",
      () => api.request("PUT", path, { body: `"${"x".repeat(256 * 1024)}"` }),
    ],
    ["an unknown path", 404, "NotFound", () => api.request("GET", "/nothing/here")],
    ["an unknown version", 404, "NotFound", () => api.request("GET", path)],
    [
      "an unknown operation",
      404,
      "NotFound",
      () => api.request("GET", `/operations/${"0".repeat(32)}-1`),
    ],
    [
      "a version to be patched that Azure does not have",
      404,
      "NotFound",
      () => api.request("PATCH", path, { body: { tags: { a: "b" } } }),
    ],
    ["no token", 401, "Unauthenticated", () => api.request("GET", path, { authorized: false })],
    [
      "an unknown property",
      400,
      "InvalidRequest",
      () =>
        api.request("PUT", path, {
          body: { ...managedImageRequest(), locaton: "westus" },
        }),
    ],
    [
      "a path that is no version",
      400,
      "InvalidRequest",
      () => api.request("GET", path.replace("9.0.0", "latest")),
    ],
    [
      "a continuation token of one's own",
      400,
      "InvalidRequest",
      () => api.request("GET", "/operations?continuationToken=mine"),
    ],
  ];
  it.each(cases)("%s: %i %s", async (_, status, code, call) => {
    const answer = await call();
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ status, code });
  });

  it("a token without the role: 403, and reading needs less than writing", async () => {
    const reader = await stack.client(host, ["ImageVersions.Read"]);
    const refused = await reader.request<Problem>("PUT", path, {
      body: managedImageRequest(),
    });
    expect(refused.status).toBe(403);
    const nobody = await stack.client(host, []);
    expect((await nobody.request("GET", "/operations")).status).toBe(403);
    expect((await reader.request("GET", "/operations")).status).toBe(200);
  });

  it("several mistakes: all of them at once, each with its pointer", async () => {
    const request = managedImageRequest();
    const { status, body } = await api.request<Problem>("PUT", path, {
      body: {
        ...request,
        locaton: "westus",
        properties: {
          ...request.properties,
          publishingProfile: {
            targetRegions: [{ name: "westus", regionalReplicaCount: 0 }],
          },
        },
      },
    });
    expect(status).toBe(400);
    expect(body.errors.map(({ pointer }) => pointer).sort()).toEqual([
      "/locaton",
      "/properties/publishingProfile/targetRegions/0/regionalReplicaCount",
    ]);
    expect(body.errors.find(({ pointer }) => pointer === "/locaton")?.message).toContain(
      "location",
    );
  });
});

it("answers its own document and its health", async () => {
  const document = await api.request<{ openapi: string }>("GET", "/openapi.json");
  expect(document.body.openapi).toBe("3.0.3");
  expect((await api.request("GET", "/health/live", { authorized: false })).status).toBe(200);
  const ready = await api.request<{
    checks: { name: string; status: string }[];
  }>("GET", "/health/ready", {
    authorized: false,
  });
  expect(ready.status).toBe(200);
  expect(ready.body.checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    "tables ok",
    "service-bus ok",
    "receivers ok",
  ]);
});
