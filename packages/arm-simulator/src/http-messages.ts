import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ArmError } from "./arm-error.js";
import type { ArmAnswer } from "./arm-request.js";

/** Resource Manager takes at most 4 MB. */
const LONGEST_BODY_BYTES = 4 * 1024 * 1024;

/** Reads the whole body; gives the error to answer with, rather than throwing it, once the body has been drained. */
export async function readBody(
  request: IncomingMessage,
): Promise<string | ArmError> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= LONGEST_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > LONGEST_BODY_BYTES
    ? new ArmError(
        413,
        "RequestContentTooLarge",
        `The request content size exceeds the maximum size of '${LONGEST_BODY_BYTES}' bytes.`,
      )
    : Buffer.concat(chunks).toString("utf8");
}

/** Throws what ARM answers to a body that is not JSON. */
export function requireJson(request: IncomingMessage, raw: string): unknown {
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/([\w.+-]+\+)?json/iu.test(type))
    throw new ArmError(
      415,
      "UnsupportedMediaType",
      `The content media type '${type}' is not supported. Only 'application/json' is supported.`,
    );
  const parsed = parseJson(raw);
  if (parsed === undefined)
    throw new ArmError(
      400,
      "InvalidRequestContent",
      "The request content was invalid and could not be deserialized: 'Unexpected character encountered while parsing the JSON'.",
    );
  return parsed;
}

/** Undefined for what is not JSON. */
export function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    return undefined;
  }
}

/** Writes an answer with the headers that every ARM answer has. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, headers }: ArmAnswer,
): void {
  const correlationId = request.headers["x-ms-correlation-request-id"];
  const text = body === undefined ? "" : JSON.stringify(body);
  response
    .writeHead(status, {
      "Cache-Control": "no-cache",
      Pragma: "no-cache",
      "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
      "x-ms-request-id": randomUUID(),
      "x-ms-correlation-request-id":
        typeof correlationId === "string" ? correlationId : randomUUID(),
      "x-ms-routing-request-id": `LOCAL:${randomUUID()}`,
      ...(text === ""
        ? status === 204
          ? {}
          : { "Content-Length": "0" }
        : { "Content-Type": "application/json; charset=utf-8" }),
      ...headers,
    })
    .end(text);
}
