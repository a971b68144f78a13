/** One version, reached in every way that a client has: GET, edit, PUT; PATCH; Azure's own path and answer; ETags. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostProcess } from "@sigil-local/functions-host/process";
import {
  endOf,
  pathOf,
  type ApiClient,
  type ImageVersion,
  type Operation,
  type Problem,
} from "../support/api-client.js";
import { managedImageRequest, seedVersionId } from "../support/requests.js";
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
afterAll(() => stack.close());

const ID = seedVersionId("5.0.0");

const ended = ({ id }: Operation) => endOf(api, id);

const get = () => api.request<ImageVersion>("GET", pathOf(ID));

test("what Sigil shows, pasted back, is no change; edited, it is that change", async () => {
  const created = await api.put(ID, {
    ...managedImageRequest(),
    tags: { build: "4711", stage: "test" },
  });
  expect(await ended(created.body)).toMatchObject({ status: "Succeeded" });

  const shown = await get();
  const same = await api.request<Operation>("PUT", pathOf(ID), {
    body: shown.body,
  });
  expect(same.status).toBe(200);
  expect(same.headers.get("etag")).toBe(shown.headers.get("etag"));
  expect(same.body).toMatchObject({ status: "Succeeded", resourceId: ID });
  const version = await api.request<ImageVersion>(
    "GET",
    same.headers.get("content-location") ?? "",
  );
  expect(version.headers.get("etag")).toBe(shown.headers.get("etag"));
  const again = await api.request<Operation>("GET", same.headers.get("operation-location") ?? "");
  expect(again.body).toEqual(same.body);
  const canceled = await api.request<Problem>("POST", `/operations/${same.body.id}/cancel`);
  expect([canceled.status, canceled.body.code]).toEqual([409, "OperationEnded"]);

  const edited = await api.put(ID, {
    ...shown.body,
    tags: { build: "4712", stage: "test" },
  });
  expect(edited.status).toBe(202);
  expect(await ended(edited.body)).toMatchObject({ status: "Succeeded" });
  const after = await get();
  expect(after.body.tags).toEqual({ build: "4712", stage: "test" });
  expect(after.headers.get("etag")).not.toBe(shown.headers.get("etag"));
});

test("a patch changes what it names, and null takes away", async () => {
  const patched = await api.request<Operation>("PATCH", pathOf(ID), {
    body: { tags: { stage: null, owner: "images" } },
    headers: { "Content-Type": "application/merge-patch+json" },
  });
  expect(patched.status).toBe(202);
  expect(await ended(patched.body)).toMatchObject({ status: "Succeeded" });
  expect((await get()).body.tags).toEqual({ build: "4712", owner: "images" });

  const nothing = await api.request<Operation>("PATCH", pathOf(ID), {
    body: { tags: { owner: "images" } },
  });
  expect(nothing.status).toBe(200);
  const wrong = await api.request<Problem>("PATCH", pathOf(ID), {
    body: { properties: { publishingProfile: { endOfLifeDate: "soon" } } },
  });
  expect(wrong.status).toBe(400);
  expect(wrong.body.errors[0]?.pointer).toBe("/properties/publishingProfile/endOfLifeDate");
});

test("Azure's own path reaches the same version, with its api-version and in any case", async () => {
  const shown = await get();
  const path = shown.body.id.replace("/versions/", "/VERSIONS/");
  const own = await api.request<ImageVersion>(
    "GET",
    `${path}?api-version=2025-12-03&$expand=ReplicationStatus`,
  );
  expect(own.status).toBe(200);
  expect(own.body.properties).toEqual(shown.body.properties);
  const same = await api.request<ImageVersion>("PUT", `${shown.body.id}?api-version=2025-12-03`, {
    body: own.body,
  });
  expect(same.status).toBe(200);
});

test("If-Match takes the version that was seen, and says what it is now where that is another", async () => {
  const shown = await get();
  const etag = shown.headers.get("etag") ?? "";
  const first = await api.put(ID, { ...shown.body, tags: { build: "1" } }, { "If-Match": etag });
  expect(first.status).toBe(202);
  expect(await ended(first.body)).toMatchObject({ status: "Succeeded" });
  const late = await api.request<Problem>("PUT", pathOf(ID), {
    body: { ...shown.body, tags: { build: "2" } },
    headers: { "If-Match": etag },
  });
  expect(late.status).toBe(412);
  expect(late.body).toMatchObject({
    code: "PreconditionFailed",
    etag: (await get()).headers.get("etag"),
  });
  expect(late.body.errors.map(({ pointer }) => pointer)).toContain("/tags/build");
  const gone = await api.request<Problem>("DELETE", pathOf(ID), {
    headers: { "If-Match": etag },
  });
  expect(gone.status).toBe(412);
});

test("a hold-back in the portal stays though the same body comes again, and is shown at once", async () => {
  await stack.simulator.editVersion({
    versionId: ID,
    properties: { publishingProfile: { excludeFromLatest: true } },
  });
  const again = await api.put(ID, {
    ...managedImageRequest(),
    tags: { build: "3" },
  });
  expect(await ended(again.body)).toMatchObject({ status: "Succeeded" });
  expect((await get()).body).toMatchObject({
    tags: { build: "3" },
    properties: { publishingProfile: { excludeFromLatest: true } },
    sigil: { managedBy: "Sigil", latest: false, pending: [] },
  });
});

test("a body in PowerShell's words gets the right word for each, at every level", async () => {
  const { status, body } = await api.request<Problem>("PUT", pathOf(seedVersionId("5.0.1")), {
    body: {
      Location: "westus",
      SourceImageId: "/subscriptions/s/images/i",
      TargetRegion: [
        {
          Name: "West US",
          ReplicaCount: 1,
          Encryption: { OSDiskImage: { DiskEncryptionSetId: "set" } },
        },
      ],
    },
  });
  expect(status).toBe(400);
  const told = body.errors.map(({ message }) => message).join("\n");
  for (const word of [
    "targetRegions",
    "regionalReplicaCount",
    "osDiskImage",
    "diskEncryptionSetId",
  ])
    expect(told).toContain(word);
});
