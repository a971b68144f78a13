import { queueOf, type Entity } from "../broker/broker.js";
import type { Delivery, Settled } from "../broker/delivery.js";
import type { Queue } from "../broker/queue.js";
import { CONDITION, LOCK_LOST } from "./errors.js";
import { readIncomingMessage } from "./properties.js";
import { types, type AmqpError, type Typed } from "./rhea.js";
import { writeResponse, type Request } from "./requests.js";
import { encodeProperties, writeMessage } from "./sections.js";
import {
  arrayItems,
  formatUuid,
  mapEntries,
  parseUuid,
  toInteger,
  toText,
} from "./typed.js";

const PREFIX = "com.microsoft:";
/** Constructors of array elements (AMQP 1.6). */
const TYPECODE = { long: 0x81, timestamp: 0x83 } as const;
/** receiver-settle-mode of a request for deferred messages: 0 deletes, 1 locks. */
const DELETE = 0;

interface Response {
  readonly code: number;
  readonly error?: AmqpError;
  readonly body?: unknown;
}

type Fields = ReadonlyMap<string, Typed>;
type Operation = (entity: Entity, fields: Fields) => Response;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "renew-lock": (entity, fields) => {
    const tokens = lockTokens(fields);
    const expirations = queueOf(entity).renew(tokens);
    if (expirations === undefined) return { code: 410, error: LOCK_LOST };
    return ok({
      expirations: types.wrap_array(expirations, TYPECODE.timestamp),
    });
  },
  "peek-message": (entity, fields) => {
    const records = queueOf(entity).peek(
      toInteger(fields.get("from-sequence-number")) ?? 1,
      toInteger(fields.get("message-count")) ?? 1,
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
    const numbers = queueOf(entity).send(messages);
    return ok({
      "sequence-numbers": types.wrap_array(numbers, TYPECODE.long),
    });
  },
  "cancel-scheduled-message": (entity, fields) =>
    queueOf(entity).cancelScheduled(sequenceNumbers(fields))
      ? ok()
      : notFound("scheduled"),
  "receive-by-sequence-number": (entity, fields) => {
    const receiveAndDelete =
      toInteger(fields.get("receiver-settle-mode")) === DELETE;
    const deliveries = queueOf(entity).receiveDeferred(
      sequenceNumbers(fields),
      receiveAndDelete,
    );
    if (deliveries === undefined) return notFound("deferred");
    return ok({ messages: deliveries.map(deferredMessage) });
  },
  "update-disposition": (entity, fields) => {
    for (const token of lockTokens(fields)) {
      const settled = settle(queueOf(entity), token, fields);
      if (settled === "lock-lost") return { code: 410, error: LOCK_LOST };
      if (settled === "not-allowed") return notAllowed();
    }
    return ok();
  },
};

/** Answers a request to an entity's `$management`; its changes may still have to be stored. */
export function answerManagement(entity: Entity, request: Request): Buffer {
  const response = respond(entity, request);
  return writeResponse(
    request,
    {
      statusCode: types.wrap_int(response.code),
      statusDescription: types.wrap_string(response.error?.description ?? "OK"),
      ...(response.error !== undefined && {
        errorCondition: types.wrap_symbol(response.error.condition),
      }),
    },
    response.body,
  );
}

function respond(entity: Entity, request: Request): Response {
  const name = toText(request.properties.get("operation")) ?? "";
  const operation = name.startsWith(PREFIX)
    ? OPERATIONS[name.slice(PREFIX.length)]
    : undefined;
  if (operation === undefined)
    return {
      code: 501,
      error: {
        condition: CONDITION.notImplemented,
        description: `This emulator has no operation "${name}".`,
      },
    };
  try {
    return operation(entity, mapEntries(request.body));
  } catch (error) {
    const description = error instanceof Error ? error.message : String(error);
    return {
      code: 400,
      error: { condition: CONDITION.argumentError, description },
    };
  }
}

function settle(queue: Queue, token: string, fields: Fields): Settled {
  const changes = encodeProperties(
    mapEntries(fields.get("properties-to-modify")),
  );
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
  if (lock === undefined)
    return { message: writeMessage({ record, lockedUntilMs: undefined }) };
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

function sequenceNumbers(fields: Fields): number[] {
  return arrayItems(fields.get("sequence-numbers")).map((item) => {
    const number = toInteger(item);
    if (number === undefined)
      throw new Error("a sequence number is not a long");
    return number;
  });
}

function ok(body?: unknown): Response {
  return { code: 200, body };
}

function notFound(state: string): Response {
  return {
    code: 404,
    error: {
      condition: CONDITION.messageNotFound,
      description: `Not every one of these sequence numbers is that of a ${state} message.`,
    },
  };
}

function notAllowed(): Response {
  return {
    code: 400,
    error: {
      condition: CONDITION.notAllowed,
      description: "This entity does not allow the operation.",
    },
  };
}
