import type { AmqpError } from "./rhea.js";

/** Conditions of AMQP 2.8.15 and of Service Bus, by which clients tell errors apart. */
export const CONDITION = {
  argumentError: "com.microsoft:argument-error",
  connectionForced: "amqp:connection:forced",
  entityAlreadyExists: "com.microsoft:entity-already-exists",
  decodeError: "amqp:decode-error",
  messageLockLost: "com.microsoft:message-lock-lost",
  messageNotFound: "com.microsoft:message-not-found",
  messageSizeExceeded: "amqp:link:message-size-exceeded",
  notAllowed: "amqp:not-allowed",
  notFound: "amqp:not-found",
  notImplemented: "amqp:not-implemented",
  sessionCannotBeLocked: "com.microsoft:session-cannot-be-locked",
  sessionLockLost: "com.microsoft:session-lock-lost",
  timeout: "com.microsoft:timeout",
  unauthorized: "amqp:unauthorized-access",
} as const;

/** The service's words for an unknown entity, by which the JavaScript client knows it. */
export function entityNotFound(address: string): AmqpError {
  return {
    condition: CONDITION.notFound,
    description: `The messaging entity '${address}' could not be found.`,
  };
}

/** The error of an expired lock. */
export const LOST = {
  "lock-lost": {
    condition: CONDITION.messageLockLost,
    description:
      "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.",
  },
  "session-lock-lost": {
    condition: CONDITION.sessionLockLost,
    description: "The session lock has expired. Accept a new MessageSession.",
  },
} as const satisfies Record<string, AmqpError>;

/** The errors of a link that receives, or does not, by sessions. */
export const SESSION_REFUSED = {
  required: {
    condition: CONDITION.notAllowed,
    description:
      "It is not possible for an entity that requires sessions to create a non-sessionful message receiver.",
  },
  notRequired: {
    condition: CONDITION.notAllowed,
    description:
      "A sessionful message receiver cannot be created on an entity that does not require sessions. Ensure RequiresSession is set to true when creating a Queue or Subscription to enable sessionful behavior.",
  },
  "held-by-another": {
    condition: CONDITION.sessionCannotBeLocked,
    description: "The requested session cannot be accepted. It may be locked by another receiver.",
  },
  timeout: {
    condition: CONDITION.timeout,
    description: "No session with messages became free within the time that the receiver gave.",
  },
  noSessionId: {
    condition: CONDITION.notAllowed,
    description:
      "The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session support enabled can only receive messages that have the SessionId set to a valid value.",
  },
} as const satisfies Record<string, AmqpError>;
