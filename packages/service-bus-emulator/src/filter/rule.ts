import { createCorrelationFilter } from "./correlation-filter.js";
import { createSqlFilter } from "./sql-filter.js";
import type { Filter, FilterValue } from "./value.js";

/** A filter as it was written: what a client that lists the rules is shown. */
export type RuleFilter =
  | { readonly kind: "true" }
  | { readonly kind: "sql"; readonly expression: string }
  | {
      readonly kind: "correlation";
      /** By lower-case name of the system property. */
      readonly system: ReadonlyMap<string, string>;
      /** Application properties, by name. */
      readonly properties: ReadonlyMap<string, FilterValue>;
    };

export interface Rule {
  readonly name: string;
  readonly filter: RuleFilter;
}

/** The rule that a subscription is created with. */
export const DEFAULT_RULE: Rule = {
  name: "$Default",
  filter: { kind: "true" },
};

/** The predicate of a rule; throws SqlFilterError for an invalid expression. */
export function createFilter(filter: RuleFilter): Filter {
  switch (filter.kind) {
    case "true":
      return () => true;
    case "sql":
      return createSqlFilter(filter.expression);
    case "correlation":
      return createCorrelationFilter({
        system: filter.system,
        user: new Map([...filter.properties].map(([name, value]) => [name.toLowerCase(), value])),
      });
  }
}
