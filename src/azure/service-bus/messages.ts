import type { ServiceBusMessage } from "@azure/service-bus";
import type { CloudEvent } from "../../events/cloud-event.js";
import { LARGEST_PROPERTIES_BYTES } from "../../messaging/incoming-message.js";
import type { RejectedRequest } from "../../messaging/request-handler.js";

/** A structured CloudEvent; `type`, `subject` and `id` are application properties too, for subscription filters. */
export function eventMessage(event: CloudEvent): ServiceBusMessage {
  return {
    body: event,
    messageId: event.id,
    contentType: "application/cloudevents+json",
    subject: event.type,
    applicationProperties: {
      type: event.type,
      ...(event.subject !== undefined && { subject: event.subject }),
      id: event.id,
      source: event.source,
      ...traceProperties(event.traceparent),
    },
  };
}

/** A refused request with `body` of it. Its own properties stay where there is room: a message holds 64 KB of them. */
export function keptMessage(
  { id, original, code, reason }: RejectedRequest,
  body: Uint8Array,
  cut: Readonly<Record<string, string | number>> = {},
): ServiceBusMessage {
  const own = scalars(original.applicationProperties);
  const fits =
    Buffer.byteLength(JSON.stringify(own)) <= LARGEST_PROPERTIES_BYTES;
  return {
    body,
    messageId: id,
    ...(original.contentType !== undefined && {
      contentType: original.contentType,
    }),
    applicationProperties: {
      ...(fits ? own : { originalPropertiesOmitted: Object.keys(own).length }),
      ...(original.messageId !== undefined && {
        originalMessageId: original.messageId,
      }),
      ...(original.decoded && { originalDecoded: true }),
      ...cut,
      rejectionCode: code,
      rejectionReason: reason.slice(0, 1_000),
    },
  };
}

/** `Diagnostic-Id` is what Service Bus clients and Azure Functions read a W3C trace context from. */
export function traceProperties(
  traceparent: string | undefined,
): Record<string, string> {
  return traceparent === undefined
    ? {}
    : { traceparent, "Diagnostic-Id": traceparent };
}

export function scalars(
  properties: Readonly<Record<string, unknown>>,
): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(properties).filter(
      (entry): entry is [string, string | number | boolean] =>
        ["string", "number", "boolean"].includes(typeof entry[1]),
    ),
  );
}
