import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import {
  createApiClient,
  pathOf,
  type ApiClient,
  type ImageVersion,
  type Operation,
  type Problem,
} from "../support/api-client.js";
import {
  managedImageRequest,
  seedRegion,
  seedResource,
  seedVersionId,
} from "../support/requests.js";
import { Stack } from "../support/stack.js";

let stack: Stack;
let api: ApiClient;
let host: HostProcess;
beforeAll(async () => {
  stack = await Stack.start({
    simulator: { replication: { durationMs: 500 } },
  });
  host = await stack.startHost();
  api = await stack.client(host);
});

/** Another application than the one that asked. */
async function strangers(roles: string[]): Promise<ApiClient> {
  const token = await stack.services.tokenIssuer?.issueToken({
    roles,
    appId: "99999999-8888-4777-8666-555555555555",
  });
  return createApiClient(host.origin, token);
}
afterAll(() => stack.close());

const WEST = seedRegion("westus", "WestUS");
const EAST2 = seedRegion("eastus2", "EastUS2");
const EAST = seedRegion("eastus", "EastUS");

function body(...targetRegions: (typeof WEST)[]) {
  const request = managedImageRequest();
  return {
    ...request,
    properties: {
      ...request.properties,
      publishingProfile: { targetRegions },
    },
  };
}

async function ended({ id }: Operation): Promise<Operation> {
  let operation: Operation | undefined;
  await expect
    .poll(
      async () => {
        const answer = await api.request<Operation>("GET", `/operations/${id}`);
        operation = answer.body;
        return operation.status;
      },
      { interval: 100 },
    )
    .toMatch(/Succeeded|Failed|Canceled/u);
  if (operation === undefined) throw new Error("it does not end");
  return operation;
}

/** Until Azure makes the version's copies: what was asked of it is sent. */
async function replicating({ id }: Operation): Promise<void> {
  await expect
    .poll(async () => (await api.request<Operation>("GET", `/operations/${id}`)).body.history, {
      interval: 100,
    })
    .toContainEqual(expect.objectContaining({ state: "Replicating" }));
}

async function put(id: string, wanted: unknown, query = "") {
  return await api.request<Operation>("PUT", `${pathOf(id)}${query}`, {
    body: wanted,
  });
}

test("a version lives: it is created, gets a region, loses one, is deleted, and stays to be read", async () => {
  const id = seedVersionId("1.0.0");
  const created = await put(id, body(WEST, EAST2));
  expect(await ended(created.body)).toMatchObject({
    kind: "CreateImageVersion",
    status: "Succeeded",
  });

  const widened = await put(id, body(WEST, EAST2, EAST));
  expect(widened.status).toBe(202);
  expect(await ended(widened.body)).toMatchObject({
    kind: "UpdateImageVersion",
    status: "Succeeded",
  });

  // A region that a body does not name is kept: nothing changes, and the plan warns of it.
  const kept = await api.request<Operation>("PUT", pathOf(id), {
    body: body(WEST, EAST),
  });
  expect(kept.status).toBe(200);
  expect(kept.body.regions.map(({ name }) => name)).toContain("eastus2");
  const planned = await api.request<{ findings: unknown[] }>("POST", `${pathOf(id)}/plan`, {
    body: body(WEST, EAST),
  });
  expect(planned.body.findings).toMatchObject([{ code: "RegionKept", severity: "warning" }]);
  // It is the only version: what takes it out of latest says so.
  const refused = await put(id, body(WEST, EAST), "?removeRegions=eastus2");
  expect(refused.status).toBe(409);
  expect(refused.body).toMatchObject({ code: "RegionWouldLoseLatest" });
  const confirmed = await put(id, body(WEST, EAST), "?removeRegions=eastus2&allowNoLatest=true");
  expect(await ended(confirmed.body)).toMatchObject({ status: "Succeeded" });
  const narrowed = await api.request<ImageVersion>("GET", pathOf(id));
  expect(narrowed.body.sigil.regions.map(({ name }) => name)).toEqual(["westus", "eastus"]);

  const nothingToRepair = await api.request<Problem>("POST", `${pathOf(id)}/retry`, { body: {} });
  expect(nothingToRepair.status).toBe(409);

  const removal = await api.request<Operation>("DELETE", `${pathOf(id)}?allowNoLatest=true`);
  expect(removal.status).toBe(202);
  expect(await ended(removal.body)).toMatchObject({
    kind: "DeleteImageVersion",
    status: "Succeeded",
  });
  const gone = await api.request<Problem>("GET", pathOf(id));
  expect(gone.status).toBe(404);
  const history = await api.request<Operation>(
    "GET",
    `/operations/${removal.body.id}?expand=calls`,
  );
  expect(history.body.history.at(-1)).toMatchObject({ state: "Deleted" });
  const again = await api.request<Problem>("PUT", pathOf(id), {
    body: body(WEST),
  });
  expect(again.status).toBe(409);
  expect(again.body).toMatchObject({ code: "ImageVersionGone" });
  const unknown = await api.request<Problem>("DELETE", pathOf(seedVersionId("9.9.9")));
  expect(unknown.status).toBe(404);
});

test("a version is held back, promoted, demoted and rolled back", async () => {
  const id = seedVersionId("3.0.0");
  const created = await put(id, {
    ...body(WEST, EAST2),
    sigil: { promotion: { when: "manual" } },
  });
  expect(await ended(created.body)).toMatchObject({ status: "Succeeded" });
  const shown = async () => (await api.request<ImageVersion>("GET", pathOf(id))).body;
  expect(await shown()).toMatchObject({
    properties: { publishingProfile: { excludeFromLatest: true } },
    sigil: { latest: false, promotion: { when: "manual" } },
  });
  const post = (path: string) => api.request<Operation>("POST", path);
  const promoted = await post(`${pathOf(id)}/promote`);
  expect(promoted.status).toBe(202);
  expect(await ended(promoted.body)).toMatchObject({
    kind: "PromoteImageVersion",
    status: "Succeeded",
  });
  expect((await shown()).sigil.latest).toBe(true);

  const next = seedVersionId("3.0.1");
  await ended((await put(next, body(WEST))).body);
  expect((await shown()).sigil.latest).toBe(false);
  const rolledBack = await post(`${pathOf(id).split("/versions/")[0]}/rollback`);
  expect(rolledBack.body).toMatchObject({
    kind: "RollBackImage",
    resourceId: id.split("/versions/")[0],
    rollback: { from: "3.0.1", to: "3.0.0" },
  });
  expect(await ended(rolledBack.body)).toMatchObject({ status: "Succeeded" });
  expect((await shown()).sigil.latest).toBe(true);
  const demoted = await post(`${pathOf(id)}/demote?allowNoLatest=true`);
  expect(await ended(demoted.body)).toMatchObject({ status: "Succeeded" });
  expect((await shown()).sigil.latest).toBe(false);
});

test("a second request is taken while the first runs, and each is followed on its own", async () => {
  const id = seedVersionId("4.0.0");
  await stack.simulator.stallRegion({ versionId: id, region: "eastus2" });
  const first = await put(id, body(WEST, EAST2));
  const second = await put(id, body(WEST, EAST));
  expect(second.status).toBe(202);
  expect(second.body.id).not.toBe(first.body.id);
  const otherwise = body(WEST, EAST2);
  const contradiction = await api.request<Problem>("PUT", pathOf(id), {
    body: {
      ...otherwise,
      properties: {
        ...otherwise.properties,
        storageProfile: { source: { id: seedResource("images/other") } },
      },
    },
  });
  expect(contradiction.status).toBe(409);
  await replicating(first.body);
  await stack.simulator.resumeRegion({ versionId: id, region: "eastus2" });
  expect(await ended(first.body)).toMatchObject({ status: "Succeeded" });
  expect(await ended(second.body)).toMatchObject({ status: "Succeeded" });
  const { body: version } = await api.request<ImageVersion>("GET", pathOf(id));
  expect(version.sigil.regions.map(({ name }) => name).sort()).toEqual([
    "eastus",
    "eastus2",
    "westus",
  ]);
});

test("a running operation is canceled, and the same PUT follows the version again", async () => {
  const id = seedVersionId("2.0.0");
  await stack.simulator.stallRegion({ versionId: id, region: "eastus2" });
  const { body: first } = await put(id, body(WEST, EAST2));
  await replicating(first);
  const stranger = await strangers(["ImageVersions.Write"]);
  const cancel = `/operations/${first.id}/cancel`;
  const refused = await stranger.request<Problem>("POST", cancel);
  expect(refused.status).toBe(403);
  expect(refused.body).toMatchObject({ requiredRole: "ImageVersions.Admin" });
  const admin = await strangers(["ImageVersions.Admin"]);
  const canceled = await admin.request<Operation>("POST", cancel);
  expect(canceled.status).toBe(200);
  // It is Canceled once Azure has done, and the version is excluded from latest.
  expect(canceled.body).toMatchObject({
    status: "Running",
    canceledBy: { appId: expect.any(String) as string },
  });
  const { body: second } = await put(id, body(WEST, EAST2));
  expect(second.id).not.toBe(first.id);
  await stack.simulator.resumeRegion({ versionId: id, region: "eastus2" });
  expect(await ended(first)).toMatchObject({ status: "Canceled" });
  expect(await ended(second)).toMatchObject({ status: "Succeeded" });
  const late = await api.request<Problem>("POST", `/operations/${second.id}/cancel`);
  expect(late.status).toBe(409);
  expect(late.body).toMatchObject({ code: "OperationEnded" });
});

test("a protected version is deleted by nobody, until an Admin takes that off", async () => {
  const id = seedVersionId("7.0.0");
  const merge = (client: ApiClient, sigil: object) =>
    client.request<Operation & Problem>("PATCH", pathOf(id), {
      body: { sigil },
      headers: { "Content-Type": "application/merge-patch+json" },
    });
  const writer = await strangers(["ImageVersions.Write"]);
  const admin = await strangers(["ImageVersions.Admin"]);
  await ended((await put(id, body(WEST))).body);
  const on = await merge(writer, { protected: true });
  expect(on.status).toBe(202);
  await ended(on.body);
  const shown = await api.request<ImageVersion>("GET", pathOf(id));
  expect(shown.body.sigil.protected).toBe(true);
  expect(await merge(writer, { protected: false })).toMatchObject({
    status: 403,
    body: { code: "Forbidden", errors: [{ code: "ProtectionKept" }] },
  });
  const all = `${pathOf(id)}?ignoreUse=true&bypassSoftDelete=true`;
  expect(await admin.request("DELETE", all)).toMatchObject({
    status: 409,
    body: { code: "ImageVersionProtected" },
  });
  const off = await merge(admin, { protected: false });
  expect(off.status, JSON.stringify(off.body)).toBe(202);
  await ended(off.body);
  const gone = await writer.request<Operation>("DELETE", pathOf(id));
  expect(gone.status).toBe(202);
  expect(await ended(gone.body)).toMatchObject({ status: "Succeeded" });
});
