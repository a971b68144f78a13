import { expect, test } from "vitest";
import { receive } from "@sigil-local/testing/receive";
import { MINUTE_MS, peekLock, receiveOne, start } from "./support.js";

function sql(Name: string, SqlExpression: string): object {
  return {
    Name,
    Properties: { FilterType: "Sql", SqlFilter: { SqlExpression } },
  };
}

function correlation(Name: string, CorrelationFilter: object): object {
  return {
    Name,
    Properties: { FilterType: "Correlation", CorrelationFilter },
  };
}

const TOPIC = {
  Topics: [
    {
      Name: "t",
      Subscriptions: [
        { Name: "all" },
        {
          Name: "failures",
          Rules: [sql("failed", "type LIKE '%.failed' AND attempts > 2")],
        },
        {
          Name: "either",
          Rules: [sql("big", "size >= 1.5"), correlation("urgent", { Label: "urgent" })],
        },
        {
          Name: "exact",
          Rules: [
            correlation("exact", {
              CorrelationId: "c1",
              Properties: { region: "westus", attempts: 3 },
            }),
          ],
        },
      ],
    },
  ],
};

test("a subscription takes what any of its rules takes, and without rules everything", async () => {
  const { client, emulator } = await start(TOPIC);
  const sender = client.createSender("t");
  await sender.sendMessages([
    {
      body: 1,
      subject: "urgent",
      applicationProperties: { type: "region.failed", attempts: 3, size: 2 },
    },
    {
      body: 2,
      correlationId: "c1",
      applicationProperties: {
        type: "region.failed",
        attempts: 2,
        region: "westus",
      },
    },
    {
      body: 3,
      correlationId: "c1",
      applicationProperties: { attempts: 3, region: "westus" },
    },
    { body: 4, applicationProperties: { size: 1.5 } },
  ]);
  const taken = ["all", "failures", "either", "exact"].map(
    (name) => emulator.counts(`t/Subscriptions/${name}`).active,
  );
  expect(taken).toEqual([4, 1, 2, 1]);
  const exact = await receiveOne(peekLock(client, "t", "exact"));
  expect(exact.body).toBe(3);
  const either = await receive(peekLock(client, "t", "either"), 2);
  expect(either.map(({ body }) => body as number)).toEqual([1, 4]);
});

test("each subscription settles its own copy, with its own dead-letter queue", async () => {
  const { client, emulator } = await start({
    Topics: [{ Name: "t", Subscriptions: [{ Name: "one" }, { Name: "two" }] }],
  });
  await client.createSender("t").sendMessages({ body: "x" });
  const receiver = peekLock(client, "t", "one");
  await receiver.deadLetterMessage(await receiveOne(receiver));
  expect(emulator.counts("t/Subscriptions/one")).toMatchObject({
    active: 0,
    deadLetter: 1,
  });
  expect(emulator.counts("t/Subscriptions/two")).toMatchObject({
    active: 1,
    deadLetter: 0,
  });
  const dead = await receiveOne(
    client.createReceiver("t", "one", {
      subQueueType: "deadLetter",
      maxAutoLockRenewalDurationInMs: 0,
    }),
  );
  expect(dead.body).toBe("x");
});

test("a message scheduled on a topic reaches the subscriptions at its time, and may be cancelled", async () => {
  const { client, clock, emulator } = await start(TOPIC);
  const sender = client.createSender("t");
  const due = new Date(clock.now() + MINUTE_MS);
  await sender.scheduleMessages({ body: "kept" }, due);
  const [cancelled] = await sender.scheduleMessages({ body: "gone" }, due);
  if (cancelled === undefined) throw new Error("no number");
  await sender.cancelScheduledMessages(cancelled);
  expect(emulator.counts("t").scheduled).toBe(1);
  expect(emulator.counts("t/Subscriptions/all").active).toBe(0);
  clock.advance(MINUTE_MS);
  expect(emulator.counts("t").scheduled).toBe(0);
  const message = await receiveOne(peekLock(client, "t", "all"));
  expect(message).toMatchObject({ body: "kept", enqueuedTimeUtc: due });
});

test("a topic cannot be received from, nor a subscription sent to", async () => {
  const { client } = await start(TOPIC);
  await expect(peekLock(client, "t").receiveMessages(1, { maxWaitTimeInMs: 1 })).rejects.toThrow(
    "receive from one of its subscriptions",
  );
  await expect(
    client.createSender("t/Subscriptions/all").sendMessages({ body: "x" }),
  ).rejects.toThrow("Nothing can be sent to");
});
