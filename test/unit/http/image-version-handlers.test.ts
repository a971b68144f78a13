import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { imageVersionHandlers } from "../../../src/http/image-version-handlers.js";
import type { OperationId } from "../../../src/http/contract/openapi-document.js";
import { regionField } from "../../../src/image-version/properties/fields.js";
import type { VersionRequest } from "../../../src/image-version/state/record.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { formatImageVersionId, imageIdOf, keyOf } from "../../../src/resource-id.js";
import { createWorld, type World } from "../../support/world.js";
import {
  document,
  managedImageBody,
  missingHeaders,
  responseMistakes,
  validator,
} from "./contract/document.js";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const IMAGE = {
  subscriptionId: "00000000-0000-0000-0000-000000000000",
  resourceGroupName: "rg",
  galleryName: "g",
  imageName: "it",
};
/** Versions that Azure has, both in westus and eastus2, and one that it has not. */
const THERE = "1.9.0";
const LATEST = "1.10.0";
const NEW = "3.0.0";
const SIGIL = "https://sigil.example/api";
const GALLERY = `${SIGIL}/subscriptions/${IMAGE.subscriptionId}/resourceGroups/rg`;
const VERSIONS = `${GALLERY}/galleries/g/images/it/versions`;
const ARM_VERSIONS = `${GALLERY}/providers/Microsoft.Compute/galleries/g/images/it/versions`;
const EAST = regionField("eastus2");

let world: World;
let handlers: ReturnType<typeof imageVersionHandlers>;

function begin(shown?: Parameters<typeof createWorld>[0], role = "ImageVersions.Admin"): void {
  world = createWorld(shown);
  handlers = imageVersionHandlers(
    createEndpoint({
      document,
      validator,
      authenticator: {
        authenticate: () => Promise.resolve({ appId: "build", roles: [role] }),
      },
    }),
    world.deps.imageVersions,
    (body) => validator.validateBody("putImageVersion", body).findings,
    () => Promise.resolve({}),
    world.deps.revocation.revocations,
  );
}
beforeEach(() => {
  begin();
});

interface Call {
  readonly method: string;
  readonly url: string;
  readonly version?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** Calls the handler, and holds its answer to the document. */
async function call(
  id: keyof typeof handlers & OperationId,
  { method, url, version = THERE, headers = {}, body }: Call,
): Promise<{
  status: number;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}> {
  const response = (await handlers[id](
    new HttpRequest({
      method,
      url,
      headers: {
        traceparent: TRACEPARENT,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      params: { ...IMAGE, versionName: version },
      ...(body !== undefined && { body: { string: JSON.stringify(body) } }),
    }),
    new InvocationContext({ invocationId: "1", functionName: "test" }),
  )) as HttpResponseInit;
  const answer = {
    status: response.status ?? 0,
    headers: response.headers as Record<string, string>,
    body: JSON.parse(response.body as string) as Record<string, unknown>,
  };
  const mediaType = answer.headers["Content-Type"] ?? "";
  expect(responseMistakes(id, answer.status, mediaType, answer.body)).toEqual([]);
  expect(missingHeaders(id, answer.status, new Headers(answer.headers))).toEqual([]);
  return answer;
}

/** What is stored of a version: its operation, and what that asks. */
async function stored(
  version = THERE,
): Promise<{ operation: OperationRecord; request: VersionRequest }> {
  const id = formatImageVersionId({ ...IMAGE, versionName: version });
  const found = await world.deps.imageVersions.store.read(keyOf(id));
  const { operation, record } = found ?? expect.fail(`${id} is not stored`);
  return {
    operation,
    request: record.requests[operation.id] ?? expect.fail("nothing is asked"),
  };
}

const asked = {
  requestedBy: { appId: "build" },
  traceparent: expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-/u) as string,
};

describe.each([
  ["Sigil's path", VERSIONS, "", ""],
  [
    "Azure Resource Manager's path",
    ARM_VERSIONS,
    "arm",
    "api-version=2025-12-03&$expand=ReplicationStatus",
  ],
])("under %s", (_place, base, prefix, ignored) => {
  const named = (name: string) =>
    (prefix === ""
      ? name
      : prefix + name.charAt(0).toUpperCase() + name.slice(1)) as keyof typeof handlers &
      OperationId;
  const url = (query = "", version = THERE) => `${base}/${version}?${ignored}&${query}`;
  const get = (version = THERE) =>
    call(named("getImageVersion"), {
      method: "GET",
      url: url("", version),
      version,
    });
  const put = (query: string, more: Partial<Call>) =>
    call(named("putImageVersion"), {
      method: "PUT",
      url: url(query, more.version),
      body: managedImageBody,
      ...more,
    });
  const patch = (query: string, more: Partial<Call>) =>
    call(named("patchImageVersion"), {
      method: "PATCH",
      url: url(query),
      ...more,
    });

  it("GET shows the version with its ETag", async () => {
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(headers["ETag"]).toMatch(/^"[0-9a-f]{32}"$/u);
    expect(headers["Retry-After"]).toBe("60");
    expect(body).toMatchObject({
      name: THERE,
      tags: { build: "4711" },
      sigil: { managedBy: "Others", latest: false },
    });
  });

  it("GET of a version that nobody has is 404", async () => {
    expect((await get(NEW)).status).toBe(404);
  });

  it("GET of what is to be made says when Sigil takes the next step, a list no sooner than in 15 s", async () => {
    await put("", { version: NEW });
    expect((await get(NEW)).headers["Retry-After"]).toBe("5");
    await put("", { version: THERE, body: { ...managedImageBody, tags: { build: "4712" } } });
    const list = { method: "GET", url: `${base}?${ignored}` };
    expect((await call(named("listImageVersions"), list)).headers["Retry-After"]).toBe("15");
  });

  it("GET lists the versions, the highest number first", async () => {
    const answer = await call(named("listImageVersions"), {
      method: "GET",
      url: `${base}?${ignored}&top=1`,
    });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        value: [{ name: LATEST, sigil: { latest: true } }],
        nextLink: expect.stringContaining("&continuationToken=") as string,
      },
    });
    const { nextLink } = answer.body as { nextLink: string };
    expect(await call(named("listImageVersions"), { method: "GET", url: nextLink })).toMatchObject({
      status: 200,
      body: { value: [{}] },
    });
  });

  it("the image definitions of a gallery come a page at a time", async () => {
    const answer = await call("listImages", {
      method: "GET",
      url: `${GALLERY}/galleries/g/images?top=2`,
    });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        value: [{ name: "one" }, { name: "three" }],
        nextLink: expect.stringContaining("continuationToken=") as string,
      },
    });
    const { nextLink, time } = answer.body as Record<string, string>;
    const last = await call("listImages", {
      method: "GET",
      url: nextLink ?? "",
    });
    expect(last.body).toEqual({
      time,
      value: [
        expect.objectContaining({
          name: "two",
          securityType: "Standard",
          endOfLifeDate: "2030-12-01T00:00:00Z",
        }),
      ],
    });
  });

  it("galleries come by their ids, with when they were read; anew for who asks for no cache", async () => {
    const looks = { ...world.deps.imageVersions.looks };
    const asked: boolean[] = [];
    Object.assign(world.deps.imageVersions.looks, {
      galleries(anew: boolean) {
        asked.push(anew);
        return looks.galleries(anew);
      },
    });
    for (const control of ["max-age=9", "no-store, No-Cache"]) {
      const { body } = await call("listGalleries", {
        method: "GET",
        url: `${SIGIL}/galleries`,
        headers: { "cache-control": control },
      });
      expect(body).toMatchObject({
        time: world.deps.imageVersions.now().toISOString(),
        value: [{ name: "A" }, { name: "b" }, { name: "c" }],
      });
    }
    expect(asked).toEqual([false, true]);
  });

  it("PUT is accepted, with the addresses of the version and of its operation", async () => {
    const answer = await put("", {
      version: NEW,
      headers: { "Idempotency-Key": "k-1", "If-None-Match": "*" },
    });
    const { operation, request } = await stored(NEW);
    expect(answer).toMatchObject({
      status: 202,
      headers: {
        Location: `${base}/${NEW}`,
        "Operation-Location": `${SIGIL}/operations/${operation.id}`,
      },
      body: { id: operation.id, kind: "CreateImageVersion" },
    });
    expect(answer.body).not.toHaveProperty("calls");
    expect(operation).toMatchObject({
      ...asked,
      requestKey: expect.any(String) as string,
    });
    expect(request).toMatchObject({
      creates: true,
      body: { location: "westus" },
    });
  });

  it("PUT with an Idempotency-Key is repeated with the operation that was first", async () => {
    const twice = [NEW, NEW].map(() => ({
      version: NEW,
      headers: { "Idempotency-Key": "k-1" },
    }));
    const [first, second] = [await put("", twice[0] ?? {}), await put("", twice[1] ?? {})];
    expect(second.body["id"]).toBe(first.body["id"]);
  });

  it("PUT of an answer that was edited asks for the change, and removes regions that are named in any spelling", async () => {
    const { headers, body } = await get();
    const answer = await put("removeRegions=East%20US%202, westus3", {
      headers: { "If-Match": headers["ETag"] ?? "" },
      body: {
        ...body,
        tags: { build: "4712" },
        properties: {
          ...(body["properties"] as object),
          publishingProfile: { targetRegions: [{ name: "westus" }] },
        },
      },
    });
    expect(answer).toMatchObject({
      status: 202,
      body: { kind: "UpdateImageVersion" },
    });
    expect((await stored()).request).toMatchObject({
      patch: {
        [EAST]: null,
        "/tags/build": "4712",
      },
    });
  });

  it.each([
    ["PUT", "If-Match", '"another"'],
    ["PUT", "If-None-Match", "*"],
    ["PATCH", "If-Match", '"another"'],
    ["DELETE", "If-Match", '"another"'],
  ])(
    "%s with %s that does not hold is 412, with the present ETag",
    async (method, header, value) => {
      const before = world.effects();
      const answer = await call(named(`${method.toLowerCase()}ImageVersion`), {
        method,
        url: url(),
        headers: { [header]: value },
        ...(method !== "DELETE" && { body: managedImageBody }),
      });
      expect(answer.status).toBe(412);
      expect(answer.headers["ETag"]).toBe((await get()).headers["ETag"]);
      expect(world.effects()).toBe(before);
    },
  );

  /** What a request answers that changes nothing: an operation that is done, and to Azure's own clients the version. */
  const nothingToDo = (etag: string | undefined) =>
    prefix === ""
      ? {
          status: 200,
          headers: {
            ETag: etag,
            "Content-Location": `${base}/${THERE}`,
            "Operation-Location": expect.stringMatching(
              /^https:\/\/sigil\.example\/api\/operations\/00000000-0000-0000-0000-000000000000~rg~g~it~1\.9\.0~\d{13}$/u,
            ) as string,
          },
          body: {
            kind: "UpdateImageVersion",
            status: "Succeeded",
            resourceId: formatImageVersionId({ ...IMAGE, versionName: THERE }),
            regions: [{ name: "westus" }, { name: "eastus2" }],
          },
        }
      : { status: 200, headers: { ETag: etag }, body: { name: THERE } };

  it.each(["nothing", "the ETag", "*"])(
    "PUT of an answer as it is, with %s as If-Match, adopts what others have made",
    async (match) => {
      const { headers, body } = await get();
      const ifMatch = match === "the ETag" ? (headers["ETag"] ?? "") : match;
      await put("", {
        body,
        ...(match !== "nothing" && { headers: { "If-Match": ifMatch } }),
      });
      const { operation, request } = await stored();
      expect(operation).toMatchObject({ ...asked, kind: "UpdateImageVersion" });
      expect(request).toMatchObject({ patch: {}, adopts: true });
      expect((await get()).body).toMatchObject({
        sigil: { managedBy: "Sigil" },
      });
    },
  );

  it("PUT with a plan that finds errors is refused, and nothing is stored", async () => {
    const before = world.effects();
    const answer = await put("plan=require", { version: NEW });
    expect(answer).toMatchObject({
      status: 422,
      body: { code: "PreflightFailed" },
    });
    expect(world.effects()).toBe(before);
  });

  it.each(["application/merge-patch+json", "application/json"])("PATCH takes %s", async (type) => {
    const answer = await patch("removeRegions=eastus2", {
      headers: { "content-type": type, "If-Match": "*" },
      body: { tags: { build: null, team: "images" }, etag: "x" },
    });
    const { operation, request } = await stored();
    expect(answer.status).toBe(202);
    expect(operation).toMatchObject({ ...asked, kind: "UpdateImageVersion" });
    expect(request).toMatchObject({
      patch: { "/tags/build": null, "/tags/team": "images", [EAST]: null },
    });
    expect(request).not.toHaveProperty("creates");
  });

  it("PATCH of what others have made adopts nothing where it changes nothing", async () => {
    const answer = await patch("", { body: { tags: { build: "4711" } } });
    const shown = await get();
    expect(answer).toMatchObject(nothingToDo(shown.headers["ETag"]));
    expect(shown.body).toMatchObject({ sigil: { managedBy: "Others" } });
  });

  it("PATCH finds the errors of the version that it would make", async () => {
    expect(await patch("", { body: { location: null } })).toMatchObject({
      status: 400,
      body: { errors: [{ code: "MissingProperty", pointer: "/location" }] },
    });
  });

  it("DELETE and PATCH take ignoreUse from an Admin alone", async () => {
    const remove = { method: "DELETE", url: url("ignoreUse=true") };
    const removal = {
      method: "PATCH",
      url: url("removeRegions=eastus2&ignoreUse=true"),
      body: {},
      headers: { "content-type": "application/merge-patch+json" },
    };
    begin({}, "ImageVersions.Write");
    for (const [id, asked] of [
      ["deleteImageVersion", remove],
      ["patchImageVersion", removal],
    ] as const)
      expect(await call(named(id), asked)).toMatchObject({
        status: 403,
        body: { code: "Forbidden", requiredRole: "ImageVersions.Admin" },
      });
    begin();
    expect((await call(named("deleteImageVersion"), remove)).status).toBe(202);
  });

  it("DELETE is accepted where its precondition holds", async () => {
    const answer = await call(named("deleteImageVersion"), {
      method: "DELETE",
      url: url(),
      headers: { "If-Match": (await get()).headers["ETag"] ?? "" },
    });
    expect(answer).toMatchObject({
      status: 202,
      body: { kind: "DeleteImageVersion" },
    });
    expect(answer.body).not.toHaveProperty("calls");
    expect((await stored()).operation).toMatchObject(asked);
  });
});

it.each(["deleteImageVersion", "armDeleteImageVersion"] as const)(
  "%s for good is for Admins",
  async (name) => {
    const remove = () =>
      call(name, {
        method: "DELETE",
        url: `${name === "deleteImageVersion" ? VERSIONS : ARM_VERSIONS}/${THERE}?bypassSoftDelete=true`,
      });
    begin(undefined, "ImageVersions.Write");
    expect(await remove()).toMatchObject({
      status: 403,
      body: { code: "Forbidden" },
    });
    begin();
    expect(await remove()).toMatchObject({
      status: 202,
      body: { softDelete: { isSoftDeleteEnabled: false } },
    });
    expect((await stored()).request.deletion).toEqual({
      bypassSoftDelete: true,
    });
  },
);

describe("purge", () => {
  const PURGE = `${GALLERY}/galleries/g/images/it/deleted-versions`;
  const purge = (version = NEW) =>
    call("purgeDeletedVersion", {
      method: "DELETE",
      url: `${PURGE}/${version}`,
      version,
    });

  it("is an Admin's, and answers where the list is, and when to read it", async () => {
    begin(undefined, "ImageVersions.Write");
    expect(await purge()).toMatchObject({ status: 403 });
    expect(world.effects()).toBe(0);
    begin();
    expect(await purge()).toMatchObject({
      status: 202,
      headers: { Location: PURGE, "Retry-After": "30" },
      body: { name: NEW, location: "westus" },
    });
  });

  it("is 404 for what Azure does not list as deleted", async () => {
    expect(await purge(THERE)).toMatchObject({ status: 404 });
  });
});

describe("restore", () => {
  it.each([
    ["armPutImageVersion", "PUT", { location: "westus", properties: { restore: true } }],
    ["armPatchImageVersion", "PATCH", { properties: { restore: true } }],
    ["putImageVersion", "PUT", { location: "westus", properties: { restore: true } }],
    ["patchImageVersion", "PATCH", { properties: { restore: true } }],
  ] as const)(
    "%s with restore: true answers 202 with that operation",
    async (name, method, body) => {
      const base = name.startsWith("arm") ? ARM_VERSIONS : VERSIONS;
      expect(await call(name, { method, url: `${base}/${NEW}`, version: NEW, body })).toMatchObject(
        { status: 202, body: { kind: "RestoreImageVersion" } },
      );
    },
  );

  const restore = (version: string, headers: Record<string, string> = {}) =>
    call("restoreImageVersion", {
      method: "POST",
      url: `${VERSIONS}/${version}/restore`,
      version,
      headers,
    });

  it("is accepted for what Azure lists as deleted, with a key", async () => {
    const first = await restore(NEW, { "Idempotency-Key": "k" });
    expect(first).toMatchObject({
      status: 202,
      body: {
        kind: "RestoreImageVersion",
        warnings: [{ code: "RestoreNotProven" }],
      },
    });
    expect((await restore(NEW, { "Idempotency-Key": "k" })).body["id"]).toBe(first.body["id"]);
  });

  it.each([
    ["is there", THERE, 409],
    ["nobody has ever asked for", "9.0.0", 404],
  ])("is refused for a version that %s", async (_, version, status) => {
    const before = world.effects();
    expect((await restore(version)).status).toBe(status);
    expect(world.effects()).toBe(before);
  });

  it("waits for Azure to delete the version", async () => {
    begin({ provisioningState: "Deleting" });
    expect(await restore(THERE)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("Azure is deleting") as string },
    });
  });

  it("is what a GET names until Azure shows the version", async () => {
    const { body } = await restore(NEW);
    expect(
      await call("getImageVersion", {
        method: "GET",
        url: `${VERSIONS}/${NEW}`,
        version: NEW,
      }),
    ).toMatchObject({
      status: 409,
      body: {
        code: "ImageVersionConflict",
        existingOperationId: body["id"],
      },
    });
  });

  it("is of what the list of deleted versions has", async () => {
    expect(
      await call("listDeletedImageVersions", {
        method: "GET",
        url: `${GALLERY}/galleries/g/images/it/deleted-versions`,
      }),
    ).toMatchObject({
      status: 200,
      body: { value: [{ name: NEW, location: "westus" }] },
    });
  });
});

describe("retry", () => {
  const retry = (more: Partial<Call>) =>
    call("retryImageVersion", {
      method: "POST",
      url: `${VERSIONS}/${THERE}/retry`,
      ...more,
    });
  beforeEach(() =>
    begin({
      provisioningState: "Failed",
      regions: [
        { name: "westus", state: "Completed", progress: 100 },
        { name: "eastus2", state: "Failed", progress: 35 },
      ],
    }),
  );

  it.each<Partial<Call>>([{}, { headers: { "content-type": "application/json" } }, { body: {} }])(
    "with %j repairs all that failed",
    async (more) => {
      expect(await retry(more)).toMatchObject({ status: 202 });
      expect((await stored()).operation.regions).toMatchObject([{ name: "eastus2" }]);
    },
  );

  it("takes regions and a key", async () => {
    const body = { regions: ["East US 2"] };
    const first = await retry({ body, headers: { "Idempotency-Key": "k" } });
    expect((await stored()).operation.regions).toMatchObject([{ name: "eastus2" }]);
    expect(await retry({ body, headers: { "Idempotency-Key": "k" } })).toMatchObject({
      status: 202,
      body: { id: first.body["id"] },
    });
  });

  it("says which region has not failed", async () => {
    expect(await retry({ body: { regions: ["westus"] } })).toMatchObject({
      status: 400,
      body: {
        errors: [
          { code: "RegionNotFailed", pointer: "/regions/0" },
          { code: "HomeRegionNotRepairable", pointer: "/regions/0" },
        ],
      },
    });
  });

  it("says so where the version's own location has failed", async () => {
    begin({
      provisioningState: "Failed",
      regions: [{ name: "westus", state: "Failed", progress: 35 }],
    });
    expect(await retry({})).toMatchObject({
      status: 400,
      body: { errors: [{ code: "HomeRegionNotRepairable", pointer: "" }] },
    });
  });
});

describe.each([
  ["promoteImageVersion", "PromoteImageVersion", "include"],
  ["demoteImageVersion", "DemoteImageVersion", "exclude"],
] as const)("%s", (name, operationKind, kind) => {
  const post = (headers: Record<string, string>) =>
    call(name, {
      method: "POST",
      url: `${VERSIONS}/${THERE}/${name.replace("ImageVersion", "")}`,
      headers,
    });

  it("is asked by hand, with a key", async () => {
    const first = await post({ "Idempotency-Key": "k", "If-Match": "*" });
    expect(first).toMatchObject({ status: 202, body: { kind: operationKind } });
    expect((await stored()).request).toMatchObject({
      patch: {},
      release: { kind, by: "person" },
    });
    const again = await post({ "Idempotency-Key": "k" });
    expect(again.body["id"]).toBe(first.body["id"]);
  });

  it("is refused where its precondition does not hold", async () => {
    expect((await post({ "If-Match": '"another"' })).status).toBe(412);
  });
});

describe("promote with regions", () => {
  const post = (body: unknown) =>
    call("promoteImageVersion", {
      method: "POST",
      url: `${VERSIONS}/${THERE}/promote`,
      body,
    });

  it("asks for these alone, in any spelling", async () => {
    expect(await post({ regions: ["East US 2"] })).toMatchObject({
      status: 202,
      body: { kind: "PromoteImageVersion" },
    });
    expect((await stored()).request).toMatchObject({
      release: { kind: "include", by: "person", regions: ["eastus2"] },
    });
  });

  it.each([
    [{ regions: ["westus", "northeurope"] }, "RegionNotInVersion", "/regions/1"],
    [{ regions: [] }, "TooFewItems", "/regions"],
    [{ zone: "1" }, "UnknownProperty", "/zone"],
  ])("%j is 400: %s", async (body, code, pointer) => {
    expect(await post(body)).toMatchObject({
      status: 400,
      body: { errors: [{ code, pointer }] },
    });
  });
});

describe("rollback", () => {
  const roll = (more: Partial<Call>) =>
    call("rollBackImage", {
      method: "POST",
      url: `${GALLERY}/galleries/g/images/it/rollback`,
      ...more,
    });
  const rollback = { from: LATEST, to: THERE };

  it.each<[string, Partial<Call>]>([
    ["without a body goes back to the version before", {}],
    ["goes back to a version that is named", { body: { to: THERE } }],
  ])("%s", async (_, more) => {
    const answer = await roll({ ...more, headers: { "Idempotency-Key": "k" } });
    expect(answer).toMatchObject({
      status: 202,
      body: { kind: "RollBackImage", rollback },
    });
    const imageId = imageIdOf(IMAGE);
    const record = await world.deps.imageVersions.rollbacks.read(keyOf(imageId));
    expect(record?.operation).toMatchObject(asked);
    expect(record?.record.steps).toEqual([{ versionName: LATEST, does: "demote" }]);
  });

  it("has a plan that says what it would change, and changes nothing", async () => {
    const before = world.effects();
    expect(
      await call("planRollback", {
        method: "POST",
        url: `${GALLERY}/galleries/g/images/it/rollback/plan`,
        body: { to: THERE },
      }),
    ).toMatchObject({ status: 200, body: rollback });
    expect(world.effects()).toBe(before);
  });
});

it("a plan with If-Match is of a change to the version that was seen: what it leaves out goes", async () => {
  const changes = async (headers: Record<string, string>) => {
    const { body } = await call("planImageVersion", {
      method: "POST",
      url: `${VERSIONS}/${THERE}/plan`,
      headers,
      body: { ...managedImageBody, tags: undefined },
    });
    return body["changes"];
  };
  const untagged = expect.objectContaining({
    propertyChangeType: "Delete",
    before: "4711",
  }) as unknown;
  expect(await changes({})).not.toContainEqual(untagged);
  expect(await changes({ "If-Match": '"seen"' })).toContainEqual(untagged);
});

describe("a plan of a merge patch", () => {
  const planned = (body: unknown, version = THERE) =>
    call("planImageVersion", {
      method: "POST",
      url: `${VERSIONS}/${version}/plan`,
      version,
      headers: { "content-type": "application/merge-patch+json; charset=utf-8" },
      body,
    });

  it("is of that change alone, to latest and the rule, too, and stores nothing", async () => {
    const before = world.effects();
    const { status, body } = await planned({
      tags: { build: null },
      properties: { publishingProfile: { excludeFromLatest: true } },
      sigil: { promotion: { when: "manual" } },
    });
    expect(status).toBe(200);
    const excluded = (place: number) => ({
      pointer: `/properties/publishingProfile/targetRegions/${place}/excludeFromLatest`,
      propertyChangeType: "Create",
      after: true,
    });
    expect(body["changes"]).toEqual([
      { pointer: "/tags/build", propertyChangeType: "Delete", before: "4711" },
      excluded(0),
      excluded(1),
      {
        pointer: "/sigil/promotion",
        propertyChangeType: "Create",
        after: { when: "manual" },
      },
    ]);
    expect(world.effects()).toBe(before);
  });

  it("is refused as the patch is: of no version, with a mistake, or with a capture", async () => {
    expect(await planned({ tags: { a: "b" } }, "7.0.0")).toMatchObject({ status: 404 });
    expect(await planned({ tags: "none" })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: "/tags" }] },
    });
    expect(await planned({ sigil: { capture: "snapshots" } })).toMatchObject({ status: 400 });
    expect(await planned({ properties: { restore: true } })).toMatchObject({ status: 400 });
  });
});

it("a plan says what is removed, and stores nothing", async () => {
  const before = world.effects();
  const answer = await call("planImageVersion", {
    method: "POST",
    url: `${VERSIONS}/${THERE}/plan?removeRegions=eastus2`,
    body: {
      ...managedImageBody,
      properties: {
        ...managedImageBody.properties,
        publishingProfile: { targetRegions: [{ name: "westus" }] },
      },
    },
  });
  expect(answer.status).toBe(200);
  expect(answer.body["changes"]).toContainEqual({
    pointer: "/properties/publishingProfile/targetRegions",
    propertyChangeType: "Delete",
    before: "eastus2",
  });
  expect(world.effects()).toBe(before);
});

it.each([
  ["/?increment=minor", "minor"],
  ["", "patch"],
])(
  "a new version by %s is numbered by %s, and its address has the number",
  async (query, increment) => {
    const asked = vi.spyOn(world.deps.imageVersions.versionNumbers, "allocate");
    const answer = await call("createNextImageVersion", {
      method: "POST",
      url: `${VERSIONS}${query}`,
      headers: { "Idempotency-Key": "k" },
      body: managedImageBody,
    });
    expect(answer.status).toBe(202);
    expect(asked.mock.lastCall?.[1]).toMatchObject({ increment });
    const number = String(answer.body["resourceId"]).split("/").at(-1);
    expect(answer.headers["Location"]).toBe(`${VERSIONS}/${number}`);
    expect((await stored(number)).request).toMatchObject({ creates: true });
  },
);

it("a new version whose plan finds errors takes no number", async () => {
  const before = world.effects();
  const answer = await call("createNextImageVersion", {
    method: "POST",
    url: `${VERSIONS}?plan=require`,
    body: managedImageBody,
  });
  expect(answer).toMatchObject({
    status: 422,
    body: { code: "PreflightFailed" },
  });
  expect(world.effects()).toBe(before);
});
