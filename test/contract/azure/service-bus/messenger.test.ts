import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from "node:net";
import { ServiceBusClient, type ServiceBusReceivedMessage } from "@azure/service-bus";
import { describe, expect, onTestFinished, test } from "vitest";
import { ServiceBusMessenger } from "../../../../src/azure/service-bus/messenger.js";
import type { IncomingMessage } from "../../../../src/messaging/incoming-message.js";
import { asSent } from "../../../../src/messaging/postponement.js";
import type { StepMessage } from "../../../../src/operation/steps.js";
import { ManualClock } from "@sigil-local/clock";
import { parseEmulatorConfiguration } from "@sigil-local/service-bus-emulator/configuration";
import {
  startServiceBusEmulator,
  type ServiceBusEmulator,
} from "@sigil-local/service-bus-emulator";
import { receive } from "@sigil-local/testing/receive";
import {
  CREATIONS,
  eventOf,
  REPLICATIONS,
  serviceBusSuite,
  workOf,
} from "../../../support/port-suites/service-bus.js";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const REQUESTS = "image-version-requests";
const REJECTED = "image-version-requests-rejected";
const SUBSCRIPTION = "image-version-events/Subscriptions/all";

/** Waits for as long as it takes. */
const PATIENT = new AbortController().signal;
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
        (JSON.parse(await readFile("infra/service-bus-emulator.json", "utf8")) as object),
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

describe("as every work queue and event publisher", () => {
  serviceBusSuite(async () => {
    const { messenger, client, clock, emulator } = await start();
    const all = client.createReceiver("image-version-events", "all", {
      receiveMode: "receiveAndDelete",
    });
    return {
      clock,
      work: messenger,
      events: messenger,
      take: async (queue) => {
        const receiver = client.createReceiver(queue, {
          receiveMode: "receiveAndDelete",
        });
        const { active } = emulator.counts(queue);
        const messages = await receive(receiver, active);
        await receiver.close();
        return messages.map(({ body }) => {
          const { operationId, step } = body as StepMessage;
          return `${operationId}/${step}`;
        });
      },
      async deadLetter(queue, deadLetterReason) {
        const receiver = client.createReceiver(queue, {
          maxAutoLockRenewalDurationInMs: 0,
        });
        const [message] = await receive(receiver, 1);
        if (message === undefined) throw new Error("no message");
        await receiver.deadLetterMessage(message, {
          deadLetterReason,
          deadLetterErrorDescription: "for this test",
        });
        await receiver.close();
      },
      takeEvents: async () =>
        (await receive(all, emulator.counts(SUBSCRIPTION).active)).map(({ messageId }) =>
          String(messageId),
        ),
    };
  });
});

test("an event is a structured CloudEvent with properties to filter by", async () => {
  const { messenger, client } = await start();
  const event = eventOf("op-1/accepted");
  await messenger.publish([event]);
  const [message] = await receive(client.createReceiver("image-version-events", "all"), 1);
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
  const [message] = await receive(client.createReceiver("image-version-events", "all"), 1);
  expect(message?.applicationProperties).toEqual({
    type: event.type,
    id: event.id,
    source: event.source,
  });
});

test("events that are too large for one batch are sent in several, in order", async () => {
  const { messenger, client } = await start();
  const ids = ["1", "2", "3", "4", "5"];
  await messenger.publish(ids.map((id) => eventOf(id, "x".repeat(100_000))));
  const messages = await receive(client.createReceiver("image-version-events", "all"), ids.length);
  expect(messages.map(({ messageId }) => messageId)).toEqual(ids);
});

test.each([[[]], [[eventOf("small")]]])(
  "an event that is too large for a message is cut, says so, and holds up no other",
  async (before) => {
    const { messenger, client } = await start();
    const large = eventOf("large", {
      operationId: "op-1",
      error: { code: "Failed", message: "å".repeat(200_000) },
    });
    await messenger.publish([...before, large, eventOf("after")]);
    const messages = await receive(
      client.createReceiver("image-version-events", "all"),
      before.length + 2,
    );
    expect(messages.map(({ messageId }) => messageId)).toEqual([
      ...before.map(({ id }) => id),
      "large",
      "after",
    ]);
    expect(messages.at(-2)).toMatchObject({
      body: {
        ...large,
        truncated: true,
        data: {
          operationId: "op-1",
          error: { code: "Failed", message: `${"å".repeat(2_000)}…` },
        },
      },
      applicationProperties: { id: "large" },
    });
  },
);

test("a step message goes to its queue and names its operation", async () => {
  const { messenger, client, clock } = await start();
  await messenger.enqueue([workOf(1, clock.now()), workOf(2, clock.now() - 1, REPLICATIONS)]);
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

const MESSAGE: IncomingMessage = {
  bytes: Buffer.from('{ "not": "a CloudEvent" }'),
  decoded: false,
  messageId: "m1",
  contentType: "application/json",
  applicationProperties: { team: "images", n: 1, flag: true, no: null },
  deliveryCount: 1,
  sequenceNumber: "1",
  expiresTime: undefined,
};
const ZEROS = Buffer.alloc(150_000);
/** As large as a message of one data section can be, and text that nothing shortens by zipping. */
const RANDOM_TEXT = Buffer.from(randomBytes(131_000).toString("hex"));
const RANDOM_BYTES = randomBytes(262_000);

/** The message that the queue has, its body as bytes. */
async function bytesIn(
  client: ServiceBusClient,
  queue: string,
): Promise<Omit<ServiceBusReceivedMessage, "body"> & { body: Buffer }> {
  const [message] = await receive(client.createReceiver(queue, { skipParsingBodyAsJson: true }), 1);
  if (message === undefined) throw new Error("no message");
  return { ...message, body: message.body as Buffer };
}

test("a rejected request is kept as it came, with the reason, once however often it is kept", async () => {
  const { messenger, client, emulator } = await start();
  const request = {
    id: "r1",
    original: MESSAGE,
    code: "InvalidRequest",
    reason: "x".repeat(2_000),
    errors: [],
  };
  await messenger.keepRejected(request);
  await messenger.keepRejected(request);
  expect(emulator.counts(REJECTED).active).toBe(1);
  const message = await bytesIn(client, REJECTED);
  expect(message).toMatchObject({
    body: MESSAGE.bytes,
    messageId: "r1",
    contentType: "application/json",
  });
  expect(message.applicationProperties).toEqual({
    team: "images",
    n: 1,
    flag: true,
    originalMessageId: "m1",
    rejectionCode: "InvalidRequest",
    rejectionReason: "x".repeat(1_000),
    rejectionErrors: "[]",
  });
});

test("a rejected request has its first errors, as many as 8 KB hold", async () => {
  const { messenger, client } = await start();
  const error = { code: "c", pointer: "/p", message: "x".repeat(3_000) };
  await messenger.keepRejected({
    id: "r1",
    original: {
      ...MESSAGE,
      applicationProperties: { rejectionErrors: "of the sender" },
    },
    code: "InvalidRequest",
    reason: "3 errors",
    errors: [error, error, error],
  });
  const { applicationProperties } = await bytesIn(client, REJECTED);
  expect(applicationProperties).toMatchObject({
    rejectionErrors: JSON.stringify([error, error]),
  });
});

test("a rejected request goes after its time, and leaves no dead letter", async () => {
  const { messenger, emulator, clock } = await start();
  await messenger.keepRejected({
    id: "r1",
    original: MESSAGE,
    code: "InvalidRequest",
    reason: "no",
    errors: [],
  });
  clock.advance(KEEP_REJECTED_MS - 1);
  expect(emulator.counts(REJECTED).active).toBe(1);
  clock.advance(1);
  expect(emulator.counts(REJECTED)).toMatchObject({
    active: 0,
    deadLetter: 0,
  });
});

test.each([
  ["bytes that are no text", ZEROS],
  ["numbers that grow when they are read", Buffer.from("[1e20,1.50]")],
  ["an empty body", Buffer.alloc(0)],
])("a rejected request of %s is kept byte for byte", async (_, bytes) => {
  const { messenger, client } = await start();
  await messenger.keepRejected({
    id: "r1",
    original: { ...MESSAGE, bytes },
    code: "MalformedJson",
    reason: "No.",
    errors: [],
  });
  const { body, applicationProperties } = await bytesIn(client, REJECTED);
  expect(Buffer.compare(body, bytes)).toBe(0);
  expect(applicationProperties).not.toHaveProperty("originalLength");
});

test("a rejected request that does not fit with the reason is cut, and its length and digest are told", async () => {
  const { messenger, client } = await start();
  await messenger.keepRejected({
    id: "r1",
    original: { ...MESSAGE, bytes: RANDOM_BYTES },
    code: "MalformedJson",
    reason: "No.",
    errors: [],
  });
  const { body, applicationProperties } = await bytesIn(client, REJECTED);
  expect(Buffer.compare(body, RANDOM_BYTES.subarray(0, 196_608))).toBe(0);
  expect(applicationProperties).toMatchObject({
    team: "images",
    originalLength: 262_000,
    originalSha256: createHash("sha256").update(RANDOM_BYTES).digest("hex"),
    rejectionCode: "MalformedJson",
  });
});

test("a rejected request with too many properties is kept without them, and says so", async () => {
  const { messenger, client } = await start();
  await messenger.keepRejected({
    id: "r1",
    original: {
      ...MESSAGE,
      bytes: RANDOM_BYTES,
      applicationProperties: { a: "x".repeat(50_000), b: 1 },
    },
    code: "PayloadTooLarge",
    reason: "No.",
    errors: [],
  });
  const { applicationProperties } = await bytesIn(client, REJECTED);
  expect(applicationProperties).toMatchObject({
    originalPropertiesOmitted: 2,
    originalLength: 262_000,
  });
  expect(applicationProperties).not.toHaveProperty("a");
});

test("a rejected request that the host has decoded says so", async () => {
  const { messenger, client } = await start();
  await messenger.keepRejected({
    id: "r1",
    original: { ...MESSAGE, decoded: true },
    code: "InvalidRequest",
    reason: "No.",
    errors: [],
  });
  const { applicationProperties } = await bytesIn(client, REJECTED);
  expect(applicationProperties).toMatchObject({ originalDecoded: true });
});

describe("a postponed request", () => {
  const postponed = (bytes: Buffer, timeToLiveMs?: number) => ({
    id: "postponed/1",
    original: { ...MESSAGE, bytes },
    properties: { sigilPostponements: 1, sigilMessageId: "m1" },
    enqueueTime: "2100-01-01T00:00:00.000Z",
    timeToLiveMs,
  });

  test("is sent to its queue again as it came, for later, once however often it is postponed", async () => {
    const { messenger, client, emulator } = await start();
    const request = postponed(MESSAGE.bytes);
    await messenger.postpone(REQUESTS, request);
    await messenger.postpone(REQUESTS, request);
    expect(emulator.counts(REQUESTS)).toMatchObject({
      active: 0,
      scheduled: 1,
    });
    const [message] = await client
      .createReceiver(REQUESTS, { skipParsingBodyAsJson: true })
      .peekMessages(1);
    expect(message).toMatchObject({
      body: MESSAGE.bytes,
      messageId: "postponed/1",
      contentType: "application/json",
      applicationProperties: {
        team: "images",
        sigilPostponements: 1,
        sigilMessageId: "m1",
      },
      scheduledEnqueueTimeUtc: new Date(request.enqueueTime),
    });
    expect(message?.applicationProperties).not.toHaveProperty("sigilEncoding");
    expect(message?.timeToLive).toBeUndefined();
  });

  test("keeps its time to live", async () => {
    const { messenger, client } = await start();
    await messenger.postpone(REQUESTS, postponed(MESSAGE.bytes, 90_000));
    const [message] = await client.createReceiver(REQUESTS).peekMessages(1);
    expect(message?.timeToLive).toBe(90_000);
  });

  test("is zipped where a message does not hold it with what it has beside it, and is read as it was sent", async () => {
    const { messenger, client } = await start();
    await messenger.postpone(REQUESTS, postponed(RANDOM_TEXT));
    const [message] = await client
      .createReceiver(REQUESTS, { skipParsingBodyAsJson: true })
      .peekMessages(1);
    const body = message?.body as Buffer;
    const { applicationProperties = {} } = message ?? {};
    expect(body.length).toBeLessThan(RANDOM_TEXT.length);
    const read = asSent({
      ...MESSAGE,
      messageId: "postponed/1",
      bytes: body,
      applicationProperties,
    });
    expect(Buffer.compare(read.bytes, RANDOM_TEXT)).toBe(0);
    expect(read).toMatchObject({
      messageId: "m1",
      applicationProperties: { team: "images", n: 1, flag: true },
    });
  });

  test("that cannot be made to fit is refused for good", async () => {
    const { messenger } = await start();
    await expect(messenger.postpone(REQUESTS, postponed(RANDOM_BYTES))).rejects.toMatchObject({
      code: "PayloadTooLarge",
      retryable: false,
    });
  });
});

test("check resolves where the events topic is, and is a retryable DependencyUnavailable where it is not", async () => {
  const { messenger } = await start();
  await expect(messenger.check(PATIENT)).resolves.toBeUndefined();

  const elsewhere = await start({
    UserConfig: {
      Namespaces: [{ Name: "sbemulatorns", Queues: [{ Name: "q" }], Topics: [] }],
      Logging: { Type: "Console" },
    },
  });
  await expect(elsewhere.messenger.check(PATIENT)).rejects.toMatchObject({
    code: "DependencyUnavailable",
    retryable: true,
  });
});

describe("a queue whose message nobody receives", () => {
  const PATIENCE_MS = 15 * 60_000;

  test("is told of after a quarter of an hour", async () => {
    const { messenger, client, clock } = await start();
    for (const queue of [REQUESTS, CREATIONS, REPLICATIONS, "subscription-preparations"]) {
      const since = new Date(clock.now()).toISOString();
      await client.createSender(queue).sendMessages({ body: "waits" });
      clock.advance(PATIENCE_MS);
      await messenger.checkReceivers(PATIENT);
      clock.advance(1);
      // Each time: a client goes on from the message that it has peeked.
      for (let looks = 0; looks < 2; looks += 1)
        await expect(messenger.checkReceivers(PATIENT)).rejects.toThrow(`${queue} since ${since}`);
      const receiver = client.createReceiver(queue, {
        receiveMode: "receiveAndDelete",
      });
      await receive(receiver, 1);
      await messenger.checkReceivers(PATIENT);
    }
  });

  test("is not one whose message is scheduled, deferred or was delivered before", async () => {
    const { messenger, client, clock } = await start();
    const receiver = client.createReceiver(CREATIONS, {
      maxAutoLockRenewalDurationInMs: 0,
    });
    await client.createSender(CREATIONS).sendMessages([{ body: "later" }, { body: "fails" }]);
    const [later, fails] = await receive(receiver, 2);
    if (later === undefined || fails === undefined) throw new Error("lost");
    await receiver.deferMessage(later);
    await receiver.abandonMessage(fails);
    await messenger.enqueue([workOf(1, clock.now() + 2 * PATIENCE_MS)]);
    clock.advance(PATIENCE_MS + 1);
    await messenger.checkReceivers(PATIENT);
    // What was scheduled waits from when its time has come.
    clock.advance(PATIENCE_MS);
    await messenger.checkReceivers(PATIENT);
    clock.advance(PATIENCE_MS);
    await expect(messenger.checkReceivers(PATIENT)).rejects.toThrow(CREATIONS);
  });

  test("is not known of a namespace without it", async () => {
    const { messenger } = await start({
      UserConfig: {
        Namespaces: [{ Name: "sbemulatorns", Queues: [{ Name: "q" }], Topics: [] }],
        Logging: { Type: "Console" },
      },
    });
    await expect(messenger.checkReceivers(PATIENT)).rejects.toMatchObject({
      code: "DependencyUnavailable",
    });
  });
});

test("check tells of a namespace that has stopped to answer although its links are open, and connects anew", async () => {
  const { emulator } = await start();
  const pairs: (readonly [Socket, Socket])[] = [];
  // Between the two, so that one can stop the other without ending a connection.
  const between = createServer((socket) => {
    const onward = connectSocket(emulator.port, "127.0.0.1");
    socket.pipe(onward).pipe(socket);
    for (const each of [socket, onward]) each.on("error", () => undefined);
    pairs.push([socket, onward]);
  }).listen(0, "127.0.0.1");
  await once(between, "listening");
  const { port } = between.address() as AddressInfo;
  const messenger = new ServiceBusMessenger(
    {
      kind: "connectionString",
      connectionString: emulator.connectionString.replace(
        `localhost:${emulator.port}`,
        `localhost:${port}`,
      ),
    },
    () => new Date(),
    KEEP_REJECTED_MS,
  );
  onTestFinished(async () => {
    // The first goes on, so that it can be closed.
    for (const [socket, onward] of pairs.slice(0, 1)) socket.pipe(onward).pipe(socket);
    await messenger.close();
    between.close();
  });
  await messenger.check(PATIENT);

  for (const socket of pairs.flat()) socket.unpipe().pause();
  const abort = new AbortController();
  const checked = expect(messenger.check(abort.signal)).rejects.toMatchObject({
    code: "DependencyUnavailable",
    cause: expect.objectContaining({ name: "AbortError" }) as object,
  });
  abort.abort();
  await checked;

  // The connection of before is stuck as it was; a new one is not.
  await messenger.check(PATIENT);
  expect(pairs).toHaveLength(2);
});
