import { ServiceError, type Finding } from "../errors.js";
import { parseJson } from "../json/parse-json.js";
import type { IncomingMessage } from "./incoming-message.js";

/** A request by Service Bus, in either CloudEvents mode. */
export interface CloudEventRequest {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  /** As it was sent; absent: it is not text. */
  readonly time?: string;
  readonly data: unknown;
  /** Why `data_base64` cannot be read as JSON; there is no `data` then. */
  readonly unreadable?: Finding;
  /**
   * Where `data` is in the message, for pointers: `/data` in structured mode, the body itself in
   * binary mode.
   */
  readonly dataPointer: "" | "/data";
  readonly traceparent: string | undefined;
}

/** Attributes in binary mode are application properties with one of these prefixes (CloudEvents AMQP binding, 3.1.3.1). */
const BINARY_PREFIX = /^cloudEvents[:_]/iu;

const MOST_SHOWN_CHARACTERS = 200;

/**
 * Reads a CloudEvent 1.0 from a message: structured if the body is an object with `specversion`,
 * else binary, with the attributes in the application properties. `body` is the parsed JSON.
 * Returns the findings if it is not a CloudEvent.
 */
export function readCloudEventRequest(
  body: unknown,
  applicationProperties: IncomingMessage["applicationProperties"],
): { readonly event: CloudEventRequest } | { readonly findings: readonly Finding[] } {
  if (isObject(body) && "specversion" in body) {
    return fromAttributes(body, (name) => `/${name}`, structuredData(body), "/data");
  }
  const attributes = Object.fromEntries(
    Object.entries(applicationProperties)
      .filter(([name]) => BINARY_PREFIX.test(name))
      .map(([name, value]) => [name.replace(BINARY_PREFIX, "").toLowerCase(), value]),
  );
  if (Object.keys(attributes).length > 0) {
    return fromAttributes(attributes, () => "", { data: body }, "");
  }
  return {
    findings: [
      {
        code: "NotACloudEvent",
        pointer: "",
        message: `The message is not a CloudEvent 1.0: ${isObject(body) ? "it has no specversion" : "its body is not a JSON object"} and no application property cloudEvents:specversion. Send {"specversion": "1.0", "id", "source", "type", "subject": the image version's resource id, "data": the body of the PUT}.`,
      },
    ],
  };
}

function fromAttributes(
  attributes: Readonly<Record<string, unknown>>,
  pointerTo: (attribute: string) => string,
  data: Pick<CloudEventRequest, "data" | "unreadable">,
  dataPointer: CloudEventRequest["dataPointer"],
): ReturnType<typeof readCloudEventRequest> {
  const findings: Finding[] = [];
  const required = (name: string): string => {
    const value = attributes[name];
    // The host passes a value that looks like a number as a number.
    if (typeof value === "number") return String(value);
    if (typeof value === "string" && value !== "") {
      // The source goes into an event and into the operation, which both have limits.
      if (value.length > LONGEST_ATTRIBUTE) {
        findings.push({
          code: "TooLong",
          pointer: pointerTo(name),
          message: `The CloudEvent attribute ${name} has ${value.length} characters; at most ${LONGEST_ATTRIBUTE} are allowed.`,
        });
      }
      return value;
    }
    findings.push({
      code: "MissingProperty",
      pointer: pointerTo(name),
      message: `The CloudEvent attribute ${name} must be a non-empty string.`,
    });
    return "";
  };
  const [id, source, subject, type] = [
    required("id"),
    required("source"),
    required("subject"),
    required("type"),
  ];
  const version = attributes["specversion"];
  if (version !== "1.0" && version !== 1) {
    findings.push({
      code: "NotAllowedValue",
      pointer: pointerTo("specversion"),
      message: `The CloudEvents version is ${shown(JSON.stringify(version))}; send "1.0".`,
    });
  }
  const { traceparent, time } = attributes;
  return findings.length > 0
    ? { findings }
    : {
        event: {
          id,
          source,
          type,
          subject,
          ...(typeof time === "string" && { time }),
          ...data,
          dataPointer,
          traceparent: typeof traceparent === "string" ? traceparent : undefined,
        },
      };
}

/**
 * No resource id is longer. An attribute may also be an application property, and all of those
 * share 64 KB.
 */
const LONGEST_ATTRIBUTE = 1_024;

/**
 * A value from a message, shortened for a finding: findings must fit into an event, which a whole
 * message may not.
 */
export function shown(text = "missing"): string {
  return text.length > MOST_SHOWN_CHARACTERS ? `${text.slice(0, MOST_SHOWN_CHARACTERS)}…` : text;
}

/** Data of a structured event: `data`, or JSON in `data_base64` (CloudEvents JSON format, 3.1.1). */
function structuredData(
  body: Readonly<Record<string, unknown>>,
): Pick<CloudEventRequest, "data" | "unreadable"> {
  const encoded = body["data_base64"];
  if (body["data"] !== undefined || typeof encoded !== "string") return { data: body["data"] };
  try {
    return { data: parseJson(Buffer.from(encoded, "base64")) };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { code, message } = error;
    return {
      data: undefined,
      unreadable: { code, pointer: "/data_base64", message },
    };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
