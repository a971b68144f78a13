import type { Entity } from "../broker/broker.js";
import { CONDITION } from "./errors.js";
import type { AmqpError, Typed } from "./rhea.js";
import { arrayItems, toInteger, toText } from "./typed.js";

/** The answer to a request to `$management`: a status as in HTTP, what is wrong, and the body's entries. */
export interface Response {
  readonly code: number;
  readonly error?: AmqpError;
  readonly body?: unknown;
}

/** The entries of a request's body, and its link, if it names one. */
export interface Fields extends ReadonlyMap<string, Typed> {
  readonly linkName: string | undefined;
}

/** A `$management` operation; an Error that it throws is the client's mistake. */
export type Operation = (entity: Entity, fields: Fields) => Response;
export type Operations = Readonly<Record<string, Operation>>;

export function ok(body?: unknown): Response {
  return { code: 200, body };
}

export function failed(code: number, error: AmqpError): Response {
  return { code, error };
}

export function notAllowed(description = "This entity does not allow the operation."): Response {
  return failed(400, { condition: CONDITION.notAllowed, description });
}

/** The text of a field; throws if there is none. */
export function textField(fields: Fields, name: string): string {
  const text = toText(fields.get(name));
  if (text === undefined) throw new Error(`${name} is not text`);
  return text;
}

/** The integers of a field, none if it is missing; throws if one of them is none. */
export function integersField(fields: Fields, name: string): number[] {
  return arrayItems(fields.get(name)).map((item) => {
    const number = toInteger(item);
    if (number === undefined) throw new Error(`${name} has a value that is not an integer`);
    return number;
  });
}
