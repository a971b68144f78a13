import { createHash, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { Clock } from "@sigil-local/clock";
import type { SigningKey } from "./signing-key.js";

/** Claims of a token that differ from the default of a daemon application without roles. */
export interface TokenClaims {
  readonly audience?: string;
  /** Application (client) id: `azp` of a version 2.0 token, `appid` of a 1.0 token. */
  readonly appId?: string;
  /** Object id of the service principal: `sub` and `oid`. */
  readonly subject?: string;
  readonly roles?: readonly string[];
  /** May be negative: the token is then born expired. Default 3600. */
  readonly expiresInSeconds?: number;
  /** Seconds from now at which the token becomes valid. Default 0. */
  readonly notBeforeInSeconds?: number;
  /** `ver`: Entra gives 1.0 tokens for Azure's own resources, 2.0 for APIs that ask for it. Default 2.0. */
  readonly version?: "1.0" | "2.0";
  /** Replaces `iss`, to test that a stranger's token is refused. */
  readonly issuer?: string;
  /** Replaces `tid`. */
  readonly tenantId?: string;
  /** Merged over everything else. */
  readonly extraClaims?: Readonly<Record<string, unknown>>;
}

export interface AccessToken {
  readonly token: string;
  readonly expiresAtSeconds: number;
}

export interface AccessTokenDefaults {
  readonly issuer: string;
  readonly audience: string;
  readonly tenantId: string;
  readonly clock: Clock;
}

/** Signs an access token with the claims Entra ID gives an application (app-only token: no `scp`, roles in `roles`). */
export async function signAccessToken(
  key: SigningKey,
  defaults: AccessTokenDefaults,
  claims: TokenClaims = {},
): Promise<AccessToken> {
  const nowSeconds = Math.floor(defaults.clock.now() / 1000);
  const appId = claims.appId ?? "00000000-0000-4000-8000-00000000a991";
  const subject = claims.subject ?? objectIdOf(appId);
  const version = claims.version ?? "2.0";
  const expiresAtSeconds = nowSeconds + (claims.expiresInSeconds ?? 3600);
  const payload = {
    iss: claims.issuer ?? defaults.issuer,
    aud: claims.audience ?? defaults.audience,
    iat: nowSeconds,
    nbf: nowSeconds + (claims.notBeforeInSeconds ?? 0),
    exp: expiresAtSeconds,
    tid: claims.tenantId ?? defaults.tenantId,
    sub: subject,
    oid: subject,
    idtyp: "app",
    ...(version === "1.0" ? { appid: appId, appidacr: "2" } : { azp: appId, azpacr: "1" }),
    ...(claims.roles === undefined ? {} : { roles: [...claims.roles] }),
    uti: randomUUID(),
    ver: version,
    ...claims.extraClaims,
  };
  const token = await new SignJWT(payload)
    .setProtectedHeader({ typ: "JWT", alg: "RS256", kid: key.keyId })
    .sign(key.privateKey);
  return { token, expiresAtSeconds };
}

/** One application always has the same service principal. */
export function objectIdOf(appId: string): string {
  const hex = createHash("sha256").update(appId).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
