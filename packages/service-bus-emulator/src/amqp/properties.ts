import { randomUUID } from "node:crypto";
import type { IncomingMessage, MessageRecord } from "../broker/message.js";
import type { FilterableMessage, FilterValue } from "../filter/value.js";
import { readParts, withMessageId, type MessageParts } from "./sections.js";
import type { Typed } from "./rhea.js";
import { toFilterValue, toIdentifier, toInteger, toText } from "./typed.js";

/** Positions in the header and properties lists (AMQP 3.2.1, 3.2.4). */
const HEADER_TTL = 2;
export const PROPERTY = {
  messageId: 0,
  to: 2,
  subject: 3,
  replyTo: 4,
  correlationId: 5,
  contentType: 6,
  groupId: 10,
  replyToGroupId: 12,
} as const;

/** The parts of a sent message that the broker needs; throws if the bytes are not AMQP. */
export function readIncomingMessage(bytes: Buffer): IncomingMessage {
  const parts = readParts(bytes);
  const scheduled = parts.messageAnnotations.get("x-opt-scheduled-enqueue-time");
  const given = toIdentifier(parts.properties[PROPERTY.messageId]);
  // "ServiceBus sets an ID as default, only if the application doesn't set its own ID" (Azure/azure-service-bus-java#69).
  // The JavaScript client cannot settle a message without one.
  const messageId = given ?? randomUUID().replaceAll("-", "");
  return {
    bytes: given === undefined ? withMessageId(bytes, messageId) : bytes,
    messageId,
    sessionId: toText(parts.properties[PROPERTY.groupId]),
    timeToLiveMs: toInteger(parts.header[HEADER_TTL]),
    scheduledEnqueueTimeMs: toInteger(scheduled),
  };
}

/**
 * The parts of a message that a subscription's filters may use; the bytes are read on first use.
 */
export function readFilterableMessage(record: MessageRecord): FilterableMessage {
  let parts: MessageParts | undefined;
  let user: Map<string, Typed> | undefined;
  const system = (): MessageParts => (parts ??= readParts(record.bytes));
  const application = (): Map<string, Typed> =>
    (user ??= new Map(
      [...system().applicationProperties].map(([name, value]) => [name.toLowerCase(), value]),
    ));
  return {
    system: (name) => systemProperty(name, record, system()),
    user: (name) => {
      const value = application().get(name);
      return value === undefined ? undefined : toFilterValue(value);
    },
    hasUser: (name) => application().has(name),
  };
}

function systemProperty(name: string, record: MessageRecord, parts: MessageParts): FilterValue {
  const { properties, messageAnnotations } = parts;
  switch (name) {
    case "messageid":
      return toIdentifier(properties[PROPERTY.messageId]);
    case "correlationid":
      return toIdentifier(properties[PROPERTY.correlationId]);
    case "to":
      return toText(properties[PROPERTY.to]);
    case "label":
    case "subject":
      return toText(properties[PROPERTY.subject]);
    case "replyto":
      return toText(properties[PROPERTY.replyTo]);
    case "contenttype":
      return toText(properties[PROPERTY.contentType]);
    case "sessionid":
      return toText(properties[PROPERTY.groupId]);
    case "replytosessionid":
      return toText(properties[PROPERTY.replyToGroupId]);
    case "partitionkey":
      return toText(messageAnnotations.get("x-opt-partition-key"));
    case "enqueuedtimeutc":
      return BigInt(record.enqueuedTimeMs);
    case "sequencenumber":
    case "enqueuedsequencenumber":
      return BigInt(record.sequenceNumber);
    case "deliverycount":
      return BigInt(record.deliveryCount);
    case "timetolive":
      return record.timeToLiveMs === undefined ? undefined : BigInt(record.timeToLiveMs);
    case "expiresatutc":
      return record.timeToLiveMs === undefined
        ? undefined
        : BigInt(record.enqueuedTimeMs + record.timeToLiveMs);
    case "size":
      return BigInt(record.bytes.length);
    case "state":
      return "Active";
    default:
      return undefined;
  }
}
