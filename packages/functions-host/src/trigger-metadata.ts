/**
 * What the Service Bus extension and the host tell a function about its message, with the names .NET gives them
 * (ServiceBusTriggerBindingStrategy.GetBindingData). `@azure/functions` lowers the first letter of every key, at every
 * depth, application properties included.
 */
import type { ServiceBusClient, ServiceBusReceivedMessage } from "@azure/service-bus";
import type { RpcTypedData } from "./core-module.js";

/** DateTimeOffset.MaxValue, which is where .NET puts the expiry of a message that never expires. */
const NEVER = "9999-12-31T23:59:59.9999999";

/** Newtonsoft writes `yyyy-MM-ddTHH:mm:ss.FFFFFFF`: no trailing zeros, and no zone for a DateTime of no kind. */
function dotnetTime(date: Date): string {
  if (date.getTime() >= Date.UTC(10_000, 0)) return NEVER;
  return date
    .toISOString()
    .slice(0, -1)
    .replace(/\.?0{1,3}$/u, "");
}

/** JsonConvert.SerializeObject of one application property. */
function propertyValue(value: unknown): unknown {
  if (value instanceof Date) return `${dotnetTime(value)}Z`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return value;
}

/** DateTime.ToString(InvariantCulture), in UTC as on every host in Azure. */
function invariantDate(date: Date): string {
  const [year = "", month = "", day = ""] = date.toISOString().slice(0, 10).split("-");
  return `${month}/${day}/${year} ${date.toISOString().slice(11, 19)}`;
}

type Json = string | number | boolean | null | object;

const JSON_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?$/u;

/**
 * Utility.ConvertPropertyValue of the host: an object stays one, anything else becomes a .NET string ("True", and for
 * what looks like a date "01/31/2026 10:00:00"); null is left out.
 */
function bodyField(value: Json): RpcTypedData | undefined {
  if (value === null || Array.isArray(value)) return undefined;
  if (typeof value === "object") return { json: JSON.stringify(value) };
  if (typeof value === "boolean") return { string: value ? "True" : "False" };
  const text = String(value);
  if (typeof value === "string" && JSON_DATE.test(text)) {
    const zoned = /(?:Z|[+-]\d{2}:\d{2})$/u.test(text) ? text : `${text}Z`;
    return { string: invariantDate(new Date(zoned)) };
  }
  return { string: text };
}

/** The top-level fields of a JSON object in the body, which the host lays over the metadata (Utility.ApplyBindingData). */
function bodyFields(text: string): [string, RpcTypedData][] {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{") || !trimmed.endsWith("}")) return [];
  let parsed: Record<string, Json>;
  try {
    parsed = JSON.parse(trimmed) as Record<string, Json>;
  } catch {
    return []; // "it's not an error if the incoming message isn't JSON"
  }
  const fields: [string, RpcTypedData][] = [];
  for (const [name, value] of Object.entries(parsed)) {
    const field = bodyField(value);
    if (field !== undefined) fields.push([name, field]);
  }
  return fields;
}

/**
 * The trigger metadata of one message. `text` is its body where that is bound as a string: then the fields of a JSON
 * object in it overwrite metadata of the same name, whatever its case.
 */
export function triggerMetadata(
  message: ServiceBusReceivedMessage,
  client: Pick<ServiceBusClient, "fullyQualifiedNamespace" | "identifier">,
  text: string | undefined,
): Record<string, RpcTypedData> {
  const raw = message._rawAmqpMessage;
  const json = (value: unknown): RpcTypedData => ({
    json: JSON.stringify(value),
  });
  const metadata = new Map<string, RpcTypedData>();
  const add = (name: string, value: RpcTypedData | undefined): void => {
    if (value !== undefined) metadata.set(name, value);
  };
  const string = (
    value: string | number | boolean | Buffer | undefined | null,
  ): RpcTypedData | undefined =>
    value === undefined || value === null ? undefined : { string: String(value) };
  const time = (name: string, date: Date | undefined): void => {
    if (date === undefined) return;
    const local = dotnetTime(date);
    add(`${name}Utc`, json(local));
    add(name, json(`${local}+00:00`));
  };
  const properties = Object.fromEntries(
    Object.entries(message.applicationProperties ?? {}).map(([key, value]) => [
      key,
      propertyValue(value),
    ]),
  );

  for (const name of [
    "MessageReceiver",
    "MessageSession",
    "MessageActions",
    "SessionActions",
    "ReceiveActions",
  ])
    add(name, json({}));
  add(
    "Client",
    json({
      FullyQualifiedNamespace: client.fullyQualifiedNamespace,
      IsClosed: false,
      TransportType: 0,
      Identifier: client.identifier,
    }),
  );
  // .NET counts the delivery that is under way: the header says 0 on the first (AMQP 1.0, 3.2.1: "the number of prior
  // unsuccessful delivery attempts").
  add("DeliveryCount", json((message.deliveryCount ?? 0) + 1));
  add("DeadLetterSource", string(message.deadLetterSource));
  add("LockToken", string(message.lockToken));
  time("ExpiresAt", message.expiresAtUtc);
  time("EnqueuedTime", message.enqueuedTimeUtc);
  add("MessageId", string(message.messageId));
  add("ContentType", string(message.contentType));
  add("ReplyTo", string(message.replyTo));
  if (message.sequenceNumber !== undefined)
    add("SequenceNumber", { json: message.sequenceNumber.toString() });
  add("To", string(message.to));
  add("Subject", string(message.subject));
  add("Label", string(message.subject));
  add("CorrelationId", string(message.correlationId));
  add("ApplicationProperties", json(properties));
  add("UserProperties", json(properties));
  add("SessionId", string(message.sessionId));
  add("ReplyToSessionId", string(message.replyToSessionId));
  add("PartitionKey", string(message.partitionKey));
  add(
    "TransactionPartitionKey",
    string(raw.messageAnnotations?.["x-opt-via-partition-key"] as string | undefined),
  );

  for (const [name, value] of text === undefined ? [] : bodyFields(text)) {
    const known = [...metadata.keys()].find((key) => key.toLowerCase() === name.toLowerCase());
    metadata.set(known ?? name, value);
  }
  return Object.fromEntries(metadata);
}
