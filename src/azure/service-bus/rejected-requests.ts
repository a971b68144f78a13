import Long from "long";
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import type { Finding } from "../../errors.js";
import type { KeptRequest, RejectedRequests } from "../../messaging/rejected-requests.js";
import { connect, REJECTED_QUEUE, translateErrors, type ServiceBusNamespace } from "./namespace.js";

/**
 * How many messages are held. Service Bus delivers a queue in order, so those before the wanted
 * message are held until it arrives.
 */
const MOST_HELD = 200;
const PORTION = 50;
/** How long to wait for messages: they are in the queue already. */
const WAIT_MS = 2_000;

export function createRejectedRequests(namespace: ServiceBusNamespace): RejectedRequests {
  const withReceiver = <T>(use: (receiver: ServiceBusReceiver) => Promise<T>): Promise<T> =>
    translateErrors(async () => {
      const client = connect(namespace);
      try {
        return await use(
          client.createReceiver(REJECTED_QUEUE, {
            skipParsingBodyAsJson: true,
            maxAutoLockRenewalDurationInMs: 0,
          }),
        );
      } finally {
        await client.close();
      }
    });
  return {
    peek: (fromId, most) => withReceiver((receiver) => peek(receiver, fromId, most)),
    remove: (id) => withReceiver((receiver) => remove(receiver, id)),
  };
}

/** Peeks until a peek returns nothing: each may return fewer messages than there are. */
async function peek(
  receiver: ServiceBusReceiver,
  fromId: bigint,
  most: number,
): Promise<readonly KeptRequest[]> {
  const kept: KeptRequest[] = [];
  let next = fromId;
  while (kept.length < most) {
    const messages = await receiver.peekMessages(most - kept.length, {
      fromSequenceNumber: Long.fromString(String(next)),
    });
    if (messages.length === 0) break;
    kept.push(...messages.map(keptRequest));
    next = BigInt(kept.at(-1)?.id ?? next) + 1n;
  }
  return kept;
}

/**
 * Removes a message and releases the ones held before it. That counts as a delivery for each, so
 * infra/ gives the queue the largest maximum delivery count.
 */
async function remove(receiver: ServiceBusReceiver, id: string): Promise<boolean> {
  const held: ServiceBusReceivedMessage[] = [];
  let removed = false;
  try {
    while (!removed && held.length < MOST_HELD) {
      const messages = await receiver.receiveMessages(PORTION, {
        maxWaitTimeInMs: WAIT_MS,
      });
      if (messages.length === 0) break;
      const [found] = messages.filter((each) => numberOf(each) === id);
      held.push(...messages.filter((each) => each !== found));
      if (found === undefined) continue;
      await receiver.completeMessage(found);
      removed = true;
    }
  } finally {
    // A message that cannot be released returns when its lock ends.
    await Promise.allSettled(held.map((message) => receiver.abandonMessage(message)));
  }
  return removed;
}

function keptRequest(message: ServiceBusReceivedMessage): KeptRequest {
  const properties = message.applicationProperties ?? {};
  const bytes = bytesOf(message.body);
  const { rejectionCode, rejectionReason, rejectionErrors, originalLength } = properties;
  return {
    id: numberOf(message),
    enqueuedTime: (message.enqueuedTimeUtc ?? new Date(0)).toISOString(),
    bytes,
    applicationProperties: properties,
    code: textOf(rejectionCode),
    reason: textOf(rejectionReason),
    errors: errorsIn(textOf(rejectionErrors)),
    originalLength:
      // The sender may have a property with this name.
      typeof originalLength === "number" && originalLength > bytes.length
        ? originalLength
        : undefined,
  };
}

function numberOf({ sequenceNumber }: ServiceBusReceivedMessage): string {
  return String(sequenceNumber);
}

/** Anyone who may send to the queue may have put a foreign message there. */
function bytesOf(body: unknown): Buffer {
  if (body instanceof Uint8Array) return Buffer.from(body);
  return Buffer.from(typeof body === "string" ? body : (JSON.stringify(body) ?? ""));
}

/** The errors; empty for a message that Sigil did not write. */
function errorsIn(text: string): readonly Finding[] {
  try {
    const errors: unknown = JSON.parse(text);
    return Array.isArray(errors) ? errors.flatMap(errorIn) : [];
  } catch {
    return [];
  }
}

function errorIn(value: unknown): readonly Finding[] {
  const { code, pointer, message, remediation } = Object(value) as Record<string, unknown>;
  return typeof code !== "string" || typeof message !== "string"
    ? []
    : [
        {
          code,
          pointer: textOf(pointer),
          message,
          ...(typeof remediation === "string" && { remediation }),
        },
      ];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
