import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { JSONWebKeySet } from "jose";
import { systemClock, type Clock } from "@sigil-local/clock";
import { signAccessToken, type TokenClaims } from "./access-tokens.js";
import { createSignIns } from "./authorization-code.js";
import { closeServer, listen } from "./listening.js";
import { answerManagedIdentity } from "./managed-identity-endpoint.js";
import { answerOpenId, sendJson, type ClientApplication } from "./openid-endpoints.js";
import { LOCAL_PEOPLE, LOCAL_PUBLIC_CLIENT } from "./people.js";
import { openSigningKey } from "./signing-key.js";

/** The tenant of a local issuer, unless another one is given. */
export const LOCAL_TENANT_ID = "11111111-2222-4333-8444-555555555555";

/** The applications a local issuer knows: one that may read image versions, one that may also write them. */
export const LOCAL_APPLICATIONS = {
  reader: {
    clientId: "00000000-0000-4000-8000-0000000ead01",
    clientSecret: "local-reader-secret",
    roles: ["ImageVersions.Read"],
  },
  writer: {
    clientId: "00000000-0000-4000-8000-0000000c0de1",
    clientSecret: "local-writer-secret",
    roles: ["ImageVersions.Read", "ImageVersions.Write"],
  },
  admin: {
    clientId: "00000000-0000-4000-8000-00000000ad31",
    clientSecret: "local-admin-secret",
    roles: ["ImageVersions.Read", "ImageVersions.Write", "ImageVersions.Admin"],
  },
} as const satisfies Record<string, ClientApplication>;

const SYSTEM_ASSIGNED_CLIENT_ID = "00000000-0000-4000-8000-00000000515a";
const MANAGED_IDENTITY_LIFETIME_SECONDS = 24 * 60 * 60;

export interface TokenIssuerOptions {
  /** HTTPS port of the OpenID endpoints; 0 or absent takes any free one. */
  readonly port?: number;
  /** Plain HTTP port of the managed identity endpoint, as App Service has it; 0 or absent takes any free one. */
  readonly managedIdentityPort?: number;
  /** The address of both listeners; absent: only loopback. */
  readonly host?: string | undefined;
  readonly tls: { readonly key: string; readonly cert: string };
  /** Tells `iat`, `nbf` and `exp`. Clients compare them with the time of day: a clock that stands still suits few tests. */
  readonly clock?: Clock;
  /** `aud` of a token unless it asks for another: the application id URI of the API. */
  readonly audience: string;
  readonly tenantId?: string;
  /** Where the signing key is kept; absent: in memory. */
  readonly dataDirectory?: string;
  readonly applications?: readonly ClientApplication[];
  /** Absent: every client id is a user-assigned identity of this machine. */
  readonly userAssignedClientIds?: readonly string[];
  /** IDENTITY_HEADER; absent: a secret that stays the same as long as the signing key. */
  readonly identityHeader?: string;
}

/** A running issuer of Entra-like access tokens. */
export interface TokenIssuer {
  readonly port: number;
  /** `iss` of its tokens: https://localhost:PORT/TENANT/v2.0. */
  readonly issuer: string;
  readonly audience: string;
  readonly tenantId: string;
  /** The public keys, for a verifier in the same process. */
  readonly keys: JSONWebKeySet;
  /**
   * The same endpoints over plain HTTP on 127.0.0.1, for browsers, which do not trust the certificate: what is discovered
   * there has the issuer's name, and addresses below this one.
   */
  readonly browserAuthority: string;
  readonly applications: readonly ClientApplication[];
  /** Values for IDENTITY_ENDPOINT and IDENTITY_HEADER. */
  readonly managedIdentity: {
    readonly endpoint: string;
    readonly header: string;
    readonly port: number;
  };
  issueToken(claims?: TokenClaims): Promise<string>;
  /** Seconds the next managed identity tokens live; negative: they have already expired. */
  setManagedIdentityLifetime(seconds: number): void;
  /** Seconds that the next access tokens of people live; with false they cannot be refreshed, and those given neither. */
  setSignInLifetime(seconds: number, refreshable: boolean): void;
  /**
   * Sets the roles in the next tokens of the person with this user name, including renewed ones.
   */
  setRoles(username: string, roles: readonly string[]): void;
  /** How many managed identity tokens were given out. */
  managedIdentityTokens(): number;
  close(): Promise<void>;
}

/** Starts the OpenID endpoints over HTTPS and the App Service identity endpoint over HTTP. */
export async function startTokenIssuer(options: TokenIssuerOptions): Promise<TokenIssuer> {
  const clock = options.clock ?? systemClock;
  const tenantId = options.tenantId ?? LOCAL_TENANT_ID;
  const applications = options.applications ?? Object.values(LOCAL_APPLICATIONS);
  const key = await openSigningKey(options.dataDirectory);
  const header = options.identityHeader ?? key.identityHeader;
  let lifetimeSeconds = MANAGED_IDENTITY_LIFETIME_SECONDS;
  let managedIdentityTokens = 0;

  // The issuer's name contains the port, which is known only once the server listens.
  let baseUrl = "";
  const issuer = (): string => `${baseUrl}/${tenantId}/v2.0`;
  const issue = (claims: TokenClaims = {}) =>
    signAccessToken(key, { issuer: issuer(), audience: options.audience, tenantId, clock }, claims);

  const signIns = createSignIns({ audience: options.audience, clock, issue });
  const openId = (at: string, request: IncomingMessage, response: ServerResponse) =>
    answerOpenId(
      {
        baseUrl: at,
        issuer: issuer(),
        audience: options.audience,
        tenantId,
        key,
        clock,
        applications,
        signIns,
        issue,
      },
      request,
      response,
    );
  const openIdServer = createHttpsServer(
    options.tls,
    guarded((request, response) => openId(baseUrl, request, response)),
  );
  let plainUrl = "";
  const identityServer = createHttpServer(
    guarded((request, response) => {
      if (request.url?.startsWith(`/${tenantId}/`)) return openId(plainUrl, request, response);
      return answerManagedIdentity(
        {
          header,
          systemAssignedClientId: SYSTEM_ASSIGNED_CLIENT_ID,
          userAssignedClientIds: options.userAssignedClientIds,
          lifetimeSeconds: () => lifetimeSeconds,
          issue: (claims) => {
            managedIdentityTokens += 1;
            return issue(claims);
          },
        },
        request,
        response,
      );
    }),
  );

  const port = await listen(openIdServer, options.port ?? 0, "Token issuer", options.host);
  baseUrl = `https://localhost:${port}`;
  let identityPort: number;
  try {
    identityPort = await listen(
      identityServer,
      options.managedIdentityPort ?? 0,
      "Managed identity endpoint",
      options.host,
    );
  } catch (error) {
    await closeServer(openIdServer);
    throw error;
  }
  plainUrl = `http://127.0.0.1:${identityPort}`;

  return {
    port,
    issuer: issuer(),
    audience: options.audience,
    tenantId,
    keys: key.keys,
    browserAuthority: `${plainUrl}/${tenantId}/v2.0`,
    applications,
    managedIdentity: {
      endpoint: `http://127.0.0.1:${identityPort}/msi/token`,
      header,
      port: identityPort,
    },
    issueToken: async (claims) => (await issue(claims)).token,
    setManagedIdentityLifetime(seconds) {
      lifetimeSeconds = seconds;
    },
    setSignInLifetime: (seconds, refreshable) => signIns.setLifetime(seconds, refreshable),
    setRoles: (username, roles) => signIns.setRoles(username, roles),
    managedIdentityTokens: () => managedIdentityTokens,
    async close() {
      await Promise.all([closeServer(openIdServer), closeServer(identityServer)]);
    },
  };
}

/** An unexpected error is a 500 for this request, and nothing to the next one. */
function guarded(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else
        sendJson(response, 500, {
          error: "server_error",
          error_description: String(error),
        });
    });
  };
}

export { LOCAL_PEOPLE, LOCAL_PUBLIC_CLIENT };
export type { ClientApplication, TokenClaims };
