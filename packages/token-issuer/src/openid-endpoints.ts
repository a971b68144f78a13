import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@sigil-local/clock";
import type { AccessToken, TokenClaims } from "./access-tokens.js";
import { isLoopback, STYLE, type AuthorizationAnswer, type SignIns } from "./authorization-code.js";
import type { SigningKey } from "./signing-key.js";

/** An application that may ask for tokens with its own secret (OAuth 2.0 client credentials, RFC 6749 section 4.4). */
export interface ClientApplication {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly roles: readonly string[];
}

export interface OpenIdEndpointOptions {
  /** Scheme, host and port of the endpoints for this caller. */
  readonly baseUrl: string;
  readonly issuer: string;
  readonly audience: string;
  readonly tenantId: string;
  readonly key: SigningKey;
  readonly clock: Clock;
  readonly applications: readonly ClientApplication[];
  readonly signIns: SignIns;
  issue(claims: TokenClaims): Promise<AccessToken>;
}

const LONGEST_FORM_BYTES = 64 * 1024;

/** Answers OpenID discovery, the key set and the token endpoint, at the paths Entra ID has them. */
export async function answerOpenId(
  options: OpenIdEndpointOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", options.baseUrl);
  const { tenantId, baseUrl } = options;
  const { origin } = request.headers;
  if (origin !== undefined && isLoopback(origin)) {
    response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader("Vary", "Origin");
  }
  switch (`${request.method} ${url.pathname}`) {
    // AD FS has it here, for every tenant: MSAL asks no other host about an authority of this name.
    case "GET /adfs/.well-known/openid-configuration":
    case `GET /${tenantId}/v2.0/.well-known/openid-configuration`:
      return sendJson(response, 200, {
        issuer: options.issuer,
        authorization_endpoint: `${baseUrl}/${tenantId}/oauth2/v2.0/authorize`,
        token_endpoint: `${baseUrl}/${tenantId}/oauth2/v2.0/token`,
        end_session_endpoint: `${baseUrl}/${tenantId}/oauth2/v2.0/logout`,
        jwks_uri: `${baseUrl}/${tenantId}/discovery/v2.0/keys`,
        token_endpoint_auth_methods_supported: [
          "client_secret_post",
          "client_secret_basic",
          "none",
        ],
        response_types_supported: ["code", "token"],
        response_modes_supported: ["query", "fragment"],
        grant_types_supported: ["client_credentials", "authorization_code", "refresh_token"],
        code_challenge_methods_supported: ["S256"],
        scopes_supported: ["openid", "profile", "email", "offline_access"],
        subject_types_supported: ["pairwise"],
        id_token_signing_alg_values_supported: ["RS256"],
      });
    case `GET /${tenantId}/discovery/v2.0/keys`:
      return sendJson(response, 200, options.key.keys);
    case `GET /${tenantId}/oauth2/v2.0/authorize`:
      return sendBrowser(options.signIns.authorize(url), response);
    case `GET /${tenantId}/oauth2/v2.0/logout`:
      return sendBrowser(options.signIns.signOut(url), response);
    case `POST /${tenantId}/oauth2/v2.0/token`:
      return await answerTokenRequest(options, request, response);
    default:
      return sendOAuthError(
        options,
        response,
        404,
        "invalid_request",
        `AADSTS90002: nothing is served at ${url.pathname}. The tenant of this issuer is ${tenantId}.`,
      );
  }
}

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

function sendBrowser(answer: AuthorizationAnswer, response: ServerResponse): void {
  const headers = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'`,
  };
  if (answer.kind === "redirect")
    response.writeHead(302, { ...headers, Location: answer.location }).end();
  else
    response
      .writeHead(answer.status, {
        ...headers,
        "Content-Type": "text/html; charset=utf-8",
      })
      .end(answer.html);
}

async function answerTokenRequest(
  options: OpenIdEndpointOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number, error: string, description: string): void =>
    sendOAuthError(options, response, status, error, description);

  const form = await readForm(request);
  if (form === undefined)
    return refuse(
      400,
      "invalid_request",
      "AADSTS900144: the body must be application/x-www-form-urlencoded.",
    );
  const grantType = form.get("grant_type");
  if (grantType === "authorization_code" || grantType === "refresh_token") {
    const answer = await options.signIns.redeem(form);
    return answer.kind === "tokens"
      ? sendJson(response, 200, answer.body)
      : refuse(400, answer.error, answer.description);
  }
  if (grantType !== "client_credentials")
    return refuse(
      400,
      "unsupported_grant_type",
      "AADSTS70003: this issuer supports the grant types 'client_credentials', 'authorization_code' and 'refresh_token'.",
    );

  const { clientId, clientSecret } = readClient(request, form);
  const application = options.applications.find((candidate) => candidate.clientId === clientId);
  if (application === undefined)
    return refuse(
      400,
      "unauthorized_client",
      `AADSTS700016: application '${clientId}' was not found in the directory '${options.tenantId}'.`,
    );
  if (!sameSecret(clientSecret, application.clientSecret))
    return refuse(401, "invalid_client", "AADSTS7000215: invalid client secret provided.");

  const scope = form.get("scope") ?? "";
  const audience = scope.replace(/\/\.default$/u, "");
  if (!scope.endsWith("/.default") || audience === "")
    return refuse(
      400,
      "invalid_scope",
      `AADSTS1002012: the scope '${scope}' is not valid. Client credential flows must have a scope value with '/.default' suffixed to the resource identifier, such as '${options.audience}/.default'.`,
    );

  const { token, expiresAtSeconds } = await options.issue({
    audience,
    appId: application.clientId,
    // Roles are assigned on the API: a token for another resource does not carry them.
    ...(audience === options.audience ? { roles: application.roles } : {}),
  });
  const expiresIn = expiresAtSeconds - Math.floor(options.clock.now() / 1000);
  sendJson(response, 200, {
    token_type: "Bearer",
    expires_in: expiresIn,
    ext_expires_in: expiresIn,
    access_token: token,
  });
}

/** RFC 6749 section 2.3.1: HTTP Basic, or `client_id` and `client_secret` in the body. */
function readClient(
  request: IncomingMessage,
  form: URLSearchParams,
): { clientId: string; clientSecret: string } {
  const [scheme, credentials] = (request.headers.authorization ?? "").split(" ");
  if (scheme?.toLowerCase() === "basic" && credentials !== undefined) {
    const decoded = Buffer.from(credentials, "base64").toString("utf8");
    const colon = decoded.indexOf(":");
    return {
      clientId: formDecode(decoded.slice(0, colon)),
      clientSecret: formDecode(decoded.slice(colon + 1)),
    };
  }
  return {
    clientId: form.get("client_id") ?? "",
    clientSecret: form.get("client_secret") ?? "",
  };
}

function formDecode(text: string): string {
  return new URLSearchParams(`v=${text}`).get("v") ?? "";
}

function sameSecret(given: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(right));
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const type = request.headers["content-type"] ?? "";
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= LONGEST_FORM_BYTES) chunks.push(chunk);
  }
  if (
    bytes > LONGEST_FORM_BYTES ||
    !type.toLowerCase().startsWith("application/x-www-form-urlencoded")
  )
    return undefined;
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}

function sendOAuthError(
  { clock }: OpenIdEndpointOptions,
  response: ServerResponse,
  status: number,
  error: string,
  description: string,
): void {
  const code = /^AADSTS(\d+)/u.exec(description)?.[1];
  sendJson(response, status, {
    error,
    error_description: description,
    error_codes: code === undefined ? [] : [Number(code)],
    timestamp: new Date(clock.now()).toISOString(),
    trace_id: randomUUID(),
    correlation_id: randomUUID(),
  });
}

/** RFC 6749 section 5.1: an answer that holds a token must not be cached. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, {
      "Content-Type": "application/json; charset=utf-8",
      "Cache-Control": "no-store",
      Pragma: "no-cache",
    })
    .end(JSON.stringify(body));
}
