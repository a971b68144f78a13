export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** What is written, or why it is no JSON. */
export function parseJson(
  text: string,
): { readonly value: unknown } | { readonly mistake: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { mistake: `It is no JSON: ${(error as Error).message}` };
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member as an object; an empty one where it is none. */
export function objectIn(value: unknown, name: string): JsonObject {
  const member = isObject(value) ? value[name] : undefined;
  return isObject(member) ? member : {};
}

export function listIn(value: unknown, name: string): readonly JsonObject[] {
  const member = isObject(value) ? value[name] : undefined;
  return Array.isArray(member) ? (member as Json[]).filter(isObject) : [];
}

export function textIn(value: unknown, name: string): string {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === "string" || typeof member === "number" ? String(member) : "";
}

export function textsIn(value: unknown, name: string): readonly string[] {
  const member = isObject(value) ? value[name] : undefined;
  return Array.isArray(member) ? (member as Json[]).filter((item) => typeof item === "string") : [];
}

export function without(object: JsonObject, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

/** The names in a JSON Pointer (RFC 6901). */
export function segmentsOf(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function segment(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** What is at a pointer that leads through objects. */
export function at(value: unknown, pointer: string): Json | undefined {
  return segmentsOf(pointer).reduce<unknown>(
    (whole, name) => (isObject(whole) ? whole[name] : undefined),
    value,
  ) as Json | undefined;
}

/** With this member at the pointer, and without objects that have nothing left. */
export function put(value: JsonObject, pointer: string, member: Json | undefined): JsonObject {
  const [name = "", ...rest] = segmentsOf(pointer);
  const inner = rest.map((each) => `/${segment(each)}`).join("");
  return compact({
    ...value,
    [name]: inner === "" ? member : put(objectIn(value, name), inner, member),
  });
}

/** Without members that are undefined, and without objects that have nothing left. */
export function compact(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter(
      (entry): entry is [string, Json] =>
        entry[1] !== undefined && !(isObject(entry[1]) && Object.keys(entry[1]).length === 0),
    ),
  );
}

export function orUndefined<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Names that are separated by commas. */
export function namesIn(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

export function numberOf(text: string): Json | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  // What is no number is sent as it is: the service says what is wrong with it.
  return Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

/** Undefined where none has a name. */
export function tagsOf(
  tags: readonly { readonly name: string; readonly value: string }[],
): JsonObject | undefined {
  const named = tags.filter(({ name }) => name !== "");
  return named.length === 0
    ? undefined
    : Object.fromEntries(named.map(({ name, value }) => [name, value]));
}
