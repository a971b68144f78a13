import { expect, test } from "vitest";
import { receive } from "@sigil-local/testing/receive";
import { MINUTE_MS, peekLock, receiveOne, start } from "./support.js";

test("a scheduled message becomes active at its time, as if sent then", async () => {
  const { client, clock, emulator } = await start();
  const sender = client.createSender("q");
  const due = new Date(clock.now() + 2 * MINUTE_MS);
  const [number] = await sender.scheduleMessages({ body: "later" }, due);
  expect(number?.toNumber()).toBe(1);
  expect(emulator.counts("q")).toMatchObject({ active: 0, scheduled: 1 });
  clock.advance(2 * MINUTE_MS - 1);
  expect(emulator.counts("q")).toMatchObject({ active: 0, scheduled: 1 });
  const waiting = receiveOne(peekLock(client, "q"));
  clock.advance(1);
  const message = await waiting;
  expect(message).toMatchObject({
    body: "later",
    state: "active",
    enqueuedTimeUtc: due,
    scheduledEnqueueTimeUtc: due,
  });
  expect(message.sequenceNumber?.toNumber()).toBe(2);
});

test("scheduledEnqueueTimeUtc on a sent message schedules it", async () => {
  const { client, clock, emulator } = await start();
  const sender = client.createSender("q");
  await sender.sendMessages([
    { body: 3, scheduledEnqueueTimeUtc: new Date(clock.now() + 3_000) },
    { body: 1, scheduledEnqueueTimeUtc: new Date(clock.now() + 1_000) },
    { body: 2, scheduledEnqueueTimeUtc: new Date(clock.now() + 2_000) },
  ]);
  expect(emulator.counts("q")).toMatchObject({ active: 0, scheduled: 3 });
  clock.advance(MINUTE_MS);
  const messages = await receive(peekLock(client, "q"), 3);
  expect(messages.map(({ body }) => body as number)).toEqual([1, 2, 3]);
});

test("a message scheduled for the past is active at once", async () => {
  const { client, clock, emulator } = await start();
  await client.createSender("q").sendMessages({
    body: "x",
    scheduledEnqueueTimeUtc: new Date(clock.now() - 1),
  });
  expect(emulator.counts("q")).toMatchObject({ active: 1, scheduled: 0 });
});

test("a cancelled message never comes", async () => {
  const { client, clock, emulator } = await start();
  const sender = client.createSender("q");
  const numbers = await sender.scheduleMessages(
    [{ body: "a" }, { body: "b" }],
    new Date(clock.now() + MINUTE_MS),
  );
  const [first] = numbers;
  if (first === undefined) throw new Error("no number");
  await sender.cancelScheduledMessages(first);
  clock.advance(MINUTE_MS);
  expect(emulator.counts("q")).toMatchObject({ active: 1, scheduled: 0 });
  expect(await receiveOne(peekLock(client, "q"))).toMatchObject({ body: "b" });
});

test("cancelling what is not scheduled fails with MessageNotFound", async () => {
  const { client, clock, emulator } = await start();
  const sender = client.createSender("q");
  const [number] = await sender.scheduleMessages({ body: "x" }, new Date(clock.now() + MINUTE_MS));
  if (number === undefined) throw new Error("no number");
  await expect(sender.cancelScheduledMessages([number, number.add(98)])).rejects.toMatchObject({
    code: "MessageNotFound",
  });
  expect(emulator.counts("q").scheduled).toBe(1);
  clock.advance(MINUTE_MS);
  await expect(sender.cancelScheduledMessages(number)).rejects.toMatchObject({
    code: "MessageNotFound",
  });
  expect(emulator.counts("q").active).toBe(1);
});
