import type { DefinedError, ValidateFunction } from "ajv";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { createAjv } from "../../../src/http/contract/validation.js";
import { readAsyncApi } from "../../support/contracts.js";
import { content as openApi } from "../http/contract/document.js";

export const document = readAsyncApi("openapi", openApi);

/** The messages of one channel by the key that the channel gives them, references followed. */
export function messagesOf(
  channel: string,
): [string, (typeof document.components.messages)[string] & { schema: Schema }][] {
  return Object.entries(document.channels[channel]?.messages ?? {}).map(([key, { $ref }]) => {
    const message = document.components.messages[nameIn($ref)];
    const schema = message && document.components.schemas[nameIn(message.payload.$ref)];
    if (message === undefined || schema === undefined)
      throw new TypeError(`${channel} ${key} leads nowhere.`);
    return [key, { ...message, schema }];
  });
}

export interface Schema {
  readonly type?: unknown;
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
}

/** The `type` that an event's schema demands. */
export function typeIn(schema: Schema): unknown {
  return (schema.allOf ?? [])
    .map((part) => part.properties?.["type"]?.const)
    .find((type) => type !== undefined);
}

/** The schema of an event's `data`. */
export function dataOf(schema: Schema): Schema {
  const { $ref = "" } =
    (schema.allOf ?? []).find((part) => part.properties?.["data"])?.properties?.["data"] ?? {};
  const data = document.components.schemas[nameIn($ref)];
  if (data === undefined) throw new TypeError(`${$ref} leads nowhere.`);
  return data;
}

/** What keeps `event` from being one of the document's, in ajv's words; a property that the document lacks is a mistake. */
export function eventMistakes(event: CloudEvent): string[] {
  const check = checks().get(event.type);
  if (check === undefined) return [`type ${event.type} is not documented`];
  const envelope = (document.components.schemas["CloudEvent"] as Schema).properties;
  const unknown = Object.keys(event)
    .filter((name) => !(name in (envelope ?? {})))
    .map((name) => `/${name} is not documented`);
  if (check(event)) return unknown;
  return [
    ...unknown,
    ...(check.errors as DefinedError[]).map(
      ({ instancePath, message, params }) =>
        `${instancePath} ${message ?? ""} ${JSON.stringify(params)}`,
    ),
  ];
}

/** The event itself; throws where the document does not have it so. */
export function documented(event: CloudEvent): CloudEvent {
  const mistakes = eventMistakes(event);
  if (mistakes.length > 0)
    throw new Error(
      `an event is not as the document has it: ${mistakes.join("; ")}: ${JSON.stringify(event)}`,
    );
  return event;
}

let compiled: ReadonlyMap<unknown, ValidateFunction> | undefined;

function checks(): ReadonlyMap<unknown, ValidateFunction> {
  if (compiled !== undefined) return compiled;
  const ajv = createAjv();
  const components = {
    schemas: closed(document.components.schemas, partsOfOthers()),
  };
  return (compiled ??= new Map(
    messagesOf("imageVersionEvents").map(([, { payload, schema }]) => [
      typeIn(schema),
      ajv.compile({ ...payload, components }),
    ]),
  ));
}

/** Names of the schemas that stand in an `allOf`: each has only a part of what it describes. */
function partsOfOthers(): string[] {
  return Object.values(document.components.schemas).flatMap((schema) =>
    ((schema as Schema).allOf ?? []).flatMap(({ $ref }) =>
      $ref === undefined ? [] : [nameIn($ref)],
    ),
  );
}

/** The schemas without their tolerance: an object may have the properties that it is documented with, and no other. */
function closed(
  schemas: Readonly<Record<string, object>>,
  except: readonly string[],
): Record<string, unknown> {
  const close = (value: unknown, isPart: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => close(item, isPart));
    if (typeof value !== "object" || value === null) return value;
    const schema = Object.fromEntries(
      Object.entries(value).map(([name, child]) => [name, close(child, name === "allOf")]),
    );
    return "type" in schema &&
      schema["type"] === "object" &&
      "properties" in schema &&
      !("additionalProperties" in schema) &&
      !isPart
      ? { ...schema, additionalProperties: false }
      : schema;
  };
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, close(schema, except.includes(name))]),
  );
}

function nameIn(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}
