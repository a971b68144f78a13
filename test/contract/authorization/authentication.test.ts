import {
  CompactSign,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
} from "jose";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { ManualClock } from "@sigil-local/clock";
import {
  createAuthenticator,
  type Authenticator,
  type AuthenticatorOptions,
} from "../../../src/authorization/authentication.js";
import { requireRole } from "../../../src/authorization/roles.js";

const AUDIENCE = "api://sigil";
const TENANT = "/tenant/v2.0";
const NOW = new Date("2026-01-01T12:00:00Z");
const NOW_SECONDS = NOW.getTime() / 1000;

interface SigningKey {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK & { readonly kid: string };
  readonly alg: string;
}
async function signingKey(kid: string, alg = "RS256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, {
    extractable: true,
  });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
  return { privateKey, publicKey, jwk, alg };
}

/** An OpenID Connect issuer that does what real ones do: publishes keys, rotates them, and is down at times. */
async function startIssuer(keys: SigningKey[]) {
  const state = {
    keys,
    metadata: {} as Record<string, unknown>,
    status: 200,
    requests: [] as string[],
  };
  const server = createServer((request, response) => {
    state.requests.push(request.url ?? "");
    const isDiscovery = request.url?.endsWith("/openid-configuration");
    response.writeHead(state.status, { "content-type": "application/json" });
    response.end(
      JSON.stringify(
        isDiscovery
          ? { issuer, jwks_uri: `${base}/keys`, ...state.metadata }
          : { keys: state.keys.map(({ jwk }) => jwk) },
      ),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = base + TENANT;
  return {
    issuer,
    state,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const rsa = await signingKey("key-1");
const next = await signingKey("key-2");
const claims = {
  azp: "app-1",
  oid: "object-1",
  name: "image-builder",
  roles: ["ImageVersions.Write"],
};

let issuer: Awaited<ReturnType<typeof startIssuer>>;
let authenticator: Authenticator;
let clock: ManualClock;
beforeEach(async () => {
  clock = new ManualClock(NOW.getTime());
  issuer = await startIssuer([rsa]);
  authenticator = create();
});
afterEach(() => issuer.close());

const create = (options: Partial<AuthenticatorOptions> = {}): Authenticator =>
  createAuthenticator({
    issuers: [issuer.issuer],
    audience: AUDIENCE,
    clockToleranceSeconds: 60,
    now: () => new Date(clock.now()),
    ...options,
  });

/** A good token but for `payload` and `header`; a claim of undefined is left out. */
function tokenWith(
  payload: Record<string, unknown> = {},
  key: SigningKey = rsa,
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT({
    iss: issuer.issuer,
    aud: AUDIENCE,
    iat: NOW_SECONDS,
    nbf: NOW_SECONDS,
    exp: NOW_SECONDS + 3600,
    ...claims,
    ...payload,
  })
    .setProtectedHeader({
      alg: key.alg,
      typ: "JWT",
      kid: key.jwk.kid,
      ...header,
    })
    .sign(key.privateKey);
}

async function refusal(authorization: string | null, by = authenticator): Promise<ServiceError> {
  const error: unknown = await by.authenticate(authorization).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ServiceError);
  return error as ServiceError;
}

describe("a good token", () => {
  it("gives the principal", async () => {
    expect(await authenticator.authenticate(`Bearer ${await tokenWith()}`)).toEqual({
      appId: "app-1",
      objectId: "object-1",
      name: "image-builder",
      roles: ["ImageVersions.Write"],
    });
  });

  it("may be of Entra's version 1, name nobody, and have no roles", async () => {
    const token = await tokenWith({
      azp: undefined,
      appid: "app-2",
      oid: undefined,
      name: 7,
      roles: undefined,
    });
    expect(await authenticator.authenticate(`bearer ${token}`)).toEqual({
      appId: "app-2",
      roles: [],
    });
  });

  it("may be for one audience of several", async () => {
    const several = create({ audience: ["client-id", AUDIENCE] });
    for (const aud of ["client-id", AUDIENCE, ["other", AUDIENCE]])
      await several.authenticate(`Bearer ${await tokenWith({ aud })}`);
  });

  it.each(["PS256", "ES256"])("may be signed with %s", async (alg) => {
    const key = await signingKey("other", alg);
    issuer.state.keys = [rsa, key];
    await authenticator.authenticate(`Bearer ${await tokenWith({}, key)}`);
  });

  it("is still good within the clock tolerance", async () => {
    const exp = NOW_SECONDS - 59;
    await authenticator.authenticate(`Bearer ${await tokenWith({ exp })}`);
  });
});

describe("a call without a bearer token is refused (invariant 1):", () => {
  it.each([null, "", "Bearer", "Bearer ", "Basic dTpw", "Bearer a b"])(
    "%j",
    async (authorization) => {
      const error = await refusal(authorization);
      expect(error).toMatchObject({ code: "Unauthenticated", fields: {} });
      expect(issuer.state.requests).toEqual([]);
    },
  );
});

describe("a bad token is refused with the check that failed (invariants 1 and 3):", () => {
  it.each([
    ["expired", { exp: NOW_SECONDS - 61 }, "expired"],
    ["without expiry", { exp: undefined }, "expiry"],
    ["of the future", { nbf: NOW_SECONDS + 61 }, "The token is not valid yet."],
    ["for another audience", { aud: "api://other" }, "another audience"],
    ["without an audience", { aud: undefined }, "another audience"],
    ["of another issuer", { iss: "https://evil.example" }, "another issuer"],
    ["of another tenant", { iss: "TENANT" }, "another issuer"],
  ])("%s", async (_, payload, message) => {
    const iss =
      "iss" in payload && payload.iss === "TENANT"
        ? { iss: issuer.issuer.replace("/tenant/", "/other/") }
        : {};
    const token = await tokenWith({ ...payload, ...iss });
    const error = await refusal(`Bearer ${token}`);
    expect(error.code).toBe("Unauthenticated");
    expect(error.message).toContain(message);
    expect(error.fields).toEqual({ tokenError: "invalid_token" });
    for (const part of token.split(".")) expect(error.message).not.toContain(part);
  });

  it.each(["jwk", "jku", "x5c", "x5u"])(
    "that brings a key of its own in %s (invariant 4)",
    async (name) => {
      const stranger = await signingKey("key-1");
      const header = {
        jwk: stranger.jwk,
        jku: `${issuer.issuer}/own-keys`,
        x5c: ["MIIB"],
        x5u: `${issuer.issuer}/own-chain`,
      }[name];
      for (const key of [stranger, rsa])
        expect(
          await refusal(`Bearer ${await tokenWith({}, key, { [name]: header })}`),
        ).toMatchObject({
          code: "Unauthenticated",
          message: expect.stringMatching(/./u) as unknown,
        });
      expect(issuer.state.requests).toEqual([]);
    },
  );

  it.each([
    ["an ID token, which names no client", { azp: undefined }, {}],
    ["a logout token", {}, { typ: "logout+jwt" }],
  ])("that is %s", async (_, payload, header) => {
    expect((await refusal(`Bearer ${await tokenWith(payload, rsa, header)}`)).message).toContain(
      "access token",
    );
  });

  it("with an extension that must be understood", async () => {
    const token = await new SignJWT({ iss: issuer.issuer, aud: AUDIENCE })
      .setProtectedHeader({
        alg: "RS256",
        kid: "key-1",
        crit: ["https://example/policy"],
        "https://example/policy": 1,
      })
      .setExpirationTime(NOW_SECONDS + 3600)
      .sign(rsa.privateKey, { crit: { "https://example/policy": true } });
    expect((await refusal(`Bearer ${token}`)).code).toBe("Unauthenticated");
  });

  it("signed by a stranger with the issuer's key id", async () => {
    const stranger = await signingKey("key-1");
    const error = await refusal(`Bearer ${await tokenWith({}, stranger)}`);
    expect(error.message).toContain("signature");
  });

  it("with a changed payload", async () => {
    const [header, , signature] = (await tokenWith()).split(".");
    const payload = Buffer.from(
      JSON.stringify({
        iss: issuer.issuer,
        aud: AUDIENCE,
        exp: NOW_SECONDS + 9,
      }),
    ).toString("base64url");
    const error = await refusal(`Bearer ${header}.${payload}.${signature}`);
    expect(error.message).toContain("signature");
  });

  it("signed with HS256 and the public key as the secret", async () => {
    const secret = new TextEncoder().encode(await exportSPKI(rsa.publicKey));
    const token = await new SignJWT({ aud: AUDIENCE, iss: issuer.issuer })
      .setProtectedHeader({ alg: "HS256", kid: "key-1" })
      .setExpirationTime(NOW_SECONDS + 3600)
      .sign(secret);
    expect((await refusal(`Bearer ${token}`)).message).toContain(
      "an algorithm other than RS256, PS256, ES256",
    );
  });

  it("not signed at all", async () => {
    const [, payload] = (await tokenWith()).split(".");
    const header = Buffer.from('{"alg":"none"}').toString("base64url");
    expect((await refusal(`Bearer ${header}.${payload}.`)).code).toBe("Unauthenticated");
  });

  it("with RS512, which is not on the list", async () => {
    const strong = await signingKey("key-1", "RS512");
    expect((await refusal(`Bearer ${await tokenWith({}, strong)}`)).message).toContain(
      "an algorithm other than",
    );
  });

  it.each(["x", "a.b.c", "....", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"])("that is %s", async (token) => {
    const error = await refusal(`Bearer ${token}`);
    expect(error.code).toBe("Unauthenticated");
    expect(error.fields).toEqual({ tokenError: "invalid_token" });
  });
});

describe("where tenants are given", () => {
  const TID = "11111111-2222-4333-8444-555555555555";

  it("a token of one of them is good, in either case", async () => {
    const ours = create({ tenants: [TID.toUpperCase()] });
    await ours.authenticate(`Bearer ${await tokenWith({ tid: TID })}`);
  });

  it.each([["00000000-2222-4333-8444-555555555555"], [undefined], [[TID]]])(
    "a token with tid %j is refused",
    async (tid) => {
      const ours = create({ tenants: [TID] });
      expect(await refusal(`Bearer ${await tokenWith({ tid })}`, ours)).toMatchObject({
        code: "Unauthenticated",
        message: expect.stringMatching(/./u) as unknown,
      });
    },
  );
});

describe("with several issuers", () => {
  let other: typeof issuer;
  beforeEach(async () => (other = await startIssuer([next])));
  afterEach(() => other.close());

  it("each one's tokens are good (invariant 4)", async () => {
    const both = create({ issuers: [issuer.issuer, other.issuer] });
    await both.authenticate(`Bearer ${await tokenWith()}`);
    const token = await tokenWith({ iss: other.issuer }, next);
    await both.authenticate(`Bearer ${token}`);
  });

  it("a token with the key of the other one is refused (invariant 4)", async () => {
    const both = create({ issuers: [issuer.issuer, other.issuer] });
    await both.authenticate(`Bearer ${await tokenWith({ iss: other.issuer }, next)}`);
    expect((await refusal(`Bearer ${await tokenWith({}, next)}`, both)).message).toContain("key");
  });

  it("an outage of one does not keep out the other's callers", async () => {
    const both = create({ issuers: [issuer.issuer, other.issuer] });
    other.state.status = 500;
    await both.authenticate(`Bearer ${await tokenWith()}`);
    const token = await tokenWith({ iss: other.issuer }, next);
    expect((await refusal(`Bearer ${token}`, both)).code).toBe("DependencyUnavailable");
  });
});

describe("a person's token", () => {
  const READ = "ImageVersions.Read";
  const WRITE = "ImageVersions.Write";
  const ADMIN = "ImageVersions.Admin";

  it.each([
    // Neither is enough without the other.
    [READ, [], []],
    [`openid ${WRITE}`, [], []],
    [ADMIN, [], []],
    ["user_impersonation", [WRITE], []],
    ["", [WRITE], []],
    // Both: the lesser of the two.
    [READ, [READ], [READ]],
    [READ, [WRITE], [READ]],
    [READ, [ADMIN], [READ]],
    [WRITE, [READ], [READ]],
    [WRITE, [WRITE], [READ, WRITE]],
    [WRITE, [ADMIN], [READ, WRITE]],
    [ADMIN, [WRITE], [READ, WRITE]],
    [ADMIN, [ADMIN], [READ, WRITE, ADMIN]],
    [`${READ} ${WRITE}`, ["Linux.Images", WRITE], ["Linux.Images", READ, WRITE]],
    // Exactly as it is written.
    ["imageversions.write", [WRITE], []],
    [WRITE, ["imageversions.write"], ["imageversions.write"]],
  ])("with the scopes %j and the roles %j has %j (invariant 5)", async (scp, roles, expected) => {
    const token = await tokenWith({ scp, roles });
    const principal = await authenticator.authenticate(`Bearer ${token}`);
    expect(principal.roles).toEqual(expected);
    expect(principal.actsForPerson).toBe(true);
  });

  it.each([
    [READ, [], [READ]],
    [WRITE, [], [READ, WRITE]],
    [ADMIN, [], [READ, WRITE, ADMIN]],
    [READ, [ADMIN], [READ]],
    ["", [ADMIN], []],
    [WRITE, ["Linux.Images"], ["Linux.Images", READ, WRITE]],
  ])(
    "where scopes assign, with the scopes %j and the roles %j has %j",
    async (scp, roles, expected) => {
      const token = await tokenWith({ scp, roles });
      expect((await create({ scopesAssign: true }).authenticate(`Bearer ${token}`)).roles).toEqual(
        expected,
      );
    },
  );

  it.each([[["ImageVersions.Write"]], [null], [7], [{}]])(
    "whose scp is %j is refused: it may be a person's",
    async (scp) => {
      const token = await tokenWith({ scp, roles: [WRITE] });
      expect(await refusal(`Bearer ${token}`)).toMatchObject({
        code: "Unauthenticated",
        message: expect.any(String) as string,
      });
    },
  );
});

describe("a token whose claims are of no such kind", () => {
  /** Signed as it stands: a JSON text may say what no JavaScript value does. */
  async function signed(payload: string, header = {}): Promise<string> {
    return new CompactSign(new TextEncoder().encode(payload))
      .setProtectedHeader({ alg: rsa.alg, kid: rsa.jwk.kid, ...header })
      .sign(rsa.privateKey);
  }
  const payloadWith = (claim: string, value: string): string =>
    JSON.stringify({
      iss: issuer.issuer,
      aud: AUDIENCE,
      iat: NOW_SECONDS,
      nbf: NOW_SECONDS,
      exp: NOW_SECONDS + 3600,
      ...claims,
    }).replace(new RegExp(`"${claim}":[^,]*`, "u"), `"${claim}":${value}`);

  it("passes where they are", async () => {
    const token = await signed(payloadWith("exp", `${NOW_SECONDS + 60}`));
    await authenticator.authenticate(`Bearer ${token}`);
  });

  it.each([
    ["exp", "1e999"],
    ["exp", `"${NOW_SECONDS + 3600}"`],
    ["exp", "null"],
    ["nbf", "-1e999"],
    ["iat", "1e999"],
  ])("%s of %s is refused", async (claim, value) => {
    const token = await signed(payloadWith(claim, value));
    expect((await refusal(`Bearer ${token}`)).code).toBe("Unauthenticated");
  });

  it.each([[["JWT"]], [["logout+jwt"]], [7], [{}], [null], [""]])(
    "typ of %j is refused",
    async (typ) => {
      const token = await signed(payloadWith("exp", `${NOW_SECONDS + 60}`), {
        typ,
      });
      expect(await refusal(`Bearer ${token}`)).toMatchObject({
        code: "Unauthenticated",
        message: expect.any(String) as string,
      });
    },
  );
});

describe("the issuer's keys", () => {
  it("are read once for many tokens, also at the same time (invariant 4)", async () => {
    const token = `Bearer ${await tokenWith()}`;
    await Promise.all(Array.from({ length: 20 }, () => authenticator.authenticate(token)));
    await authenticator.authenticate(token);
    expect(issuer.state.requests).toEqual([`${TENANT}/.well-known/openid-configuration`, "/keys"]);
  });

  it("are read again when a token names a new one", async () => {
    const eager = create({ keyCooldownMs: 0 });
    await eager.authenticate(`Bearer ${await tokenWith()}`);
    issuer.state.keys = [next];
    await eager.authenticate(`Bearer ${await tokenWith({}, next)}`);
    expect((await refusal(`Bearer ${await tokenWith()}`, eager)).message).toContain("key");
  });

  it("are not read again for every token that names an unknown one (invariant 4)", async () => {
    await authenticator.authenticate(`Bearer ${await tokenWith()}`);
    for (let i = 0; i < 5; i++)
      expect((await refusal(`Bearer ${await tokenWith({}, next)}`)).code).toBe("Unauthenticated");
    expect(issuer.state.requests).toHaveLength(2);
  });

  it("that are new are read at once after the cooldown, and the old ones then no more", async () => {
    await authenticator.authenticate(`Bearer ${await tokenWith()}`);
    issuer.state.keys = [next];
    clock.advance(30_000);
    await authenticator.authenticate(`Bearer ${await tokenWith({}, next)}`);
    expect((await refusal(`Bearer ${await tokenWith()}`)).code).toBe("Unauthenticated");
    expect(issuer.state.requests).toHaveLength(4);
  });

  it("go on being believed while the issuer is down, a day at most", async () => {
    const long = { exp: NOW_SECONDS + 7 * 86_400 };
    const token = `Bearer ${await tokenWith(long)}`;
    await authenticator.authenticate(token);
    issuer.state.status = 500;
    clock.advance(23 * 3_600_000);
    await authenticator.authenticate(token);
    const asked = issuer.state.requests.length;
    await authenticator.authenticate(token);
    // The outage is not made worse: the next try comes after the cooldown.
    expect(issuer.state.requests).toHaveLength(asked);
    clock.advance(3_600_000);
    expect((await refusal(token)).code).toBe("DependencyUnavailable");
    issuer.state.status = 200;
    await authenticator.authenticate(token);
  });

  it("that were withdrawn are not believed once they have aged", async () => {
    await authenticator.authenticate(`Bearer ${await tokenWith()}`);
    issuer.state.keys = [next];
    clock.advance(10 * 60_000);
    expect((await refusal(`Bearer ${await tokenWith()}`)).message).toContain(
      "a key that the issuer does not publish",
    );
  });

  it("at an address of another protocol are not read", async () => {
    issuer.state.metadata = { jwks_uri: "file:///etc/passwd" };
    expect((await refusal(`Bearer ${await tokenWith()}`)).code).toBe("DependencyUnavailable");
  });

  it("that cannot be read are 503 and tried again by the next call (invariant 2)", async () => {
    issuer.state.status = 500;
    const token = `Bearer ${await tokenWith()}`;
    for (let i = 0; i < 2; i++)
      expect(await refusal(token)).toMatchObject({
        code: "DependencyUnavailable",
        retryAfterMs: 5_000,
      });
    issuer.state.status = 200;
    await authenticator.authenticate(token);
  });

  it("of an issuer that does not answer are 503 (invariant 2)", async () => {
    const token = `Bearer ${await tokenWith()}`;
    await issuer.close();
    expect((await refusal(token)).code).toBe("DependencyUnavailable");
    issuer = await startIssuer([rsa]);
  });

  it("of a document that names another issuer are not believed", async () => {
    issuer.state.metadata = { issuer: "https://evil.example" };
    expect((await refusal(`Bearer ${await tokenWith()}`)).code).toBe("DependencyUnavailable");
  });

  it("are found below an issuer that ends in a slash, as Entra's version 1 does", async () => {
    const iss = `${issuer.issuer}/`;
    issuer.state.metadata = { issuer: iss };
    const v1 = create({ issuers: [iss] });
    await v1.authenticate(`Bearer ${await tokenWith({ iss })}`);
    expect(issuer.state.requests[0]).toBe(`${TENANT}/.well-known/openid-configuration`);
  });
});

describe("a token that was verified (invariant 7)", () => {
  const verifications = async (run: () => Promise<unknown>) => {
    const verify = vi.spyOn(globalThis.crypto.subtle, "verify");
    try {
      await run();
      return verify.mock.calls.length;
    } finally {
      verify.mockRestore();
    }
  };

  it("is believed again without its signature, and gives the same principal", async () => {
    const authorization = `Bearer ${await tokenWith()}`;
    const principal = await authenticator.authenticate(authorization);
    const again = await verifications(async () => {
      for (let i = 0; i < 10; i += 1)
        expect(await authenticator.authenticate(authorization)).toEqual(principal);
    });
    expect(again).toBe(0);
    const other = await verifications(async () =>
      authenticator.authenticate(`Bearer ${await tokenWith({ oid: "b" })}`),
    );
    expect(other).toBe(1);
  });

  it("expires when it does, to the second", async () => {
    const authorization = `Bearer ${await tokenWith({ exp: NOW_SECONDS + 5 })}`;
    await authenticator.authenticate(authorization);
    clock.advance(64_999);
    await authenticator.authenticate(authorization);
    clock.advance(1);
    expect((await refusal(authorization)).message).toContain("expired");
  });

  it("with another signature is another token", async () => {
    const token = await tokenWith();
    await authenticator.authenticate(`Bearer ${token}`);
    const forged = await tokenWith({}, await signingKey("key-1"));
    const parts = [...token.split(".").slice(0, 2), forged.split(".")[2]];
    expect((await refusal(`Bearer ${parts.join(".")}`)).message).toContain("signature");
  });

  it("is refused once its key is withdrawn, and verified anew by keys that were read anew", async () => {
    const authorization = `Bearer ${await tokenWith()}`;
    await authenticator.authenticate(authorization);
    clock.advance(10 * 60_000);
    const anew = await verifications(() => authenticator.authenticate(authorization));
    expect(anew).toBe(1);
    issuer.state.keys = [next];
    clock.advance(10 * 60_000);
    expect((await refusal(authorization)).message).toContain("key");
    // Another key under the same name.
    const stranger = await signingKey("key-1");
    issuer.state.keys = [stranger];
    clock.advance(10 * 60_000);
    expect((await refusal(authorization)).message).toContain("signature");
  });

  it("is 503 where its issuer's keys can be trusted no longer and cannot be read", async () => {
    const exp = NOW_SECONDS + 3 * 24 * 3_600;
    const authorization = `Bearer ${await tokenWith({ exp })}`;
    await authenticator.authenticate(authorization);
    issuer.state.status = 500;
    clock.advance(24 * 3_600_000);
    expect((await refusal(authorization)).code).toBe("DependencyUnavailable");
  });
});

describe("requireRole (Write includes Read, Admin both)", () => {
  it.each([
    [["ImageVersions.Read"], "ImageVersions.Read", true],
    [["ImageVersions.Write"], "ImageVersions.Read", true],
    [["ImageVersions.Write"], "ImageVersions.Write", true],
    [["ImageVersions.Read"], "ImageVersions.Write", false],
    [["ImageVersions.Admin"], "ImageVersions.Read", true],
    [["ImageVersions.Admin"], "ImageVersions.Write", true],
    [["ImageVersions.Admin"], "ImageVersions.Admin", true],
    [["ImageVersions.Write"], "ImageVersions.Admin", false],
    [["imageversions.write"], "ImageVersions.Write", false],
    [[], "ImageVersions.Read", false],
  ] as const)("%j may do what needs %s: %s", (roles, role, may) => {
    const check = () => requireRole({ roles }, role);
    if (may) expect(check).not.toThrow();
    else
      expect(check).toThrow(
        expect.objectContaining({
          code: "Forbidden",
          fields: { requiredRole: role, tokenError: "insufficient_scope" },
        }),
      );
  });
});
