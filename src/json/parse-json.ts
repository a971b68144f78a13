import { ServiceError } from "../errors.js";
import { findJsonMistake } from "./json-syntax.js";

/** The maximum size of a request, by HTTP or by Service Bus. */
export const MAX_BODY_BYTES = 256 * 1024;
const MAX_DEPTH = 32;

/**
 * Parses JSON in UTF-8, for both channels. Throws MalformedJson that names line and column, also
 * for equal names in one object, for numbers that would change, and for values nested too deep.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  if (text.trim() === "") throw malformed("The body is empty.");
  const mistake = findJsonMistake(text, MAX_DEPTH);
  if (mistake !== undefined)
    throw malformed(
      `The body is not valid JSON: line ${mistake.line}, column ${mistake.column}: ${mistake.message}.`,
      { line: mistake.line, column: mistake.column },
    );
  return JSON.parse(text);
}

/** Throws PayloadTooLarge if a request has more bytes than allowed. */
export function requireBodySize(bytes: number): void {
  if (bytes > MAX_BODY_BYTES)
    throw new ServiceError(
      "PayloadTooLarge",
      `The body may have at most ${MAX_BODY_BYTES} bytes.`,
      { fields: { maxBytes: MAX_BODY_BYTES } },
    );
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
