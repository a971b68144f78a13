import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFile, cp, mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { ServiceBusClient } from "@azure/service-bus";
import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import { parseEmulatorConfiguration } from "../src/configuration.js";
import { startServiceBusEmulator, type ServiceBusEmulator } from "../src/emulator.js";
import { runEmulator, temporaryDirectory } from "./program.js";
import { receive } from "@sigil-local/testing/receive";
import { configurationOf, connect, MINUTE_MS, peekLock, receiveOne } from "./support.js";

const ENTITIES = {
  Queues: [
    {
      Name: "q",
      Properties: {
        MaxDeliveryCount: 3,
        RequiresDuplicateDetection: true,
        DuplicateDetectionHistoryTimeWindow: "PT5M",
      },
    },
  ],
  Topics: [{ Name: "t", Subscriptions: [{ Name: "s" }, { Name: "u" }] }],
};
const JOURNAL = "service-bus.journal";

interface Opened {
  readonly emulator: ServiceBusEmulator;
  readonly client: ServiceBusClient;
}

async function open(
  dataDirectory: string,
  clock: ManualClock,
  entities: object = ENTITIES,
  log: (line: string) => void = () => undefined,
): Promise<Opened> {
  const emulator = await startServiceBusEmulator({
    configuration: parseEmulatorConfiguration(configurationOf(entities)),
    dataDirectory,
    clock,
    log,
  });
  onTestFinished(() => emulator.close());
  return { emulator, client: connect(emulator.connectionString) };
}

/** What a kill would leave behind: the files as they are now, while the emulator runs on. */
async function asIfKilled(dataDirectory: string): Promise<string> {
  const copy = await temporaryDirectory();
  await cp(dataDirectory, copy, { recursive: true });
  return copy;
}

test("everything acknowledged is there after a kill: messages, states, counts, duplicates, schedules", async () => {
  const clock = new ManualClock();
  const directory = await temporaryDirectory();
  const { client } = await open(directory, clock);
  const sender = client.createSender("q");
  const receiver = peekLock(client, "q");
  await sender.sendMessages([
    { body: "completed", messageId: "1" },
    {
      body: "abandoned",
      messageId: "2",
      applicationProperties: { before: 1 },
    },
    { body: "deferred", messageId: "3" },
    { body: "dead", messageId: "4" },
    { body: "locked", messageId: "5" },
    { body: "ready", messageId: "6" },
  ]);
  const [m1, m2, m3, m4] = await receive(receiver, 5);
  if (!m1 || !m2 || !m3 || !m4) throw new Error("too few");
  await receiver.completeMessage(m1);
  await receiver.deferMessage(m3, { later: true });
  await receiver.deadLetterMessage(m4, {
    deadLetterReason: "Bad",
    deadLetterErrorDescription: "very",
  });
  const due = new Date(clock.now() + MINUTE_MS);
  const [kept, cancelled] = await sender.scheduleMessages(
    [
      { body: "scheduled", messageId: "7" },
      { body: "cancelled", messageId: "8" },
    ],
    due,
  );
  if (!kept || !cancelled) throw new Error("no numbers");
  await sender.cancelScheduledMessages(cancelled);
  await client.createSender("t").sendMessages({ body: "published" });
  await receiver.abandonMessage(m2, { after: 2.5 });

  const after = await open(await asIfKilled(directory), clock);
  expect(after.emulator.counts("q")).toEqual({
    active: 3,
    deferred: 1,
    scheduled: 1,
    deadLetter: 1,
  });
  const again = peekLock(after.client, "q");
  const messages = await receive(again, 2);
  expect(messages.map(({ body, deliveryCount }) => [body as string, deliveryCount])).toEqual([
    ["abandoned", 1],
    ["ready", 0],
  ]);
  expect(messages[0]?.applicationProperties).toEqual({ before: 1, after: 2.5 });
  if (!m3.sequenceNumber) throw new Error("no number");
  const [deferred] = await again.receiveDeferredMessages(m3.sequenceNumber);
  expect(deferred).toMatchObject({
    body: "deferred",
    applicationProperties: { later: true },
  });
  const dead = await receiveOne(peekLock(after.client, "q/$DeadLetterQueue"));
  expect(dead).toMatchObject({ body: "dead", deadLetterReason: "Bad" });
  const resender = after.client.createSender("q");
  await resender.sendMessages({ body: "again", messageId: "1" });
  expect(after.emulator.counts("q")).toMatchObject({ active: 3 });
  await resender.cancelScheduledMessages(kept);
  expect(after.emulator.counts("q")).toMatchObject({ scheduled: 0 });
  for (const name of ["s", "u"])
    expect(await receiveOne(peekLock(after.client, "t", name))).toMatchObject({
      body: "published",
    });
});

test("a lock outlives a kill: its token settles the message, which nobody else gets", async () => {
  const clock = new ManualClock();
  const directory = await temporaryDirectory();
  const before = await open(directory, clock);
  const sender = before.client.createSender("q");
  await sender.sendMessages([
    { body: 1, messageId: "1" },
    { body: 2, messageId: "2" },
    { body: 3, messageId: "3" },
  ]);
  const [first, second] = await receive(peekLock(before.client, "q"), 2);
  if (!first || !second) throw new Error("too few");
  clock.advance(MINUTE_MS - 1);
  await peekLock(before.client, "q").renewMessageLock(second);

  const after = await open(await asIfKilled(directory), clock);
  const receiver = peekLock(after.client, "q");
  expect(await receiveOne(receiver)).toMatchObject({ body: 3 });
  await receiver.completeMessage(first);
  clock.advance(MINUTE_MS - 1);
  await receiver.completeMessage(second);
  expect(after.emulator.counts("q").active).toBe(1);
});

test("a lock that ends counts, also while the emulator is down", async () => {
  const clock = new ManualClock();
  let directory = await temporaryDirectory();
  const first = await open(directory, clock);
  await first.client.createSender("q").sendMessages({ body: "poison" });
  let { client } = first;
  for (const deliveryCount of [0, 1, 2]) {
    const message = await receiveOne(peekLock(client, "q"));
    expect(message).toMatchObject({ body: "poison", deliveryCount });
    directory = await asIfKilled(directory);
    clock.advance(MINUTE_MS);
    ({ client } = await open(directory, clock));
  }
  const dead = await receiveOne(peekLock(client, "q/$DeadLetterQueue"));
  expect(dead).toMatchObject({
    deadLetterReason: "MaxDeliveryCountExceeded",
    deliveryCount: 3,
  });
});

test("a message that was given back before a kill is not locked after it", async () => {
  const clock = new ManualClock();
  const directory = await temporaryDirectory();
  const before = await open(directory, clock);
  await before.client.createSender("q").sendMessages({ body: "x" });
  const receiver = peekLock(before.client, "q");
  const message = await receiveOne(receiver);
  await receiver.deferMessage(message);
  const number = message.sequenceNumber;
  if (number === undefined) throw new Error("no number");
  await receiver.receiveDeferredMessages(number);

  const after = await open(await asIfKilled(directory), clock);
  const again = peekLock(after.client, "q");
  await expect(again.receiveDeferredMessages(number)).rejects.toMatchObject({
    code: "MessageNotFound",
  });
  clock.advance(MINUTE_MS);
  const [deferred] = await again.receiveDeferredMessages(number);
  expect(deferred).toMatchObject({ deliveryCount: 2, state: "deferred" });
  if (deferred === undefined) throw new Error("received nothing");
  await again.abandonMessage(deferred);

  const third = await open(await asIfKilled(directory), clock);
  const [last] = await peekLock(third.client, "q").receiveDeferredMessages(number);
  expect(last?.deliveryCount).toBe(2);
});

test("a session's state outlives a kill, its lock does not, and its messages come back uncounted", async () => {
  const clock = new ManualClock();
  const directory = await temporaryDirectory();
  const entities = {
    Queues: [{ Name: "q", Properties: { RequiresSession: true } }],
  };
  const unrenewed = { maxAutoLockRenewalDurationInMs: 0 };
  const before = await open(directory, clock, entities);
  const sender = before.client.createSender("q");
  await sender.sendMessages([
    { body: 1, sessionId: "a" },
    { body: 2, sessionId: "a" },
  ]);
  const session = await before.client.acceptSession("q", "a", unrenewed);
  await session.setSessionState("half");
  await session.completeMessage(await receiveOne(session));
  await receiveOne(session);

  for (const copy of [await asIfKilled(directory), directory]) {
    if (copy === directory) {
      await before.client.close();
      await before.emulator.close();
    }
    const after = await open(copy, clock, entities);
    const next = await after.client.acceptNextSession("q", unrenewed);
    expect(await next.getSessionState()).toBe("half");
    expect(await receiveOne(next)).toMatchObject({ body: 2, deliveryCount: 0 });
  }
});

test("rules that a client changed outlive a kill, until the configuration has others", async () => {
  const clock = new ManualClock();
  let directory = await temporaryDirectory();
  const before = await open(directory, clock);
  const rules = before.client.createRuleManager("t", "s");
  await rules.createRule("some", {
    subject: "x",
    applicationProperties: { n: 1, d: 0.5, text: "a", yes: true },
  });
  await rules.createRule("sql", { sqlExpression: "n > 1" });
  await rules.deleteRule("$Default");

  // The second time, the journal has been written anew.
  for (let attempt = 0; attempt < 2; attempt++) {
    directory = await asIfKilled(directory);
    const { client, emulator } = await open(directory, clock);
    const sender = client.createSender("t");
    await sender.sendMessages([
      { body: "neither" },
      {
        body: "some",
        subject: "x",
        applicationProperties: { n: 1, d: 0.5, text: "a", yes: true },
      },
      { body: "sql", applicationProperties: { n: 2 } },
    ]);
    expect(emulator.counts("t/Subscriptions/s").active).toBe(2);
    const receiver = client.createReceiver("t", "s", {
      receiveMode: "receiveAndDelete",
    });
    await receive(receiver, 2);
  }

  const Rules = [
    {
      Name: "other",
      Properties: { FilterType: "Sql", SqlFilter: { SqlExpression: "1=0" } },
    },
  ];
  const lines: string[] = [];
  const after = await open(
    await asIfKilled(directory),
    clock,
    { Topics: [{ Name: "t", Subscriptions: [{ Name: "s", Rules }] }] },
    (line) => lines.push(line),
  );
  const [rule] = (await after.client.createRuleManager("t", "s").listRules().byPage().next())
    .value as { name: string }[];
  expect(rule?.name).toBe("other");
  expect(lines).toContain(
    "The rules of t/Subscriptions/s that clients changed are dropped: the configuration has other rules since.",
  );
});

test("sequence numbers go on where they were", async () => {
  const clock = new ManualClock();
  const directory = await temporaryDirectory();
  const first = await open(directory, clock);
  await first.client.createSender("q").sendMessages([{ body: 1 }, { body: 2 }]);
  const receiver = first.client.createReceiver("q", {
    receiveMode: "receiveAndDelete",
  });
  await receive(receiver, 2);
  await first.client.close();
  await first.emulator.close();
  const second = await open(directory, clock);
  await second.client.createSender("q").sendMessages({ body: 3 });
  const message = await receiveOne(peekLock(second.client, "q"));
  expect(message.sequenceNumber?.toNumber()).toBe(3);
});

test("what fell due while the emulator was down happens at the start", async () => {
  const clock = new ManualClock();
  const directory = await temporaryDirectory();
  const first = await open(directory, clock);
  await first.client.createSender("q").sendMessages([
    {
      body: "due",
      scheduledEnqueueTimeUtc: new Date(clock.now() + MINUTE_MS),
    },
    { body: "expired", timeToLive: 1_000 },
  ]);
  await first.client.close();
  await first.emulator.close();
  clock.advance(2 * MINUTE_MS);
  const second = await open(directory, clock);
  expect(second.emulator.counts("q")).toMatchObject({
    active: 1,
    scheduled: 0,
  });
  expect(await receiveOne(peekLock(second.client, "q"))).toMatchObject({
    body: "due",
  });
});

test("a torn last line is cut off, and the journal goes on after it", async () => {
  const clock = new ManualClock();
  const directory = await temporaryDirectory();
  const first = await open(directory, clock);
  const sender = first.client.createSender("q");
  await sender.sendMessages({ body: "whole", messageId: "1" });
  const length = (await readFile(path.join(directory, JOURNAL))).length;
  await sender.sendMessages({ body: "torn", messageId: "2" });
  const copy = await asIfKilled(directory);
  await truncate(path.join(copy, JOURNAL), length + 20);
  const second = await open(copy, clock);
  expect(second.emulator.counts("q").active).toBe(1);
  await second.client.createSender("q").sendMessages({ body: "sent anew", messageId: "2" });
  const third = await open(await asIfKilled(copy), clock);
  const messages = await receive(peekLock(third.client, "q"), 2);
  expect(messages.map(({ body }) => body as string)).toEqual(["whole", "sent anew"]);
});

test("a damaged line is not passed over", async () => {
  const directory = await temporaryDirectory();
  await appendFile(
    path.join(directory, JOURNAL),
    '[["remove","q",1]]\nnonsense\n[["remove","q",2]]\n',
  );
  await expect(open(directory, new ManualClock())).rejects.toThrow("line 2 cannot be read");
});

test("messages of an entity that is no longer configured are kept", async () => {
  const clock = new ManualClock();
  const directory = await temporaryDirectory();
  const first = await open(directory, clock);
  await first.client.createSender("q").sendMessages({ body: "x" });
  await first.client.close();
  await first.emulator.close();
  const lines: string[] = [];
  const without = await open(directory, clock, { Topics: [] }, (line) => lines.push(line));
  expect(lines).toEqual([
    "Kept, but not served: messages of q, which the configuration does not have.",
  ]);
  await without.client.close();
  await without.emulator.close();
  const again = await open(directory, clock);
  expect(again.emulator.counts("q").active).toBe(1);
});

test("the journal of a busy queue stays small", async () => {
  const clock = new ManualClock();
  const directory = await temporaryDirectory();
  const { client, emulator } = await open(directory, clock);
  const sender = client.createSender("t");
  const receivers = ["s", "u"].map((name) =>
    client.createReceiver("t", name, { receiveMode: "receiveAndDelete" }),
  );
  await sender.sendMessages({ body: "stays" });
  for (const receiver of receivers) await receiveOne(receiver);
  await client.createSender("q").sendMessages({ body: "stays" });
  for (let i = 0; i < 12; i++) {
    await sender.sendMessages(Array.from({ length: 500 }, (_, body) => ({ body })));
    for (const receiver of receivers) await receive(receiver, 500);
  }
  const lines = (await readFile(path.join(directory, JOURNAL), "utf8")).split("\n").length;
  expect(lines).toBeLessThan(11_000);
  expect(await readdir(directory)).not.toContain(`${JOURNAL}.new`);
  const after = await open(await asIfKilled(directory), clock);
  expect(after.emulator.counts("q").active).toBe(1);
  expect(after.emulator.counts("t/Subscriptions/s").active).toBe(
    emulator.counts("t/Subscriptions/s").active,
  );
});

test("kill -9 at any point loses nothing that was acknowledged, and doubles nothing", async () => {
  const directory = await temporaryDirectory();
  const entities = path.join(directory, "entities.json");
  await writeFile(entities, JSON.stringify(configurationOf(ENTITIES)));
  const args = ["--config", entities, "--port", "0", "--data", directory];
  const acknowledged = new Set<number>();
  const completed = new Set<number>();
  /** Whose completion the kill may have cut off before or after it was stored. */
  const completing = new Set<number>();

  async function work(client: ServiceBusClient): Promise<void> {
    const sender = client.createSender("q");
    const receiver = peekLock(client, "q");
    // The first was perhaps sent before the kill: a sender that was not answered sends again.
    for (let number = acknowledged.size; ; number++) {
      await sender.sendMessages({ body: number, messageId: String(number) });
      acknowledged.add(number);
      if (number % 3 !== 0) continue;
      const message = await receiveOne(receiver);
      completing.add(message.body as number);
      await receiver.completeMessage(message);
      completed.add(message.body as number);
    }
  }

  for (let round = 1; round <= 5; round++) {
    const running = await listen(args);
    // Not closed by `connect` at the end: closing a client whose server was killed in the middle of a settlement takes as
    // long as its timeouts, and nothing here waits for that.
    const client = new ServiceBusClient(running.connectionString, {
      retryOptions: { maxRetries: 0, timeoutInMs: 60_000 },
    });
    void work(client).catch(() => undefined);
    const enough = acknowledged.size + 7 * round;
    while (acknowledged.size < enough) await new Promise((resolve) => setImmediate(resolve));
    running.process.kill("SIGKILL");
    await once(running.process, "exit");
    void client.close().catch(() => undefined);
  }
  const running = await listen(args);
  const client = connect(running.connectionString);
  const left = await peekLock(client, "q").peekMessages(1_000);
  const bodies = left.map(({ body }) => body as number);
  const there = new Set(bodies);
  expect(there.size).toBe(bodies.length);
  const lost = [...acknowledged].filter((number) => !there.has(number) && !completing.has(number));
  expect(lost).toEqual([]);
  const back = [...completed].filter((number) => there.has(number));
  expect(back).toEqual([]);
  expect(acknowledged.size).toBeGreaterThanOrEqual(105);
  expect(completed.size).toBeGreaterThan(20);
  await client.close();
  running.process.kill("SIGTERM");
  const [code] = (await once(running.process, "exit")) as [number];
  expect(code).toBe(0);
});

test("a journal that cannot be written anew is one clear error at the start", async () => {
  const directory = await temporaryDirectory();
  await mkdir(path.join(directory, `${JOURNAL}.new`));
  await expect(open(directory, new ManualClock())).rejects.toThrow("EISDIR");
});

test("a directory belongs to one process at a time, and to nobody after a kill", async () => {
  const directory = await temporaryDirectory();
  const file = path.join(directory, "service-bus.pid");
  // The parent of this process runs, and is not this process.
  await writeFile(file, String(process.ppid));
  await expect(open(directory, new ManualClock())).rejects.toThrow(
    `${directory} is in use by process ${process.ppid}: stop it, or remove ${file}`,
  );
  await writeFile(file, "2147483646");
  const { client, emulator } = await open(directory, new ManualClock());
  await client.close();
  await emulator.close();
  expect(await readdir(directory)).toEqual([JOURNAL]);
});

/** Starts the program and waits for its connection string. */
async function listen(
  args: readonly string[],
): Promise<{ process: ChildProcess; connectionString: string }> {
  const child = runEmulator(args);
  for await (const line of createInterface({ input: child.stdout }))
    if (line.startsWith("Endpoint=")) return { process: child, connectionString: line };
  throw new Error("the emulator did not start");
}
