import { readFileSync } from "node:fs";
import type { OpenAPIV3 } from "openapi-types";
import type { Role } from "../../authorization/roles.js";
import type { operations } from "../../generated/openapi.js";

/** The name of an operation in the document. */
export type OperationId = keyof operations;

/** One operation of the document, with resolved references of its parameters. */
interface DocumentedOperation {
  readonly operationId: OperationId;
  readonly method: Uppercase<(typeof METHODS)[number]>;
  /** As in the document, with parameter names in braces. */
  readonly path: string;
  /** The path with the document's base before it. */
  readonly route: string;
  readonly parameters: readonly OpenAPIV3.ParameterObject[];
  /** The schema of its JSON body; undefined: it takes none. */
  readonly bodySchema: OpenAPIV3.SchemaObject | undefined;
  /** The schema of a body that is a JSON merge patch; undefined: as `bodySchema`. */
  readonly patchSchema: OpenAPIV3.SchemaObject | undefined;
  /** Whether it needs a body, and the accepted media types. */
  readonly body: {
    readonly required: boolean;
    readonly mediaTypes: readonly string[];
  };
  /** The role that its callers need (`x-required-role`); undefined: open (`security: []`). */
  readonly requiredRole: Role | undefined;
}

export interface OpenApiDocument {
  readonly content: OpenAPIV3.Document;
  readonly operations: readonly DocumentedOperation[];
  /** Throws a TypeError if the document has no such operation. */
  operation(operationId: OperationId): DocumentedOperation;
  /** The documented methods, in upper case, for a request's path; empty: unknown path. */
  allowedMethods(pathname: string): readonly string[];
}

/** RFC 7396. */
export const MERGE_PATCH = "application/merge-patch+json";

const METHODS = ["get", "put", "post", "patch", "delete", "head", "options", "trace"] as const;

/**
 * Reads the OpenAPI document once, as JSON from the build. Everything that validates is derived
 * from it.
 */
export function loadOpenApiDocument(file: URL): OpenApiDocument {
  return createOpenApiDocument(JSON.parse(readFileSync(file, "utf8")) as OpenAPIV3.Document);
}

export function createOpenApiDocument(content: OpenAPIV3.Document): OpenApiDocument {
  const known = new Map<string, DocumentedOperation>();
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  const base = content.servers?.[0]?.url ?? "";
  for (const [template, item] of Object.entries(content.paths)) {
    if (item === undefined) continue;
    const methods = METHODS.filter((method) => item[method] !== undefined);
    routes.push({
      pattern: pathPattern(base + template),
      methods: methods.map((method) => method.toUpperCase()),
    });
    for (const method of methods) {
      const operation = item[method] as OpenAPIV3.OperationObject;
      if (operation.operationId === undefined)
        throw new TypeError(`${method} ${template} has no operationId.`);
      known.set(operation.operationId, {
        operationId: operation.operationId as OperationId,
        method: method.toUpperCase() as Uppercase<typeof method>,
        path: template,
        route: base + template,
        ...describe(content, item, operation),
      });
    }
  }
  return {
    content,
    operations: [...known.values()],
    operation(operationId) {
      const operation = known.get(operationId);
      if (operation === undefined)
        throw new TypeError(`The document has no operation ${operationId}.`);
      return operation;
    },
    allowedMethods: (pathname) =>
      routes.find(({ pattern }) => pattern.test(pathname))?.methods ?? [],
  };
}

/** Follows a `$ref` within the document; OpenAPI 3.0 ignores its siblings. */
export function resolve<T extends object>(
  content: OpenAPIV3.Document,
  value: T | OpenAPIV3.ReferenceObject,
): T {
  if (!("$ref" in value)) return value;
  let target: unknown = content;
  for (const segment of value.$ref.slice("#/".length).split("/"))
    target = (target as Record<string, unknown> | undefined)?.[segment];
  if (typeof target !== "object" || target === null)
    throw new TypeError(`${value.$ref} leads nowhere.`);
  return resolve(content, target as T | OpenAPIV3.ReferenceObject);
}

function describe(
  content: OpenAPIV3.Document,
  item: OpenAPIV3.PathItemObject,
  operation: OpenAPIV3.OperationObject,
): Pick<
  DocumentedOperation,
  "parameters" | "bodySchema" | "patchSchema" | "body" | "requiredRole"
> {
  const body = operation.requestBody && resolve(content, operation.requestBody);
  const schema = body?.content["application/json"]?.schema;
  const patch = body?.content[MERGE_PATCH]?.schema;
  const role = (operation as { "x-required-role"?: Role })["x-required-role"];
  // An operation is open only if the document says so, so that a forgotten role cannot open it.
  const isOpen = operation.security?.length === 0;
  if (role === undefined && !isOpen)
    throw new TypeError(`${operation.operationId} has neither x-required-role nor "security: []".`);
  return {
    parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((parameter) =>
      resolve(content, parameter),
    ),
    bodySchema: schema && resolve(content, schema),
    patchSchema: patch && resolve(content, patch),
    body: {
      required: body?.required ?? false,
      mediaTypes: Object.keys(body?.content ?? {}),
    },
    requiredRole: isOpen ? undefined : role,
  };
}

/** Ignores case and a slash at the end, as Azure Functions does. */
function pathPattern(template: string): RegExp {
  const source = template.replace(/[.*+?^$()|[\]\\]/gu, "\\$&").replace(/\{[^{}]+\}/gu, "[^/]+");
  return new RegExp(`^${source}/?$`, "iu");
}
