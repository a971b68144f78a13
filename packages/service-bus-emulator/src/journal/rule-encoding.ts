import type { Rule, RuleFilter } from "../filter/rule.js";
import type { FilterValue } from "../filter/value.js";

/** An integer is text in an object, since JSON has one kind of number. */
type StoredValue = string | number | boolean | { readonly integer: string };

export interface StoredRule {
  readonly name: string;
  readonly sql?: string;
  readonly system?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, StoredValue>>;
}

/** A rule as JSON; one without sql, system and properties takes everything. */
export function encodeRule({ name, filter }: Rule): StoredRule {
  switch (filter.kind) {
    case "true":
      return { name };
    case "sql":
      return { name, sql: filter.expression };
    case "correlation":
      return {
        name,
        system: Object.fromEntries(filter.system),
        properties: Object.fromEntries(
          [...filter.properties].map(([key, value]) => [key, encodeValue(value)]),
        ),
      };
  }
}

export function decodeRule(stored: StoredRule): Rule {
  return { name: stored.name, filter: decodeFilter(stored) };
}

function decodeFilter({ sql, system, properties }: StoredRule): RuleFilter {
  if (sql !== undefined) return { kind: "sql", expression: sql };
  if (system === undefined) return { kind: "true" };
  return {
    kind: "correlation",
    system: new Map(Object.entries(system)),
    properties: new Map(
      Object.entries(properties ?? {}).map(([key, value]) => [
        key,
        typeof value === "object" ? BigInt(value.integer) : value,
      ]),
    ),
  };
}

function encodeValue(value: FilterValue): StoredValue {
  return typeof value === "bigint" ? { integer: value.toString() } : (value ?? "");
}
