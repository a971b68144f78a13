import type { Rules } from "../broker/rules.js";
import type { Rule, RuleFilter } from "../filter/rule.js";
import type { FilterValue } from "../filter/value.js";
import { CONDITION, entityNotFound } from "./errors.js";
import {
  failed,
  notAllowed,
  ok,
  textField,
  type Fields,
  type Operation,
  type Operations,
  type Response,
} from "./operations.js";
import { types, type Typed } from "./rhea.js";
import { mapEntries, toFilterValue, toInteger, toText } from "./typed.js";

/** Descriptors of a rule and of what is in it. */
const DESCRIPTOR = {
  rule: 0x137_0000_0004,
  noAction: 0x137_0000_0005,
  sqlFilter: 0x13_7000_0006,
  trueFilter: 0x13_7000_0007,
  correlationFilter: 0x13_7000_0009,
} as const;
/** A correlation filter's conditions on system properties: as requests and filters name them, in the order of answers. */
const CONDITIONS = [
  ["correlation-id", "correlationid"],
  ["message-id", "messageid"],
  ["to", "to"],
  ["reply-to", "replyto"],
  ["label", "label"],
  ["session-id", "sessionid"],
  ["reply-to-session-id", "replytosessionid"],
  ["content-type", "contenttype"],
] as const;

/** The operations of `$management` on the rules of a subscription. */
export const RULE_OPERATIONS: Operations = {
  "add-rule": ofSubscription((rules, fields) => {
    const name = textField(fields, "rule-name");
    const description = mapEntries(fields.get("rule-description"));
    const action = mapEntries(description.get("sql-rule-action"));
    if (toText(action.get("expression"))) return notAllowed("This emulator has no rule actions.");
    if (!rules.add({ name, filter: readFilter(description) }))
      return failed(409, {
        condition: CONDITION.entityAlreadyExists,
        description: `The rule '${name}' exists already.`,
      });
    return ok({});
  }),
  "remove-rule": ofSubscription((rules, fields) => {
    const name = textField(fields, "rule-name");
    return rules.remove(name) ? ok({}) : failed(404, entityNotFound(name));
  }),
  "enumerate-rules": ofSubscription((rules, fields) => {
    const skip = toInteger(fields.get("skip")) ?? 0;
    const top = toInteger(fields.get("top")) ?? Infinity;
    const page = rules.list().slice(skip, skip + top);
    if (page.length === 0) return { code: 204 };
    return ok({
      rules: page.map((rule) => ({ "rule-description": writeRule(rule) })),
    });
  }),
};

function ofSubscription(operation: (rules: Rules, fields: Fields) => Response): Operation {
  return (entity, fields) =>
    entity.kind === "subscription"
      ? operation(entity.rules, fields)
      : notAllowed("Only subscriptions have rules.");
}

function readFilter(description: ReadonlyMap<string, Typed>): RuleFilter {
  const sql = mapEntries(description.get("sql-filter"));
  const expression = toText(sql.get("expression"));
  if (expression !== undefined) return { kind: "sql", expression };
  const given = mapEntries(description.get("correlation-filter"));
  const system = new Map<string, string>();
  for (const [field, name] of CONDITIONS) {
    const value = toText(given.get(field));
    if (value !== undefined) system.set(name, value);
  }
  const properties = new Map<string, FilterValue>();
  for (const [name, typed] of mapEntries(given.get("properties"))) {
    const value = toFilterValue(typed);
    if (value === undefined)
      throw new Error(`the property ${name} has a value that is not compared`);
    properties.set(name, value);
  }
  if (system.size + properties.size === 0)
    throw new Error(
      "a rule needs a SQL filter, or a correlation filter with at least one condition",
    );
  return { kind: "correlation", system, properties };
}

function writeRule({ name, filter }: Rule): Typed {
  return described(DESCRIPTOR.rule, [
    writeFilter(filter),
    described(DESCRIPTOR.noAction, []),
    types.wrap_string(name),
  ]);
}

function writeFilter(filter: RuleFilter): Typed {
  switch (filter.kind) {
    case "true":
      return described(DESCRIPTOR.trueFilter, []);
    case "sql":
      return described(DESCRIPTOR.sqlFilter, [types.wrap_string(filter.expression)]);
    case "correlation": {
      const { system, properties } = filter;
      return described(DESCRIPTOR.correlationFilter, [
        ...CONDITIONS.map(([, name]) => {
          const value = system.get(name);
          return value === undefined ? types.Null() : types.wrap_string(value);
        }),
        types.wrap_map(
          Object.fromEntries([...properties].map(([key, value]) => [key, writeValue(value)])),
        ),
      ]);
    }
  }
}

function writeValue(value: FilterValue): Typed {
  switch (typeof value) {
    case "bigint": {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(value);
      return types.wrap_long(bytes);
    }
    case "number":
      return types.wrap_double(value);
    default:
      return types.wrap(value);
  }
}

function described(descriptor: number, fields: readonly Typed[]): Typed {
  return types.described(types.wrap_ulong(descriptor), types.wrap_list(fields));
}
