import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  ClientSecretCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
} from "@azure/identity";
import { createRemoteJWKSet, decodeJwt, jwtVerify, type JWTPayload } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createCertificateAuthority, type LocalCertificates } from "../src/certificates.js";
import {
  LOCAL_APPLICATIONS,
  startTokenIssuer,
  type TokenIssuer,
  type TokenIssuerOptions,
} from "../src/token-issuer.js";

const AUDIENCE = "api://sigil";
const ARM = "https://management.azure.com";
let tls: LocalCertificates;
const open: TokenIssuer[] = [];

beforeAll(async () => {
  tls = await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? "");
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((issuer) => issuer.close()));
});

async function start(options: Partial<TokenIssuerOptions> = {}): Promise<TokenIssuer> {
  const issuer = await startTokenIssuer({
    tls,
    audience: AUDIENCE,
    ...options,
  });
  open.push(issuer);
  return issuer;
}

async function discover(issuer: TokenIssuer): Promise<Record<string, string>> {
  const response = await fetch(`${issuer.issuer}/.well-known/openid-configuration`);
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, string>;
}

async function verify(
  issuer: TokenIssuer,
  token: string,
  audience = AUDIENCE,
): Promise<JWTPayload> {
  const { jwks_uri } = await discover(issuer);
  const { payload, protectedHeader } = await jwtVerify(
    token,
    createRemoteJWKSet(new URL(jwks_uri ?? "")),
    { issuer: issuer.issuer, audience, algorithms: ["RS256"] },
  );
  return { ...payload, alg: protectedHeader.alg };
}

async function askForToken(
  issuer: TokenIssuer,
  form: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const { token_endpoint } = await discover(issuer);
  const response = await fetch(token_endpoint ?? "", {
    method: "POST",
    body: new URLSearchParams(form),
    headers,
  });
  return {
    status: response.status,
    cacheControl: response.headers.get("cache-control"),
    body: (await response.json()) as Record<string, unknown>,
  };
}

describe("tokens", () => {
  test("are verified with the keys that OpenID discovery names", async () => {
    const issuer = await start();
    const token = await issuer.issueToken({ roles: ["ImageVersions.Read"] });
    expect(await verify(issuer, token)).toMatchObject({
      alg: "RS256",
      iss: issuer.issuer,
      aud: AUDIENCE,
      tid: issuer.tenantId,
      roles: ["ImageVersions.Read"],
      ver: "2.0",
    });
  });

  test("carry Entra's claims of an application: the object id as subject, no user", async () => {
    const issuer = await start();
    const claims = decodeJwt(await issuer.issueToken({ appId: "app-1" }));
    expect(claims["oid"]).toBe(claims.sub);
    expect(claims["azp"]).toBe("app-1");
    expect(claims["scp"]).toBeUndefined();
    expect(claims.exp).toBe((claims.iat ?? 0) + 3600);
    expect(claims.nbf).toBe(claims.iat);
  });

  test("of another issuer do not verify, whatever they say of themselves", async () => {
    const issuer = await start();
    const stranger = await start();
    const token = await stranger.issueToken({ issuer: issuer.issuer });
    await expect(verify(issuer, token)).rejects.toMatchObject({
      code: "ERR_JWKS_NO_MATCHING_KEY",
    });
  });

  test("may be born expired", async () => {
    const issuer = await start();
    const token = await issuer.issueToken({ expiresInSeconds: -60 });
    await expect(verify(issuer, token)).rejects.toMatchObject({
      code: "ERR_JWT_EXPIRED",
    });
  });

  test("stay valid when the issuer starts again with the same data directory", async () => {
    const dataDirectory = await mkdtemp(path.join(tmpdir(), "sigil-issuer-"));
    try {
      const first = await start({ dataDirectory });
      const token = await first.issueToken();
      await first.close();
      const second = await start({ dataDirectory, port: first.port });
      expect(second.issuer).toBe(first.issuer);
      expect((await verify(second, token)).aud).toBe(AUDIENCE);
    } finally {
      await rm(dataDirectory, { recursive: true, force: true });
    }
  });
});

describe("the token endpoint", () => {
  const { reader, writer } = LOCAL_APPLICATIONS;
  const form = (client: { clientId: string; clientSecret: string }) => ({
    grant_type: "client_credentials",
    client_id: client.clientId,
    client_secret: client.clientSecret,
    scope: `${AUDIENCE}/.default`,
  });

  test.each([
    ["reader", reader],
    ["writer", writer],
  ])("gives the %s its roles", async (_name, application) => {
    const issuer = await start();
    const { status, body, cacheControl } = await askForToken(issuer, form(application));
    expect(status).toBe(200);
    expect(cacheControl).toBe("no-store");
    expect(body).toMatchObject({ token_type: "Bearer", expires_in: 3600 });
    expect(await verify(issuer, String(body["access_token"]))).toMatchObject({
      azp: application.clientId,
      roles: application.roles,
    });
  });

  test("takes the client from HTTP Basic as well (RFC 6749, 2.3.1)", async () => {
    const issuer = await start();
    const basic = Buffer.from(`${reader.clientId}:${reader.clientSecret}`).toString("base64");
    const { status } = await askForToken(
      issuer,
      { grant_type: "client_credentials", scope: `${AUDIENCE}/.default` },
      { Authorization: `Basic ${basic}` },
    );
    expect(status).toBe(200);
  });

  test("gives roles for the API only", async () => {
    const issuer = await start();
    const { body } = await askForToken(issuer, {
      ...form(writer),
      scope: `${ARM}/.default`,
    });
    const claims = decodeJwt(String(body["access_token"]));
    expect(claims.aud).toBe(ARM);
    expect(claims["roles"]).toBeUndefined();
  });

  test.each([
    ["a wrong secret", { client_secret: "wrong" }, 401, "invalid_client", 7000215],
    ["an unknown client", { client_id: "nobody" }, 400, "unauthorized_client", 700016],
    ["a scope without /.default", { scope: AUDIENCE }, 400, "invalid_scope", 1002012],
    ["another grant", { grant_type: "password" }, 400, "unsupported_grant_type", 70003],
  ])("refuses %s with an OAuth error", async (_what, change, status, error, code) => {
    const issuer = await start();
    const answer = await askForToken(issuer, { ...form(writer), ...change });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error, error_codes: [code] });
    expect(answer.body["error_description"]).toContain(`AADSTS${code}`);
  });

  test("refuses a body that is not a form", async () => {
    const issuer = await start();
    const answer = await askForToken(issuer, form(writer), {
      "Content-Type": "application/json",
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: "invalid_request" });
  });

  test("serves ClientSecretCredential of @azure/identity", async () => {
    const issuer = await start();
    const credential = new ClientSecretCredential(
      issuer.tenantId,
      writer.clientId,
      writer.clientSecret,
      {
        authorityHost: `https://localhost:${issuer.port}`,
        disableInstanceDiscovery: true,
      },
    );
    const { token } = await credential.getToken(`${AUDIENCE}/.default`);
    expect((await verify(issuer, token))["roles"]).toEqual(writer.roles);
  });
});

// MSAL keeps the endpoint it saw first, and every token by its resource, in static fields: one issuer serves this whole
// block, and each test asks for a resource of its own.
describe("the managed identity endpoint", () => {
  let issuer: TokenIssuer;

  beforeAll(async () => {
    issuer = await startTokenIssuer({
      tls,
      audience: AUDIENCE,
      userAssignedClientIds: ["user-assigned-1"],
    });
    process.env["IDENTITY_ENDPOINT"] = issuer.managedIdentity.endpoint;
    process.env["IDENTITY_HEADER"] = issuer.managedIdentity.header;
  });
  afterAll(async () => {
    delete process.env["IDENTITY_ENDPOINT"];
    delete process.env["IDENTITY_HEADER"];
    await issuer.close();
  });

  test("serves ManagedIdentityCredential with a version 1.0 token for the resource", async () => {
    const credential = new ManagedIdentityCredential();
    const { token, expiresOnTimestamp } = await credential.getToken(`${ARM}/.default`);
    const claims = await verify(issuer, token, ARM);
    expect(claims).toMatchObject({ ver: "1.0", idtyp: "app" });
    // The SDK counts from its own now, in whole seconds.
    const exactMs = (claims.exp ?? 0) * 1000;
    expect(Math.abs(expiresOnTimestamp - exactMs)).toBeLessThanOrEqual(1000);
  });

  test("serves DefaultAzureCredential", async () => {
    const resource = "https://vault.azure.net";
    const { token } = await new DefaultAzureCredential().getToken(`${resource}/.default`);
    expect(decodeJwt(token).aud).toBe(resource);
  });

  test("serves a user-assigned identity by its client id, and no unknown one", async () => {
    const known = new ManagedIdentityCredential({
      clientId: "user-assigned-1",
    });
    const { token } = await known.getToken(`${ARM}/.default`);
    expect(decodeJwt(token)["appid"]).toBe("user-assigned-1");
    const unknown = new ManagedIdentityCredential({ clientId: "unknown" });
    await expect(unknown.getToken(`${ARM}/.default`)).rejects.toThrow("Managed Identity");
  });

  test("gives tokens that have expired when told to", async () => {
    issuer.setManagedIdentityLifetime(-30);
    const resource = "https://storage.azure.com";
    const { token } = await new ManagedIdentityCredential().getToken(`${resource}/.default`);
    await expect(verify(issuer, token, resource)).rejects.toMatchObject({
      code: "ERR_JWT_EXPIRED",
    });
    expect(issuer.managedIdentityTokens()).toBeGreaterThan(0);
  });

  test.each([
    ["without its secret header", {}, "?api-version=2019-08-01&resource=r", 401],
    ["of another api-version", { right: true }, "?api-version=2017-09-01&resource=r", 400],
    ["without a resource", { right: true }, "?api-version=2019-08-01", 400],
  ])("refuses a call %s", async (_what, { right }: { right?: boolean }, query, status) => {
    const { endpoint, header } = issuer.managedIdentity;
    const response = await fetch(`${endpoint}${query}`, {
      headers: right === true ? { "X-IDENTITY-HEADER": header } : {},
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ statusCode: status });
  });
});

test("a taken port is one clear line", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  try {
    await expect(start({ port })).rejects.toThrow(
      `Token issuer: port ${port} on 127.0.0.1 is taken by another process; choose another one (0 takes any free port)`,
    );
  } finally {
    taken.close();
  }
});

test("closing twice does nothing the second time", async () => {
  const issuer = await start();
  await issuer.close();
  await issuer.close();
});
