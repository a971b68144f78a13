import type { Entity } from "../broker/broker.js";
import { CONDITION } from "./errors.js";
import { MESSAGE_OPERATIONS } from "./message-operations.js";
import { failed, type Operations, type Response } from "./operations.js";
import { types } from "./rhea.js";
import { writeResponse, type Request } from "./requests.js";
import { RULE_OPERATIONS } from "./rule-operations.js";
import { SESSION_OPERATIONS } from "./session-operations.js";
import { mapEntries, toText } from "./typed.js";

const PREFIX = "com.microsoft:";
const OPERATIONS: Operations = {
  ...MESSAGE_OPERATIONS,
  ...RULE_OPERATIONS,
  ...SESSION_OPERATIONS,
};

/** The right that a request needs: scheduling a message is sending it. */
export function rightOf({ properties }: Request): "Listen" | "Send" {
  return /schedule/u.test(toText(properties.get("operation")) ?? "") ? "Send" : "Listen";
}

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

function respond(entity: Entity, { properties, body }: Request): Response {
  const name = toText(properties.get("operation")) ?? "";
  const operation = name.startsWith(PREFIX) ? OPERATIONS[name.slice(PREFIX.length)] : undefined;
  if (operation === undefined)
    return failed(501, {
      condition: CONDITION.notImplemented,
      description: `This emulator has no operation "${name}".`,
    });
  const linkName = toText(properties.get("associated-link-name"));
  try {
    return operation(entity, Object.assign(mapEntries(body), { linkName }));
  } catch (error) {
    const description = error instanceof Error ? error.message : String(error);
    return failed(400, { condition: CONDITION.argumentError, description });
  }
}
