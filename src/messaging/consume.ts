import type { InvocationContext } from "@azure/functions";
import { SpanKind } from "@opentelemetry/api";
import { createLog, withLog, type Log, type LogFields } from "../telemetry/log.js";
import { inSpan, traceparentOfSpan } from "../telemetry/spans.js";
import type { IncomingMessage } from "./incoming-message.js";

/** The log and the span's trace context of a message. */
export interface Consumed {
  readonly log: Log;
  readonly traceparent: string;
}

/**
 * Handles a message in a span of its own trace. Functions have the names of their queues, so the
 * invocation names the queue.
 */
export function consume(
  context: InvocationContext,
  { messageId, deliveryCount }: IncomingMessage,
  traceparent: string,
  about: LogFields,
  handle: (consumed: Consumed) => Promise<void>,
): Promise<void> {
  const queue = context.functionName;
  return inSpan(
    `process ${queue}`,
    {
      kind: SpanKind.CONSUMER,
      traceparent,
      attributes: {
        "messaging.system": "servicebus",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue,
        "messaging.servicebus.message.delivery_count": deliveryCount,
        ...(messageId !== undefined && { "messaging.message.id": messageId }),
        ...(about.operationId !== undefined && {
          "sigil.operation.id": about.operationId,
        }),
      },
    },
    (span) => {
      const own = traceparentOfSpan(span);
      const log = createLog(context, { ...about, traceparent: own });
      return withLog(log, () => handle({ log, traceparent: own }));
    },
  );
}
