import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  ServiceBusClient,
  type ServiceBusMessage,
  type ServiceBusMessageBatch,
  type ServiceBusSender,
} from "@azure/service-bus";
import type { TokenCredential } from "@azure/identity";
import { SpanKind } from "@opentelemetry/api";
import { ServiceError } from "../../errors.js";
import type { CloudEvent } from "../../events/cloud-event.js";
import { cutEvent } from "../../events/cut-event.js";
import type { EventPublisher, WorkQueue } from "../../operation/ports.js";
import { LARGEST_PROPERTIES_BYTES } from "../../messaging/incoming-message.js";
import {
  ENCODING,
  type PostponedRequest,
} from "../../messaging/postponement.js";
import type { RejectedRequest } from "../../messaging/request-handler.js";
import { inSpan } from "../../telemetry/spans.js";

/** How to reach Service Bus: a connection string, or a namespace and an identity. */
export type ServiceBusNamespace =
  | { readonly kind: "connectionString"; readonly connectionString: string }
  | {
      readonly kind: "identity";
      readonly fullyQualifiedNamespace: string;
      readonly credential: TokenCredential;
    };

const EVENTS_TOPIC = "image-version-events";
export const REQUESTS_QUEUE = "image-version-requests";
const REJECTED_QUEUE = "image-version-requests-rejected";
export const WORK_QUEUES = [
  "image-version-creations",
  "image-version-replications",
  "subscription-preparations",
] as const;
const RETRY_AFTER_MS = 5_000;
/** So much of a refused request is kept where the whole does not fit: with its properties and ours, this does. */
const LARGEST_CUT_BYTES = 192 * 1024;
/** How much of a dead-letter queue is looked through for one step, and in portions of how many messages. */
const MOST_DEAD = 5_000;
const PEEK_BATCH = 250;

/** All that Sigil sends. Connects at first use; senders are kept. */
export class ServiceBusMessenger implements EventPublisher, WorkQueue {
  readonly #namespace: ServiceBusNamespace;
  readonly #client: ServiceBusClient;
  readonly #senders = new Map<string, ServiceBusSender>();
  readonly #now: () => Date;
  readonly #keepRejectedMs: number;

  constructor(
    namespace: ServiceBusNamespace,
    now: () => Date,
    /** For how long the original of a refused request is kept. */
    keepRejectedMs: number,
  ) {
    this.#keepRejectedMs = keepRejectedMs;
    this.#namespace = namespace;
    this.#client = connect(namespace);
    this.#now = now;
  }

  /** An event that a message does not hold is cut: it says so, and holds up none of the others. */
  async publish(
    events: Parameters<EventPublisher["publish"]>[0],
  ): Promise<void> {
    await this.#send(
      EVENTS_TOPIC,
      events.map((event) => ({
        message: eventMessage(event),
        addShorter: (batch) =>
          cutEvent(event, (shorter) =>
            batch.tryAddMessage(eventMessage(shorter)),
          ) !== undefined,
      })),
      events[0]?.traceparent,
    );
  }

  async enqueue(messages: Parameters<WorkQueue["enqueue"]>[0]): Promise<void> {
    for (const queue of WORK_QUEUES) {
      const ofQueue = messages.filter((message) => message.queue === queue);
      await this.#send(
        queue,
        ofQueue.map(({ id, operationId, step, traceparent, enqueueTime }) => ({
          message: {
            body: { operationId, step },
            messageId: id,
            contentType: "application/json",
            applicationProperties: {
              operationId,
              ...traceProperties(traceparent),
            },
            ...(Date.parse(enqueueTime) > this.#now().getTime() && {
              scheduledEnqueueTimeUtc: new Date(enqueueTime),
            }),
          },
        })),
        ofQueue[0]?.traceparent,
      );
    }
  }

  async findDead(
    operationId: string,
    step: number,
  ): Promise<readonly string[]> {
    // A client remembers for each entity how far it has peeked, whichever receiver did it, and goes on from there: only
    // a client of its own begins at the first message.
    const client = connect(this.#namespace);
    try {
      const reasons = await Promise.all(
        WORK_QUEUES.map((queue) =>
          this.#findDeadIn(client, queue, operationId, step),
        ),
      );
      return reasons.flat();
    } finally {
      await client.close();
    }
  }

  /** Keeps a refused request for a time where an operator can correct it and send it again: whole, or cut where it does not fit. */
  async keepRejected(request: RejectedRequest): Promise<void> {
    const { bytes } = request.original;
    const timeToLive = this.#keepRejectedMs;
    await this.#send(REJECTED_QUEUE, [
      {
        message: { ...keptMessage(request, bytes), timeToLive },
        addShorter: (batch) =>
          batch.tryAddMessage({
            ...keptMessage(request, bytes.subarray(0, LARGEST_CUT_BYTES), {
              originalLength: bytes.length,
              originalSha256: createHash("sha256").update(bytes).digest("hex"),
            }),
            timeToLive,
          }),
      },
    ]);
  }

  /**
   * Sends a request to its own queue again, as it came, to be received later; zipped where it does not fit with what it
   * has beside it. Throws PayloadTooLarge where that does not help.
   */
  async postpone({
    id,
    original,
    properties,
    enqueueTime,
    timeToLiveMs,
  }: PostponedRequest): Promise<void> {
    const message = {
      body: original.bytes,
      messageId: id,
      scheduledEnqueueTimeUtc: new Date(enqueueTime),
      ...(timeToLiveMs !== undefined && { timeToLive: timeToLiveMs }),
      ...(original.contentType !== undefined && {
        contentType: original.contentType,
      }),
      applicationProperties: {
        ...scalars(original.applicationProperties),
        ...properties,
      },
    };
    try {
      await this.#send(REQUESTS_QUEUE, [
        {
          message,
          addShorter: (batch) =>
            batch.tryAddMessage({
              ...message,
              body: gzipSync(original.bytes),
              applicationProperties: {
                ...message.applicationProperties,
                [ENCODING]: "gzip",
              },
            }),
        },
      ]);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new ServiceError(
        "PayloadTooLarge",
        "The request could not be taken now, and is too large to be postponed. Send it again later, or make it smaller.",
        { cause: error },
      );
    }
  }

  /** Rejects when the namespace cannot be reached or does not know the events topic. */
  async check(): Promise<void> {
    await translateErrors(() =>
      this.#sender(EVENTS_TOPIC).createMessageBatch(),
    );
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** What is sent at once is of one operation, and stays in its trace, whoever sends it. */
  async #send(
    entity: string,
    messages: readonly Sendable[],
    traceparent?: string,
  ): Promise<void> {
    if (messages.length === 0) return;
    await inSpan(
      `send ${entity}`,
      {
        kind: SpanKind.PRODUCER,
        traceparent,
        attributes: {
          "messaging.system": "servicebus",
          "messaging.operation.name": "send",
          "messaging.operation.type": "send",
          "messaging.destination.name": entity,
          "messaging.batch.message_count": messages.length,
        },
      },
      () => {
        const sender = this.#sender(entity);
        return translateErrors(() => sendInBatches(sender, messages));
      },
    );
  }

  async #findDeadIn(
    client: ServiceBusClient,
    queue: string,
    operationId: string,
    step: number,
  ): Promise<string[]> {
    const receiver = client.createReceiver(queue, {
      subQueueType: "deadLetter",
    });
    return await translateErrors(async () => {
      const reasons: string[] = [];
      for (let seen = 0; seen < MOST_DEAD;) {
        const messages = await receiver.peekMessages(PEEK_BATCH);
        for (const { body, deadLetterReason } of messages) {
          const names = body as
            { operationId?: unknown; step?: unknown } | null | undefined;
          if (names?.operationId === operationId && names.step === step) {
            reasons.push(deadLetterReason ?? "no reason given");
          }
        }
        if (messages.length === 0) break;
        seen += messages.length;
      }
      return reasons;
    });
  }

  #sender(entity: string): ServiceBusSender {
    let sender = this.#senders.get(entity);
    if (sender === undefined) {
      sender = this.#client.createSender(entity);
      this.#senders.set(entity, sender);
    }
    return sender;
  }
}

/** Answers what the call does; whatever Service Bus fails with is DependencyUnavailable, a message too large a RangeError. */
export async function translateErrors<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new ServiceError(
      "DependencyUnavailable",
      "Service Bus did not take a message or answer a question.",
      {
        retryAfterMs: RETRY_AFTER_MS,
        cause: error,
      },
    );
  }
}

/** A message, and what is done where it alone is too large: adds a shorter one to the batch and answers true. */
interface Sendable {
  readonly message: ServiceBusMessage;
  readonly addShorter?: (batch: ServiceBusMessageBatch) => boolean;
}

async function sendInBatches(
  sender: ServiceBusSender,
  messages: readonly Sendable[],
): Promise<void> {
  let batch = await sender.createMessageBatch();
  for (const { message, addShorter } of messages) {
    if (batch.tryAddMessage(message)) continue;
    if (batch.count > 0) {
      await sender.sendMessages(batch);
      batch = await sender.createMessageBatch();
      if (batch.tryAddMessage(message)) continue;
    }
    if (addShorter?.(batch) === true) continue;
    throw new RangeError(
      `a message to ${sender.entityPath} is larger than Service Bus allows`,
    );
  }
  if (batch.count > 0) await sender.sendMessages(batch);
}

/** A structured CloudEvent; `type`, `subject` and `id` are application properties too, for subscription filters. */
function eventMessage(event: CloudEvent): ServiceBusMessage {
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
function keptMessage(
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

export function connect(namespace: ServiceBusNamespace): ServiceBusClient {
  return namespace.kind === "connectionString"
    ? new ServiceBusClient(namespace.connectionString)
    : new ServiceBusClient(
        namespace.fullyQualifiedNamespace,
        namespace.credential,
      );
}

/** `Diagnostic-Id` is what Service Bus clients and Azure Functions read a W3C trace context from. */
function traceProperties(
  traceparent: string | undefined,
): Record<string, string> {
  return traceparent === undefined
    ? {}
    : { traceparent, "Diagnostic-Id": traceparent };
}

function scalars(
  properties: Readonly<Record<string, unknown>>,
): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(properties).filter(
      (entry): entry is [string, string | number | boolean] =>
        ["string", "number", "boolean"].includes(typeof entry[1]),
    ),
  );
}
