import type { HttpRequest } from "@azure/functions";

/**
 * What a script may send, and read from an answer, in addition to what the Fetch standard allows.
 */
const REQUEST_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, traceparent";
const RESPONSE_HEADERS =
  "Allow, Content-Location, ETag, Location, Operation-Location, Retry-After, WWW-Authenticate, x-request-id";
const MAX_AGE_SECONDS = 7_200;

/**
 * Headers that let a script of one of `origins` read the answer; none if `origins` is empty.
 * Cookies are never allowed: callers send a token, which no browser adds by itself.
 */
export function corsHeaders(
  origins: readonly string[],
  headers: HttpRequest["headers"],
): Record<string, string> {
  if (origins.length === 0) return {};
  const origin = allowedOrigin(origins, headers);
  return {
    // Fetch standard, "CORS protocol and HTTP caches": an answer that depends on the origin says
    // so, allowed or not.
    Vary: "Origin",
    ...(origin !== undefined && {
      "Access-Control-Allow-Origin": origin,
      "Access-Control-Expose-Headers": RESPONSE_HEADERS,
    }),
  };
}

/**
 * More headers for the answer to a preflight for `methods`; undefined: not a preflight, or another
 * origin.
 */
export function preflightHeaders(
  origins: readonly string[],
  { method, headers }: Pick<HttpRequest, "method" | "headers">,
  methods: readonly string[],
): Record<string, string> | undefined {
  if (
    method !== "OPTIONS" ||
    !headers.has("access-control-request-method") ||
    allowedOrigin(origins, headers) === undefined ||
    methods.length === 0
  )
    return undefined;
  return {
    "Access-Control-Allow-Methods": methods.join(", "),
    "Access-Control-Allow-Headers": REQUEST_HEADERS,
    "Access-Control-Max-Age": String(MAX_AGE_SECONDS),
  };
}

function allowedOrigin(
  origins: readonly string[],
  headers: HttpRequest["headers"],
): string | undefined {
  const origin = headers.get("origin");
  return origins.find((allowed) => allowed === origin);
}
