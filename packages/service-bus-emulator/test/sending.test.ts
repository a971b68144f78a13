import { expect, test } from "vitest";
import { receive } from "@sigil-local/testing/receive";
import { peekLock, receiveOne, start } from "./support.js";

test("a message arrives with its body, its properties and what the broker says of it", async () => {
  const { client, clock } = await start();
  await client.createSender("q").sendMessages({
    body: { text: "hej" },
    messageId: "m1",
    subject: "greeting",
    contentType: "application/json",
    correlationId: "c1",
    to: "you",
    replyTo: "me",
    applicationProperties: { whole: 3, half: 0.5, text: "å", flag: true },
  });
  const message = await receiveOne(peekLock(client, "q"));
  expect(message).toMatchObject({
    body: { text: "hej" },
    messageId: "m1",
    subject: "greeting",
    contentType: "application/json",
    correlationId: "c1",
    to: "you",
    replyTo: "me",
    applicationProperties: { whole: 3, half: 0.5, text: "å", flag: true },
    deliveryCount: 0,
    state: "active",
    enqueuedTimeUtc: new Date(clock.now()),
    lockedUntilUtc: new Date(clock.now() + 60_000),
  });
  expect(message.sequenceNumber?.toNumber()).toBe(1);
  expect(message.lockToken).toMatch(/^[0-9a-f-]{36}$/u);
});

test("a message without an id is given one, and everything else arrives as it was sent", async () => {
  const { client } = await start();
  const sender = client.createSender("q");
  const sent = { subject: "greeting", applicationProperties: { whole: 3 } };
  await sender.sendMessages({ body: "bare" });
  await sender.sendMessages([{ body: Buffer.from("bytes"), ...sent }]);
  await sender.scheduleMessages({ body: ["later"], ...sent }, new Date(0));

  const receiver = peekLock(client, "q");
  const messages = await receive(receiver, 3);
  expect(messages).toMatchObject([
    { body: "bare" },
    { body: Buffer.from("bytes"), ...sent },
    { body: ["later"], ...sent },
  ]);
  const ids = messages.map(({ messageId }) => String(messageId));
  // The client makes the id of a scheduled message itself.
  for (const id of ids.slice(0, 2)) expect(id).toMatch(/^[0-9a-f]{32}$/u);
  expect(new Set(ids).size).toBe(3);
});

test("a message without an id is settled by a client that renews locks by themselves", async () => {
  const { client, emulator } = await start();
  await client.createSender("q").sendMessages({ body: "bare" });
  const receiver = client.createReceiver("q"); // renews by default
  const [message] = await receive(receiver, 1);
  if (message !== undefined) await receiver.completeMessage(message);
  expect(emulator.counts("q").active).toBe(0);
});

test("messages arrive in the order in which they were sent", async () => {
  const { client } = await start();
  const sender = client.createSender("q");
  for (let i = 0; i < 20; i++) await sender.sendMessages({ body: i });
  const messages = await receive(peekLock(client, "q"), 20);
  expect(messages.map(({ body }) => body as number)).toEqual(
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test("a batch arrives as messages of their own", async () => {
  const { client } = await start();
  const sender = client.createSender("q");
  const batch = await sender.createMessageBatch();
  expect(batch.maxSizeInBytes).toBe(262_144);
  batch.tryAddMessage({ body: "one", messageId: "1", subject: "first" });
  batch.tryAddMessage({ body: "two", messageId: "2", subject: "second" });
  await sender.sendMessages(batch);
  await sender.sendMessages([{ body: "three" }, { body: "four" }]);
  const messages = await receive(peekLock(client, "q"), 4);
  expect(messages.map(({ body }) => body as string)).toEqual(["one", "two", "three", "four"]);
  expect(messages[1]).toMatchObject({ messageId: "2", subject: "second" });
});

test("two thousand messages go in and out with few receives", async () => {
  const { client, emulator } = await start();
  const sender = client.createSender("q");
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const batch = await sender.createMessageBatch();
      for (let j = 0; j < 100; j++) batch.tryAddMessage({ body: i * 100 + j });
      await sender.sendMessages(batch);
    }),
  );
  expect(emulator.counts("q").active).toBe(2_000);
  const receiver = peekLock(client, "q");
  const messages = await receive(receiver, 2_000);
  await Promise.all(messages.map((message) => receiver.completeMessage(message)));
  expect(new Set(messages.map(({ body }) => body as number)).size).toBe(2_000);
  expect(emulator.counts("q").active).toBe(0);
});

test("more messages than a rhea session buffers are delivered on one link", async () => {
  const { client, emulator } = await start();
  const sender = client.createSender("q");
  for (let i = 0; i < 25; i++)
    await sender.sendMessages(Array.from({ length: 100 }, (_, j) => ({ body: i * 100 + j })));
  const receiver = client.createReceiver("q", {
    receiveMode: "receiveAndDelete",
  });
  const messages = await receive(receiver, 2_500);
  expect(messages.at(-1)?.body).toBe(2_499);
  expect(emulator.counts("q").active).toBe(0);
});

test("a message over the limit is rejected with MessageSizeExceeded", async () => {
  const { client, emulator } = await start();
  await expect(
    client.createSender("q").sendMessages({ body: "x".repeat(300_000) }),
  ).rejects.toMatchObject({ code: "MessageSizeExceeded" });
  expect(emulator.counts("q").active).toBe(0);
});

test("a message of many frames arrives whole", async () => {
  const { client } = await start();
  const body = "0123456789".repeat(20_000);
  await client.createSender("q").sendMessages({ body });
  const message = await receiveOne(peekLock(client, "q"));
  expect(message.body).toBe(body);
});

test("peek shows messages in every state and changes nothing", async () => {
  const { client, emulator, clock } = await start();
  const sender = client.createSender("q");
  await sender.sendMessages([{ body: "locked" }, { body: "deferred" }, { body: "ready" }]);
  await sender.sendMessages({
    body: "scheduled",
    scheduledEnqueueTimeUtc: new Date(clock.now() + 1_000),
  });
  const receiver = peekLock(client, "q");
  const [, second] = await receive(receiver, 2);
  if (second !== undefined) await receiver.deferMessage(second);
  const peeked = await receiver.peekMessages(10);
  expect(peeked.map(({ body, state }) => [body as string, state])).toEqual([
    ["locked", "active"],
    ["deferred", "deferred"],
    ["ready", "active"],
    ["scheduled", "scheduled"],
  ]);
  expect(peeked.map(({ lockToken }) => lockToken)).toEqual(
    Array.from({ length: 4 }, () => undefined),
  );
  await expect(receiver.peekMessages(10)).resolves.toEqual([]);
  expect(emulator.counts("q")).toEqual({
    active: 2,
    deferred: 1,
    scheduled: 1,
    deadLetter: 0,
  });
});

test("paths compare without case", async () => {
  const { client, emulator } = await start();
  await client.createSender("Q").sendMessages({ body: "x" });
  expect(emulator.counts("q").active).toBe(1);
  const message = await receiveOne(peekLock(client, "Q"));
  expect(message.body).toBe("x");
});
