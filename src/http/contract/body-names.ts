/**
 * Reads a body by its names, before its schema is applied:
 *  1. Read-only members are dropped, as Azure Resource Manager ignores them.
 *  2. An unknown name that stands for a known one is reported, and its value is read under the
 *     known name, so that the schema also finds the errors inside.
 */
import type { OpenAPIV3 } from "openapi-types";
import { escapePointer, type Finding } from "../../errors.js";
import { code, nearestName, own } from "./findings.js";
import { foreignWord, lettersOf } from "./foreign-words.js";
import { resolve } from "./openapi-document.js";

/** The document's own keywords, in addition to OpenAPI's. */
type Schema = OpenAPIV3.SchemaObject & {
  readonly "x-read-only-properties"?: readonly string[];
  readonly "x-refused-properties"?: Readonly<Record<string, string>>;
  readonly "x-false-says-nothing"?: true;
};

interface ReadBody {
  /** The body with the schema's names, without read-only members. */
  readonly value: unknown;
  /** Whether it had read-only members other than `type`, because it is an edited answer. */
  readonly pasted: boolean;
  readonly findings: readonly Finding[];
  /** Maps a pointer into `value` to the given body. */
  readonly givenPointer: (pointer: string) => string;
}

/** Reads a body by its names. The caller limits its depth and number of values. */
export function readNames(
  content: OpenAPIV3.Document,
  root: OpenAPIV3.SchemaObject,
  given: unknown,
): ReadBody {
  const findings: Finding[] = [];
  const moved: { readonly to: string; readonly from: string }[] = [];
  let pasted = false;

  const schemaOf = (schema: OpenAPIV3.SchemaObject | OpenAPIV3.ReferenceObject): Schema =>
    resolve<Schema>(content, schema);

  /** `to` is the place in the result, `from` the place in the given body. */
  const read = (schema: Schema, value: unknown, to: string, from: string): unknown => {
    if (schema.type === "array" && Array.isArray(value)) {
      const items = schemaOf(schema.items);
      return value.map((item: unknown, i) => read(items, item, `${to}/${i}`, `${from}/${i}`));
    }
    return schema.properties !== undefined && isObject(value)
      ? readObject(schema, value, to, from)
      : value;
  };

  const readObject = (
    schema: Schema,
    value: Readonly<Record<string, unknown>>,
    to: string,
    from: string,
  ): Record<string, unknown> => {
    const result: Record<string, unknown> = {};
    const strange: string[] = [];
    for (const [name, member] of Object.entries(value)) {
      const known = own(schema.properties, name);
      if (known !== undefined) {
        const child = schemaOf(known);
        const at = `/${escapePointer(name)}`;
        if (child["x-false-says-nothing"] && member === false) continue;
        const kept = read(child, member, to + at, from + at);
        const emptied = isEmpty(kept) && !isEmpty(member);
        if (!emptied || schema.required?.includes(name)) define(result, name, kept);
      } else if (schema["x-read-only-properties"]?.includes(name))
        // Typed clients send it in every body, with its one value.
        pasted ||= name !== "type";
      else strange.push(name);
    }
    for (const name of strange) {
      const meaning =
        schema.additionalProperties === false ? meaningOf(content, schema, name) : undefined;
      const at = `${from}/${escapePointer(name)}`;
      if (meaning === undefined) {
        define(result, name, value[name]); // The schema refuses it.
        continue;
      }
      findings.push({
        code: "UnknownProperty",
        pointer: at,
        message: meaning.message,
      });
      place(schema, result, meaning.path, value[name], to, at);
    }
    return result;
  };

  /** Puts a member where it belongs, unless that place is taken. */
  const place = (
    schema: Schema,
    result: Record<string, unknown>,
    [name, ...rest]: readonly string[],
    member: unknown,
    to: string,
    from: string,
  ): void => {
    if (name === undefined) return;
    const known = own(schema.properties, name);
    if (known === undefined) return;
    const child = schemaOf(known);
    const there = `${to}/${escapePointer(name)}`;
    if (rest.length > 0) {
      const container = own(result, name) ?? {};
      if (!isObject(container)) return;
      define(result, name, container);
      place(child, container, rest, member, there, from);
    } else if (own(result, name) === undefined) {
      moved.push({ to: there, from });
      define(result, name, read(child, member, there, from));
    }
  };

  const value = read(root, given, "", "");
  return {
    value,
    pasted,
    findings,
    givenPointer(pointer) {
      const [nearest] = moved
        .filter(({ to }) => pointer === to || pointer.startsWith(`${to}/`))
        .sort((a, b) => b.to.length - a.to.length);
      return nearest === undefined ? pointer : nearest.from + pointer.slice(nearest.to.length);
    },
  };
}

interface Meaning {
  readonly message: string;
  /** Where it belongs, from its object; empty: no single place. */
  readonly path: readonly string[];
}

/** What an unknown name stands for; undefined: unknown. */
function meaningOf(content: OpenAPIV3.Document, schema: Schema, name: string): Meaning | undefined {
  if (own(schema["x-refused-properties"], name) !== undefined) return undefined;
  const word = foreignWord(nameOf(content, schema), name);
  if (word !== undefined)
    return word.path === undefined
      ? {
          message: `${word.tool}'s ${name} is in the URL here. Remove it.`,
          path: [],
        }
      : {
          message: `${word.tool}'s ${name} is ${word.path} here.`,
          path: word.path.includes("[]") ? [] : word.path.split("."),
        };
  const unknown = `${code(name)} is unknown.`;
  const isSame = (known: string): boolean => lettersOf(known) === lettersOf(name);
  const readOnly = schema["x-read-only-properties"]?.find(isSame);
  if (readOnly !== undefined)
    return {
      message: `${unknown} ${code(readOnly)} is read-only. Remove it.`,
      path: [],
    };
  const known = Object.keys(schema.properties ?? {});
  const nearest = known.find(isSame) ?? nearestName(name, known);
  if (nearest !== undefined)
    return {
      message: `${unknown} Did you mean ${code(nearest)}?`,
      path: [nearest],
    };
  // SDKs flatten `properties`, templates do not: a name that is known one level down is not a
  // typing mistake.
  for (const child of known) {
    const { properties = {} } = resolve<OpenAPIV3.SchemaObject>(
      content,
      schema.properties?.[child] ?? {},
    );
    const below = Object.keys(properties).find(isSame);
    if (below !== undefined)
      return {
        message: `${unknown} It belongs in ${code(child)}.`,
        path: [child, below],
      };
  }
  return undefined;
}

/** The name of a schema in the document. */
function nameOf(content: OpenAPIV3.Document, schema: Schema): string | undefined {
  return Object.entries(content.components?.schemas ?? {}).find(
    ([, named]) => named === schema,
  )?.[0];
}

/** Not by assignment, because a member may be named `__proto__`. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}
