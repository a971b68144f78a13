import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { expect, test } from "vitest";
import { receive } from "@sigil-local/testing/receive";
import { MINUTE_MS, peekLock, receiveOne, start } from "./support.js";

const TWICE = { Queues: [{ Name: "q", Properties: { MaxDeliveryCount: 2 } }] };

test("a completed message is gone", async () => {
  const { client, emulator } = await start();
  await client.createSender("q").sendMessages({ body: "x" });
  const receiver = peekLock(client, "q");
  await receiver.completeMessage(await receiveOne(receiver));
  expect(emulator.counts("q").active).toBe(0);
});

test("an abandoned message comes back first, counted, with the changed properties", async () => {
  const { client } = await start();
  await client
    .createSender("q")
    .sendMessages([
      { body: 1, applicationProperties: { kept: "yes", changed: "old" } },
      { body: 2 },
    ]);
  const receiver = peekLock(client, "q");
  await receiver.abandonMessage(await receiveOne(receiver), {
    changed: "new",
    added: 1.5,
  });
  const [first, second] = await receive(receiver, 2);
  expect(first).toMatchObject({
    body: 1,
    deliveryCount: 1,
    applicationProperties: { kept: "yes", changed: "new", added: 1.5 },
  });
  expect(second).toMatchObject({ body: 2, deliveryCount: 0 });
});

test("receiveAndDelete takes a message for good and gives no lock", async () => {
  const { client, emulator } = await start();
  await client.createSender("q").sendMessages({ body: "x" });
  const receiver = client.createReceiver("q", {
    receiveMode: "receiveAndDelete",
  });
  const message = await receiveOne(receiver);
  expect(message).toMatchObject({ body: "x", lockToken: undefined });
  expect(emulator.counts("q").active).toBe(0);
});

test("a lock that ends gives the message to the next receiver, counted", async () => {
  const { client, clock } = await start();
  await client.createSender("q").sendMessages({ body: "x" });
  await receiveOne(peekLock(client, "q"));
  const other = peekLock(client, "q");
  const waiting = receiveOne(other);
  clock.advance(MINUTE_MS);
  await expect(waiting).resolves.toMatchObject({ body: "x", deliveryCount: 1 });
});

test("settling after the lock has ended fails with MessageLockLost and changes nothing", async () => {
  const { client, clock, emulator } = await start();
  await client.createSender("q").sendMessages({ body: "x" });
  const receiver = peekLock(client, "q");
  const message = await receiveOne(receiver);
  clock.advance(MINUTE_MS);
  await expect(receiver.completeMessage(message)).rejects.toMatchObject({
    code: "MessageLockLost",
  });
  expect(emulator.counts("q").active).toBe(1);
});

test("neighbouring settlements are answered each for itself", async () => {
  const { client, clock } = await start();
  const sender = client.createSender("q");
  const receiver = peekLock(client, "q");
  await sender.sendMessages({ body: "late" });
  const late = await receiveOne(receiver);
  clock.advance(MINUTE_MS - 1);
  await sender.sendMessages([{ body: "in time" }, { body: "in time too" }]);
  const [first, second] = await receive(receiver, 2);
  clock.advance(1);
  if (first === undefined || second === undefined) throw new Error("too few");
  const outcomes = await Promise.allSettled([
    receiver.completeMessage(first),
    receiver.completeMessage(late),
    receiver.completeMessage(second),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("a renewed lock lasts another lock duration", async () => {
  const { client, clock } = await start();
  await client.createSender("q").sendMessages({ body: "x", messageId: "m" });
  const receiver = peekLock(client, "q");
  const message = await receiveOne(receiver);
  clock.advance(MINUTE_MS - 1);
  await expect(receiver.renewMessageLock(message)).resolves.toEqual(
    new Date(clock.now() + MINUTE_MS),
  );
  clock.advance(MINUTE_MS - 1);
  await receiver.completeMessage(message);
});

test("renewing a lock that has ended fails with MessageLockLost", async () => {
  const { client, clock } = await start();
  await client.createSender("q").sendMessages({ body: "x", messageId: "m" });
  const receiver = peekLock(client, "q");
  const message = await receiveOne(receiver);
  clock.advance(MINUTE_MS);
  await expect(receiver.renewMessageLock(message)).rejects.toMatchObject({
    code: "MessageLockLost",
  });
});

test("dead-letters after maxDeliveryCount, with the reason", async () => {
  const { client, emulator } = await start(TWICE);
  await client.createSender("q").sendMessages({ body: "poison" });
  const receiver = peekLock(client, "q");
  await receiver.abandonMessage(await receiveOne(receiver));
  await receiver.abandonMessage(await receiveOne(receiver));
  expect(emulator.counts("q")).toMatchObject({ active: 0, deadLetter: 1 });
  const dead = await receiveOne(
    client.createReceiver("q", {
      subQueueType: "deadLetter",
      maxAutoLockRenewalDurationInMs: 0,
    }),
  );
  expect(dead).toMatchObject({
    body: "poison",
    deliveryCount: 2,
    deadLetterReason: "MaxDeliveryCountExceeded",
    deadLetterErrorDescription: "Message could not be consumed after 2 delivery attempts.",
  });
});

test("locks that end count towards maxDeliveryCount", async () => {
  const { client, clock, emulator } = await start(TWICE);
  await client.createSender("q").sendMessages({ body: "poison" });
  const receiver = peekLock(client, "q");
  await receiveOne(receiver);
  clock.advance(MINUTE_MS);
  await receiveOne(receiver);
  clock.advance(MINUTE_MS);
  expect(emulator.counts("q")).toMatchObject({ active: 0, deadLetter: 1 });
});

test("a message is dead-lettered with reason, description and properties, and replayed from there", async () => {
  const { client, emulator } = await start();
  await client.createSender("q").sendMessages({
    body: "bad",
    messageId: "m",
    applicationProperties: { attempt: 1 },
  });
  const receiver = peekLock(client, "q");
  await receiver.deadLetterMessage(await receiveOne(receiver), {
    deadLetterReason: "NotUnderstood",
    deadLetterErrorDescription: "no subject",
    attempt: 2,
  });
  const deadLetters = peekLock(client, "q/$DeadLetterQueue");
  const dead = await receiveOne(deadLetters);
  expect(dead).toMatchObject({
    body: "bad",
    messageId: "m",
    deadLetterReason: "NotUnderstood",
    deadLetterErrorDescription: "no subject",
    applicationProperties: {
      attempt: 2,
      DeadLetterReason: "NotUnderstood",
      DeadLetterErrorDescription: "no subject",
    },
  });
  await client.createSender("q").sendMessages({ body: dead.body as string });
  await deadLetters.completeMessage(dead);
  expect(emulator.counts("q")).toMatchObject({ active: 1, deadLetter: 0 });
});

test("a dead letter is not dead-lettered again", async () => {
  const { client, emulator } = await start();
  await client.createSender("q").sendMessages({ body: "bad" });
  const receiver = peekLock(client, "q");
  await receiver.deadLetterMessage(await receiveOne(receiver));
  const deadLetters = peekLock(client, "q/$DeadLetterQueue");
  const dead = await receiveOne(deadLetters);
  await expect(deadLetters.deadLetterMessage(dead)).rejects.toThrow(
    "cannot be dead-lettered again",
  );
  expect(emulator.counts("q")).toMatchObject({ deadLetter: 1 });
});

test("a deferred message is had by its sequence number only, counted", async () => {
  const { client, emulator } = await start();
  await client.createSender("q").sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = peekLock(client, "q");
  const message = await receiveOne(receiver);
  await receiver.deferMessage(message, { why: "later" });
  expect(await receiveOne(receiver)).toMatchObject({ body: 2 });
  const deferred = await receiveDeferred(message);
  expect(deferred).toMatchObject({
    body: 1,
    state: "deferred",
    deliveryCount: 1,
    applicationProperties: { why: "later" },
  });
  await receiver.abandonMessage(deferred);
  expect(emulator.counts("q")).toMatchObject({ deferred: 1 });
  const again = await receiveDeferred(message);
  expect(again.deliveryCount).toBe(2);
  await receiver.completeMessage(again);
  expect(emulator.counts("q")).toMatchObject({ active: 1, deferred: 0 });
  await expect(receiveDeferred(message)).rejects.toMatchObject({
    code: "MessageNotFound",
  });

  async function receiveDeferred({
    sequenceNumber,
  }: ServiceBusReceivedMessage): Promise<ServiceBusReceivedMessage> {
    if (sequenceNumber === undefined) throw new Error("no number");
    const [found] = await receiver.receiveDeferredMessages(sequenceNumber);
    if (found === undefined) throw new Error("received nothing");
    return found;
  }
});

test("a deferred message is dead-lettered, and its locks end, through $management", async () => {
  const { client, emulator, clock } = await start();
  await client.createSender("q").sendMessages({ body: 1 });
  const receiver = peekLock(client, "q");
  const message = await receiveOne(receiver);
  await receiver.deferMessage(message);
  const number = message.sequenceNumber;
  if (number === undefined) throw new Error("no number");
  const [late] = await receiver.receiveDeferredMessages(number);
  clock.advance(MINUTE_MS);
  if (late === undefined) throw new Error("received nothing");
  await expect(receiver.completeMessage(late)).rejects.toMatchObject({
    code: "MessageLockLost",
  });
  const [found] = await receiver.receiveDeferredMessages(number);
  if (found === undefined) throw new Error("received nothing");
  await receiver.deadLetterMessage(found, {
    deadLetterReason: "Old",
    deadLetterErrorDescription: "too late",
  });
  expect(emulator.counts("q")).toMatchObject({ deferred: 0, deadLetter: 1 });
  const dead = await receiveOne(peekLock(client, "q/$DeadLetterQueue"));
  expect(dead).toMatchObject({
    deadLetterReason: "Old",
    deadLetterErrorDescription: "too late",
  });
});

test("a lock outlives its receiver's link", async () => {
  const { client, emulator } = await start();
  await client.createSender("q").sendMessages({ body: "x" });
  const receiver = peekLock(client, "q");
  const message = await receiveOne(receiver);
  await receiver.close();
  await peekLock(client, "q").completeMessage(message);
  expect(emulator.counts("q").active).toBe(0);
});

test("a subscribed receiver takes what comes and completes it", async () => {
  const { client, emulator } = await start();
  const sender = client.createSender("q");
  const receiver = peekLock(client, "q");
  const bodies: number[] = [];
  const done = new Promise<void>((resolve, reject) => {
    receiver.subscribe(
      {
        processMessage: async (message) => {
          bodies.push(message.body as number);
          await Promise.resolve();
          if (bodies.length === 50) resolve();
        },
        processError: ({ error }) => {
          reject(error);
          return Promise.resolve();
        },
      },
      { maxConcurrentCalls: 5 },
    );
  });
  for (let i = 0; i < 50; i++) await sender.sendMessages({ body: i });
  await done;
  await receiver.close();
  expect(bodies.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(emulator.counts("q").active).toBe(0);
});

test("receivers of one queue share its messages", async () => {
  const { client } = await start();
  const receivers = [peekLock(client, "q"), peekLock(client, "q")];
  const received = Promise.all(receivers.map((receiver) => receive(receiver, 5)));
  const sender = client.createSender("q");
  for (let i = 0; i < 10; i++) await sender.sendMessages({ body: i });
  const bodies = (await received).flat().map(({ body }) => body as number);
  expect(bodies.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a receive that finds too little is drained and the link lives on", async () => {
  const { client } = await start();
  const sender = client.createSender("q");
  const receiver = peekLock(client, "q");
  await expect(receiver.receiveMessages(5, { maxWaitTimeInMs: 1 })).resolves.toEqual([]);
  await sender.sendMessages({ body: "x" });
  expect(await receiveOne(receiver)).toMatchObject({ body: "x" });
});
