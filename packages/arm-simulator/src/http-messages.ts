import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ArmError } from "./arm-error.js";
import type { ArmAnswer } from "./arm-request.js";

/** Resource Manager takes at most 4 MB. */
const LONGEST_BODY_BYTES = 4 * 1024 * 1024;

/** A request, whatever has carried it. */
export interface HttpRequest {
  readonly method: string;
  /** With scheme and host, as the client named them: links in answers begin with these. */
  readonly url: string;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Undefined: longer than ARM takes. */
  readonly body: string | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Reads it to the end, of a body that is too long as well. */
export async function readRequest(message: IncomingMessage): Promise<HttpRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= LONGEST_BODY_BYTES) chunks.push(chunk);
  }
  return {
    method: message.method ?? "GET",
    url: new URL(message.url ?? "/", `https://${message.headers.host ?? "localhost"}`).href,
    headers: Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name, value?.toString()]),
    ),
    body: bytes > LONGEST_BODY_BYTES ? undefined : Buffer.concat(chunks).toString("utf8"),
  };
}

/** Throws what ARM answers to a body that is not JSON. */
export function requireJson(type: string, raw: string): unknown {
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

export function tooLong(): ArmError {
  return new ArmError(
    413,
    "RequestContentTooLarge",
    `The request content size exceeds the maximum size of '${LONGEST_BODY_BYTES}' bytes.`,
  );
}

/** An answer with the headers that every one of ARM's has. */
export function toResponse(
  request: HttpRequest,
  { status, body, headers }: ArmAnswer,
): HttpResponse {
  const text = body === undefined ? "" : JSON.stringify(body);
  return {
    status,
    headers: {
      "Cache-Control": "no-cache",
      Pragma: "no-cache",
      "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
      "x-ms-request-id": randomUUID(),
      "x-ms-correlation-request-id": request.headers["x-ms-correlation-request-id"] ?? randomUUID(),
      "x-ms-routing-request-id": `LOCAL:${randomUUID()}`,
      ...(text === ""
        ? status === 204
          ? {}
          : { "Content-Length": "0" }
        : { "Content-Type": "application/json; charset=utf-8" }),
      ...headers,
    },
    body: text,
  };
}
