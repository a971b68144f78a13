import type { AmqpError } from "./rhea.js";

/** Conditions of AMQP 2.8.15 and of Service Bus, by which clients tell errors apart. */
export const CONDITION = {
  argumentError: "com.microsoft:argument-error",
  connectionForced: "amqp:connection:forced",
  decodeError: "amqp:decode-error",
  messageLockLost: "com.microsoft:message-lock-lost",
  messageNotFound: "com.microsoft:message-not-found",
  messageSizeExceeded: "amqp:link:message-size-exceeded",
  notAllowed: "amqp:not-allowed",
  notFound: "amqp:not-found",
  notImplemented: "amqp:not-implemented",
  unauthorized: "amqp:unauthorized-access",
} as const;

/** The service's words for an unknown entity, by which the JavaScript client knows it. */
export function entityNotFound(address: string): AmqpError {
  return {
    condition: CONDITION.notFound,
    description: `The messaging entity '${address}' could not be found.`,
  };
}

export const LOCK_LOST: AmqpError = {
  condition: CONDITION.messageLockLost,
  description:
    "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.",
};
