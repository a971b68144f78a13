import { Ajv, type DefinedError, type ValidateFunction } from "ajv";
import ajvFormats from "ajv-formats";
import type { OpenAPIV3 } from "openapi-types";
import type { Finding } from "../../errors.js";
import { readNames } from "./body-names.js";
import { type Entry, toFindings } from "./findings.js";
import { type OpenApiDocument, type OperationId, resolve } from "./openapi-document.js";

/** Where OpenAPI places a parameter, and the first segment of the pointers into it. */
const PLACES = { path: "path", query: "query", header: "headers" } as const;
type Place = keyof typeof PLACES;

/**
 * ajv copies the errors so far at every reference that adds one: its time grows with the square of the errors. 256 KB of
 * real image version have a few thousand values, of zeros 128,000.
 */
const MAX_VALUES = 10_000;

type Parameter = OpenAPIV3.ParameterObject & {
  readonly schema: OpenAPIV3.SchemaObject;
};
type ParameterValue = string | number | boolean;

/** The parameters of one place by name, of the types that the document gives them, defaults filled in. */
interface ValidatedParameters {
  readonly values: Readonly<Record<string, ParameterValue>>;
  readonly findings: readonly Finding[];
}

/** A body without its read-only members, which are ignored as Azure Resource Manager ignores them. */
interface ValidatedBody {
  readonly value: unknown;
  /** Whether it had any: then it was an answer, edited. */
  readonly pasted: boolean;
  /** Every error in it. */
  readonly findings: readonly Finding[];
}

export interface Validator {
  /** Looks at a body that has been parsed; finds nothing where the operation takes none. Pointers go into the body. */
  validateBody(operationId: OperationId, value: unknown): ValidatedBody;
  /** `parameters` by name; names that the document does not have are left out. Pointers begin with `/path`. */
  validatePath(
    operationId: OperationId,
    parameters: Readonly<Record<string, string>>,
  ): ValidatedParameters;
  /** Refuses parameters that are unknown or given more than once. Pointers begin with `/query`. */
  validateQuery(operationId: OperationId, query: URLSearchParams): ValidatedParameters;
  /** Headers that the document does not have are left out. Pointers begin with `/headers`. */
  validateHeaders(
    operationId: OperationId,
    headers: { get(name: string): string | null },
  ): ValidatedParameters;
}

/** Validates against the document's own schemas, each compiled when it is first needed. */
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
      // The document's references begin at its root: `components` stands beside each schema for them to resolve.
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
    // Own entries only, and no prototype: a parameter may be called `constructor` or `__proto__`.
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

  /** The schema that has a body's names: of a merge patch, that of what it patches. */
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
    validateBody(operationId, value) {
      const { bodySchema } = document.operation(operationId);
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
        operationId,
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
  // Not recursive: a caller other than readJsonBody may not have bounded the depth.
  const pending: unknown[] = [value];
  for (let count = 0; pending.length > 0; count++) {
    if (count + pending.length > limit) return true;
    const next = pending.pop();
    if (typeof next === "object" && next !== null)
      for (const child of Object.values(next)) pending.push(child);
  }
  return false;
}

/** Text as the type that the schema wants; left as it is where it is not that, for the schema to refuse. */
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

/** ajv as OpenAPI 3.0 and the document need it: every mistake, the own keywords and formats known, all others refused. */
export function createAjv(): Ajv {
  // allErrors is safe as long as what is validated is bounded (MAX_VALUES). The schemas are the document's, which is validated
  // before it is built (`npm run contracts`): to do it here would cost the first request a tenth of its time.
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: true,
    validateSchema: false,
  });
  ajvFormats.default(ajv);
  // OpenAPI 3.0's own keywords, which say nothing of validity, and the document's extensions.
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

/** RFC 3339, 5.6, `full-date` or `date-time`, as far as Date can hold it: Date rolls 30 February on and knows no leap second. */
export function isDateOrDateTime(text: string): boolean {
  const date = DATE_OR_DATE_TIME.exec(text)?.[1];
  if (date === undefined || Number.isNaN(Date.parse(text.toUpperCase()))) return false;
  const midnight = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(date);
}

/** ARM holds each part of a version name in 31 bits. What the pattern refuses already passes here: one finding is enough. */
function isImageVersionName(text: string): boolean {
  const parts = text.split(".");
  return (
    !parts.every((part) => /^\d{1,10}$/u.test(part)) ||
    parts.every((part) => Number(part) < 2 ** 31)
  );
}
