import {
  ServiceBusClient,
  type RuleProperties,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
  type ServiceBusRuleManager,
} from "@azure/service-bus";
import { onTestFinished } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import { parseEmulatorConfiguration } from "../src/configuration.js";
import {
  startServiceBusEmulator,
  type ServiceBusEmulator,
  type ServiceBusEmulatorOptions,
} from "../src/emulator.js";
import { receive } from "@sigil-local/testing/receive";

export const MINUTE_MS = 60_000;

/** A configuration file's content with these entities. */
export function configurationOf(entities: { Queues?: object[]; Topics?: object[] }): object {
  return {
    UserConfig: {
      Namespaces: [{ Name: "sbemulatorns", Queues: [], Topics: [], ...entities }],
      Logging: { Type: "Console" },
    },
  };
}

const DEFAULT_ENTITIES = { Queues: [{ Name: "q" }] };

export interface Running {
  readonly emulator: ServiceBusEmulator;
  readonly client: ServiceBusClient;
  readonly clock: ManualClock;
}

/** An emulator with its own clock and a client of it, both closed when the test ends. */
export async function start(
  entities: Parameters<typeof configurationOf>[0] = DEFAULT_ENTITIES,
  options: Partial<ServiceBusEmulatorOptions> = {},
): Promise<Running> {
  const clock = new ManualClock();
  const emulator = await startServiceBusEmulator({
    configuration: parseEmulatorConfiguration(configurationOf(entities)),
    clock,
    ...options,
  });
  // Hooks run in reverse: the client goes first.
  onTestFinished(() => emulator.close());
  return { emulator, client: connect(emulator.connectionString), clock };
}

/**
 * A client, closed when the test ends, that fails at once instead of trying again. A receiver that is subscribed tries for ever: soon,
 * not after half a minute.
 */
export function connect(connectionString: string): ServiceBusClient {
  const client = new ServiceBusClient(connectionString, {
    retryOptions: { maxRetries: 0, retryDelayInMs: 100, timeoutInMs: 60_000 },
  });
  onTestFinished(() => client.close());
  return client;
}

/**
 * A peek-lock receiver that renews no locks by itself: the client would do so by the time of day, and the emulator's clock
 * stands still at another.
 */
export function peekLock(
  client: ServiceBusClient,
  ...entity: [queue: string] | [topic: string, subscription: string]
): ServiceBusReceiver {
  const options = { maxAutoLockRenewalDurationInMs: 0 };
  return entity.length === 1
    ? client.createReceiver(entity[0], options)
    : client.createReceiver(entity[0], entity[1], options);
}

/** Receives exactly one message. */
export async function receiveOne(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> {
  const [message] = await receive(receiver, 1);
  if (message === undefined) throw new Error("received nothing");
  return message;
}

export async function listRules(rules: ServiceBusRuleManager): Promise<RuleProperties[]> {
  const found: RuleProperties[] = [];
  // Where there is no rule the client gives one undefined.
  for await (const rule of rules.listRules() as AsyncIterable<RuleProperties | undefined>)
    if (rule !== undefined) found.push(rule);
  return found;
}
