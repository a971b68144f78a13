// Invariants:
// 1. A token is accepted only if its signature, algorithm, issuer, audience, expiry and not-before
//    are valid, its tenant if tenants are set, and if it is an access token: one that names the
//    client it was issued to.
// 2. A refused token is 401. Unreadable keys are 503, because the token may be good.
// 3. No answer contains any part of a token.
// 4. A token is verified with the keys of the one configured issuer that it names. A token with its
//    own keys or their addresses (`jwk`, `jku`, `x5c`, `x5u`) is refused.
// 5. A person's token, one with `scp`, grants what both its scopes and the person's roles grant: a
//    read-only client cannot write because its user may, nor a user because the client may. If
//    scopes assign, only the scopes count.
// 6. A claim that decides something must have the right type: `typ` and `scp` are texts, times are
//    finite.
// 7. A verified token is accepted again without its signature until it expires, as long as its
//    issuer's keys contain the same key object. Newly read keys verify it again. Only its hash and
//    the principal are stored.
import { createHash } from "node:crypto";
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type ResolvedKey,
} from "jose";
import { BoundedMap } from "../bounded-map.js";
import { ServiceError } from "../errors.js";
import { createIssuerKeys } from "./issuer-keys.js";
import { isRole, isSufficient, ROLES } from "./roles.js";

/** The caller, by the claims of a verified access token. */
export interface Principal {
  readonly appId?: string;
  readonly objectId?: string;
  readonly name?: string;
  /** True if a person signed in and the application acts for them. */
  readonly actsForPerson?: true;
  /**
   * The app roles held. A person's `ImageVersions.*` roles are limited to those that the scopes
   * grant, too. Invariant 5.
   */
  readonly roles: readonly string[];
}

export interface AuthenticatorOptions {
  /**
   * Each exactly as `iss` in tokens. Its discovery document is at
   * `/.well-known/openid-configuration` below it.
   */
  readonly issuers: readonly string[];
  readonly audience: string | readonly string[];
  /** The tenants (`tid`) whose tokens are accepted; absent: those of the issuers. */
  readonly tenants?: readonly string[];
  /** True if a tenant assigns by scope, so that a person needs no role. */
  readonly scopesAssign?: boolean;
  readonly clockToleranceSeconds: number;
  readonly now?: () => Date;
  /** How long after reading the keys an unknown key cannot make the service read them again. */
  readonly keyCooldownMs?: number;
}

export interface Authenticator {
  /** Verifies an Authorization header; throws Unauthenticated, or DependencyUnavailable when the keys cannot be read. */
  authenticate(authorization: string | null): Promise<Principal>;
}

/** Asymmetric only: a list with HS256 would let anyone sign with the public key as the secret (RFC 8725, 2.1). */
const ALGORITHMS = ["RS256", "PS256", "ES256"];
/** RFC 9068, 2.1, and what Entra ID writes. Logout tokens and all others are not access tokens. */
const TYPES = [undefined, "jwt", "at+jwt", "application/at+jwt"];
const BROUGHT_KEYS = ["jwk", "jku", "x5c", "x5u"];
/** For the issuer's metadata and keys together. */
const ISSUER_TIMEOUT_MS = 15_000;
const RETRY_AFTER_MS = 5_000;
/** More than the concurrent callers; each has one at a time. */
const MOST_VERIFIED = 10_000;

/** Invariant 7. */
interface Verified {
  readonly principal: Principal;
  readonly key: ResolvedKey["key"];
  readonly currentKey: () => ReturnType<JWTVerifyGetKey>;
  readonly untilMs: number;
}

/** Verifies access tokens with the keys that their OpenID Connect issuers publish. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { now = () => new Date() } = options;
  const tenants = (options.tenants ?? []).map((id) => id.toLowerCase());
  const keysOf = new Map(
    options.issuers.map((issuer) => [
      issuer,
      createIssuerKeys(issuer, {
        now,
        cooldownMs: options.keyCooldownMs ?? 30_000,
        timeoutMs: ISSUER_TIMEOUT_MS,
      }),
    ]),
  );
  const verified = new BoundedMap<string, Verified>(MOST_VERIFIED);
  return {
    async authenticate(authorization) {
      const token = /^Bearer +(\S+) *$/iu.exec(authorization ?? "")?.[1];
      if (token === undefined)
        throw new ServiceError(
          "Unauthenticated",
          "This call needs an access token: send the header Authorization: Bearer TOKEN.",
        );
      const hash = createHash("sha256").update(token).digest("base64");
      try {
        const known = verified.get(hash);
        if (
          known !== undefined &&
          now().getTime() < known.untilMs &&
          (await known.currentKey()) === known.key
        )
          return known.principal; // Invariant 7.
        const header = decodeProtectedHeader(token);
        const { iss = "" } = decodeJwt(token);
        if (BROUGHT_KEYS.some((name) => name in header))
          throw new Refusal(
            "The token contains its own key, which Sigil does not trust. Get a token from the issuer.",
          ); // Invariant 4.
        if (!TYPES.includes(typeOf(header.typ))) throw new Refusal(NO_ACCESS_TOKEN);
        const keys = keysOf.get(iss);
        if (keys === undefined)
          throw new Refusal(
            "The token is from another issuer. Get one from the tenant of this API.",
          );
        // Invariant 1.
        const find = unlessUnreadable(keys);
        const { payload, protectedHeader, key } = await jwtVerify(token, find, {
          issuer: iss,
          audience: [options.audience].flat(),
          algorithms: ALGORITHMS,
          clockTolerance: options.clockToleranceSeconds,
          currentDate: now(),
          requiredClaims: ["exp"],
        });
        if (tenants.length > 0 && !tenants.includes(lower(payload["tid"]) ?? ""))
          throw new Refusal(
            "The token is from another tenant. Get one from the tenant of this API.",
          );
        requireFiniteTimes(payload);
        const principal = principalOf(payload, options.scopesAssign ?? false);
        if (principal.appId === undefined) throw new Refusal(NO_ACCESS_TOKEN);
        verified.set(hash, {
          principal,
          key,
          currentKey: () => find(protectedHeader, { payload: "", signature: "" }),
          untilMs: ((payload.exp ?? 0) + options.clockToleranceSeconds) * 1_000,
        });
        return principal;
      } catch (cause) {
        if (cause instanceof ServiceError) throw cause;
        throw new ServiceError("Unauthenticated", reasonOf(cause), {
          cause,
          fields: { tokenError: "invalid_token" },
        });
      }
    },
  };
}

/** Why a token is refused, without any part of it. Invariant 3. */
class Refusal extends Error {
  override readonly name = "Refusal";
}

const NO_ACCESS_TOKEN = "The token is not an access token. Ask for one for this API.";

/** Invariant 2: errors of the token pass through, errors of reading the keys become 503. */
function unlessUnreadable(keys: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (isTokensFault(cause)) throw cause;
      throw new ServiceError(
        "DependencyUnavailable",
        "Sigil could not read the token issuer's keys. Try again.",
        { retryAfterMs: RETRY_AFTER_MS, cause },
      );
    }
  };
}

/** Whether the token is at fault, by jose, rather than the reading of keys. */
function isTokensFault(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

const CLAIM_REASONS: Readonly<Record<string, string>> = {
  iss: "The token is from another issuer. Get one from the tenant of this API.",
  aud: "The token is for another audience. Ask for one for this API.",
  nbf: "The token is not valid yet. Check the caller's clock.",
  exp: "The token has no valid expiry.",
};

/** The failed check, without any part of the token. Invariant 3. */
function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  if (error instanceof errors.JWTExpired) return "The token has expired. Get a new one.";
  if (error instanceof errors.JWTClaimValidationFailed)
    return CLAIM_REASONS[error.claim] ?? `The token's claim ${error.claim} is not valid.`;
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return "The token's signature does not match.";
  if (error instanceof errors.JOSEAlgNotAllowed)
    return `The token is signed with an algorithm other than ${ALGORITHMS.join(", ")}.`;
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return "The token is signed with a key that the issuer does not publish.";
  return "The token is not a signed JSON Web Token.";
}

/** Invariant 6: JSON's 1e999 is infinite, and no issuer issues a token that never expires. */
function requireFiniteTimes(payload: JWTPayload): void {
  for (const name of ["exp", "nbf", "iat"])
    if (payload[name] !== undefined && !Number.isFinite(payload[name]))
      throw new Refusal(`The token's claim ${name} is not a time.`);
}

/** A `typ` that is not text matches no known type. */
function typeOf(typ: unknown): string | undefined {
  return typ === undefined ? undefined : (lower(typ) ?? "");
}

function principalOf(payload: JWTPayload, scopesAssign: boolean): Principal {
  const claim = (...names: string[]): string | undefined =>
    names.map((name) => payload[name]).find((value): value is string => typeof value === "string");
  // Entra ID v2 tokens name the client in `azp`, v1 tokens in `appid`; RFC 9068 has `client_id`.
  const appId = claim("azp", "appid", "client_id");
  const objectId = claim("oid");
  const name = claim("name", "app_displayname");
  return {
    ...(appId !== undefined && { appId }),
    ...(objectId !== undefined && { objectId }),
    ...(name !== undefined && { name }),
    ...(payload["scp"] !== undefined && { actsForPerson: true as const }),
    roles: rolesOf(payload, scopesAssign),
  };
}

/** Entra ID sets `scp` only in tokens of people, `roles` in both. Invariant 5. */
function rolesOf(payload: JWTPayload, scopesAssign: boolean): string[] {
  const { roles, scp } = payload;
  const held = (Array.isArray(roles) ? roles : []).filter((role) => typeof role === "string");
  if (scp === undefined) return held;
  if (typeof scp !== "string") throw new Refusal("The token's claim scp is not a string."); // Invariant 6.
  const scopes = scp.split(" ");
  return [
    ...held.filter((role) => !isRole(role)),
    ...ROLES.filter(
      (role) => isSufficient(scopes, role) && (scopesAssign || isSufficient(held, role)),
    ),
  ];
}

function lower(value: unknown): string | undefined {
  return typeof value === "string" ? value.toLowerCase() : undefined;
}
