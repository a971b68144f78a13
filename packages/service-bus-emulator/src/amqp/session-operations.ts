import type { Queue } from "../broker/queue.js";
import { queueOf } from "../broker/broker.js";
import type { SessionLock } from "../broker/sessions.js";
import { LOST } from "./errors.js";
import {
  failed,
  notAllowed,
  ok,
  textField,
  type Fields,
  type Operation,
  type Operations,
  type Response,
} from "./operations.js";
import { types } from "./rhea.js";

/** The operations of `$management` on the session that the client holds. */
export const SESSION_OPERATIONS: Operations = {
  "renew-session-lock": ofSession((queue, session) => {
    queue.renewSession(session);
    return ok({ expiration: types.wrap_timestamp(session.untilMs) });
  }),
  "get-session-state": ofSession((queue, session) => {
    const state = queue.sessionState(session);
    return ok({
      "session-state": state === undefined ? types.Null() : types.wrap_binary(state),
    });
  }),
  "set-session-state": ofSession((queue, session, fields) => {
    const state = fields.get("session-state")?.value ?? undefined;
    if (state !== undefined && !Buffer.isBuffer(state))
      throw new Error("session-state is neither binary nor null");
    queue.setSessionState(session, state);
    return ok({});
  }),
};

export const SESSION_LOCK_LOST = failed(410, LOST["session-lock-lost"]);

/** The lock on the session that a request names, which the request's link must have. */
export function sessionOf(queue: Queue, fields: Fields): SessionLock | undefined {
  return queue.findSession(textField(fields, "session-id"), fields.linkName);
}

function ofSession(
  operation: (queue: Queue, session: SessionLock, fields: Fields) => Response,
): Operation {
  return (entity, fields) => {
    const queue = queueOf(entity);
    if (!queue.requiresSession) return notAllowed();
    const session = sessionOf(queue, fields);
    return session === undefined ? SESSION_LOCK_LOST : operation(queue, session, fields);
  };
}
