import { createHash } from "node:crypto";
import type { Finding } from "../errors.js";
import type { CloudEvent } from "./cloud-event.js";
import type { EventData, EventType } from "./documented-event.js";

/** The data of an operation's event without the operation's id, by the document. */
export type OperationEventData<Type extends EventType> = Type extends EventType
  ? Omit<EventData<Type>, "operationId">
  : never;

/** The type and data of an operation's event. */
export type EventContent = {
  readonly [Type in EventType]: {
    readonly type: Type;
    readonly data: OperationEventData<Type>;
  };
}[EventType];

/** What all events of one operation share. */
interface EventContext extends KeyedContext {
  readonly operationId: string;
}

interface KeyedContext {
  /** CloudEvents `source`. */
  readonly source: string;
  /** The resource's id. */
  readonly subject: string;
  readonly time: string;
  readonly traceparent: string;
}

/**
 * A Service Bus message holds 256 KB (Standard tier), so an event carries this many findings and
 * their total number.
 */
const MOST_FINDINGS = 50;

/**
 * An event of an operation. Its id comes from `eventKey`: an operation reports each fact once, so
 * the same id is the same event, whoever publishes it and however often.
 */
export function operationEvent<Type extends EventType>(
  context: EventContext,
  type: Type,
  eventKey: string,
  data: OperationEventData<Type>,
): CloudEvent {
  const { operationId } = context;
  const id = `${operationId}/${eventKey}`;
  return envelope(context, type, id, { operationId, ...data });
}

/**
 * An event without an operation. Its id comes from `eventKey`, as above, and begins with `name`.
 */
export function keyedEvent<Type extends EventType>(
  context: KeyedContext,
  type: Type,
  name: string,
  eventKey: unknown,
  data: EventData<Type>,
): CloudEvent {
  const hash = createHash("sha256").update(JSON.stringify(eventKey)).digest("hex");
  return envelope(context, type, `${name}/${hash.slice(0, 32)}`, data);
}

function envelope(
  { source, subject, time, traceparent }: KeyedContext,
  type: EventType,
  id: string,
  data: unknown,
): CloudEvent {
  return {
    specversion: "1.0",
    id,
    source,
    type,
    subject,
    time,
    datacontenttype: "application/json",
    traceparent,
    data,
  };
}

/** ARM's messages have no limit; this much is enough to act on. */
const LONGEST_MESSAGE = 2_000;

/** Findings as events carry them: the first fifty, shortened, and the total number. */
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
