import { expect, test } from "vitest";
import { startForEach, type Harness } from "./harness.js";

const AUDIENCES = ["https://management.core.windows.net/", "https://management.azure.com/"];

let h: Harness;
startForEach((started) => (h = started));

const metadata = (apiVersion: string) =>
  h.call("GET", "/metadata/endpoints", { apiVersion, authorization: null });

test("az cloud register reads it without a token: the issuer as AD FS, so that MSAL asks nobody else about it", async () => {
  const { status, body } = await metadata("2015-01-01");
  expect(status).toBe(200);
  const { origin } = new URL(h.issuer.issuer);
  expect(body["authentication"]).toEqual({
    loginEndpoint: `${origin}/adfs`,
    audiences: AUDIENCES,
  });
  const discovery = await fetch(`${origin}/adfs/.well-known/openid-configuration`);
  expect(await discovery.json()).toMatchObject({
    issuer: h.issuer.issuer,
    token_endpoint: `${origin}/${h.issuer.tenantId}/oauth2/v2.0/token`,
  });
});

test("Terraform reads one cloud, with its tenant and the simulator as Resource Manager", async () => {
  const { status, body } = await metadata("2022-09-01");
  expect(status).toBe(200);
  expect(body).toMatchObject({
    resourceManager: `${h.simulator.endpoint}/`,
    authentication: {
      loginEndpoint: new URL(h.issuer.issuer).origin,
      audiences: AUDIENCES,
      tenant: h.issuer.tenantId,
      identityProvider: "AAD",
    },
  });
});

test("between the two it is a list of clouds", async () => {
  const { body: one } = await metadata("2022-09-01");
  expect((await metadata("2019-05-01")).body).toEqual([one]);
});

test("an api-version is needed here, too, and a token everywhere else", async () => {
  expect(await metadata("")).toMatchObject({
    status: 400,
    body: { error: { code: "MissingApiVersionParameter" } },
  });
  expect(
    (
      await h.call("GET", "/metadata/endpoints/x", {
        apiVersion: "2022-09-01",
        authorization: null,
      })
    ).status,
  ).toBe(401);
});
