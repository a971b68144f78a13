import { exportJWK, generateKeyPair, type JWK } from "jose";
import { once } from "node:events";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createAuthenticator,
  type Authenticator,
} from "../../../src/authorization/authentication.js";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";

const AUDIENCE = "api://sigil";
const OTHER_API = "api://other";
const TENANT = "11111111-2222-4333-8444-555555555555";
const CLIENT = { id: "build-system", secret: "client-secret-of-the-test" };

async function signingKey(kid: string, alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg, use: "sig" };
}

/** Nothing is stored: a JWT holds all there is to an access token. */
class Nothing {
  readonly find = () => Promise.resolve(undefined);
  readonly upsert = () => Promise.resolve();
}

/** A certified OpenID provider, whose access tokens are JWTs by RFC 9068 for the resource that is asked for. */
function providerOf(issuer: string, keys: JWK[], alg: string): Provider {
  return new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ["client_credentials"],
        response_types: [],
        redirect_uris: [],
        id_token_signed_response_alg: alg,
      },
    ],
    adapter: Nothing,
    ttl: { ClientCredentials: 3600 },
    jwks: { keys },
    cookies: { keys: ["of the test"] },
    extraTokenClaims: () => ({
      roles: ["ImageVersions.Write"],
      oid: "object-1",
      tid: TENANT,
    }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_: unknown, resource: string) => ({
          scope: "",
          audience: resource,
          accessTokenFormat: "jwt",
          accessTokenTTL: 3600,
          jwt: { sign: { alg } },
        }),
      },
    },
  });
}

let issuer: string;
let handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
let requests: string[];
let close: () => Promise<void>;

beforeEach(async () => {
  const tls = await createCertificateAuthority(process.env["SIGIL_TEST_CERTIFICATES"] ?? "");
  requests = [];
  const server = createServer(tls, (request, response) => {
    requests.push(request.url ?? "");
    void handle(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
  close = async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
});
afterEach(() => close());

function publish(keys: JWK[], alg = "RS256"): void {
  handle = providerOf(issuer, keys, alg).callback();
}

const authenticatorOf = (options: { audience?: string; tenants?: string[] } = {}): Authenticator =>
  createAuthenticator({
    issuers: [issuer],
    audience: AUDIENCE,
    clockToleranceSeconds: 60,
    keyCooldownMs: 0,
    ...options,
  });

/** What the provider's token endpoint gives the client for `resource`. */
async function token(resource = AUDIENCE): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString("base64")}`,
    },
    body: new URLSearchParams({ grant_type: "client_credentials", resource }),
  });
  const { access_token } = (await response.json()) as { access_token: string };
  expect(response.status).toBe(200);
  return access_token;
}

describe("with an OpenID provider", () => {
  it.each(["RS256", "PS256", "ES256"])(
    "an access token signed with %s gives the principal",
    async (alg) => {
      publish([await signingKey("key-1", alg)], alg);
      expect(
        await authenticatorOf({ tenants: [TENANT] }).authenticate(`Bearer ${await token()}`),
      ).toEqual({
        appId: CLIENT.id,
        objectId: "object-1",
        roles: ["ImageVersions.Write"],
      });
    },
  );

  it("an access token for another API is refused", async () => {
    publish([await signingKey("key-1", "RS256")]);
    await expect(
      authenticatorOf().authenticate(`Bearer ${await token(OTHER_API)}`),
    ).rejects.toMatchObject({
      code: "Unauthenticated",
      message: expect.any(String) as string,
    });
  });

  it("a token of another tenant of the provider is refused", async () => {
    publish([await signingKey("key-1", "RS256")]);
    await expect(
      authenticatorOf({
        tenants: ["99999999-2222-4333-8444-555555555555"],
      }).authenticate(`Bearer ${await token()}`),
    ).rejects.toMatchObject({
      code: "Unauthenticated",
      message: expect.stringMatching(/./u) as unknown,
    });
  });

  it("keys are rotated without a token being refused that is good", async () => {
    const [old, young] = await Promise.all([
      signingKey("key-1", "RS256"),
      signingKey("key-2", "RS256"),
    ]);
    publish([old]);
    const authenticator = authenticatorOf();
    const before = await token();
    await authenticator.authenticate(`Bearer ${before}`);

    publish([young, old]); // The provider signs with the first.
    const during = await token();
    await authenticator.authenticate(`Bearer ${during}`);
    await authenticator.authenticate(`Bearer ${before}`);

    publish([young]);
    const after = await token();
    await authenticator.authenticate(`Bearer ${after}`);
    expect(requests.filter((path) => path === "/jwks")).toHaveLength(2);
  });

  it("a token of a provider that signs with the same key id is refused", async () => {
    publish([await signingKey("key-1", "RS256")]);
    const authenticator = authenticatorOf();
    await authenticator.authenticate(`Bearer ${await token()}`);
    publish([await signingKey("key-1", "RS256")]);
    await expect(authenticator.authenticate(`Bearer ${await token()}`)).rejects.toMatchObject({
      message: expect.any(String) as string,
    });
  });
});
