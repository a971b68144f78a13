/** What carries the SDK's calls in process, against what carries them over HTTPS: the domain's tests rest on it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { startInProcess, type InProcess } from "../../../support/dependencies.js";
import { startOverHttps } from "../../../support/over-https.js";
import { seedResource } from "../../../support/requests.js";

const GALLERY = seedResource("galleries/MyGallery");
const API_VERSION = "2025-12-03";

describe.each([
  ["in process", startInProcess],
  ["over HTTPS", startOverHttps],
])("%s", (_, start) => {
  let world: InProcess;
  beforeAll(async () => {
    world = await start();
  });
  afterAll(() => world.close());

  const urlOf = (path: string): string =>
    `${world.armOptions.endpoint}${path}?api-version=${API_VERSION}`;
  const get = (path: string) =>
    createArmClient(world.armOptions).request(
      { what: "the read", action: "read", scope: path },
      "GET",
      urlOf(path),
    );

  test("an answer has its status, headers and body", async () => {
    const { status, headers, body } = await get(GALLERY);
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toBe("application/json; charset=utf-8");
    expect(headers.get("x-ms-request-id")).toMatch(/^[\da-f-]{36}$/u);
    expect(body).toMatchObject({ id: GALLERY });
  });

  test("a body is sent with its type, and an answer may be without one", async () => {
    const client = createArmClient(world.armOptions);
    const scope = `${GALLERY}/images/MyImage/versions/9.9.9`;
    const call = { what: "the deletion", action: "delete", scope };
    const gone = await client.request(call, "DELETE", urlOf(scope));
    expect(gone).toMatchObject({ status: 204, body: undefined });
    const { body } = await client.request(
      call,
      "POST",
      urlOf("/providers/Microsoft.ResourceGraph/resources"),
      { query: "take" },
    );
    expect(body).toMatchObject({ error: { code: "BadRequest" } });
  });

  test.each(["reset", "reset-after-processing"] as const)(
    "a connection that ends by %s is the SDK's error",
    async (action) => {
      world.simulator.control.addFault({ action });
      await expect(get(GALLERY)).rejects.toMatchObject({
        code: "ResourceManagerUnavailable",
        cause: {
          name: "RestError",
          code: "ECONNRESET",
          message: "socket hang up",
        },
      });
    },
  );
});
