import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  isServiceBusError,
  type ServiceBusClient,
  type ServiceBusMessage,
  type ServiceBusMessageBatch,
  type ServiceBusSender,
} from "@azure/service-bus";
import { SpanKind } from "@opentelemetry/api";
import { ServiceError } from "../../errors.js";
import { cutEvent } from "../../events/cut-event.js";
import { ENCODING, type PostponedRequest } from "../../messaging/postponement.js";
import type { RejectedRequest } from "../../messaging/answer-request.js";
import type { EventPublisher, WorkQueue } from "../../operation/ports.js";
import { inSpan } from "../../telemetry/spans.js";
import { findDeadStep } from "./dead-steps.js";
import { eventMessage, keptMessage, scalars, traceProperties } from "./messages.js";
import {
  connect,
  EVENTS_TOPIC,
  REJECTED_QUEUE,
  REQUESTS_QUEUE,
  translateErrors,
  WORK_QUEUES,
  type ServiceBusNamespace,
} from "./namespace.js";
import { requireReceivers } from "./unreceived.js";

/**
 * How much of a refused request is kept if it does not fit. With its properties and Sigil's own,
 * this much fits.
 */
const LARGEST_CUT_BYTES = 192 * 1024;

/** Sends all of Sigil's messages. It connects on first use and keeps its senders. */
export class ServiceBusMessenger implements EventPublisher, WorkQueue {
  readonly #namespace: ServiceBusNamespace;
  #client: ServiceBusClient;
  readonly #senders = new Map<string, ServiceBusSender>();
  readonly #now: () => Date;
  readonly #keepRejectedMs: number;

  constructor(
    namespace: ServiceBusNamespace,
    now: () => Date,
    /** How long the original of a refused request is kept. */
    keepRejectedMs: number,
  ) {
    this.#keepRejectedMs = keepRejectedMs;
    this.#namespace = namespace;
    this.#client = connect(namespace);
    this.#now = now;
  }

  /**
   * Publishes events. An event too large for a message is cut and marked as cut, so it delays no
   * other.
   */
  async publish(events: Parameters<EventPublisher["publish"]>[0]): Promise<void> {
    await this.#send(
      EVENTS_TOPIC,
      events.map((event) => ({
        message: eventMessage(event),
        addShorter: (batch) =>
          cutEvent(event, (shorter) => batch.tryAddMessage(eventMessage(shorter))) !== undefined,
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

  findDead(operationId: string, step: number): Promise<readonly string[]> {
    return findDeadStep(this.#namespace, operationId, step);
  }

  /**
   * Keeps a refused request for a time, so an operator can correct it and send it again. It is kept
   * whole, or cut if it does not fit.
   */
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
   * Sends a request to its own queue again, unchanged, for later delivery. It is zipped if it does
   * not fit together with its properties. Throws PayloadTooLarge if it still does not fit.
   */
  async postpone(
    queue: typeof REQUESTS_QUEUE | (typeof WORK_QUEUES)[number],
    { id, original, properties, enqueueTime, timeToLiveMs }: PostponedRequest,
  ): Promise<void> {
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
      await this.#send(queue, [
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
        "Sigil could not accept the request now, and it is too large to postpone. Send it again later, or make it smaller.",
        { cause: error },
      );
    }
  }

  /**
   * Rejects if the namespace does not answer before `abortSignal`, or lacks the events topic or the
   * requests queue. It sends a request each time: an open link does not prove that the namespace
   * still answers.
   */
  async check(abortSignal: AbortSignal): Promise<void> {
    const client = this.#client;
    const receiver = client.createReceiver(REQUESTS_QUEUE);
    const giveUp = (): void => this.#connectAnew(client);
    abortSignal.addEventListener("abort", giveUp);
    try {
      await translateErrors(() =>
        Promise.all([
          this.#sender(EVENTS_TOPIC).createMessageBatch({ abortSignal }),
          receiver.peekMessages(1, { abortSignal }),
        ]),
      );
    } finally {
      abortSignal.removeEventListener("abort", giveUp);
      // Do not wait: the receiver has no link of its own, and on a stuck connection closing it
      // takes as long as the connection does.
      void receiver.close().catch(() => undefined);
    }
  }

  /** Rejects if messages wait in a queue and no function receives them. */
  checkReceivers(abortSignal: AbortSignal): Promise<void> {
    return requireReceivers(this.#client, this.#now(), abortSignal);
  }

  /**
   * Replaces a client that got no answer. It may never get one again, whatever the namespace does:
   * @azure/service-bus 7.9.5 can wait for ever for a connection that ended while it was being
   * opened (rhea-promise 3.0.3, Connection.close).
   */
  #connectAnew(client: ServiceBusClient): void {
    if (client !== this.#client) return; // Another call replaced it already.
    this.#client = connect(this.#namespace);
    this.#senders.clear();
    void client.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** Sends messages of one operation together, so they stay in its trace. */
  async #send(entity: string, messages: readonly Sendable[], traceparent?: string): Promise<void> {
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
        const client = this.#client;
        const sender = this.#sender(entity);
        return translateErrors(async () => {
          try {
            await sendInBatches(sender, messages);
          } catch (error) {
            if (isSilence(error)) this.#connectAnew(client);
            throw error;
          }
        });
      },
    );
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

/** Whether there was no answer. A namespace that refuses does answer. */
function isSilence(error: unknown): boolean {
  return (
    isServiceBusError(error) &&
    (error.code === "ServiceTimeout" || error.code === "ServiceCommunicationProblem")
  );
}

/**
 * A message, and what to do if it is too large even by itself: add a shorter one to the batch and
 * return true.
 */
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
    throw new RangeError(`a message to ${sender.entityPath} is larger than Service Bus allows`);
  }
  if (batch.count > 0) await sender.sendMessages(batch);
}
