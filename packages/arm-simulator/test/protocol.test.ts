import { ManualClock } from "@sigil-local/clock";
import { describe, expect, test } from "vitest";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { startTokenIssuer } from "@sigil-local/token-issuer";
import { startResourceManagerSimulator } from "../src/server.js";
import {
  COMPUTE,
  DEFINITION,
  GROUP,
  OTHER_SUBSCRIPTION,
  startForAll,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

const AUDIENCE = "https://management.azure.com";

let h: Harness;
startForAll((started) => (h = started));

test("no connection is closed because it is idle: a client that uses it again at that moment would see a reset", async () => {
  const { status, headers } = await h.call("GET", DEFINITION);
  expect(status).toBe(200);
  // Node.js says here after how many seconds it closes one.
  expect(headers.get("keep-alive")).toBeNull();
});

describe("authentication", () => {
  test.each([
    ["no token", { authorization: null }, "AuthenticationFailed"],
    ["another scheme", { authorization: "Basic YTpi" }, "AuthenticationFailedInvalidHeader"],
    ["what is no token", { authorization: "Bearer abc" }, "InvalidAuthenticationToken"],
    ["an expired token", { claims: { expiresInSeconds: -10 } }, "ExpiredAuthenticationToken"],
    [
      "another audience",
      { claims: { audience: "api://sigil" } },
      "InvalidAuthenticationTokenAudience",
    ],
    [
      "another issuer",
      { claims: { issuer: "https://sts.windows.net/x/" } },
      "InvalidAuthenticationTokenTenant",
    ],
  ])("%s is 401 with WWW-Authenticate", async (_what, options, code) => {
    const { status, body, headers } = await h.call("GET", versionId("1.0.0"), options);
    expect(status).toBe(401);
    expect(body).toMatchObject({ error: { code } });
    expect(headers.get("www-authenticate")).toMatch(
      /^Bearer authorization_uri="https:\/\/localhost:\d+", error="invalid_token"/u,
    );
  });

  test("takes the management audience in each of its spellings", async () => {
    for (const audience of [
      "https://management.azure.com",
      "https://management.azure.com/",
      "https://management.core.windows.net/",
    ])
      expect((await h.call("GET", DEFINITION, { claims: { audience } })).status).toBe(200);
  });

  test("finds the keys of an issuer it knows by its URL", async () => {
    const remote = await h.start({ issuer: h.issuer.issuer });
    const versions = h.clientFor(remote).galleries.listByResourceGroup(GROUP);
    const names = [];
    for await (const { name } of versions) names.push(name);
    expect(names).toEqual(["MyGallery", "MySharedGallery", "MyCommunityGallery"]);
  });

  test("an issuer that cannot be reached is 503, not the caller's fault", async () => {
    const tls = await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? "");
    const gone = await startTokenIssuer({ tls, audience: "a" });
    await gone.close();
    const lost = await h.start({ issuer: gone.issuer });
    const response = await fetch(`${lost.endpoint}/subscriptions?api-version=2022-12-01`, {
      headers: { Authorization: `Bearer ${await gone.issueToken()}` },
    });
    expect(response.status).toBe(503);
  });

  test("a token that was taken before is refused once it has expired", async () => {
    const tokenClock = new ManualClock(Date.now());
    const { endpoint } = await h.start({ tokenClock });
    const token = await h.issuer.issueToken({ audience: AUDIENCE });
    const statusOf = async (): Promise<number> =>
      (
        await fetch(`${endpoint}/subscriptions?api-version=2022-12-01`, {
          headers: { Authorization: `Bearer ${token}` },
        })
      ).status;
    expect(await statusOf()).toBe(200);
    expect(await statusOf()).toBe(200);
    tokenClock.advance(30 * 86_400_000);
    expect(await statusOf()).toBe(401);
  });

  test("there is no way to start without one", async () => {
    await expect(startResourceManagerSimulator({ tls: { key: "", cert: "" } })).rejects.toThrow(
      "either 'issuer' or 'verify' must be given",
    );
  });
});

describe("the protocol", () => {
  test("a call without api-version is MissingApiVersionParameter", async () => {
    expect(await h.call("GET", versionId("1.0.0"), { apiVersion: "" })).toMatchObject({
      status: 400,
      body: { error: { code: "MissingApiVersionParameter" } },
    });
  });

  test("an api-version that is no date is InvalidApiVersionParameter; a preview is one", async () => {
    expect(await h.call("GET", DEFINITION, { apiVersion: "v1" })).toMatchObject({
      status: 400,
      body: { error: { code: "InvalidApiVersionParameter" } },
    });
    expect((await h.call("GET", DEFINITION, { apiVersion: "2021-07-01-preview" })).status).toBe(
      200,
    );
  });

  test("every answer has its request ids and gives the correlation id back", async () => {
    const { headers } = await h.call("GET", DEFINITION, {
      headers: { "x-ms-correlation-request-id": "c-1" },
    });
    expect(headers.get("x-ms-request-id")).toMatch(/^[0-9a-f-]{36}$/u);
    expect(headers.get("x-ms-correlation-request-id")).toBe("c-1");
  });

  test.each([
    ["malformed JSON", "{", {}, 400, "InvalidRequestContent"],
    ["another content type", "{}", { "Content-Type": "text/plain" }, 415, "UnsupportedMediaType"],
    ["more than 4 MB", `"${"x".repeat(4 * 1024 * 1024)}"`, {}, 413, "RequestContentTooLarge"],
    ["a body that is no object", "[]", {}, 400, "InvalidRequestContent"],
  ])("%s is refused", async (_what, rawBody, headers, status, code) => {
    expect(
      await h.call("PUT", versionId("1.0.0"), {
        rawBody,
        headers: headers,
      }),
    ).toMatchObject({ status, body: { error: { code } } });
  });

  test("a wrong method is 405, a wrong path 404", async () => {
    expect(await h.call("POST", versionId("1.0.0"), { body: {} })).toMatchObject({
      status: 405,
      body: { error: { code: "MethodNotAllowed" } },
    });
    expect(await h.call("GET", `/subscriptions/${SUBSCRIPTION}/nothing/here`)).toMatchObject({
      status: 404,
      body: { error: { code: "InvalidResourceType" } },
    });
  });

  test.each([
    ["DELETE", "galleries/MyGallery/softDeletedArtifacts/x"],
    ["DELETE", "diskEncryptionSet/x"],
    ["GET", "galleries/MyGallery/softDeletedArtifacts"],
    ["PUT", "cloudServices/x"],
  ])("%s of %s, a type that is not here, is 404", async (method, path) => {
    const type = path.replaceAll(/\/(?:MyGallery|x)/gu, "");
    const body = { location: "westus" };
    expect(await h.call(method, `${COMPUTE}/${path}`, method === "PUT" ? { body } : {})).toEqual(
      expect.objectContaining({
        status: 404,
        body: {
          error: {
            code: "InvalidResourceType",
            message: expect.stringContaining(`'${type}'`) as unknown,
          },
        },
      }),
    );
  });

  test("an operation of another subscription cannot be seen", async () => {
    const path = `/subscriptions/${OTHER_SUBSCRIPTION}/providers/Microsoft.Compute/locations/westus/capsOperations/1`;
    expect((await h.call("GET", path)).status).toBe(404);
  });

  test("a missing resource is ResourceNotFound in ARM's words", async () => {
    expect((await h.call("GET", versionId("9.9.9"))).body).toEqual({
      error: {
        code: "ResourceNotFound",
        message: `The Resource 'Microsoft.Compute/galleries/MyGallery/images/MyImage/versions/9.9.9' under resource group '${GROUP}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
      },
    });
    expect((await h.call("GET", `${COMPUTE}/disks/none`)).status).toBe(404);
  });
});
