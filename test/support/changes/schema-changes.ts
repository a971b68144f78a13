/** Who writes what a schema describes: in a request the caller does, in a response the service. */
export type Direction = "request" | "response";

/** As much of a JSON Schema as is compared. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly "x-extensible-enum"?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly [keyword: string]: unknown;
}

/** Two versions of the same thing, each with the document that its references lead into. */
export interface Versions<T> {
  readonly before: T;
  readonly after: T;
  readonly beforeRoot: object;
  readonly afterRoot: object;
}

const UPPER = ["maximum", "maxLength", "maxItems", "maxProperties"];
const LOWER = ["minimum", "minLength", "minItems", "minProperties"];

/** What a change of a schema breaks, a sentence each; `place` begins every one. */
export function schemaChanges(
  versions: Versions<Schema>,
  direction: Direction,
  place: string,
  seen: ReadonlySet<string> = new Set(),
): string[] {
  const { beforeRoot, afterRoot } = versions;
  // A schema that contains itself has been compared already where it comes again.
  const pair = `${versions.before.$ref} ${versions.after.$ref}`;
  if (versions.before.$ref !== undefined && seen.has(pair)) return [];
  const known = new Set([...seen, pair]);
  const before = flat(versions.before, beforeRoot);
  const after = flat(versions.after, afterRoot);
  const below = (old: Schema | undefined, now: Schema | undefined, where: string): string[] =>
    old === undefined || now === undefined
      ? []
      : schemaChanges({ before: old, after: now, beforeRoot, afterRoot }, direction, where, known);
  return [
    ...typeChanges(before, after, direction).map((text) => `${place} ${text}`),
    ...valueChanges(before, after, direction).map((text) => `${place} ${text}`),
    ...(direction === "request"
      ? boundChanges(before, after).map((text) => `${place} ${text}`)
      : []),
    ...propertyChanges(before, after, direction).map(([name, text]) => `${place}/${name} ${text}`),
    ...Object.entries(before.properties ?? {}).flatMap(([name, schema]) =>
      below(schema, after.properties?.[name], `${place}/${name}`),
    ),
    ...below(before.items, after.items, `${place}/*`),
    ...below(
      schemaIn(before.additionalProperties),
      schemaIn(after.additionalProperties),
      `${place}/*`,
    ),
  ];
}

/** Follows `$ref` within a document. */
export function follow<T extends object>(value: T | { readonly $ref: string }, root: object): T {
  if (!("$ref" in value) || typeof value.$ref !== "string") return value as T;
  let target: unknown = root;
  for (const segment of value.$ref.slice("#/".length).split("/"))
    target = (target as Record<string, unknown> | undefined)?.[segment];
  if (typeof target !== "object" || target === null)
    throw new TypeError(`${value.$ref} leads nowhere.`);
  return follow(target as T, root);
}

/** The schema with its reference followed and the parts of its `allOf` in it. */
function flat(schema: Schema, root: object): Schema {
  const { allOf = [], ...own } = follow<Schema>(schema, root);
  return allOf
    .map((part) => flat(part, root))
    .reduce<Schema>(
      (whole, part) => ({
        ...whole,
        ...part,
        properties: merged(whole.properties, part.properties),
        required: [...(whole.required ?? []), ...(part.required ?? [])],
      }),
      own,
    );
}

/** Of a property that several parts describe, all that they say of it. */
function merged(
  first: Schema["properties"] = {},
  second: Schema["properties"] = {},
): Record<string, Schema> {
  const all: Record<string, Schema> = { ...first };
  for (const [name, schema] of Object.entries(second)) {
    const before = all[name];
    all[name] = before === undefined ? schema : { allOf: [before, schema] };
  }
  return all;
}

function typeChanges(before: Schema, after: Schema, direction: Direction): string[] {
  const widened =
    direction === "request"
      ? before.type === "integer" && after.type === "number"
      : before.type === "number" && after.type === "integer";
  const changes: string[] = [];
  if (before.type !== after.type && !widened)
    changes.push(`was of type ${before.type ?? "any"} and is of type ${after.type ?? "any"}`);
  for (const keyword of ["anyOf", "oneOf"] as const)
    if (text(before[keyword]) !== text(after[keyword])) changes.push(`has another ${keyword}`);
  return changes;
}

function valueChanges(before: Schema, after: Schema, direction: Direction): string[] {
  const changes: string[] = [];
  const [old, now] = [valuesOf(before), valuesOf(after)];
  const known = [...(old ?? []), ...(before["x-extensible-enum"] ?? [])];
  const still = now ?? after["x-extensible-enum"];
  if (still !== undefined)
    for (const value of known) if (!still.includes(value)) changes.push(`lacks ${text(value)}`);
  if (direction === "request") {
    if (old === undefined && now !== undefined)
      changes.push(`takes ${now.map(text).join(", ")} alone`);
    if (text(before.default) !== text(after.default))
      changes.push(
        `is ${text(after.default)} where it is left out, and was ${text(before.default)}`,
      );
  } else if (old !== undefined) {
    if (now === undefined) changes.push("may have any value");
    else
      for (const value of now)
        if (!old.includes(value)) changes.push(`may be ${text(value)}, which no caller knows`);
  }
  return changes;
}

function boundChanges(before: Schema, after: Schema): string[] {
  const changes: string[] = [];
  const number = (schema: Schema, keyword: string, none: number): number =>
    typeof schema[keyword] === "number" ? schema[keyword] : none;
  for (const keyword of UPPER)
    if (number(after, keyword, Infinity) < number(before, keyword, Infinity))
      changes.push(`has ${keyword} ${number(after, keyword, 0)}`);
  for (const keyword of LOWER)
    if (number(after, keyword, -Infinity) > number(before, keyword, -Infinity))
      changes.push(`has ${keyword} ${number(after, keyword, 0)}`);
  for (const keyword of ["pattern", "format"] as const)
    if (after[keyword] !== undefined && after[keyword] !== before[keyword])
      changes.push(`has another ${keyword}`);
  if (after.additionalProperties === false && before.additionalProperties !== false)
    changes.push("takes no further properties");
  return changes;
}

function propertyChanges(
  before: Schema,
  after: Schema,
  direction: Direction,
): (readonly [name: string, change: string])[] {
  const gone = Object.keys(before.properties ?? {})
    .filter((name) => after.properties?.[name] === undefined)
    .map((name) => [name, "is gone"] as const);
  const [from, to, change] =
    direction === "request"
      ? ([before, after, "is required"] as const)
      : ([after, before, "is no longer always there"] as const);
  const turned = (to.required ?? [])
    .filter((name) => !(from.required ?? []).includes(name))
    .filter((name) => !gone.some(([lost]) => lost === name))
    .map((name) => [name, change] as const);
  return [...gone, ...turned];
}

function valuesOf(schema: Schema): readonly unknown[] | undefined {
  return schema.const === undefined ? schema.enum : [schema.const];
}

function schemaIn(value: Schema["additionalProperties"]): Schema | undefined {
  return typeof value === "object" ? value : undefined;
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
