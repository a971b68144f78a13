import type { OpenAPIV3 } from "openapi-types";
import {
  follow,
  schemaChanges,
  type Direction,
  type Schema,
  type Versions,
} from "./schema-changes.js";

type Operation = OpenAPIV3.OperationObject & { "x-required-role"?: string };
type Bodies = Readonly<Record<string, OpenAPIV3.MediaTypeObject>>;

const METHODS = ["get", "put", "post", "patch", "delete", "head"] as const;

/** What callers of the API of `before` would no longer find in that of `after`, a sentence each. */
export function openApiChanges(before: OpenAPIV3.Document, after: OpenAPIV3.Document): string[] {
  return Object.entries(before.paths).flatMap(([path, item = {}]) =>
    METHODS.flatMap((method) => {
      const old = item[method];
      if (old === undefined) return [];
      const place = `${method.toUpperCase()} ${path}`;
      const now = after.paths[path]?.[method];
      if (now === undefined) return [`${place} is gone`];
      return operationChanges(
        {
          before: withParameters(old, item),
          after: withParameters(now, after.paths[path] ?? {}),
          beforeRoot: before,
          afterRoot: after,
        },
        place,
      );
    }),
  );
}

function withParameters(
  operation: OpenAPIV3.OperationObject,
  item: OpenAPIV3.PathItemObject,
): Operation {
  return {
    ...operation,
    parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])],
  };
}

function operationChanges(versions: Versions<Operation>, place: string): string[] {
  const { before, after } = versions;
  const changes: string[] = [];
  // Generated clients name their functions so.
  if (before.operationId !== after.operationId)
    changes.push(`${place} is called ${after.operationId}`);
  const [was, is] = [roleOf(before), roleOf(after)];
  if (is !== undefined && is !== was)
    changes.push(`${place} needs the role ${is}, not ${was ?? "none"}`);
  return [
    ...changes,
    ...parameterChanges(versions, place),
    ...requestBodyChanges(versions, place),
    ...responseChanges(versions, place),
  ];
}

function roleOf(operation: Operation): string | undefined {
  return operation.security?.length === 0 ? undefined : operation["x-required-role"];
}

function parameterChanges(
  { before, after, beforeRoot, afterRoot }: Versions<Operation>,
  place: string,
): string[] {
  const parameters = (operation: Operation, root: object): Map<string, OpenAPIV3.ParameterObject> =>
    new Map(
      (operation.parameters ?? []).map((parameter) => {
        const found = follow<OpenAPIV3.ParameterObject>(parameter, root);
        return [`${found.in} ${found.name}`, found];
      }),
    );
  const [old, now] = [parameters(before, beforeRoot), parameters(after, afterRoot)];
  return [
    ...[...old].flatMap(([key, parameter]) => {
      const kept = now.get(key);
      if (kept === undefined) return [`${place}: ${key} is gone`];
      return schemaChanges(
        {
          before: (parameter.schema ?? {}) as Schema,
          after: (kept.schema ?? {}) as Schema,
          beforeRoot,
          afterRoot,
        },
        "request",
        `${place}: ${key}`,
      );
    }),
    ...[...now]
      .filter(([key, { required }]) => required && !old.get(key)?.required)
      .map(([key]) => `${place}: ${key} is required`),
  ];
}

function requestBodyChanges(
  { before, after, beforeRoot, afterRoot }: Versions<Operation>,
  place: string,
): string[] {
  const [old, now] = [
    before.requestBody && follow<OpenAPIV3.RequestBodyObject>(before.requestBody, beforeRoot),
    after.requestBody && follow<OpenAPIV3.RequestBodyObject>(after.requestBody, afterRoot),
  ];
  return [
    ...(now?.required && !old?.required ? [`${place}: the body is required`] : []),
    ...bodyChanges(
      {
        before: old?.content ?? {},
        after: now?.content ?? {},
        beforeRoot,
        afterRoot,
      },
      "request",
      `${place}: body`,
    ),
  ];
}

function responseChanges(
  { before, after, beforeRoot, afterRoot }: Versions<Operation>,
  place: string,
): string[] {
  return Object.entries(before.responses).flatMap(([status, response]) => {
    const where = `${place}: ${status}`;
    const kept = after.responses[status];
    if (kept === undefined) return [`${where} is gone`];
    const old = follow<OpenAPIV3.ResponseObject>(response, beforeRoot);
    const now = follow<OpenAPIV3.ResponseObject>(kept, afterRoot);
    return [
      ...headerChanges({ before: old, after: now, beforeRoot, afterRoot }, where),
      ...bodyChanges(
        {
          before: old.content ?? {},
          after: now.content ?? {},
          beforeRoot,
          afterRoot,
        },
        "response",
        `${where} body`,
      ),
    ];
  });
}

function headerChanges(
  { before, after, beforeRoot, afterRoot }: Versions<OpenAPIV3.ResponseObject>,
  place: string,
): string[] {
  return Object.entries(before.headers ?? {}).flatMap(([name, header]) => {
    const kept = after.headers?.[name];
    if (kept === undefined) return [`${place}: header ${name} is gone`];
    const old = follow<OpenAPIV3.HeaderObject>(header, beforeRoot);
    const now = follow<OpenAPIV3.HeaderObject>(kept, afterRoot);
    return [
      ...(old.required && !now.required
        ? [`${place}: header ${name} is no longer always there`]
        : []),
      ...schemaChanges(
        {
          before: (old.schema ?? {}) as Schema,
          after: (now.schema ?? {}) as Schema,
          beforeRoot,
          afterRoot,
        },
        "response",
        `${place}: header ${name}`,
      ),
    ];
  });
}

function bodyChanges(
  { before, after, beforeRoot, afterRoot }: Versions<Bodies>,
  direction: Direction,
  place: string,
): string[] {
  return Object.entries(before).flatMap(([mediaType, { schema = {} }]) => {
    const kept = after[mediaType];
    if (kept === undefined) return [`${place}: ${mediaType} is gone`];
    return schemaChanges(
      {
        before: schema as Schema,
        after: (kept.schema ?? {}) as Schema,
        beforeRoot,
        afterRoot,
      },
      direction,
      place,
    );
  });
}
