import type { HttpRequest } from "@azure/functions";
import { ServiceError } from "../errors.js";

/**
 * What every answer tells browsers: that it is data, kept nowhere, read as what it says it is, and nobody's to frame or
 * to embed. An answer that is a page gives a policy of its own.
 */
export const SECURITY_HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
} as const;

/** Kestrel's own limits, MaxRequestHeaderCount and MaxRequestHeadersTotalSize; other hosts may have none. */
const MAX_HEADERS = 100;
const MAX_HEADER_CHARACTERS = 32 * 1024;

/** Throws InvalidRequest where a request has more headers, or longer ones, than any client has a use for. */
export function requireFewHeaders(headers: HttpRequest["headers"]): void {
  const all = [...headers];
  const characters = all.reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    0,
  );
  if (all.length <= MAX_HEADERS && characters <= MAX_HEADER_CHARACTERS) return;
  throw new ServiceError(
    "InvalidRequest",
    "1 error was found in the request.",
    {
      findings: [
        {
          code: "TooManyHeaders",
          pointer: "/headers",
          message: `A request may have at most ${MAX_HEADERS} headers, of ${MAX_HEADER_CHARACTERS} characters in all; this one has ${all.length}, of ${characters}.`,
        },
      ],
    },
  );
}
