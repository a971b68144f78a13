import { expect, test } from "vitest";
import { MINUTE_MS, start } from "./support.js";

const PROPERTIES = {
  RequiresDuplicateDetection: true,
  DuplicateDetectionHistoryTimeWindow: "PT5M",
};
const QUEUE = { Queues: [{ Name: "q", Properties: PROPERTIES }] };

test("a MessageId is taken once within the window, and again after it", async () => {
  const { client, clock, emulator } = await start(QUEUE);
  const sender = client.createSender("q");
  await sender.sendMessages({ body: 1, messageId: "m" });
  clock.advance(5 * MINUTE_MS - 1);
  await sender.sendMessages({ body: 2, messageId: "m" });
  expect(emulator.counts("q").active).toBe(1);
  clock.advance(1);
  await sender.sendMessages({ body: 3, messageId: "m" });
  expect(emulator.counts("q").active).toBe(2);
});

test("duplicates are found within a batch, and after the message has been received", async () => {
  const { client, emulator } = await start(QUEUE);
  const sender = client.createSender("q");
  await sender.sendMessages([
    { body: 1, messageId: "a" },
    { body: 2, messageId: "a" },
    { body: 3, messageId: "A" },
    { body: 4 },
    { body: 5 },
  ]);
  expect(emulator.counts("q").active).toBe(4);
  const receiver = client.createReceiver("q", {
    receiveMode: "receiveAndDelete",
  });
  await receiver.receiveMessages(4);
  await sender.sendMessages({ body: 6, messageId: "a" });
  expect(emulator.counts("q").active).toBe(0);
});

test("a scheduled duplicate is given its original's number", async () => {
  const { client, clock, emulator } = await start(QUEUE);
  const sender = client.createSender("q");
  const due = new Date(clock.now() + MINUTE_MS);
  const numbers = await sender.scheduleMessages(
    [
      { body: 1, messageId: "m" },
      { body: 2, messageId: "m" },
    ],
    due,
  );
  expect(numbers.map((number) => number.toNumber())).toEqual([1, 1]);
  expect(emulator.counts("q").scheduled).toBe(1);
});

test("a topic detects duplicates before its subscriptions", async () => {
  const { client, emulator } = await start({
    Topics: [
      {
        Name: "t",
        Properties: PROPERTIES,
        Subscriptions: [{ Name: "one" }, { Name: "two" }],
      },
    ],
  });
  const sender = client.createSender("t");
  await sender.sendMessages({ body: 1, messageId: "m" });
  await sender.sendMessages({ body: 2, messageId: "m" });
  expect(emulator.counts("t/Subscriptions/one").active).toBe(1);
  expect(emulator.counts("t/Subscriptions/two").active).toBe(1);
});

test("without duplicate detection every message counts", async () => {
  const { client, emulator } = await start();
  const sender = client.createSender("q");
  await sender.sendMessages({ body: 1, messageId: "m" });
  await sender.sendMessages({ body: 2, messageId: "m" });
  expect(emulator.counts("q").active).toBe(2);
});
