import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { nothingToDo } from "../../../src/http/accepted.js";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { nothingToDoIn } from "../../../src/http/nothing-to-do.js";
import { operationHandlers } from "../../../src/http/operation-handlers.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { createWorld } from "../../support/world.js";
import { document, responseMistakes, validator } from "./contract/document.js";

const ID = {
  subscriptionId: "00000000-0000-0000-0000-000000000000",
  resourceGroupName: "images-(test)_1.x",
  galleryName: "my.Gallery_1",
  imageName: "It-1.x_y",
  versionName: "1.9.0",
};
const URL_OF_IT = new URL(
  "https://sigil.example/api/subscriptions/s/resourceGroups/rg/galleries/g/images/it/versions/1.9.0",
);

const { deps } = createWorld();
const reads = deps.imageVersions;
const handlers = operationHandlers(
  createEndpoint({
    document,
    validator,
    authenticator: {
      authenticate: () => Promise.resolve({ roles: ["ImageVersions.Admin"] }),
    },
  }),
  deps.operations,
  (id) => getImageVersion(reads, id),
  (operation) => Promise.resolve(operation),
);

async function call(
  name: "getOperation" | "cancelOperation",
  operationId: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const [method, action] = name === "getOperation" ? ["GET", ""] : ["POST", "/cancel"];
  const response = (await handlers[name](
    new HttpRequest({
      method,
      url: `https://sigil.example/api/operations/${operationId}${action}`,
      params: { operationId },
    }),
    new InvocationContext({ invocationId: "1", functionName: "test" }),
  )) as HttpResponseInit;
  const status = response.status ?? 0;
  const body = JSON.parse(response.body as string) as Record<string, unknown>;
  const mediaType = (response.headers as Record<string, string>)["Content-Type"];
  expect(responseMistakes(name, status, mediaType ?? "", body)).toEqual([]);
  return { status, body };
}

/** The answer to a request that changed nothing of what others have made: no record of it is stored. */
async function answered(now: Date) {
  return nothingToDo(await getImageVersion(reads, ID), URL_OF_IT, now);
}

describe("the operation of a request that changed nothing", () => {
  it("is read again by its id, and by its address, as it was given", async () => {
    const earlier = new Date(reads.now().getTime() - 3_600_000);
    const { headers, body } = await answered(earlier);
    expect(headers["Operation-Location"]).toBe(`https://sigil.example/api/operations/${body.id}`);
    expect(encodeURIComponent(body.id)).toBe(body.id);
    expect(await call("getOperation", body.id)).toEqual({ status: 200, body });
  });

  it("is too late to be canceled", async () => {
    const { body } = await answered(reads.now());
    expect(await call("cancelOperation", body.id)).toMatchObject({
      status: 409,
      body: { code: "OperationEnded" },
    });
  });

  it("is gone with its version", async () => {
    const { body } = await answered(reads.now());
    expect(await call("getOperation", body.id.replace("1.9.0", "9.9.9"))).toMatchObject({
      status: 404,
      body: { code: "NotFound" },
    });
  });

  it.each([
    "0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1",
    "00000000-0000-0000-0000-000000000000~rg~g~it~1.0~1767312000000",
    "000000000000-0000-0000-0000-00000000~rg~g~it~1.0.0~1767312000000",
    "00000000-0000-0000-0000-000000000000~rg~g~..~1.0.0~1767312000000",
  ])("is none of %s, which names no version", async (id) => {
    expect(nothingToDoIn(id)).toBeUndefined();
    expect((await call("getOperation", id)).status).toBe(404);
  });

  it.each([
    "00000000-0000-0000-0000-000000000000~rg~g~it~1.0.0~1",
    "00000000-0000-0000-0000-000000000000~r/g~g~it~1.0.0~1767312000000",
    "0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e",
  ])("has no id such as %s", async (id) => {
    expect((await call("getOperation", id)).status).toBe(400);
  });
});
