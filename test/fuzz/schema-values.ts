import fc from "fast-check";
import type { OpenAPIV3 } from "openapi-types";
import { resolve } from "../../src/http/contract/openapi-document.js";
import { content } from "../unit/http/contract/document.js";

type Schema = OpenAPIV3.SchemaObject | OpenAPIV3.ReferenceObject;
type Extended = OpenAPIV3.SchemaObject & {
  readonly "x-extensible-enum"?: readonly string[];
};

const known = new Map<object, fc.Arbitrary<unknown>>();

/** Values that a schema of the document allows: small ones, since large ones are a matter of their own. */
export function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
  const resolved = resolve<OpenAPIV3.SchemaObject>(content, schema);
  let values = known.get(resolved);
  if (values === undefined) {
    values = build(resolved);
    known.set(resolved, values);
  }
  return values;
}

function build(schema: Extended): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...(schema.enum as readonly unknown[]));
  switch (schema.type) {
    case "object":
      return objects(schema);
    case "array":
      return fc.array(valuesOf(schema.items), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, 3),
      });
    case "integer":
    case "number":
      return fc.integer({
        min: schema.minimum ?? -1_000,
        max: schema.maximum ?? 1_000,
      });
    case "boolean":
      return fc.boolean();
    default:
      return strings(schema);
  }
}

function objects(schema: OpenAPIV3.SchemaObject): fc.Arbitrary<unknown> {
  const { additionalProperties, properties = {}, required = [] } = schema;
  const own = fc.record(
    Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [name, valuesOf(property)]),
    ),
    { requiredKeys: required },
  );
  return typeof additionalProperties === "object"
    ? fc
        .tuple(
          own,
          fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), valuesOf(additionalProperties), {
            maxKeys: 3,
          }),
        )
        .map(([fixed, more]) => ({ ...more, ...fixed }))
    : own;
}

function strings(schema: Extended): fc.Arbitrary<string> {
  const { maxLength = 256, minLength = 0, pattern } = schema;
  const example: unknown = schema.example;
  const values = schema["x-extensible-enum"];
  const made =
    values !== undefined
      ? fc.constantFrom(...values)
      : pattern !== undefined
        ? fc
            .stringMatching(new RegExp(pattern, "u"), { size: "-1" })
            .map((text) => text.slice(0, maxLength))
        : schema.format?.includes("date") === true
          ? fc
              .date({
                min: new Date("2000-01-01T00:00:00Z"),
                max: new Date("2100-01-01T00:00:00Z"),
                noInvalidDate: true,
              })
              .map((date) => date.toISOString())
          : fc.string({ minLength, maxLength: Math.min(maxLength, 40) });
  // An example is a value that fits with the examples beside it.
  return typeof example === "string" ? fc.oneof(fc.constant(example), made) : made;
}
