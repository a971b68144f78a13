import type { ServerResponse } from "node:http";
import type { RpcHttpCookie, RpcInvocationResponse, RpcTypedData } from "./core-module.js";

/** Headers that belong to the connection, which the host and not the function owns. */
const connectionHeaders = new Set(["connection", "keep-alive", "transfer-encoding"]);

function bodyOf(data: RpcTypedData | null | undefined): Buffer {
  if (data?.bytes !== undefined) return Buffer.from(data.bytes);
  return Buffer.from(data?.string ?? data?.json ?? "");
}

/** A Set-Cookie header as ASP.NET Core writes one: the value escaped, the path "/" unless the cookie names another. */
export function formatCookie(cookie: RpcHttpCookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  const { expires, maxAge, domain, path, sameSite } = cookie;
  if (expires?.value) parts.push(`expires=${new Date(expires.value.seconds * 1000).toUTCString()}`);
  if (typeof maxAge?.value === "number") parts.push(`max-age=${maxAge.value}`);
  if (domain?.value) parts.push(`domain=${domain.value}`);
  parts.push(`path=${path?.value ?? "/"}`);
  if (cookie.secure?.value === true) parts.push("secure");
  if (sameSite === "lax" || sameSite === "strict") parts.push(`samesite=${sameSite}`);
  if (sameSite === "explicitNone") parts.push("samesite=none");
  if (cookie.httpOnly?.value === true) parts.push("httponly");
  return parts.join("; ");
}

/**
 * Answers with what the function returned. "Functions 2.x and higher: 204 No Content with an empty body" where it
 * returned nothing (HTTP trigger reference, "Missing response"). As Kestrel does, it leaves out an empty header, and
 * sends a body whose length the function has not said in chunks: so the answer to a HEAD has no content-length.
 */
export function sendFunctionResponse(
  response: ServerResponse,
  result: RpcInvocationResponse,
): void {
  const http = result.returnValue?.http;
  if (http === undefined) {
    response.writeHead(204).end();
    return;
  }
  const body = bodyOf(http.body);
  response.statusCode = Number(http.statusCode ?? 200);
  for (const [name, value] of Object.entries(http.headers ?? {}))
    if (value !== "" && !connectionHeaders.has(name.toLowerCase())) response.setHeader(name, value);
  for (const cookie of http.cookies ?? [])
    response.appendHeader("set-cookie", formatCookie(cookie));
  if (body.length > 0) response.write(body);
  response.end();
}
