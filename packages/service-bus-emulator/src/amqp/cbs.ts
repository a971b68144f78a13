import type { Broker } from "../broker/broker.js";
import { parseAddress } from "./address.js";
import { entityNotFound } from "./errors.js";
import { types } from "./rhea.js";
import { writeResponse, type Request } from "./requests.js";
import { checkToken, covers, type SharedAccessKey } from "./tokens.js";
import { toText } from "./typed.js";

const SAS_TOKEN_TYPE = "servicebus.windows.net:sastoken";

/** The rights of one connection, from the tokens it put. */
export class Claims {
  readonly #untilMs = new Map<string, number>();

  grant(path: string, untilMs: number): void {
    this.#untilMs.set(path, untilMs);
  }

  allows(path: string, nowMs: number): boolean {
    for (const [granted, untilMs] of this.#untilMs)
      if (untilMs > nowMs && covers(granted, path)) return true;
    return false;
  }
}

/** Answers a request to `$cbs` (claims-based security): `put-token` grants a connection an entity. */
export function answerCbs(
  request: Request,
  claims: Claims,
  broker: Broker,
  key: SharedAccessKey,
  nowMs: number,
): Buffer {
  const respond = (code: number, description: string): Buffer =>
    writeResponse(request, {
      "status-code": types.wrap_int(code),
      "status-description": types.wrap_string(description),
    });
  const [operation, type, name] = ["operation", "type", "name"].map((field) =>
    toText(request.properties.get(field)),
  );
  if (operation !== "put-token" || name === undefined)
    return respond(400, "expected operation put-token, with type and name");
  if (type !== SAS_TOKEN_TYPE)
    return respond(401, `only tokens of the type ${SAS_TOKEN_TYPE} are accepted`);
  const { path } = parseAddress(name);
  if (path !== "" && broker.find(path) === undefined)
    return respond(404, entityNotFound(name).description);
  const token = toText(request.body) ?? "";
  const check = checkToken(token, name, key, nowMs);
  if (check.kind === "refused") return respond(401, `Unauthorized access: ${check.reason}.`);
  claims.grant(check.path, check.untilMs);
  return respond(202, "Accepted");
}
