import type { HttpRequest } from "@azure/functions";
import { ServiceError } from "../errors.js";
import { parseJson, requireBodySize } from "../json/parse-json.js";

/** The body that an operation accepts. */
interface AcceptedBody {
  /** The documented media types. */
  readonly mediaTypes: readonly string[];
  /** False if the operation needs no body. */
  readonly required: boolean;
}

/** The media type that a Content-Type names, in lower case, and its parameters. */
export function mediaTypeOf(headers: HttpRequest["headers"]): readonly [string, ...string[]] {
  const [type = "", ...parameters] = (headers.get("content-type") ?? "")
    .split(";")
    .map((part) => part.trim().toLowerCase());
  return [type, ...parameters];
}

/**
 * The request's JSON body; undefined: an empty optional body, whatever its Content-Type. Throws
 * UnsupportedMediaType, PayloadTooLarge or MalformedJson.
 */
export async function readJsonBody(
  request: HttpRequest,
  { mediaTypes, required }: AcceptedBody,
): Promise<unknown> {
  if (required) requireJson(request.headers, mediaTypes);
  const bytes = await readBytes(request);
  if (!required) {
    if (Buffer.from(bytes).toString().trim() === "") return undefined;
    requireJson(request.headers, mediaTypes);
  }
  return parseJson(bytes);
}

/**
 * Whether it is a documented type, or another JSON type that is not a patch format, which would
 * have another meaning.
 */
function isAccepted(type: string, mediaTypes: readonly string[]): boolean {
  return (
    mediaTypes.includes(type) ||
    (/^application\/(?:[-\w.!#$&^]+\+)?json$/u.test(type) && !type.endsWith("patch+json"))
  );
}

function requireJson(headers: HttpRequest["headers"], mediaTypes: readonly string[]): void {
  const [type, ...parameters] = mediaTypeOf(headers);
  if (!isAccepted(type, mediaTypes))
    throw unsupported(
      `The body is ${type === "" ? "without a Content-Type" : type}. Send JSON with Content-Type: ${mediaTypes.join(" or ")}.`,
    );
  // RFC 8259, 8.1: JSON exchanged between systems MUST be encoded using UTF-8.
  const charset = parameters
    .find((parameter) => parameter.startsWith("charset="))
    ?.slice("charset=".length)
    .replaceAll('"', "");
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8")
    throw unsupported(`The body is in ${charset}. Send UTF-8.`);
  const encoding = headers.get("content-encoding")?.toLowerCase() ?? "identity";
  if (encoding !== "identity")
    throw unsupported(`The body is encoded with ${encoding}. Send it without Content-Encoding.`);
}

async function readBytes(request: HttpRequest): Promise<Uint8Array> {
  requireBodySize(Number(request.headers.get("content-length") ?? 0));
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  try {
    // Content-Length may be absent or wrong, so the bytes are counted, and reading ends at the
    // first byte too many. Not `for await`, which creates an error at its end, and a process's
    // first error costs the decoding of its source map.
    for (;;) {
      const chunk = (await reader?.read())?.value;
      if (chunk === undefined) return Buffer.concat(chunks);
      length += chunk.byteLength;
      requireBodySize(length);
      chunks.push(chunk);
    }
  } catch (error) {
    await reader?.cancel();
    throw error;
  }
}

function unsupported(message: string): ServiceError {
  return new ServiceError("UnsupportedMediaType", message);
}
