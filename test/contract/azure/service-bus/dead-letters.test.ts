import { readFile } from "node:fs/promises";
import { ServiceBusClient } from "@azure/service-bus";
import { expect, onTestFinished, test } from "vitest";
import { createDeadLetters } from "../../../../src/azure/service-bus/dead-letters.js";
import type { DeadLetters } from "../../../../src/messaging/dead-letters.js";
import { ManualClock } from "@sigil-local/clock";
import { parseEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import {
  startServiceBusEmulator,
  type ServiceBusEmulator,
} from "@sigil-local/service-bus-emulator";
import { receive } from "@sigil-local/testing/receive";

const DAY_MS = 86_400_000;
const REQUESTS = "image-version-requests";

interface Bench {
  readonly deadLetters: DeadLetters;
  readonly emulator: ServiceBusEmulator;
  readonly clock: ManualClock;
  /** Sends so many messages and dead-letters each. */
  readonly kill: (queue: string, count: number, reason?: string) => Promise<void>;
}

async function start(): Promise<Bench> {
  const clock = new ManualClock();
  const emulator = await startServiceBusEmulator({
    configuration: parseEmulatorConfiguration(
      JSON.parse(await readFile("infra/service-bus-emulator.json", "utf8")) as object,
    ),
    clock,
  });
  const { connectionString } = emulator;
  const client = new ServiceBusClient(connectionString);
  onTestFinished(async () => {
    await client.close();
    await emulator.close();
  });
  return {
    deadLetters: createDeadLetters({
      kind: "connectionString",
      connectionString,
    }),
    emulator,
    clock,
    async kill(queue, count, deadLetterReason = "MaxDeliveryCountExceeded") {
      await client.createSender(queue).sendMessages(
        Array.from({ length: count }, () => ({
          body: Buffer.from("dead"),
        })),
      );
      const receiver = client.createReceiver(queue, {
        maxAutoLockRenewalDurationInMs: 0,
      });
      for (const message of await receive(receiver, count))
        await receiver.deadLetterMessage(message, {
          deadLetterReason,
          deadLetterErrorDescription: "for this test",
        });
      await receiver.close();
    },
  };
}

test("they are those of every queue that Sigil receives from", async () => {
  const { deadLetters } = await start();
  expect(deadLetters.queues).toEqual([
    REQUESTS,
    "image-version-creations",
    "image-version-replications",
    "subscription-preparations",
    "machine-tests",
  ]);
});

test("a queue without dead letters has none", async () => {
  const { deadLetters, clock } = await start();
  await expect(deadLetters.look(REQUESTS, new Date(clock.now()))).resolves.toEqual({
    queue: REQUESTS,
    count: 0,
    more: false,
    old: 0,
    oldestTime: undefined,
    reasons: [],
    mark: "0  ",
  });
});

test("a look counts them with age and reasons, and leaves them as they are", async () => {
  const { deadLetters, clock, kill, emulator } = await start();
  const first = new Date(clock.now());
  await kill(REQUESTS, 1, "TTLExpiredException");
  clock.advance(DAY_MS);
  await kill(REQUESTS, 60);
  const look = await deadLetters.look(REQUESTS, new Date(clock.now()));
  expect(look).toEqual({
    queue: REQUESTS,
    count: 61,
    more: false,
    old: 1,
    oldestTime: first.toISOString(),
    reasons: [
      { reason: "MaxDeliveryCountExceeded", count: 60 },
      { reason: "TTLExpiredException", count: 1 },
    ],
    mark: "61 1 61",
  });
  await expect(deadLetters.look(REQUESTS, new Date(clock.now()))).resolves.toEqual(look);
  expect(emulator.counts(REQUESTS).deadLetter).toBe(61);
});

test("those that are old end, no more than asked, and the young stay where they are", async () => {
  const { deadLetters, clock, kill, emulator } = await start();
  await kill(REQUESTS, 60);
  clock.advance(DAY_MS);
  const before = new Date(clock.now());
  await kill(REQUESTS, 3);
  await expect(deadLetters.end(REQUESTS, before, 55)).resolves.toBe(55);
  expect(emulator.counts(REQUESTS).deadLetter).toBe(8);
  await expect(deadLetters.end(REQUESTS, before, 500)).resolves.toBe(5);
  await expect(deadLetters.end(REQUESTS, before, 500)).resolves.toBe(0);
  await expect(deadLetters.look(REQUESTS, before)).resolves.toMatchObject({
    count: 3,
    old: 0,
  });
});

test("a namespace that does not answer is a failure that may pass", async () => {
  const { deadLetters, emulator, clock } = await start();
  await emulator.close();
  await expect(deadLetters.look(REQUESTS, new Date(clock.now()))).rejects.toMatchObject({
    code: "DependencyUnavailable",
    retryable: true,
  });
});
