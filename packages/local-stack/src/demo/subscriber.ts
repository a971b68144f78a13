import type { ServiceBusClient } from "@azure/service-bus";
import { versionId } from "./requests.js";

const EVENTS_TOPIC = "image-version-events";
const SUBSCRIPTION = "all";
const TYPE_PREFIX = "Sigil.ImageVersion.";

/** A CloudEvent about an image version, as a subscriber reads it. */
export interface ReceivedEvent {
  readonly id: string;
  /** Without what all types begin with, such as "RegionCompleted". */
  readonly kind: string;
  /** RFC 3339. */
  readonly time: string;
  /** Last segment of the subject, such as "1.0.0". */
  readonly version: string;
  readonly data: {
    readonly operationId: string;
    readonly region?: string;
    readonly progress?: number;
    readonly result?: string;
    readonly details?: string;
    readonly error?: { readonly message: string; readonly errorCount: number };
    readonly regions?: readonly unknown[];
  };
  /** The whole CloudEvent. */
  readonly json: unknown;
}

/** Receives every event until closed; `onError` hears of a connection that fails or an event that cannot be read. */
export function subscribe(
  client: ServiceBusClient,
  onEvent: (event: ReceivedEvent) => void,
  onError: (error: Error) => void,
): { close(): Promise<void> } {
  const receiver = client.createReceiver(EVENTS_TOPIC, SUBSCRIPTION);
  receiver.subscribe({
    // Returning completes the message, throwing abandons it.
    processMessage: (message) => {
      onEvent(readEvent(message.body));
      return Promise.resolve();
    },
    processError: ({ error }) => {
      onError(error);
      return Promise.resolve();
    },
  });
  return { close: () => receiver.close() };
}

function readEvent(body: unknown): ReceivedEvent {
  const event = body as {
    readonly id: string;
    readonly type: string;
    readonly subject: string;
    readonly time: string;
    readonly data: ReceivedEvent["data"];
  };
  const version = event.subject.split("/").at(-1) ?? "";
  if (
    !event.type.startsWith(TYPE_PREFIX) ||
    event.subject.toLowerCase() !== versionId(version).toLowerCase()
  )
    throw new Error(`An unexpected event arrived: ${JSON.stringify(body)}`);
  return {
    id: event.id,
    kind: event.type.slice(TYPE_PREFIX.length),
    time: event.time,
    version,
    data: event.data,
    json: body,
  };
}
