import {
  createLocalJWKSet,
  createRemoteJWKSet,
  jwtVerify,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyResult,
} from "jose";
import type { Clock } from "@sigil-local/clock";
import { ArmError } from "./arm-error.js";

/** Checks a bearer token; rejects with a jose error. */
export type TokenVerifier = (token: string) => Promise<unknown>;

/** The issuer's URL, its keys found by OpenID discovery; or an issuer in this process with its keys. */
export type TrustedIssuer = string | { readonly issuer: string; readonly keys: JSONWebKeySet };

/** "It should exactly match with one of the allowed audiences": ARM's own two names, with and without a slash. */
const AUDIENCES = [
  "https://management.azure.com",
  "https://management.azure.com/",
  "https://management.core.windows.net",
  "https://management.core.windows.net/",
];

export function verifierOf(issuer: TrustedIssuer, clock: Clock): TokenVerifier {
  const name = typeof issuer === "string" ? issuer : issuer.issuer;
  let keys: Promise<JWTVerifyGetKey> | undefined;
  const findKeys = (): Promise<JWTVerifyGetKey> =>
    typeof issuer === "string"
      ? discoverKeys(issuer)
      : Promise.resolve(createLocalJWKSet(issuer.keys));
  /** A verified token stays valid until it expires: a client sends the same one with each call. */
  const verified = new Map<string, JWTVerifyResult>();
  return async (token) => {
    const known = verified.get(token);
    if (known !== undefined) {
      const { exp = 0 } = known.payload;
      if (exp * 1_000 > clock.now()) return known;
      verified.delete(token);
    }
    keys ??= findKeys().catch((error: unknown) => {
      keys = undefined;
      throw error;
    });
    const result = await jwtVerify(token, await keys, {
      issuer: name,
      audience: AUDIENCES,
      algorithms: ["RS256"],
      currentDate: new Date(clock.now()),
    });
    verified.set(token, result);
    return result;
  };
}

async function discoverKeys(issuer: string): Promise<JWTVerifyGetKey> {
  const url = `${issuer}/.well-known/openid-configuration`;
  const response = await fetch(url);
  const { jwks_uri } = (await response.json()) as { jwks_uri?: string };
  if (jwks_uri === undefined) throw new Error(`${url} names no jwks_uri`);
  return createRemoteJWKSet(new URL(jwks_uri));
}

/**
 * The verifier's result; throws the 401 that ARM answers, with WWW-Authenticate (RFC 6750 section
 * 3).
 */
export async function authenticate(
  verify: TokenVerifier,
  authorization: string | undefined,
  authorizationUri: string,
): Promise<unknown> {
  const [scheme, token] = (authorization ?? "").split(" ");
  if (authorization === undefined)
    throw unauthorized(
      "AuthenticationFailed",
      "Authentication failed. The 'Authorization' header is missing.",
      authorizationUri,
    );
  if (scheme?.toLowerCase() !== "bearer" || token === undefined)
    throw unauthorized(
      "AuthenticationFailedInvalidHeader",
      "Authentication failed. The 'Authorization' header is provided in an invalid format.",
      authorizationUri,
    );
  try {
    return await verify(token);
  } catch (error) {
    throw translate(error, authorizationUri);
  }
}

function translate(error: unknown, authorizationUri: string): ArmError {
  const { code, claim } = error as { code?: string; claim?: string };
  if (code === "ERR_JWT_EXPIRED") return expiredToken(authorizationUri);
  if (code === "ERR_JWT_CLAIM_VALIDATION_FAILED" && claim === "aud")
    return unauthorized(
      "InvalidAuthenticationTokenAudience",
      `The access token has been obtained for wrong audience or resource. It should exactly match with one of the allowed audiences '${AUDIENCES.join("','")}'.`,
      authorizationUri,
    );
  if (code === "ERR_JWT_CLAIM_VALIDATION_FAILED" && claim === "iss")
    return unauthorized(
      "InvalidAuthenticationTokenTenant",
      "The access token is from the wrong issuer. It must match the issuer of the tenant associated with this subscription.",
      authorizationUri,
    );
  if (code?.startsWith("ERR_J") === true)
    return unauthorized(
      "InvalidAuthenticationToken",
      "The access token is invalid.",
      authorizationUri,
    );
  // Not the token's fault: the issuer's keys could not be read.
  return new ArmError(
    503,
    "ServiceUnavailable",
    `The keys of the token issuer could not be read: ${String((error as Error).cause ?? error)}`,
  );
}

export function expiredToken(authorizationUri: string): ArmError {
  return unauthorized(
    "ExpiredAuthenticationToken",
    "The access token expiry UTC time is earlier than current UTC time.",
    authorizationUri,
  );
}

function unauthorized(code: string, message: string, authorizationUri: string): ArmError {
  return new ArmError(401, code, message, {
    headers: {
      "WWW-Authenticate": `Bearer authorization_uri="${authorizationUri}", error="invalid_token", error_description="${message.replaceAll('"', "'")}"`,
    },
  });
}
