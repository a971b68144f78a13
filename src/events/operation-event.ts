import type { Finding } from "../errors.js";
import type { CloudEvent } from "./cloud-event.js";
import type { EventData, EventType } from "./documented-event.js";

/** What an event of an operation says beside the operation's id, as the document has it. */
export type OperationEventData<Type extends EventType> = Type extends EventType
  ? Omit<EventData<Type>, "operationId">
  : never;

/** The type of an event of an operation, and what it says. */
export type EventContent = {
  readonly [Type in EventType]: {
    readonly type: Type;
    readonly data: OperationEventData<Type>;
  };
}[EventType];

/** What all events of one operation have in common. */
interface EventContext {
  /** CloudEvents `source`. */
  readonly source: string;
  readonly operationId: string;
  /** The resource's id. */
  readonly subject: string;
  readonly time: string;
  readonly traceparent: string;
}

/** A Service Bus message holds 256 KB (Standard tier): an event carries this many findings and says how many there are. */
const MOST_FINDINGS = 50;

/**
 * An event of an operation. `fact` makes the id: one operation states each fact once, so the same id is the same
 * fact, whoever publishes it and however often.
 */
export function operationEvent<Type extends EventType>(
  context: EventContext,
  type: Type,
  fact: string,
  data: OperationEventData<Type>,
): CloudEvent {
  return {
    specversion: "1.0",
    id: `${context.operationId}/${fact}`,
    source: context.source,
    type,
    subject: context.subject,
    time: context.time,
    datacontenttype: "application/json",
    traceparent: context.traceparent,
    data: { operationId: context.operationId, ...data },
  };
}

/** ARM's own messages have no limit; this much of one is enough to act on. */
const LONGEST_MESSAGE = 2_000;

/** Findings as events carry them: the first fifty, none too long, and the true count. */
export function findingsInEvent(errors: readonly Finding[]): {
  errors: readonly Finding[];
  errorCount: number;
} {
  return {
    errors: errors.slice(0, MOST_FINDINGS).map((finding) => ({
      ...finding,
      message: finding.message.slice(0, LONGEST_MESSAGE),
    })),
    errorCount: errors.length,
  };
}
