import type { HttpRequest } from "@azure/functions";
import { ServiceError } from "../errors.js";
import { findJsonMistake } from "./json-syntax.js";

/** The most bytes that a body may have. */
export const MAX_BODY_BYTES = 256 * 1024;
const MAX_DEPTH = 32;

/** The request's JSON body; throws UnsupportedMediaType, PayloadTooLarge or MalformedJson. */
export async function readJsonBody(request: HttpRequest): Promise<unknown> {
  requireJson(request.headers);
  return parseJson(await readBytes(request));
}

/** JSON in UTF-8 as a value; throws MalformedJson naming line and column, also for equal names in one object. */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  if (text.trim() === "") throw malformed("The body is empty.");
  const mistake = findJsonMistake(text, MAX_DEPTH);
  if (mistake !== undefined)
    throw malformed(
      `The body is not JSON that can be read: line ${mistake.line}, column ${mistake.column}: ${mistake.message}.`,
      { line: mistake.line, column: mistake.column },
    );
  return JSON.parse(text);
}

function requireJson(headers: HttpRequest["headers"]): void {
  const contentType = headers.get("content-type") ?? "";
  const [type = "", ...parameters] = contentType
    .split(";")
    .map((part) => part.trim().toLowerCase());
  if (!/^application\/(?:[-\w.!#$&^]+\+)?json$/u.test(type))
    throw unsupported(
      `The body is ${type === "" ? "without a Content-Type" : type}. Send JSON with Content-Type: application/json.`,
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
    throw unsupported(
      `The body is encoded with ${encoding}. Send it as it is.`,
    );
}

async function readBytes(request: HttpRequest): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES)
    throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Content-Length may be absent or wrong: what arrives is counted, and reading ends at the first byte too many.
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed("The body is not UTF-8.", {}, cause);
  }
}

function malformed(
  message: string,
  fields: Record<string, unknown> = {},
  cause?: unknown,
): ServiceError {
  return new ServiceError("MalformedJson", message, { fields, cause });
}

function unsupported(message: string): ServiceError {
  return new ServiceError("UnsupportedMediaType", message);
}

function tooLarge(): ServiceError {
  return new ServiceError(
    "PayloadTooLarge",
    `The body may have at most ${MAX_BODY_BYTES} bytes.`,
    { fields: { maxBytes: MAX_BODY_BYTES } },
  );
}
