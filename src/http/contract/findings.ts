import type { DefinedError } from "ajv";
import { distance } from "fastest-levenshtein";
import { escapePointer, moreFindings, MOST_FINDINGS, type Finding } from "../../errors.js";
import { foreignWord } from "./foreign-words.js";

/** What is validated: properties of a body, or parameters of a path, query or header. */
export type Entry = "property" | "parameter";

/** The parts of a schema that messages use; `x-` members are described in the document itself. */
interface DescribedSchema {
  readonly description?: string;
  readonly example?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, DescribedSchema>>;
  readonly $ref?: string;
  readonly "x-extensible-enum"?: readonly string[];
  readonly "x-refused-properties"?: Readonly<Record<string, string>>;
}

/** Follows a schema's `$ref`. */
type Dereference = (schema: DescribedSchema) => DescribedSchema;

const MAX_SHOWN_CHARACTERS = 80;
/**
 * What ConvertTo-Json writes for a hashtable, list or object deeper than its -Depth, which is 2 by
 * default.
 */
const CUT_OFF = /^(?:System\.(?:Collections\.|Object)|@\{)/u;

/**
 * Each ajv error (with `verbose`) as a finding: a stable code, the pointer to the fault (for a
 * missing property, its own), and a message that says what would be right. They follow the findings
 * `before`. At most 100; the last one then has the number of the rest.
 */
export function toFindings(
  ajvErrors: readonly DefinedError[],
  entry: Entry,
  dereference: Dereference,
  before: readonly Finding[] = [],
): Finding[] {
  const shown = [
    ...before.slice(0, MOST_FINDINGS),
    ...ajvErrors
      .slice(0, Math.max(0, MOST_FINDINGS - before.length))
      .map((error) => toFinding(error, entry, dereference)),
  ];
  const left = before.length + ajvErrors.length - MOST_FINDINGS;
  if (left <= 0) return shown;
  return [...shown.slice(0, -1), moreFindings(left + 1)];
}

function toFinding(error: DefinedError, entry: Entry, dereference: Dereference): Finding {
  const schema = (error.parentSchema ?? {}) as DescribedSchema;
  const pointer = error.instancePath;
  const wrong = (code: string, message: string): Finding => ({
    code,
    pointer,
    message: sentences(message, firstSentence(schema.description)),
  });
  switch (error.keyword) {
    case "required": {
      const name = error.params.missingProperty;
      const missing = schema.properties?.[name];
      return {
        code: entry === "property" ? "MissingProperty" : "MissingParameter",
        pointer: `${pointer}/${escapePointer(name)}`,
        message: sentences(
          `${code(name)} is missing.`,
          missing && firstSentence(dereference(missing).description),
        ),
      };
    }
    case "additionalProperties":
      return unknownEntry(error.params.additionalProperty, pointer, schema, entry);
    case "type":
      return wrong(
        "WrongType",
        sentences(
          `Must be ${article(error.params.type)}, is ${typeName(error.data)}${error.data === null ? ": leave it out instead" : ""}.`,
          typeof error.data === "string" &&
            CUT_OFF.test(error.data) &&
            "PowerShell cut it off: use ConvertTo-Json -Depth 10.",
        ),
      );
    case "enum":
      return notAllowed(error.data, error.params.allowedValues.map(String), pointer);
    case "pattern":
    case "format": {
      const values = schema["x-extensible-enum"];
      if (values !== undefined) return notAllowed(error.data, values, pointer);
      return wrong(
        "InvalidFormat",
        sentences(
          "The format is wrong.",
          ...meantSet(String(error.data), schema.pattern),
          schema.example !== undefined && `Example: ${code(schema.example)}.`,
        ),
      );
    }
    case "minimum":
    case "maximum":
      return wrong(
        "NotInRange",
        sentences(
          `Must be from ${schema.minimum ?? "any"} to ${schema.maximum ?? "any"}, is ${String(error.data)}.`,
          entry === "property" &&
            error.data === 0 &&
            "Leave it out if it is not set: NSwag's clients do with /generateOptionalPropertiesAsNullable:true.",
        ),
      );
    case "minLength":
      return wrong("TooShort", "Must not be empty.");
    case "maxLength":
      return wrong(
        "TooLong",
        `May have at most ${error.params.limit} characters, has ${String(error.data).length}.`,
      );
    case "minItems":
      return wrong(
        "TooFewItems",
        `Must have at least ${error.params.limit} ${error.params.limit === 1 ? "item" : "items"}.`,
      );
    case "maxItems":
      return wrong(
        "TooManyItems",
        `May have at most ${error.params.limit} items, has ${(error.data as unknown[]).length}.`,
      );
    case "maxProperties":
      return wrong("TooManyProperties", `May have at most ${error.params.limit} entries.`);
    default:
      return wrong("InvalidValue", `The value ${error.message ?? "is wrong"}.`);
  }
}

/** Most of Microsoft's examples write the type in the singular, which Azure does not accept. */
function meantSet(text: string, pattern = ""): readonly string[] {
  const meant = text.replace(/\/diskEncryptionSet\//iu, "/diskEncryptionSets/");
  return meant !== text && new RegExp(pattern, "u").test(meant) ? [`Did you mean ${meant}?`] : [];
}

function unknownEntry(
  name: string,
  parent: string,
  schema: DescribedSchema,
  entry: Entry,
): Finding {
  const pointer = `${parent}/${escapePointer(name)}`;
  const refused = own(schema["x-refused-properties"], name);
  if (refused !== undefined)
    return {
      code: "UnsupportedProperty",
      pointer,
      message: `${code(name)} cannot be set. ${refused} Remove it.`,
    };
  const known = Object.keys(schema.properties ?? {});
  const renamed = entry === "parameter" ? foreignWord("query", name) : undefined;
  if (renamed?.path !== undefined && known.includes(renamed.path))
    return {
      code: "UnknownParameter",
      pointer,
      message: `${renamed.tool}'s ${name} is ${renamed.path} here.`,
    };
  const nearest = nearestName(name, known);
  return {
    code: entry === "property" ? "UnknownProperty" : "UnknownParameter",
    pointer,
    message: sentences(
      `${code(name)} is unknown.`,
      nearest !== undefined
        ? `Did you mean ${code(nearest)}?`
        : known.length > 0
          ? `Known names: ${known.map(code).join(", ")}.`
          : "None is known here.",
    ),
  };
}

function notAllowed(value: unknown, allowed: readonly string[], pointer: string): Finding {
  // Not String(), because an object may have a `toString` that is not a function.
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const nearest = nearestName(text, allowed);
  return {
    code: "NotAllowedValue",
    pointer,
    message: sentences(
      `${code(text)} is not one of ${allowed.map(code).join(", ")}.`,
      nearest !== undefined && `Did you mean ${code(nearest)}?`,
    ),
  };
}

/**
 * The known name that differs only in case, or in so few characters that it is probably a typing
 * mistake.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_SHOWN_CHARACTERS) return undefined;
  const wanted = name.toLowerCase();
  const [best] = known
    .map((candidate) => ({
      candidate,
      edits: distance(wanted, candidate.toLowerCase()),
    }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits);
  return best?.candidate;
}

/** An own member, not an inherited one. */
export function own<T>(
  record: Readonly<Record<string, T>> | undefined,
  name: string,
): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** A name or value, as messages quote it. */
export function code(text: string): string {
  return `\`${text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text}\``;
}

function sentences(...parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => part !== false && part).join(" ");
}

function firstSentence(description: string | undefined): string | undefined {
  return description && /^.*?\.(?=\s|$)/su.exec(description)?.[0];
}

function article(type: string): string {
  return `${/^[aio]/u.test(type) ? "an" : "a"} ${type}`;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return article(typeof value);
}
