import { expect, test } from "vitest";
import { MINUTE_MS, peekLock, receiveOne, start } from "./support.js";

test("a message that has outlived its time to live is not delivered", async () => {
  const { client, clock, emulator } = await start();
  const sender = client.createSender("q");
  await sender.sendMessages([{ body: "short", timeToLive: 1_000 }, { body: "long" }]);
  clock.advance(1_000);
  expect(emulator.counts("q")).toMatchObject({ active: 1, deadLetter: 0 });
  expect(await receiveOne(peekLock(client, "q"))).toMatchObject({
    body: "long",
  });
});

test("DeadLetteringOnMessageExpiration keeps it in the dead-letter queue", async () => {
  const { client, clock } = await start({
    Queues: [{ Name: "q", Properties: { DeadLetteringOnMessageExpiration: true } }],
  });
  await client.createSender("q").sendMessages({ body: "short", timeToLive: 1_000 });
  clock.advance(1_000);
  expect(await receiveOne(peekLock(client, "q/$DeadLetterQueue"))).toMatchObject({
    body: "short",
    deadLetterReason: "TTLExpiredException",
  });
});

test("the entity's default is the most a message may ask for", async () => {
  const { client, clock, emulator } = await start({
    Queues: [{ Name: "q", Properties: { DefaultMessageTimeToLive: "PT1M" } }],
  });
  const sender = client.createSender("q");
  await sender.sendMessages([
    { body: "default" },
    { body: "more", timeToLive: 10 * MINUTE_MS },
    { body: "less", timeToLive: 1_000 },
  ]);
  const [message] = await peekLock(client, "q").peekMessages(1);
  expect(message?.timeToLive).toBe(MINUTE_MS);
  expect(message?.expiresAtUtc).toEqual(new Date(clock.now() + MINUTE_MS));
  clock.advance(1_000);
  expect(emulator.counts("q").active).toBe(2);
  clock.advance(MINUTE_MS - 1_000);
  expect(emulator.counts("q").active).toBe(0);
});

test("a locked message does not expire before its lock", async () => {
  const { client, clock, emulator } = await start();
  await client.createSender("q").sendMessages([
    { body: 1, timeToLive: 1_000 },
    { body: 2, timeToLive: 1_000 },
  ]);
  const receiver = peekLock(client, "q");
  const message = await receiveOne(receiver);
  clock.advance(2_000);
  expect(emulator.counts("q").active).toBe(1);
  await receiver.completeMessage(message);
  expect(emulator.counts("q").active).toBe(0);
});

test("an expired message that is given back expires then", async () => {
  const { client, clock, emulator } = await start();
  await client.createSender("q").sendMessages({ body: 1, timeToLive: 1_000 });
  const receiver = peekLock(client, "q");
  const message = await receiveOne(receiver);
  clock.advance(2_000);
  await receiver.abandonMessage(message);
  expect(emulator.counts("q").active).toBe(0);
});

test("a scheduled message's time to live starts when it becomes active", async () => {
  const { client, clock, emulator } = await start();
  await client.createSender("q").sendMessages({
    body: 1,
    timeToLive: 1_000,
    scheduledEnqueueTimeUtc: new Date(clock.now() + MINUTE_MS),
  });
  clock.advance(MINUTE_MS);
  expect(emulator.counts("q").active).toBe(1);
  clock.advance(1_000);
  expect(emulator.counts("q").active).toBe(0);
});
