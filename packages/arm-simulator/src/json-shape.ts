import { ArmError, invalidParameter, invalidRequestContent } from "./arm-error.js";

/**
 * The type of a JSON value; `readOnly` is accepted and dropped, as ARM drops what a client echoes
 * back.
 */
export type Shape =
  | "string"
  | "integer"
  | "boolean"
  | "date"
  | "readOnly"
  | "any"
  | { readonly values: readonly string[] }
  | { readonly array: Shape }
  | { readonly map: Shape }
  | {
      readonly object: string;
      readonly members: Readonly<Record<string, Shape>>;
    };

/**
 * Reads `value` as `shape` demands: members and enumeration values in any case, null as absent. Throws BadRequest for
 * a member ARM does not know, InvalidRequestContent for a wrong type, InvalidParameter for a value outside its list.
 */
export function readShape(value: unknown, shape: Shape, path: string): unknown {
  if (value === null || value === undefined || shape === "readOnly") return undefined;
  if (shape === "any") return value;
  if (typeof shape === "string") return readScalar(value, shape, path);
  if ("values" in shape) {
    const found =
      typeof value === "string"
        ? shape.values.find((name) => name.toLowerCase() === value.toLowerCase())
        : undefined;
    if (found === undefined)
      throw invalidParameter(
        path,
        `The value ${JSON.stringify(value)} of parameter '${path}' is not allowed. Allowed values are: ${shape.values.join(", ")}.`,
      );
    return found;
  }
  if ("array" in shape) {
    if (!Array.isArray(value)) throw wrongType(path, "array");
    return value.map((item, index) => readShape(item, shape.array, `${path}[${index}]`));
  }
  if (!isObject(value)) throw wrongType(path, "object");
  const result: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const [key, memberShape] = "map" in shape ? [name, shape.map] : findMember(shape, name, path);
    const read = readShape(member, memberShape, `${path}.${key}`);
    if (read !== undefined) result[key] = read;
  }
  return result;
}

function findMember(
  shape: { object: string; members: Readonly<Record<string, Shape>> },
  name: string,
  path: string,
): [string, Shape] {
  const entry = Object.entries(shape.members).find(
    ([key]) => key.toLowerCase() === name.toLowerCase(),
  );
  if (entry === undefined)
    throw new ArmError(
      400,
      "BadRequest",
      `Could not find member '${name}' on object of type '${shape.object}'. Path '${path}.${name}'.`,
      { target: `${path}.${name}` },
    );
  return entry;
}

function readScalar(
  value: unknown,
  kind: "string" | "integer" | "boolean" | "date",
  path: string,
): unknown {
  switch (kind) {
    case "string":
    case "boolean":
      if (typeof value !== kind) throw wrongType(path, kind);
      return value;
    case "integer":
      if (!Number.isSafeInteger(value)) throw wrongType(path, kind);
      return value;
    case "date": {
      const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(time)) throw wrongType(path, "date-time");
      return new Date(time).toISOString();
    }
  }
}

function wrongType(path: string, wanted: string): ArmError {
  return invalidRequestContent(`Error converting the value at path '${path}' to type '${wanted}'`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON merge patch (RFC 7396): null removes a member; what is no object replaces what was there. */
export function mergeJson(stored: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = isObject(stored) ? { ...stored } : {};
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete merged[name];
    else merged[name] = mergeJson(merged[name], value);
  return merged;
}
