import { readFile } from "node:fs/promises";
import { ServiceBusClient } from "@azure/service-bus";
import { expect, onTestFinished, test } from "vitest";
import { ServiceBusMessenger } from "../../../src/azure/service-bus.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { WorkMessage } from "../../../src/operation/records.js";
import { ManualClock } from "../../../src/local/clock.js";
import { parseEmulatorConfiguration } from "../../../src/local/service-bus/configuration.js";
import {
  startServiceBusEmulator,
  type ServiceBusEmulator,
} from "../../../src/local/service-bus/emulator.js";
import { receive } from "../../support/receive.js";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const CREATIONS = "image-version-creations";
const REPLICATIONS = "image-version-replications";
const REQUESTS = "image-version-requests";
const REJECTED = "image-version-requests-rejected";
const SUBSCRIPTION = "image-version-events/Subscriptions/all";

const KEEP_REJECTED_MS = 30 * 86_400_000;

async function start(configuration?: object): Promise<{
  readonly messenger: ServiceBusMessenger;
  readonly client: ServiceBusClient;
  readonly clock: ManualClock;
  readonly emulator: ServiceBusEmulator;
}> {
  const clock = new ManualClock();
  const emulator = await startServiceBusEmulator({
    configuration: parseEmulatorConfiguration(
      configuration ??
        (JSON.parse(
          await readFile("infra/service-bus-emulator.json", "utf8"),
        ) as object),
    ),
    clock,
  });
  const { connectionString } = emulator;
  const client = new ServiceBusClient(connectionString);
  const messenger = new ServiceBusMessenger(
    { kind: "connectionString", connectionString },
    () => new Date(clock.now()),
    KEEP_REJECTED_MS,
  );
  onTestFinished(async () => {
    await messenger.close();
    await client.close();
    await emulator.close();
  });
  return { messenger, client, clock, emulator };
}

function eventOf(id: string, data: unknown = {}): CloudEvent {
  return {
    specversion: "1.0",
    id,
    source: "urn:sigil:test",
    type: "Sigil.ImageVersion.Accepted",
    subject: "/versions/1.0.0",
    time: "2026-01-01T00:00:00.000Z",
    datacontenttype: "application/json",
    traceparent: TRACEPARENT,
    data,
  };
}

function workOf(
  step: number,
  enqueueTime: number,
  queue: WorkMessage["queue"] = CREATIONS,
): WorkMessage {
  return {
    queue,
    id: `op-1/${step}`,
    operationId: "op-1",
    step,
    traceparent: TRACEPARENT,
    enqueueTime: new Date(enqueueTime).toISOString(),
  };
}

test("an event is a structured CloudEvent with properties to filter by", async () => {
  const { messenger, client } = await start();
  const event = eventOf("op-1/accepted");
  await messenger.publish([event]);
  const [message] = await receive(
    client.createReceiver("image-version-events", "all"),
    1,
  );
  expect(message).toMatchObject({
    body: event,
    messageId: event.id,
    contentType: "application/cloudevents+json",
    subject: event.type,
  });
  expect(message?.applicationProperties).toEqual({
    type: event.type,
    subject: event.subject,
    id: event.id,
    source: event.source,
    traceparent: TRACEPARENT,
    "Diagnostic-Id": TRACEPARENT,
  });
});

test("an event without subject and trace has no properties for them", async () => {
  const { messenger, client } = await start();
  const { subject: _s, traceparent: _t, ...event } = eventOf("rejected/1");
  await messenger.publish([event]);
  const [message] = await receive(
    client.createReceiver("image-version-events", "all"),
    1,
  );
  expect(message?.applicationProperties).toEqual({
    type: event.type,
    id: event.id,
    source: event.source,
  });
});

test("an event published again arrives once", async () => {
  const { messenger, emulator } = await start();
  await messenger.publish([eventOf("1"), eventOf("2")]);
  await messenger.publish([eventOf("2"), eventOf("3")]);
  await messenger.publish([]);
  expect(emulator.counts(SUBSCRIPTION).active).toBe(3);
});

test("events that are too large for one batch are sent in several, in order", async () => {
  const { messenger, client } = await start();
  const ids = ["1", "2", "3", "4", "5"];
  await messenger.publish(ids.map((id) => eventOf(id, "x".repeat(100_000))));
  const messages = await receive(
    client.createReceiver("image-version-events", "all"),
    ids.length,
  );
  expect(messages.map(({ messageId }) => messageId)).toEqual(ids);
});

test.each([[[]], [[eventOf("small")]]])(
  "an event that is too large alone is a mistake of the sender, not of Service Bus",
  async (before) => {
    const { messenger } = await start();
    await expect(
      messenger.publish([...before, eventOf("1", "x".repeat(300_000))]),
    ).rejects.toThrow(
      new RangeError(
        "a message to image-version-events is larger than Service Bus allows",
      ),
    );
  },
);

test("a step message goes to its queue and names its operation", async () => {
  const { messenger, client, clock } = await start();
  await messenger.enqueue([
    workOf(1, clock.now()),
    workOf(2, clock.now() - 1, REPLICATIONS),
  ]);
  for (const [queue, step] of [
    [CREATIONS, 1],
    [REPLICATIONS, 2],
  ] as const) {
    const [message] = await receive(client.createReceiver(queue), 1);
    expect(message).toMatchObject({
      body: { operationId: "op-1", step },
      messageId: `op-1/${step}`,
      contentType: "application/json",
    });
    expect(message?.applicationProperties).toEqual({
      operationId: "op-1",
      traceparent: TRACEPARENT,
      "Diagnostic-Id": TRACEPARENT,
    });
  }
});

test("a step message of later is scheduled, and visible when its time has come", async () => {
  const { messenger, emulator, clock } = await start();
  await messenger.enqueue([
    workOf(1, clock.now()),
    workOf(2, clock.now() + 15_000),
  ]);
  expect(emulator.counts(CREATIONS)).toMatchObject({ active: 1, scheduled: 1 });
  clock.advance(14_999);
  expect(emulator.counts(CREATIONS)).toMatchObject({ active: 1, scheduled: 1 });
  clock.advance(1);
  expect(emulator.counts(CREATIONS)).toMatchObject({ active: 2, scheduled: 0 });
});

test("a step message sent again is one message", async () => {
  const { messenger, emulator, clock } = await start();
  await messenger.enqueue([workOf(1, clock.now())]);
  await messenger.enqueue([workOf(1, clock.now())]);
  expect(emulator.counts(CREATIONS).active).toBe(1);
});

test("findDead tells why each message of the step is dead in either queue, and leaves them there", async () => {
  const { messenger, client, clock, emulator } = await start();
  await messenger.enqueue([
    workOf(1, clock.now()),
    workOf(2, clock.now()),
    workOf(1, clock.now(), REPLICATIONS),
  ]);
  await client.createSender(CREATIONS).sendMessages({ body: "not ours" });
  for (const [queue, count] of [
    [CREATIONS, 3],
    [REPLICATIONS, 1],
  ] as const) {
    const receiver = client.createReceiver(queue, {
      maxAutoLockRenewalDurationInMs: 0,
    });
    for (const message of await receive(receiver, count))
      await receiver.deadLetterMessage(message, {
        deadLetterReason: `${queue} ${String(message.messageId)}`,
        deadLetterErrorDescription: "for this test",
      });
  }
  const expected = [`${CREATIONS} op-1/1`, `${REPLICATIONS} op-1/1`];
  await expect(messenger.findDead("op-1", 1)).resolves.toEqual(expected);
  // Again, by the same messenger: from the first message, not from where it stopped.
  await expect(messenger.findDead("op-1", 1)).resolves.toEqual(expected);
  await expect(messenger.findDead("op-1", 2)).resolves.toEqual([
    `${CREATIONS} op-1/2`,
  ]);
  await expect(messenger.findDead("op-1", 3)).resolves.toEqual([]);
  await expect(messenger.findDead("op-2", 1)).resolves.toEqual([]);
  expect(emulator.counts(CREATIONS).deadLetter).toBe(3);
  expect(emulator.counts(REPLICATIONS).deadLetter).toBe(1);
});

test("a rejected request is kept as it came, with the reason, once however often it is kept", async () => {
  const { messenger, client, emulator } = await start();
  const request = {
    id: "r1",
    original: {
      body: { not: "a CloudEvent" },
      messageId: "m1",
      contentType: "application/json",
      applicationProperties: { team: "images", n: 1, flag: true, no: null },
      deliveryCount: 1,
    },
    code: "InvalidRequest",
    reason: "x".repeat(2_000),
  };
  await messenger.keepRejected(request);
  await messenger.keepRejected(request);
  expect(emulator.counts(REJECTED).active).toBe(1);
  const [message] = await receive(client.createReceiver(REJECTED), 1);
  expect(message).toMatchObject({
    body: { not: "a CloudEvent" },
    messageId: "r1",
    contentType: "application/json",
  });
  expect(message?.applicationProperties).toEqual({
    team: "images",
    n: 1,
    flag: true,
    originalMessageId: "m1",
    rejectionCode: "InvalidRequest",
    rejectionReason: "x".repeat(1_000),
  });
});

test("a rejected request goes after its time, and leaves no dead letter", async () => {
  const { messenger, emulator, clock } = await start();
  await messenger.keepRejected({
    id: "r1",
    original: {
      body: {},
      messageId: undefined,
      contentType: undefined,
      applicationProperties: {},
      deliveryCount: 1,
    },
    code: "InvalidRequest",
    reason: "no",
  });
  clock.advance(KEEP_REJECTED_MS - 1);
  expect(emulator.counts(REJECTED).active).toBe(1);
  clock.advance(1);
  expect(emulator.counts(REJECTED)).toMatchObject({
    active: 0,
    deadLetter: 0,
  });
});

test("a postponed request is sent to its queue again as it came, for later, once however often it is postponed", async () => {
  const { messenger, client, emulator } = await start();
  const enqueueTime = new Date(Date.now() + 3_600_000).toISOString();
  const request = {
    id: "m1.1",
    original: {
      body: { some: "event" },
      messageId: "m1",
      contentType: "application/cloudevents+json",
      applicationProperties: { team: "images" },
      deliveryCount: 3,
    },
    properties: { sigilPostponements: 1, sigilMessageId: "m1" },
    enqueueTime,
  };
  await messenger.postpone(request);
  await messenger.postpone(request);
  expect(emulator.counts(REQUESTS)).toMatchObject({ active: 0, scheduled: 1 });
  const [message] = await client.createReceiver(REQUESTS).peekMessages(1);
  expect(message).toMatchObject({
    body: { some: "event" },
    messageId: "m1.1",
    contentType: "application/cloudevents+json",
    applicationProperties: {
      team: "images",
      sigilPostponements: 1,
      sigilMessageId: "m1",
    },
    scheduledEnqueueTimeUtc: new Date(enqueueTime),
  });
});

test("check resolves where the events topic is, and is a retryable DependencyUnavailable where it is not", async () => {
  const { messenger } = await start();
  await expect(messenger.check()).resolves.toBeUndefined();

  const elsewhere = await start({
    UserConfig: {
      Namespaces: [
        { Name: "sbemulatorns", Queues: [{ Name: "q" }], Topics: [] },
      ],
      Logging: { Type: "Console" },
    },
  });
  await expect(elsewhere.messenger.check()).rejects.toMatchObject({
    code: "DependencyUnavailable",
    retryable: true,
  });
});
