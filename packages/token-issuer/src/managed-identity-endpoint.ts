import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AccessToken, TokenClaims } from "./access-tokens.js";
import { sendJson } from "./openid-endpoints.js";

export interface ManagedIdentityEndpointOptions {
  /** The secret that App Service puts into IDENTITY_HEADER and expects back as X-IDENTITY-HEADER. */
  readonly header: string;
  /** Client id of the system-assigned identity. */
  readonly systemAssignedClientId: string;
  /** Client ids of the user-assigned identities; undefined accepts any. */
  readonly userAssignedClientIds: readonly string[] | undefined;
  /** Seconds a token lives; negative gives tokens that have already expired. */
  lifetimeSeconds(): number;
  issue(claims: TokenClaims): Promise<AccessToken>;
}

/**
 * Answers as App Service's identity endpoint does, api-version 2019-08-01: GET with `resource` and optionally one of
 * `client_id`, `principal_id`, `mi_res_id`; X-IDENTITY-HEADER mitigates server-side request forgery.
 */
export async function answerManagedIdentity(
  options: ManagedIdentityEndpointOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (statusCode: number, message: string): void =>
    sendJson(response, statusCode, {
      statusCode,
      message,
      correlationId: randomUUID(),
    });

  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname.replace(/\/$/u, "") !== "/msi/token")
    return refuse(404, `No identity endpoint at ${url.pathname}.`);
  if (request.method !== "GET") return refuse(405, "The identity endpoint answers only GET.");
  if (request.headers["x-identity-header"] !== options.header)
    return refuse(
      401,
      "X-IDENTITY-HEADER is missing or does not hold the value of IDENTITY_HEADER.",
    );
  if (url.searchParams.get("api-version") !== "2019-08-01")
    return refuse(400, "The api-version must be 2019-08-01.");
  const resource = url.searchParams.get("resource");
  if (resource === null || resource === "")
    return refuse(400, "The query parameter 'resource' is missing.");

  const requestedId = url.searchParams.get("client_id");
  const known = options.userAssignedClientIds;
  if (requestedId !== null && known !== undefined && !known.includes(requestedId))
    return refuse(
      400,
      `No User Assigned or Delegated Managed Identity found for specified ClientId '${requestedId}'.`,
    );
  const clientId = requestedId ?? options.systemAssignedClientId;

  const { token, expiresAtSeconds } = await options.issue({
    audience: resource,
    appId: clientId,
    version: "1.0",
    expiresInSeconds: options.lifetimeSeconds(),
  });
  sendJson(response, 200, {
    access_token: token,
    // App Service gives the time as a string of Unix seconds.
    expires_on: String(expiresAtSeconds),
    resource,
    token_type: "Bearer",
    client_id: clientId,
  });
}
