import fc from "fast-check";

/** Texts that have broken a service before: ways up a path, other alphabets, ends of strings and lines, other syntaxes. */
export const HOSTILE_TEXTS = [
  "",
  " ",
  ".",
  "..",
  "../../admin",
  "..%2f..",
  "%252e%252e%252f",
  "a/b",
  "a\\b",
  "a\0b",
  "a\r\nX-Injected: 1",
  "\u017F",
  "\u212A",
  "\uFF0E\uFF0E",
  "\u202Etxt",
  "\u200B",
  "\u0661.\u0660.\u0660",
  "e\u0301",
  "\uD83D\uDE80",
  "__proto__",
  "constructor",
  "toString",
  "https://evil.invalid/",
  "//evil.invalid/",
  "@evil.invalid",
  "' or 1 eq 1",
  "PartitionKey eq 'x'",
  "${jndi:ldap://evil.invalid}",
  "{{7*7}}",
  "<script>alert(1)</script>",
  "-1",
  "1e999",
  "0x10",
  "9".repeat(40),
  "x".repeat(3_000),
  "1.0.0\n",
  "01.0.0",
  "2147483648.0.0",
] as const;

export const hostileText = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  // Any code units, halves of surrogate pairs among them.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
    .map((units) => String.fromCharCode(...units)),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);

/** Any JSON value that is likely to be another than what is expected. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -0,
    -1,
    0.5,
    1e21,
    Number.MAX_SAFE_INTEGER + 2,
    [],
    {},
    [[]],
    [null],
    { toString: null },
    { toString: null, valueOf: 1, length: 3, then: null },
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

interface Change {
  readonly where: number;
  readonly how: "remove" | "replace" | "add" | "repeat" | "wrap" | "rename";
  readonly name: string;
  readonly value: unknown;
}

const changes: fc.Arbitrary<Change> = fc.record({
  where: fc.nat(),
  how: fc.constantFrom("remove", "replace", "add", "repeat", "wrap", "rename"),
  name: fc.oneof(fc.constantFrom("id", "properties", "Location", "encryption", "lun"), hostileText),
  value: hostileValue,
});

/** Values that differ from those of `values` in a few places. */
export function nearly(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(values, fc.array(changes, { minLength: 1, maxLength: 3 }))
    .map(([value, list]) => list.reduce(change, structuredClone(value)));
}

/** Places are the entries of all objects and arrays, counted in their order; `where` picks one of them. */
function change(root: unknown, { where, how, name, ...given }: Change): unknown {
  // A copy: what one change puts in, another may change.
  const value = structuredClone(given.value);
  const places = placesIn(root);
  const place = places[where % Math.max(1, places.length)];
  if (place === undefined) return value;
  const { parent, key } = place;
  if (Array.isArray(parent)) {
    const index = Number(key);
    if (how === "remove") parent.splice(index, 1);
    else if (how === "repeat") parent.push(parent[index]);
    else parent[index] = how === "wrap" ? [parent[index]] : value;
    return root;
  }
  const record = parent as Record<string, unknown>;
  const old = record[key];
  if (how === "remove" || how === "rename") delete record[key];
  if (how === "replace") record[key] = value;
  if (how === "wrap") record[key] = { [name]: old };
  if (how === "repeat") record[key] = [old, old];
  if (how === "add" || how === "rename")
    // Not by assignment: `__proto__` shall be a property like any other.
    Object.defineProperty(record, name, {
      value: how === "add" ? value : old,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return root;
}

function placesIn(value: unknown): { parent: object; key: string }[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [
    { parent: value, key },
    ...placesIn(child),
  ]);
}
