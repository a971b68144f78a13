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
