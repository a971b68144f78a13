import { readFile } from "node:fs/promises";
import type { QueueSettings } from "./broker/delivery.js";
import {
  ConfigurationError,
  describe,
  type ConfigurationObject,
  ConfigurationObject as Reader,
} from "./configuration-reader.js";
import { DEFAULT_RULE, type Rule, type RuleFilter } from "./filter/rule.js";
import { createSqlFilter } from "./filter/sql-filter.js";
import { SqlFilterError } from "./filter/sql-tokens.js";
import type { FilterValue } from "./filter/value.js";

export { ConfigurationError };

export interface QueueConfiguration {
  readonly name: string;
  readonly settings: QueueSettings;
}

export interface SubscriptionConfiguration extends QueueConfiguration {
  /** Without any, the one that takes everything. */
  readonly rules: readonly Rule[];
}

export interface TopicConfiguration extends QueueConfiguration {
  readonly subscriptions: readonly SubscriptionConfiguration[];
}

/** The entities of a namespace. */
export interface EntityConfiguration {
  readonly queues: readonly QueueConfiguration[];
  readonly topics: readonly TopicConfiguration[];
}

/** The parts of Microsoft's emulator configuration file that this emulator reads. */
export interface EmulatorConfiguration extends EntityConfiguration {
  readonly namespace: string;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
const QUEUE_PROPERTIES = [
  "DeadLetteringOnMessageExpiration",
  "DefaultMessageTimeToLive",
  "DuplicateDetectionHistoryTimeWindow",
  "ForwardDeadLetteredMessagesTo",
  "ForwardTo",
  "LockDuration",
  "MaxDeliveryCount",
  "RequiresDuplicateDetection",
  "RequiresSession",
];
const SUBSCRIPTION_PROPERTIES = QUEUE_PROPERTIES.filter((name) => !name.includes("Duplicate"));
/** Only in a client's request. */
const DEFAULT_RULE_PROPERTY = "DefaultRuleDescription";
const TOPIC_PROPERTIES = [
  "DefaultMessageTimeToLive",
  "DuplicateDetectionHistoryTimeWindow",
  "RequiresDuplicateDetection",
];
/** The system properties of a correlation filter, as the file names them and as messages do. */
const CORRELATION_PROPERTIES: Readonly<Record<string, string>> = {
  ContentType: "contenttype",
  CorrelationId: "correlationid",
  Label: "label",
  Subject: "label",
  MessageId: "messageid",
  ReplyTo: "replyto",
  ReplyToSessionId: "replytosessionid",
  SessionId: "sessionid",
  To: "to",
};

/** Reads a configuration file; an error names the file and the path inside it. */
export async function readEmulatorConfiguration(file: string): Promise<EmulatorConfiguration> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new Error(`Cannot read the configuration ${file}: ${reason(error)}`, {
      cause: error,
    });
  }
  try {
    return parseEmulatorConfiguration(JSON.parse(text) as unknown);
  } catch (error) {
    throw new Error(`Invalid configuration ${file}: ${reason(error)}`, {
      cause: error,
    });
  }
}

/** The configuration in a parsed JSON file; throws ConfigurationError naming the path of what is wrong. */
export function parseEmulatorConfiguration(json: unknown): EmulatorConfiguration {
  const root = new Reader("$", json, ["UserConfig"]);
  const userConfig = root.object("UserConfig", ["Namespaces", "Logging"]);
  const namespaces = userConfig.objects("Namespaces", ["Name", "Queues", "Topics"]);
  const [namespace] = namespaces;
  if (namespace === undefined || namespaces.length > 1)
    throw new ConfigurationError(
      userConfig.pathOf("Namespaces"),
      `expected exactly one namespace, got ${namespaces.length}`,
    );
  const names = new UniqueNames();
  const queues = namespace.objects("Queues", ["Name", "Properties"]).map((queue) => ({
    name: names.take(queue),
    settings: readSettings(queue.optionalObject("Properties", QUEUE_PROPERTIES)),
  }));
  const topics = namespace
    .objects("Topics", ["Name", "Properties", "Subscriptions"])
    .map((topic) => readTopic(topic, names.take(topic)));
  return { namespace: namespace.text("Name"), queues, topics };
}

function readTopic(topic: ConfigurationObject, name: string): TopicConfiguration {
  const names = new UniqueNames();
  return {
    name,
    settings: readSettings(topic.optionalObject("Properties", TOPIC_PROPERTIES)),
    subscriptions: topic
      .objects("Subscriptions", ["Name", "Properties", "Rules"])
      .map((subscription) => ({
        name: names.take(subscription),
        settings: readSettings(subscription.optionalObject("Properties", SUBSCRIPTION_PROPERTIES)),
        rules: readRules(subscription),
      })),
  };
}

/** A subscription as a client asks for it: the properties of the file, and one rule. Throws ConfigurationError. */
export function parseSubscription(
  name: string,
  properties: Readonly<Record<string, unknown>>,
): SubscriptionConfiguration {
  const reader = new Reader("$", properties, [...SUBSCRIPTION_PROPERTIES, DEFAULT_RULE_PROPERTY]);
  const rule = reader.has(DEFAULT_RULE_PROPERTY)
    ? readDefaultRule(reader.object(DEFAULT_RULE_PROPERTY, ["Name", "Filter", "Action"]))
    : DEFAULT_RULE;
  return { name, settings: readSettings(reader), rules: [rule] };
}

function readSettings(properties: ConfigurationObject): QueueSettings {
  for (const key of ["ForwardTo", "ForwardDeadLetteredMessagesTo"])
    if (properties.has(key))
      throw new ConfigurationError(
        properties.pathOf(key),
        "forwarding is not supported by this emulator; leave it out",
      );
  const windowMs = properties.durationMs(
    "DuplicateDetectionHistoryTimeWindow",
    20 * SECOND_MS,
    7 * DAY_MS,
  );
  return {
    lockDurationMs: properties.durationMs("LockDuration", SECOND_MS, 5 * MINUTE_MS) ?? MINUTE_MS,
    maxDeliveryCount: properties.positiveInteger("MaxDeliveryCount", 10),
    defaultTimeToLiveMs: properties.durationMs("DefaultMessageTimeToLive", SECOND_MS, Infinity),
    deadLetteringOnExpiration: properties.boolean("DeadLetteringOnMessageExpiration"),
    duplicateWindowMs: properties.boolean("RequiresDuplicateDetection")
      ? (windowMs ?? 10 * MINUTE_MS)
      : undefined,
    requiresSession: properties.boolean("RequiresSession"),
  };
}

function readRules(subscription: ConfigurationObject): Rule[] {
  const rules = subscription.objects("Rules", ["Name", "Properties"]);
  if (rules.length === 0) return [DEFAULT_RULE];
  const names = new UniqueNames();
  return rules.map((rule) => {
    const name = names.take(rule);
    const properties = rule.object("Properties", [
      "FilterType",
      "CorrelationFilter",
      "SqlFilter",
      "Action",
    ]);
    refuseAction(properties.optionalObject("Action", ["SqlExpression"]));
    return { name, filter: readFilter(properties) };
  });
}

function refuseAction(action: ConfigurationObject): void {
  if (action.has("SqlExpression"))
    throw new ConfigurationError(
      action.pathOf("SqlExpression"),
      "rule actions are not supported by this emulator; leave it out",
    );
}

/** A rule as clients describe it, who say in the filter what it is. */
function readDefaultRule(rule: ConfigurationObject): Rule {
  if (rule.has("Action"))
    refuseAction(rule.object("Action", ["type", "SqlExpression", "Parameters"]));
  return { name: rule.text("Name"), filter: readTypedFilter(rule) };
}

function readTypedFilter(rule: ConfigurationObject): RuleFilter {
  const filter = rule.object("Filter", [
    "type",
    "SqlExpression",
    "Parameters",
    ...Object.keys(CORRELATION_PROPERTIES),
    "Properties",
  ]);
  if (filter.has("Parameters"))
    throw new ConfigurationError(
      filter.pathOf("Parameters"),
      "parameters are not supported by this emulator; write their values into the expression",
    );
  const type = filter.text("type");
  switch (type) {
    case "TrueFilter":
      return DEFAULT_RULE.filter;
    case "FalseFilter":
    case "SqlFilter":
      return readSqlFilter(filter);
    case "CorrelationFilter":
      return readCorrelationFilter(filter);
    default:
      throw new ConfigurationError(
        filter.pathOf("type"),
        `expected TrueFilter, FalseFilter, SqlFilter or CorrelationFilter, got ${describe(type)}`,
      );
  }
}

function readFilter(properties: ConfigurationObject): RuleFilter {
  const type = properties.text("FilterType");
  switch (type.toLowerCase()) {
    case "sql":
      return readSqlFilter(properties.object("SqlFilter", ["SqlExpression"]));
    case "correlation":
      return readCorrelationFilter(
        properties.object("CorrelationFilter", [
          ...Object.keys(CORRELATION_PROPERTIES),
          "Properties",
        ]),
      );
    default:
      throw new ConfigurationError(
        properties.pathOf("FilterType"),
        `expected Correlation or Sql, got ${describe(type)}`,
      );
  }
}

function readSqlFilter(filter: ConfigurationObject): RuleFilter {
  const expression = filter.text("SqlExpression");
  try {
    createSqlFilter(expression);
    return { kind: "sql", expression };
  } catch (error) {
    if (!(error instanceof SqlFilterError)) throw error;
    throw new ConfigurationError(filter.pathOf("SqlExpression"), error.message);
  }
}

function readCorrelationFilter(conditions: ConfigurationObject): RuleFilter {
  const system = new Map<string, string>();
  for (const [key, name] of Object.entries(CORRELATION_PROPERTIES))
    if (conditions.has(key)) system.set(name, conditions.text(key));
  const user = new Map<string, FilterValue>();
  if (conditions.has("Properties")) {
    const free = properties(conditions);
    for (const [key, value] of free.entries())
      user.set(key, correlationValue(free.pathOf(key), value));
  }
  if (system.size + user.size === 0)
    throw new ConfigurationError(conditions.path, "expected at least one condition");
  return { kind: "correlation", system, properties: user };
}

/** The application properties of a correlation filter, whose names are free. */
function properties(conditions: ConfigurationObject): ConfigurationObject {
  const [, value] = conditions.entries().find(([key]) => key === "Properties") ?? [];
  const known = typeof value === "object" && value !== null ? Object.keys(value) : [];
  return conditions.object("Properties", known);
}

function correlationValue(path: string, value: unknown): FilterValue {
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "bigint")
    return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  throw new ConfigurationError(
    path,
    `expected text, a number, true or false, got ${describe(value)}`,
  );
}

/** Names of siblings, which compare without case and may come once. */
class UniqueNames {
  readonly #taken = new Set<string>();

  take(entity: ConfigurationObject): string {
    const name = entity.text("Name");
    if (this.#taken.has(name.toLowerCase()))
      throw new ConfigurationError(entity.pathOf("Name"), `${describe(name)} exists already`);
    this.#taken.add(name.toLowerCase());
    return name;
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
