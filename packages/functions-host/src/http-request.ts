import type { IncomingMessage } from "node:http";
import type { RpcHttpData, RpcNullable } from "./core-module.js";

/** Reads a body of at most `limit` bytes; undefined when it is longer. */
export async function readBody(
  request: IncomingMessage,
  limit: number,
): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > limit) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  // The socket has to outlive a refusal, which still has to be written to it.
  const parts = request.iterator({
    destroyOnReturn: false,
  }) as AsyncIterable<Buffer>;
  for await (const chunk of parts) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/**
 * Whether the request says how long its body is. The official host passes a body on only where
 * `request.ContentLength > 0` (GrpcMessageConversionExtensions), so that of a chunked request is lost to a function
 * (azure-functions-nodejs-worker, issue 524).
 */
export function hasLength(request: IncomingMessage): boolean {
  return Number(request.headers["content-length"] ?? 0) > 0;
}

/** StringValues.ToString: the values of one name are joined with a comma, names compared without regard to case. */
function nullable(
  pairs: Iterable<readonly [string, string]>,
  nameOf: (name: string, known: readonly string[]) => string,
): Record<string, RpcNullable<string>> {
  const joined = new Map<string, string>();
  for (const [rawName, value] of pairs) {
    const name = nameOf(rawName, [...joined.keys()]);
    const earlier = joined.get(name);
    joined.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return Object.fromEntries([...joined].map(([name, value]) => [name, { value }]));
}

/** Kestrel reads header values as UTF-8; Node.js gives their bytes as Latin-1. Throws where they are no UTF-8. */
function headerPairs({ rawHeaders }: IncomingMessage): [string, string][] {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    pairs.push([
      rawHeaders[index] ?? "",
      utf8.decode(Buffer.from(rawHeaders[index + 1] ?? "", "latin1")),
    ]);
  return pairs;
}

/** MaxRequestLineSize, MaxRequestHeaderCount and MaxRequestHeadersTotalSize of Kestrel, which the host leaves as they are. */
const MAX_REQUEST_LINE = 8192;
const MAX_HEADERS = 100;
const MAX_HEADERS_BYTES = 32_768;

/** The status with which Kestrel refuses a request for its first line or its headers; undefined where it does not. */
export function refusedStatus(request: IncomingMessage): number | undefined {
  const { method = "", url = "", rawHeaders } = request;
  if (`${method} ${url} HTTP/1.1\r\n`.length > MAX_REQUEST_LINE) return 414;
  const headers = rawHeaders.length / 2;
  // Each name is followed by a colon, each value by the end of its line.
  const bytes = rawHeaders.join("").length + headers * 4;
  if (headers > MAX_HEADERS || bytes > MAX_HEADERS_BYTES) return 431;
  try {
    headerPairs(request);
    return undefined;
  } catch {
    return 400;
  }
}

/** The value of a header, several joined with a comma. */
export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

/** A request as the host hands it to the worker: header names in lower case, repeated values joined. */
export function functionRequest(
  request: IncomingMessage,
  url: URL,
  parameters: Readonly<Record<string, string>>,
  body: Buffer,
): RpcHttpData {
  return {
    url: url.href,
    method: request.method ?? "GET",
    body: hasLength(request) ? { bytes: body } : null,
    nullableHeaders: nullable(headerPairs(request), (name) => name.toLowerCase()),
    nullableQuery: nullable(
      url.searchParams,
      (name, known) => known.find((each) => each.toLowerCase() === name.toLowerCase()) ?? name,
    ),
    nullableParams: Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, { value }]),
    ),
  };
}
