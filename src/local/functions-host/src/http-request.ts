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
  return Object.fromEntries(
    [...joined].map(([name, value]) => [name, { value }]),
  );
}

function* headerPairs(request: IncomingMessage): Iterable<[string, string]> {
  const { rawHeaders } = request;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    yield [rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""];
}

/** The value of a header, several joined with a comma. */
export function header(
  request: IncomingMessage,
  name: string,
): string | undefined {
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
    nullableHeaders: nullable(headerPairs(request), (name) =>
      name.toLowerCase(),
    ),
    nullableQuery: nullable(
      url.searchParams,
      (name, known) =>
        known.find((each) => each.toLowerCase() === name.toLowerCase()) ?? name,
    ),
    nullableParams: Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, { value }]),
    ),
  };
}
