import { Ajv, type DefinedError, type ValidateFunction } from "ajv";
import ajvFormats from "ajv-formats";
import type { OpenAPIV3 } from "openapi-types";
import type { Finding } from "../../errors.js";
import { readNames } from "./body-names.js";
import { type Entry, toFindings } from "./findings.js";
import {
  MERGE_PATCH,
  type OpenApiDocument,
  type OperationId,
  resolve,
} from "./openapi-document.js";

/** OpenAPI's places of parameters, and the first segment of pointers into each. */
const PLACES = { path: "path", query: "query", header: "headers" } as const;
type Place = keyof typeof PLACES;

/**
 * ajv copies the errors so far at every reference that adds one, so its time grows with the square
 * of the errors. 256 KB of a real image version have a few thousand values; of zeros 128,000.
 */
const MAX_VALUES = 10_000;

type Parameter = OpenAPIV3.ParameterObject & {
  readonly schema: OpenAPIV3.SchemaObject;
};
type ParameterValue = string | number | boolean;

/** The parameters of one place by name, with their documented types and defaults. */
interface ValidatedParameters {
  readonly values: Readonly<Record<string, ParameterValue>>;
  readonly findings: readonly Finding[];
}

/** A body without its read-only members, which are ignored as in Azure Resource Manager. */
interface ValidatedBody {
  readonly value: unknown;
  /** Whether it had any, because it is an edited answer. */
  readonly pasted: boolean;
  /** Every error in it. */
  readonly findings: readonly Finding[];
}

export interface Validator {
  /**
   * Validates a parsed body; no findings if the operation takes none. Pointers go into the body.
   */
  validateBody(operationId: OperationId, value: unknown, mediaType?: string): ValidatedBody;
  /** `parameters` by name; unknown names are dropped. Pointers begin with `/path`. */
  validatePath(
    operationId: OperationId,
    parameters: Readonly<Record<string, string>>,
  ): ValidatedParameters;
  /** Refuses unknown and repeated parameters. Pointers begin with `/query`. */
  validateQuery(operationId: OperationId, query: URLSearchParams): ValidatedParameters;
  /** Unknown headers are dropped. Pointers begin with `/headers`. */
  validateHeaders(
    operationId: OperationId,
    headers: { get(name: string): string | null },
  ): ValidatedParameters;
}

/** Validates with the document's own schemas, each compiled at first use. */
export function createValidator(document: OpenApiDocument): Validator {
  const ajv = createAjv();
  const { content } = document;
  const compiled = new Map<string, ValidateFunction>();
  const validate = (
    key: string,
    schema: () => object,
    value: unknown,
    entry: Entry,
    before: readonly Finding[] = [],
  ): Finding[] => {
    let check = compiled.get(key);
    if (check === undefined) {
      // The document's references begin at its root, so each schema gets `components` next to it.
      check = ajv.compile({ ...schema(), components: content.components });
      compiled.set(key, check);
    }
    if (check(value) && before.length === 0) return [];
    return toFindings(
      (check.errors ?? []) as DefinedError[],
      entry,
      (schema) => resolve<object>(content, schema),
      before,
    );
  };

  const parameters = new Map<string, readonly Parameter[]>();
  const parametersOf = (operationId: OperationId, place: Place): readonly Parameter[] => {
    const key = `${operationId} ${place}`;
    let declared = parameters.get(key);
    if (declared === undefined) {
      declared = document
        .operation(operationId)
        .parameters.filter((parameter) => parameter.in === place)
        .map((parameter) => ({
          ...parameter,
          schema: resolve(content, parameter.schema ?? {}),
        }));
      parameters.set(key, declared);
    }
    return declared;
  };

  const validateParameters = (
    operationId: OperationId,
    place: Place,
    given: Readonly<Record<string, string>>,
  ): ValidatedParameters => {
    const declared = parametersOf(operationId, place);
    // Only own entries and no prototype, because a parameter may be named `constructor` or
    // `__proto__`.
    const values = Object.assign(
      Object.create(null) as Record<string, ParameterValue>,
      given as Readonly<Record<string, ParameterValue>>,
    );
    for (const { name, schema } of declared) {
      const text = values[name];
      if (typeof text === "string") values[name] = coerce(text, schema);
      else if (schema.default !== undefined) values[name] = schema.default as ParameterValue;
    }
    const findings = validate(
      `${operationId} ${place}`,
      () => ({
        type: "object",
        required: declared.filter((p) => p.required).map((p) => p.name),
        additionalProperties: false,
        properties: Object.fromEntries(declared.map((p) => [p.name, p.schema])),
      }),
      values,
      "parameter",
    ).map((finding) => ({
      ...finding,
      pointer: `/${PLACES[place]}${finding.pointer}`,
    }));
    return { values, findings };
  };

  /** The schema with a body's names; for a merge patch, the schema of the patched resource. */
  const namesOfBody = (
    schema: OpenAPIV3.SchemaObject & { "x-merge-patch-of"?: string },
  ): OpenAPIV3.SchemaObject => {
    const patched = schema["x-merge-patch-of"];
    return patched === undefined
      ? schema
      : resolve<OpenAPIV3.SchemaObject>(content, {
          $ref: `#/components/schemas/${patched}`,
        });
  };

  const namesOf = (operationId: OperationId, place: Place): string[] =>
    parametersOf(operationId, place).map(({ name }) => name);

  return {
    validateBody(operationId, value, mediaType = "") {
      const described = document.operation(operationId);
      const { patchSchema = described.bodySchema } = described;
      const bodySchema = mediaType === MERGE_PATCH ? patchSchema : described.bodySchema;
      if (bodySchema === undefined) return { value, pasted: false, findings: [] };
      if (hasMoreValuesThan(MAX_VALUES, value))
        return {
          value,
          pasted: false,
          findings: [
            {
              code: "TooManyValues",
              pointer: "",
              message: `May hold at most ${MAX_VALUES} values in all.`,
            },
          ],
        };
      const { pasted, givenPointer, ...body } = readNames(content, namesOfBody(bodySchema), value);
      const findings = validate(
        `${operationId} ${mediaType === MERGE_PATCH ? "patch" : "body"}`,
        () => bodySchema,
        body.value,
        "property",
        body.findings,
      ).map((finding, i) =>
        i < body.findings.length ? finding : { ...finding, pointer: givenPointer(finding.pointer) },
      );
      return { value: body.value, pasted, findings };
    },
    validatePath(operationId, parameters) {
      const given: Record<string, string> = {};
      for (const name of namesOf(operationId, "path")) {
        const value = parameters[name];
        if (value !== undefined) given[name] = value;
      }
      return validateParameters(operationId, "path", given);
    },
    validateQuery(operationId, query) {
      const { values, findings } = validateParameters(
        operationId,
        "query",
        Object.fromEntries(query),
      );
      const known = namesOf(operationId, "query");
      const repeated = [...new Set(query.keys())]
        .filter((name) => known.includes(name) && query.getAll(name).length > 1)
        .map((name) => ({
          code: "RepeatedParameter",
          pointer: `/query/${name}`,
          message: `\`${name}\` is given more than once. Keep one.`,
        }));
      return { values, findings: [...findings, ...repeated] };
    },
    validateHeaders(operationId, headers) {
      const given: Record<string, string> = {};
      for (const name of namesOf(operationId, "header")) {
        const value = headers.get(name);
        if (value !== null) given[name] = value;
      }
      return validateParameters(operationId, "header", given);
    },
  };
}

function hasMoreValuesThan(limit: number, value: unknown): boolean {
  // Not recursive, because a caller other than readJsonBody may not have limited the depth.
  const pending: unknown[] = [value];
  for (let count = 0; pending.length > 0; count++) {
    if (count + pending.length > limit) return true;
    const next = pending.pop();
    if (typeof next === "object" && next !== null)
      for (const child of Object.values(next)) pending.push(child);
  }
  return false;
}

/** Converts text to the schema's type; other text stays unchanged, for the schema to refuse. */
function coerce(text: string, schema: OpenAPIV3.SchemaObject): ParameterValue {
  switch (schema.type) {
    case "integer":
    case "number":
      return /^-?\d{1,15}(?:\.\d{1,15})?$/u.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" || text === "false" ? text === "true" : text;
    default:
      return text;
  }
}

/**
 * ajv for OpenAPI 3.0 and the document: reports every mistake, and refuses unknown keywords and
 * formats.
 */
export function createAjv(): Ajv {
  // allErrors is safe while the input is bounded (MAX_VALUES). The document's schemas are validated
  // when it is built (`npm run contracts`): doing it here would add a tenth to the first request's
  // time.
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: true,
    validateSchema: false,
  });
  ajvFormats.default(ajv);
  // OpenAPI 3.0's keywords without validation, and the document's extensions.
  ajv.addVocabulary([
    "components",
    "example",
    "discriminator",
    "xml",
    "externalDocs",
    "x-extensible-enum",
    "x-read-only-properties",
    "x-refused-properties",
    "x-false-says-nothing",
    "x-merge-patch-of",
  ]);
  ajv.addFormat("date-or-date-time", isDateOrDateTime);
  ajv.addFormat("image-version-name", isImageVersionName);
  return ajv;
}

const DATE_OR_DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2}))?$/u;

/**
 * RFC 3339, 5.6, `full-date` or `date-time`, as far as Date supports it: Date turns 30 February
 * into March and has no leap seconds.
 */
export function isDateOrDateTime(text: string): boolean {
  const date = DATE_OR_DATE_TIME.exec(text)?.[1];
  if (date === undefined || Number.isNaN(Date.parse(text.toUpperCase()))) return false;
  const midnight = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(date);
}

/**
 * ARM stores each part of a version name in 31 bits. Names that the pattern refuses pass here,
 * because one finding is enough.
 */
function isImageVersionName(text: string): boolean {
  const parts = text.split(".");
  return (
    !parts.every((part) => /^\d{1,10}$/u.test(part)) ||
    parts.every((part) => Number(part) < 2 ** 31)
  );
}
