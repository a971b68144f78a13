// Invariants:
// 1. A token is believed only when its signature, algorithm, issuer, audience, expiry and not-before all hold.
// 2. A token that is refused is 401; keys that cannot be read are 503, for the token may well be good.
// 3. No answer holds any part of a token.
// 4. The issuer is asked for its keys once; again only when they have aged or a token names an unknown key.
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import { ServiceError } from "../errors.js";
import type { Role } from "./openapi-document.js";

/** Who calls, by the claims of a verified access token. */
export interface Principal {
  readonly appId?: string;
  readonly objectId?: string;
  readonly name?: string;
  readonly roles: readonly string[];
}

export interface AuthenticatorOptions {
  /** Exactly what tokens carry as `iss`; its discovery document is at `/.well-known/openid-configuration` below it. */
  readonly issuer: string;
  readonly audience: string | readonly string[];
  readonly clockToleranceSeconds: number;
  readonly now?: () => Date;
  /** How long after reading the keys an unknown key may not make the service read them again. */
  readonly keyCooldownMs?: number;
}

export interface Authenticator {
  /** Verifies an Authorization header; throws Unauthenticated, or DependencyUnavailable when the keys cannot be read. */
  authenticate(authorization: string | null): Promise<Principal>;
}

/** Asymmetric only: a list with HS256 would let anyone sign with the public key as the secret (RFC 8725, 2.1). */
const ALGORITHMS = ["RS256", "PS256", "ES256"];
/** For the issuer's metadata, and for its keys. */
const ISSUER_TIMEOUT_MS = 15_000;
const RETRY_AFTER_MS = 5_000;

/** Verifies access tokens against the keys that the OpenID Connect issuer publishes. */
export function createAuthenticator(
  options: AuthenticatorOptions,
): Authenticator {
  const { issuer, now = () => new Date() } = options;
  let discovered: Promise<JWTVerifyGetKey> | undefined;
  // A failed discovery is forgotten, so that the next call tries again; jose does so for the keys by itself.
  const discover = (): Promise<JWTVerifyGetKey> =>
    (discovered ??= discoverKeys(issuer, options.keyCooldownMs ?? 30_000).catch(
      (error: unknown) => {
        discovered = undefined;
        throw error;
      },
    )); // Invariant 4
  const keys: JWTVerifyGetKey = async (header, token) => {
    try {
      return await (
        await discover()
      )(header, token);
    } catch (cause) {
      if (isTokensFault(cause)) throw cause;
      // Invariant 2
      throw new ServiceError(
        "DependencyUnavailable",
        "The token issuer's keys cannot be read. Try again.",
        { retryAfterMs: RETRY_AFTER_MS, cause },
      );
    }
  };
  return {
    async authenticate(authorization) {
      const token = /^Bearer +(\S+) *$/iu.exec(authorization ?? "")?.[1];
      if (token === undefined)
        throw new ServiceError(
          "Unauthenticated",
          "This call needs an access token: send the header Authorization: Bearer TOKEN.",
        );
      try {
        // Invariant 1
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience: [options.audience].flat(),
          algorithms: ALGORITHMS,
          clockTolerance: options.clockToleranceSeconds,
          currentDate: now(),
          requiredClaims: ["exp"],
        });
        return principalOf(payload);
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

/** Throws Forbidden unless the principal has the role. ImageVersions.Write may also read. */
export function requireRole(principal: Principal, role: Role): void {
  const sufficient: readonly string[] =
    role === "ImageVersions.Read"
      ? ["ImageVersions.Read", "ImageVersions.Write"]
      : [role];
  if (principal.roles.some((held) => sufficient.includes(held))) return;
  throw new ServiceError(
    "Forbidden",
    `This call needs the app role ${role}. Ask for it to be assigned to the caller.`,
    { fields: { requiredRole: role, tokenError: "insufficient_scope" } },
  );
}

async function discoverKeys(
  issuer: string,
  cooldownDuration: number,
): Promise<JWTVerifyGetKey> {
  // OpenID Connect Discovery 1.0, 4.1: a slash that ends the issuer is removed before the path is appended.
  const url = `${issuer.replace(/\/$/u, "")}/.well-known/openid-configuration`;
  const response = await fetch(url, {
    redirect: "error",
    signal: AbortSignal.timeout(ISSUER_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  const metadata = (await response.json()) as Record<string, unknown>;
  // OpenID Connect Discovery 1.0, 4.3: the issuer value returned MUST be identical to the one the URL was made of.
  if (metadata["issuer"] !== issuer)
    throw new Error(`${url} belongs to another issuer.`);
  return createRemoteJWKSet(new URL(String(metadata["jwks_uri"])), {
    cooldownDuration,
    timeoutDuration: ISSUER_TIMEOUT_MS,
  });
}

/** True for what jose found wrong with the token itself, rather than with reading the keys. */
function isTokensFault(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

const CLAIM_REASONS: Readonly<Record<string, string>> = {
  iss: "The token comes from another issuer.",
  aud: "The token is meant for another audience. Ask for one for this API.",
  nbf: "The token is not valid yet. Check the caller's clock.",
  exp: "The token has no valid expiry.",
};

/** Which check failed, in words that hold nothing of the token (invariant 3). */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired)
    return "The token has expired. Get a new one.";
  if (error instanceof errors.JWTClaimValidationFailed)
    return (
      CLAIM_REASONS[error.claim] ??
      `The token's claim ${error.claim} is not valid.`
    );
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return "The token's signature does not match.";
  if (error instanceof errors.JOSEAlgNotAllowed)
    return `The token is signed with an algorithm other than ${ALGORITHMS.join(", ")}.`;
  if (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  )
    return "The token is signed with a key that the issuer does not publish.";
  return "The token is not a signed JSON Web Token.";
}

function principalOf(payload: JWTPayload): Principal {
  const claim = (...names: string[]): string | undefined =>
    names
      .map((name) => payload[name])
      .find((value): value is string => typeof value === "string");
  // Entra ID v2 tokens name the client in `azp`, v1 tokens in `appid`.
  const appId = claim("azp", "appid");
  const objectId = claim("oid");
  const name = claim("name", "app_displayname");
  const roles = Array.isArray(payload["roles"])
    ? payload["roles"].filter((role) => typeof role === "string")
    : [];
  return {
    ...(appId !== undefined && { appId }),
    ...(objectId !== undefined && { objectId }),
    ...(name !== undefined && { name }),
    roles,
  };
}
