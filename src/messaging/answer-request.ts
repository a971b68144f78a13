/**
 * Events that answer a request without a new operation: refused, already done, or already running.
 */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { ServiceError, Finding } from "../errors.js";
import type { EventData } from "../events/documented-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { findingsInEvent } from "../events/operation-event.js";
import type { PutAnswer, PutImageVersion } from "../image-version/index.js";
import { parseJson } from "../json/parse-json.js";
import type { EventPublisher } from "../operation/ports.js";
import type { OperationRecord } from "../operation/records.js";
import { formatImageVersionId } from "../resource-id.js";
import { audit, type AuditRecord } from "../telemetry/audit.js";
import { POLICY_QUEUES } from "../authorization/gallery-policy.js";
import type { CloudEventRequest } from "./cloud-event-request.js";
import type { Consumed } from "./consume.js";
import type { IncomingMessage } from "./incoming-message.js";
import { referenceOf } from "./read-request.js";

/** A refused request, stored for an operator to correct and send again. */
export interface RejectedRequest {
  /** The same for every delivery of a message. */
  readonly id: string;
  readonly original: IncomingMessage;
  readonly code: string;
  readonly reason: string;
  readonly errors: readonly Finding[];
}

interface TellingDependencies {
  readonly events: EventPublisher;
  readonly eventSource: string;
  readonly now: () => Date;
}

/**
 * A message holds 256 KB (Service Bus, Standard tier). A larger original is only in the rejected
 * queue.
 */
const LARGEST_ORIGINAL_BYTES = 128 * 1024;

/**
 * Answers a request that led to no new operation. If it did, the event is in the operation's
 * outbox. Repeating it gives the same event.
 */
export async function tellAlreadyDone(
  deps: TellingDependencies,
  { event, id, traceparent }: PutImageVersion,
  answer: PutAnswer,
): Promise<void> {
  if (event === undefined) return;
  const operation = answer.kind === "accepted" ? answer.operation : undefined;
  const { source, id: eventId } = operation?.request ?? {};
  if (source === event.source && eventId === event.id) return;
  const hash = createHash("sha256")
    .update(JSON.stringify([event.source, event.id]))
    .digest("hex")
    .slice(0, 32);
  await deps.events.publish([
    {
      specversion: "1.0",
      id: `already-done/${hash}`,
      source: deps.eventSource,
      type: IMAGE_VERSION_EVENT.alreadyDone,
      subject: formatImageVersionId(id),
      time: deps.now().toISOString(),
      datacontenttype: "application/json",
      traceparent,
      data: {
        ...(operation !== undefined && { operationId: operation.id }),
        request: event,
        message:
          operation === undefined ? "Azure shows the version as requested." : sameAs(operation),
      },
    },
  ]);
}

function sameAs({ id, status }: OperationRecord): string {
  switch (status) {
    case "NotStarted":
    case "Running":
      return `Operation ${id} is doing this already.`;
    case "Succeeded":
      return `Operation ${id} did this already.`;
    case "Failed":
    case "Canceled":
      return `Operation ${id} had the same request, and ended ${status}. To try again, send the request with another id.`;
  }
}

export async function reject(
  deps: TellingDependencies & {
    readonly keepRejected: (request: RejectedRequest) => Promise<void>;
  },
  original: IncomingMessage,
  request: CloudEventRequest | undefined,
  { log, traceparent }: Consumed,
  error: ServiceError,
): Promise<void> {
  log.warn(`rejected: ${error.code}: ${error.message}`, {
    resourceId: request?.subject,
    messageId: original.messageId,
    code: error.code,
  });
  audit(log, {
    ...auditedOf(original, request),
    outcome: "refused",
    code: error.code,
  });
  // Derived from everything that identifies the message, so two messages with equal bytes, or even
  // equal ids, get an answer each.
  const id = createHash("sha256")
    .update(
      JSON.stringify([request?.source, request?.id, original.messageId, original.sequenceNumber]),
    )
    .update(original.bytes)
    .digest("hex")
    .slice(0, 32);
  await deps.keepRejected({
    id,
    original,
    code: error.code,
    reason: error.message,
    errors: error.findings,
  });
  const data: EventData<typeof IMAGE_VERSION_EVENT.rejected> = {
    error: {
      code: error.code,
      message: error.message,
      ...findingsInEvent(error.findings),
    },
    ...error.fields,
    ...(request !== undefined && { request: referenceOf(request) }),
    ...(original.messageId !== undefined && { messageId: original.messageId }),
    ...originalInEvent(original.bytes),
  };
  await deps.events.publish([
    {
      specversion: "1.0",
      id: `rejected/${id}`,
      source: deps.eventSource,
      type: IMAGE_VERSION_EVENT.rejected,
      // CloudEvents 1.0, "subject": "If present, MUST be a non-empty string".
      ...(request !== undefined && { subject: request.subject }),
      time: deps.now().toISOString(),
      datacontenttype: "application/json",
      traceparent,
      data,
    },
  ]);
}

/** JSON as JSON, other text as a string. */
function originalInEvent(
  bytes: Buffer,
): { readonly original: unknown } | { readonly originalOmitted: string } {
  let original: unknown;
  if (isUtf8(bytes)) {
    try {
      original = parseJson(bytes);
    } catch {
      original = bytes.toString("utf8"); // The event's `error` tells why it is not JSON.
    }
    if (Buffer.byteLength(JSON.stringify(original)) <= LARGEST_ORIGINAL_BYTES) return { original };
  }
  return {
    originalOmitted: `The original, ${bytes.length} bytes, is ${isUtf8(bytes) ? "too large for an event" : "not text"}; it is in the rejected queue.`,
  };
}
/** A message proves its sender only by its queue. */
export function auditedOf(
  { messageId }: IncomingMessage,
  event: CloudEventRequest | undefined,
): Pick<AuditRecord, "action" | "resourceId" | "queue" | "namedSource" | "requestId"> {
  return {
    action: event?.type ?? "unreadable",
    resourceId: event?.subject,
    queue: POLICY_QUEUES[0],
    namedSource: event?.source,
    requestId: messageId,
  };
}
