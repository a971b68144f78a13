import { afterAll, beforeAll, expect, test } from "vitest";
import type { components } from "../../src/generated/openapi.js";
import {
  pathOf,
  type ApiClient,
  type ImageVersion,
  type Operation,
  type Problem,
} from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
import { Stack } from "../support/stack.js";

type Retention = components["schemas"]["Retention"];

let stack: Stack;
let admin: ApiClient;
let writer: ApiClient;
beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 500 } },
    settings: {
      SIGIL_RETENTION_SCHEDULE: "* * * * * *",
      SIGIL_GALLERY_POLICY: JSON.stringify({
        rules: [
          {
            callers: [{ role: "ImageVersions.Admin" }, { role: "Publishers" }],
            galleries: [{ subscriptionId: "*", galleryName: "MyGallery" }],
          },
        ],
      }),
    },
  });
  const host = await stack.startHost();
  admin = await stack.client(host, ["ImageVersions.Admin"]);
  writer = await stack.client(host, ["ImageVersions.Write", "Publishers"]);
});
afterAll(() => stack.close());

const IMAGE = pathOf(seedVersionId("1.0.0")).replace(/\/versions\/.*$/u, "");
const RETENTION = `${IMAGE}/retention`;

const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

async function publish(number: string): Promise<void> {
  const { body, status } = await writer.put(seedVersionId(number), managedImageRequest());
  expect(status).toBe(202);
  await expect
    .poll(
      async () => (await writer.request<Operation>("GET", `/operations/${body.id}`)).body.status,
      { interval: 100 },
    )
    .toBe("Succeeded");
}

test("a retention policy is set by an administrator, says what it would delete, then deletes it, and is taken away", async () => {
  for (const number of ["1.0.0", "1.0.1", "1.0.2"]) await publish(number);

  const none = await writer.request<Problem>("GET", RETENTION);
  expect(none.status).toBe(404);

  const policy = { keepNewestPromoted: 2, mode: "dryRun" };
  const refused = await writer.request<Problem>("PUT", RETENTION, {
    body: policy,
  });
  expect(refused.status).toBe(403);
  expect(refused.body).toMatchObject({ requiredRole: "ImageVersions.Admin" });
  const elsewhere = await admin.request<Problem>(
    "PUT",
    RETENTION.replace("MyGallery", "MySharedGallery"),
    { body: policy },
  );
  expect(elsewhere.status).toBe(403);
  expect(elsewhere.body.detail).toContain("gallery policy");
  const wrong = await admin.request<Problem>("PUT", RETENTION, {
    body: { keepNewestPromoted: 0, deleteAfterEndOfLifeDay: 1, mode: "dry" },
  });
  expect(wrong.status).toBe(400);
  expect(wrong.body.errors.map(({ code, pointer }) => `${code} ${pointer}`).sort()).toEqual([
    "NotAllowedValue /mode",
    "NotInRange /keepNewestPromoted",
    "UnknownProperty /deleteAfterEndOfLifeDay",
  ]);
  const atOnce = await admin.request<Problem>("PUT", RETENTION, {
    body: { ...policy, mode: "delete" },
  });
  expect(atOnce.status).toBe(409);
  expect(atOnce.body).toMatchObject({
    code: "DryRunFirst",
    errors: [{ pointer: "/mode" }],
  });

  const set = await admin.request<Retention>("PUT", RETENTION, {
    body: policy,
  });
  expect(set.status).toBe(200);
  expect(set.body.policy).toMatchObject(policy);
  expect(names(set.body.deletions)).toEqual(["1.0.0"]);
  expect(names(set.body.kept)).toEqual(["1.0.1", "1.0.2"]);
  const read = await writer.request<Retention>("GET", RETENTION);
  expect(read.body).toEqual({
    ...set.body,
    evaluatedTime: read.body.evaluatedTime,
  });

  const enforced = await admin.request<Retention>("PUT", RETENTION, {
    body: { ...policy, mode: "delete" },
  });
  expect(enforced.status).toBe(200);
  const oldest = pathOf(seedVersionId("1.0.0"));
  await expect
    .poll(async () => (await writer.request<ImageVersion>("GET", oldest)).status, { interval: 100 })
    .toBe(404);
  const { body: operations } = await writer.request<{ value: Operation[] }>(
    "GET",
    "/operations?top=100",
  );
  const operation = operations.value.find(({ kind }) => kind === "DeleteImageVersion");
  expect(operation).toMatchObject({
    kind: "DeleteImageVersion",
    requestedBy: { name: "retention" },
  });

  const { body: list } = await writer.request<{ value: ImageVersion[] }>(
    "GET",
    `${IMAGE}/versions`,
  );
  expect(list.value.map(({ name, sigil }) => [name, sigil.state, sigil.latest])).toEqual([
    ["1.0.2", "Succeeded", true],
    ["1.0.1", "Succeeded", false],
  ]);

  const removed = await admin.request<object>("DELETE", RETENTION);
  expect(removed.status).toBe(200);
  expect(removed.body).toMatchObject({ ...policy, mode: "delete" });
  expect((await admin.request("DELETE", RETENTION)).status).toBe(404);
});

test("a version that becomes the latest after its policy has begun its deletion is kept, and the operation says why", async () => {
  for (const number of ["2.0.0", "2.0.1"]) await publish(number);
  const [older, newest] = ["2.0.0", "2.0.1"].map((number) => pathOf(seedVersionId(number)));
  // Its deletion is accepted, and cannot look at it yet.
  stack.simulator.addFault({
    method: "GET",
    path: "/versions/2\\.0\\.0\\?",
    afterMatches: 1,
    times: null,
    status: 500,
  });
  for (const mode of ["dryRun", "delete"])
    expect(
      (
        await admin.request<Retention>("PUT", RETENTION, {
          body: { keepNewestPromoted: 1, mode },
        })
      ).status,
    ).toBe(200);
  const deletion = async () =>
    (await writer.request<{ value: Operation[] }>("GET", "/operations?top=100")).body.value.find(
      ({ kind, resourceId }) =>
        kind === "DeleteImageVersion" && resourceId === seedVersionId("2.0.0"),
    );
  const POLL = { interval: 100 };
  await expect
    .poll(async () => (await deletion())?.requestedBy, POLL)
    .toMatchObject({ name: "retention" });
  const demotion = await writer.request<Operation>("POST", `${newest}/demote?allowNoLatest=true`);
  await expect
    .poll(
      async () =>
        (await writer.request<Operation>("GET", `/operations/${demotion.body.id}`)).body.status,
      POLL,
    )
    .toBe("Succeeded");
  stack.simulator.clearFaults();
  await expect.poll(async () => (await deletion())?.status, POLL).toBe("Failed");
  expect(await deletion()).toMatchObject({
    error: {
      code: "KeptByRetention",
      message: expect.stringContaining("The latest") as string,
    },
  });
  expect(
    stack.simulator.countRequests({
      method: "DELETE",
      path: "/versions/2\\.0\\.0\\?",
    }),
  ).toBe(0);
  const { body: kept } = await writer.request<ImageVersion>("GET", older ?? "");
  expect(kept.sigil.latest).toBe(true);
  expect((await admin.request("DELETE", RETENTION)).status).toBe(200);
});
