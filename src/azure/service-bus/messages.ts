import type { ServiceBusMessage } from "@azure/service-bus";
import type { CloudEvent } from "../../events/cloud-event.js";
import { LARGEST_PROPERTIES_BYTES } from "../../messaging/incoming-message.js";
import type { RejectedRequest } from "../../messaging/answer-request.js";

/**
 * A structured CloudEvent. `type`, `subject` and `id` are also application properties, for
 * subscription filters.
 */
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

/**
 * A refused request with `body` as its content. It keeps its own properties if they fit: a message
 * holds 64 KB of them.
 */
export function keptMessage(
  { id, original, code, reason, errors }: RejectedRequest,
  body: Uint8Array,
  cut: Readonly<Record<string, string | number>> = {},
): ServiceBusMessage {
  const own = scalars(original.applicationProperties);
  const fits = Buffer.byteLength(JSON.stringify(own)) <= LARGEST_PROPERTIES_BYTES;
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
      // Set it even if there are no errors: the sender may have a property with this name.
      rejectionErrors: firstOf(errors),
    },
  };
}

/** The room for errors, which the sender's properties and Sigil's own leave. */
const LARGEST_ERRORS_BYTES = 8 * 1024;

/** The first errors that fit, as JSON. */
function firstOf(errors: RejectedRequest["errors"]): string {
  let kept = "[]";
  for (let count = 1; count <= errors.length; count += 1) {
    const more = JSON.stringify(errors.slice(0, count));
    if (Buffer.byteLength(more) > LARGEST_ERRORS_BYTES) break;
    kept = more;
  }
  return kept;
}

/** Service Bus clients and Azure Functions read a W3C trace context from `Diagnostic-Id`. */
export function traceProperties(traceparent: string | undefined): Record<string, string> {
  return traceparent === undefined ? {} : { traceparent, "Diagnostic-Id": traceparent };
}

export function scalars(
  properties: Readonly<Record<string, unknown>>,
): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, string | number | boolean] =>
      ["string", "number", "boolean"].includes(typeof entry[1]),
    ),
  );
}
