import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHash } from "node:crypto";
import { createCertificateAuthority } from "../src/certificates.js";
import { LOCAL_PUBLIC_CLIENT, startTokenIssuer, type TokenIssuer } from "../src/token-issuer.js";

const AUDIENCE = "api://sigil";
const REDIRECT = "http://127.0.0.1:7071/api/ui/";
const VERIFIER = "a-verifier-of-forty-three-characters-or-more";
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");
let issuer: TokenIssuer;

beforeAll(async () => {
  const tls = await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? "");
  issuer = await startTokenIssuer({ tls, audience: AUDIENCE });
});
afterAll(() => issuer.close());

async function endpoints(): Promise<Record<string, string>> {
  const response = await fetch(`${issuer.browserAuthority}/.well-known/openid-configuration`, {
    headers: { origin: "http://127.0.0.1:7071" },
  });
  expect(response.headers.get("access-control-allow-origin")).toBe("http://127.0.0.1:7071");
  return (await response.json()) as Record<string, string>;
}

async function authorize(changes: Record<string, string> = {}): Promise<Response> {
  const { authorization_endpoint = "" } = await endpoints();
  const query = new URLSearchParams({
    client_id: LOCAL_PUBLIC_CLIENT.clientId,
    redirect_uri: REDIRECT,
    response_type: "code",
    scope: `openid offline_access ${AUDIENCE}/.default`,
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
    state: "the state",
    nonce: "the nonce",
    login_hint: "writer",
    ...changes,
  });
  return fetch(`${authorization_endpoint}?${String(query)}`, {
    redirect: "manual",
  });
}

async function codeOf(response: Response): Promise<string> {
  const location = new URL(response.headers.get("location") ?? "");
  expect(location.searchParams.get("state")).toBe("the state");
  await response.body?.cancel();
  return location.searchParams.get("code") ?? "";
}

async function redeem(
  form: Record<string, string>,
): Promise<Record<string, unknown> & { status: number }> {
  const { token_endpoint = "" } = await endpoints();
  const response = await fetch(token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      client_id: LOCAL_PUBLIC_CLIENT.clientId,
      grant_type: "authorization_code",
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
      ...form,
    }),
  });
  return {
    status: response.status,
    ...((await response.json()) as Record<string, unknown>),
  };
}

test("a person who was chosen gets an access token of the API as Entra ID gives it, an ID token, and a refresh token that works once", async () => {
  const { issuer: name } = await endpoints();
  expect(name).toBe(issuer.issuer);
  const code = await codeOf(await authorize());
  const tokens = await redeem({ code });
  expect(tokens).toMatchObject({ status: 200, expires_in: 3600 });
  const access = decodeJwt(String(tokens["access_token"]));
  expect(access).toMatchObject({
    iss: issuer.issuer,
    aud: AUDIENCE,
    azp: LOCAL_PUBLIC_CLIENT.clientId,
    scp: "ImageVersions.Read ImageVersions.Write ImageVersions.Admin ImageVersions.Approve",
    roles: ["ImageVersions.Write"],
    name: "Writer",
  });
  expect(access).not.toHaveProperty("idtyp");
  expect(decodeJwt(String(tokens["id_token"]))).toMatchObject({
    aud: LOCAL_PUBLIC_CLIENT.clientId,
    nonce: "the nonce",
    preferred_username: "writer@localhost",
  });
  const refresh = {
    grant_type: "refresh_token",
    refresh_token: String(tokens["refresh_token"]),
  };
  expect(await redeem(refresh)).toMatchObject({ status: 200 });
  expect(await redeem(refresh)).toMatchObject({
    status: 400,
    error: "invalid_grant",
  });
  expect(await redeem({ code })).toMatchObject({ error: "invalid_grant" });
});

test("a code is worth nothing with another verifier, or for another address", async () => {
  for (const change of [{ code_verifier: "x".repeat(43) }, { redirect_uri: `${REDIRECT}other` }])
    expect(await redeem({ code: await codeOf(await authorize()), ...change })).toMatchObject({
      status: 400,
      error: "invalid_grant",
    });
});

test("who is not named is asked for on a page that shows what it was sent as text", async () => {
  const response = await authorize({ login_hint: `"><script>` });
  expect(response.status).toBe(200);
  const html = await response.text();
  expect(html).toContain("login_hint=reader");
  expect(html).not.toContain("<script>");
  const silent = await authorize({ login_hint: "", prompt: "none" });
  expect(silent.headers.get("location")).toContain("error=login_required");
});

test.each([
  [{ redirect_uri: "https://elsewhere.example/" }, 400],
  [{ client_id: "stranger" }, 400],
])("%o is answered here, and sends nobody anywhere", async (changes, status) => {
  const response = await authorize(changes);
  expect(response.status).toBe(status);
  expect(await response.text()).toContain("AADSTS");
});

test.each([
  [{ code_challenge_method: "plain" }, "invalid_request"],
  [{ response_type: "token" }, "unsupported_response_type"],
  [{ scope: "openid api://other/.default" }, "invalid_scope"],
])("%o goes back with %s", async (changes, error) => {
  const response = await authorize(changes);
  const location = new URL(response.headers.get("location") ?? "");
  expect(location.searchParams.get("error")).toBe(error);
});
