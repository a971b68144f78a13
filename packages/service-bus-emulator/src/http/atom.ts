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

/** What the emulator has no use for. */
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
    /<SubscriptionDescription[^>]*>([^]*)<\/SubscriptionDescription>/u.exec(
      xml,
    ) ?? [];
  const elements = [...text.matchAll(/<(\w+)[^>]*>([^]*?)<\/\1>/gu)].map(
    ([, name = "", value = ""]) => [name, value] as const,
  );
  const idle = elements.find(([name]) => name === "AutoDeleteOnIdle")?.[1];
  return {
    text,
    idleMs: parseDurationMs(idle ?? "") ?? Infinity,
    properties: Object.fromEntries(
      elements
        .filter(([name]) => !IGNORED.has(name) && name !== "AutoDeleteOnIdle")
        .map(([name, value]) => [name, valueOf(value)]),
    ),
  };
}

export function writeEntry(topic: string, name: string, text: string): string {
  const defaults = Object.entries(DEFAULTS)
    .filter(([element]) => !text.includes(`<${element}>`))
    .map(([element, value]) => `<${element}>${value}</${element}>`)
    .join("");
  return `<entry xmlns="http://www.w3.org/2005/Atom"><id>http://localhost/${topic}/Subscriptions/${name}</id><title type="text">${name}</title><content type="application/xml"><SubscriptionDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect">${text}${defaults}</SubscriptionDescription></content></entry>`;
}

function valueOf(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^\d+$/u.test(text) ? Number(text) : text;
}
