/** Descriptions of subscriptions as Atom entries, which is how Service Bus has them. */
import { parseDurationMs } from "../duration.js";

export interface Description {
  /** As a configuration file has them. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Infinity where it is not deleted by itself. */
  readonly idleMs: number;
  /** Its elements, as they came. */
  readonly text: string;
}

interface Element {
  readonly name: string;
  /** The value of `xsi:type`; the prefixes are each client's own. */
  readonly type: string | undefined;
  /** What is in it, as it came. */
  readonly content: string;
}

/** An element that contains none of its own name, or nothing at all. */
const ELEMENT = /<(\w+)([^>]*?)(?:\/>|>([^]*?)<\/\1>)/gu;
const ENTITY = /&(?:#x([\dA-Fa-f]+)|#(\d+)|(\w+));/gu;
const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};
/** Members that the emulator ignores. */
const IGNORED = new Set([
  "DeadLetteringOnFilterEvaluationExceptions",
  "EnableBatchedOperations",
  "EntityAvailabilityStatus",
  "Status",
  "UserMetadata",
]);
const DEFAULTS: Readonly<Record<string, string>> = {
  LockDuration: "PT1M",
  RequiresSession: "false",
  DefaultMessageTimeToLive: "P10675199DT2H48M5.4775807S",
  DeadLetteringOnMessageExpiration: "false",
  DeadLetteringOnFilterEvaluationExceptions: "false",
  MaxDeliveryCount: "10",
  EnableBatchedOperations: "true",
  Status: "Active",
  AutoDeleteOnIdle: "P10675199DT2H48M5.4775807S",
  EntityAvailabilityStatus: "Available",
};

export function readDescription(xml: string): Description {
  const [, text = ""] =
    /<SubscriptionDescription[^>]*>([^]*)<\/SubscriptionDescription>/u.exec(xml) ?? [];
  const elements = elementsOf(text);
  const idle = elements.find(({ name }) => name === "AutoDeleteOnIdle");
  return {
    text,
    idleMs: parseDurationMs(idle?.content ?? "") ?? Infinity,
    properties: Object.fromEntries(
      elements
        .filter(({ name }) => !IGNORED.has(name) && name !== "AutoDeleteOnIdle")
        .map(({ name, content }) => [
          name,
          name === "DefaultRuleDescription" ? readRule(content) : valueOf(content),
        ]),
    ),
  };
}

/** `Name`, and `Filter` and `Action` with their `type`. */
function readRule(xml: string): Record<string, unknown> {
  return Object.fromEntries(
    elementsOf(xml).map(({ name, type, content }) => [
      name,
      type === undefined ? textOf(content) : { type, ...readParts(content) },
    ]),
  );
}

/** What is in a filter or an action. */
function readParts(xml: string): Record<string, unknown> {
  return Object.fromEntries(
    elementsOf(xml).map(({ name, content }) => [
      name,
      content.includes("<") ? readMap(content) : textOf(content),
    ]),
  );
}

/** Elements of which each has a `Key` and a `Value`. */
function readMap(xml: string): Record<string, unknown> {
  return Object.fromEntries(
    elementsOf(xml).map((entry) => {
      const [key, value] = elementsOf(entry.content);
      return [textOf(key?.content ?? ""), value && typedValueOf(value)];
    }),
  );
}

/** As a filter compares it, integers apart from other numbers; an object where none does. */
function typedValueOf({ type = "", content }: Element): unknown {
  const text = textOf(content);
  switch (type) {
    case "string":
      return text;
    case "boolean":
      return text === "true";
    case "double":
      return Number(text);
    case "int":
    case "long":
      return /^-?\d+$/u.test(text) ? BigInt(text) : { [type]: text };
    case "dateTime": {
      const ms = Date.parse(text);
      return Number.isNaN(ms) ? { [type]: text } : BigInt(ms);
    }
    default:
      return { [type]: text };
  }
}

function elementsOf(xml: string): Element[] {
  return [...xml.matchAll(ELEMENT)].map(([, name = "", attributes = "", content = ""]) => ({
    name,
    type: /:type="(?:\w+:)?(\w+)"/u.exec(attributes)?.[1],
    content,
  }));
}

function textOf(xml: string): string {
  return xml.replaceAll(ENTITY, (entity: string, hex?: string, decimal?: string, name?: string) => {
    const code = hex === undefined ? Number(decimal) : parseInt(hex, 16);
    return Number.isNaN(code) ? (ENTITIES[name ?? ""] ?? entity) : String.fromCodePoint(code);
  });
}

export function writeEntry(topic: string, name: string, text: string): string {
  const defaults = Object.entries(DEFAULTS)
    .filter(([element]) => !text.includes(`<${element}>`))
    .map(([element, value]) => `<${element}>${value}</${element}>`)
    .join("");
  return `<entry xmlns="http://www.w3.org/2005/Atom"><id>http://localhost/${topic}/Subscriptions/${name}</id><title type="text">${name}</title><content type="application/xml"><SubscriptionDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect">${text}${defaults}</SubscriptionDescription></content></entry>`;
}

function valueOf(xml: string): string | number | boolean {
  const text = textOf(xml);
  if (text === "true" || text === "false") return text === "true";
  return /^\d+$/u.test(text) ? Number(text) : text;
}
