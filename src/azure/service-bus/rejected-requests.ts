import Long from "long";
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import type { Finding } from "../../errors.js";
import type { KeptRequest, RejectedRequests } from "../../messaging/rejected-requests.js";
import { connect, REJECTED_QUEUE, translateErrors, type ServiceBusNamespace } from "./namespace.js";

/** Service Bus gives the messages of a queue in their order: those before the one that is meant are held until it is found. */
const MOST_HELD = 200;
const PORTION = 50;
/** What is there is there already. */
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

/** A peek may answer fewer than there are: the last is the one without any. */
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

/** What was held is given back, which counts as a delivery: infra/ lets the queue have as many as Service Bus does. */
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
    // What is not given back comes back by itself when its lock ends.
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
      // A sender may have called a property of its own so.
      typeof originalLength === "number" && originalLength > bytes.length
        ? originalLength
        : undefined,
  };
}

function numberOf({ sequenceNumber }: ServiceBusReceivedMessage): string {
  return String(sequenceNumber);
}

/** Whoever may send to the queue may have put there what is none of ours. */
function bytesOf(body: unknown): Buffer {
  if (body instanceof Uint8Array) return Buffer.from(body);
  return Buffer.from(typeof body === "string" ? body : (JSON.stringify(body) ?? ""));
}

/** None of a message that no release of Sigil has put there. */
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
