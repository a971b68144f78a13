import { queueOf } from "../broker/broker.js";
import type { Delivery, Settled } from "../broker/delivery.js";
import type { Queue } from "../broker/queue.js";
import { CONDITION, LOST, SESSION_REFUSED } from "./errors.js";
import { lacksSession } from "./incoming-link.js";
import {
  failed,
  integersField,
  notAllowed,
  ok,
  type Fields,
  type Operations,
  type Response,
} from "./operations.js";
import { readIncomingMessage } from "./properties.js";
import { types } from "./rhea.js";
import { encodeProperties, writeMessage } from "./sections.js";
import { SESSION_LOCK_LOST, sessionOf } from "./session-operations.js";
import { arrayItems, formatUuid, mapEntries, parseUuid, toInteger, toText } from "./typed.js";

/** Constructors of array elements (AMQP 1.6). */
const TYPECODE = { long: 0x81, timestamp: 0x83 } as const;
/** receiver-settle-mode of a request for deferred messages: 0 deletes, 1 locks. */
const DELETE = 0;

/** The operations of `$management` on messages. */
export const MESSAGE_OPERATIONS: Operations = {
  "renew-lock": (entity, fields) => {
    const queue = queueOf(entity);
    if (queue.requiresSession)
      return notAllowed("Renew the session's lock, which is its messages'.");
    const expirations = queue.renew(lockTokens(fields));
    if (expirations === undefined) return failed(410, LOST["lock-lost"]);
    return ok({
      expirations: types.wrap_array(expirations, TYPECODE.timestamp),
    });
  },
  "peek-message": (entity, fields) => {
    const records = queueOf(entity).peek(
      toInteger(fields.get("from-sequence-number")) ?? 1,
      toInteger(fields.get("message-count")) ?? 1,
      toText(fields.get("session-id")),
    );
    if (records.length === 0) return { code: 204 };
    const messages = records.map((record) => ({
      message: writeMessage({ record, lockedUntilMs: undefined }),
    }));
    return ok({ messages });
  },
  "schedule-message": (entity, fields) => {
    if (entity.kind !== "queue" && entity.kind !== "topic") return notAllowed();
    const messages = arrayItems(fields.get("messages")).map((item) => {
      const bytes = mapEntries(item).get("message")?.value;
      if (!Buffer.isBuffer(bytes)) throw new Error("a message has no bytes");
      return readIncomingMessage(bytes);
    });
    const queue = queueOf(entity);
    if (lacksSession(queue, messages)) return failed(400, SESSION_REFUSED.noSessionId);
    const numbers = queue.send(messages);
    return ok({
      "sequence-numbers": types.wrap_array(numbers, TYPECODE.long),
    });
  },
  "cancel-scheduled-message": (entity, fields) =>
    queueOf(entity).cancelScheduled(integersField(fields, "sequence-numbers"))
      ? ok()
      : notFound("scheduled"),
  "receive-by-sequence-number": (entity, fields) => {
    const receiveAndDelete = toInteger(fields.get("receiver-settle-mode")) === DELETE;
    const queue = queueOf(entity);
    const session = queue.requiresSession ? sessionOf(queue, fields) : undefined;
    if (queue.requiresSession && session === undefined) return SESSION_LOCK_LOST;
    const deliveries = queue.receiveDeferred(
      integersField(fields, "sequence-numbers"),
      receiveAndDelete,
      session,
    );
    if (deliveries === undefined) return notFound("deferred");
    return ok({ messages: deliveries.map(deferredMessage) });
  },
  "update-disposition": (entity, fields) => {
    for (const token of lockTokens(fields)) {
      const settled = settle(queueOf(entity), token, fields);
      if (settled === "not-allowed") return notAllowed();
      if (settled !== "settled") return failed(410, LOST[settled]);
    }
    return ok();
  },
};

function settle(queue: Queue, token: string, fields: Fields): Settled {
  const changes = encodeProperties(mapEntries(fields.get("properties-to-modify")));
  const status = toText(fields.get("disposition-status"));
  switch (status) {
    case "completed":
      return queue.complete(token);
    case "abandoned":
      return queue.abandon(token, changes);
    case "defered": // The service spells it so.
      return queue.defer(token, changes);
    case "suspended":
      return queue.deadLetter(token, {
        reason: toText(fields.get("deadletter-reason")),
        errorDescription: toText(fields.get("deadletter-description")),
        changedProperties: changes,
      });
    default:
      throw new Error(`there is no disposition-status "${status ?? ""}"`);
  }
}

function deferredMessage({ record, lock }: Delivery): object {
  if (lock === undefined) return { message: writeMessage({ record, lockedUntilMs: undefined }) };
  const lockToken = parseUuid(lock.token);
  return {
    "lock-token": types.wrap_uuid(lockToken),
    message: writeMessage({ record, lockedUntilMs: lock.untilMs, lockToken }),
  };
}

function lockTokens(fields: Fields): string[] {
  return arrayItems(fields.get("lock-tokens")).map(({ value }) => {
    if (!Buffer.isBuffer(value) || value.length !== 16)
      throw new Error("a lock token is not a uuid");
    return formatUuid(value);
  });
}

function notFound(state: string): Response {
  return failed(404, {
    condition: CONDITION.messageNotFound,
    description: `Not every one of these sequence numbers is that of a ${state} message.`,
  });
}
