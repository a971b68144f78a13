import type {
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusSessionReceiver,
} from "@azure/service-bus";
import { expect, test } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import { receive } from "@sigil-local/testing/receive";
import { connect, MINUTE_MS, peekLock, receiveOne, start } from "./support.js";

const SESSIONS = {
  Queues: [
    { Name: "q", Properties: { RequiresSession: true, MaxDeliveryCount: 3 } },
    { Name: "plain" },
  ],
  Topics: [
    {
      Name: "t",
      Subscriptions: [{ Name: "s", Properties: { RequiresSession: true } }, { Name: "plain" }],
    },
  ],
};
/** A clock that tells when the emulator waits for it. */
class WatchedClock extends ManualClock {
  #pending = 0;

  override at(atMs: number, task: () => void): () => void {
    this.#pending += 1;
    const cancel = super.at(atMs, () => {
      this.#pending -= 1;
      task();
    });
    return () => {
      this.#pending -= 1;
      cancel();
    };
  }

  /** Lets emulator and client work until so many alarms are set. */
  async waiting(alarms: number): Promise<void> {
    while (this.#pending !== alarms) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The emulator's own alarm, by which it notices that it stood still; it is set as long as it runs. */
const TICK = 1;

/** The client would renew by the time of day, and the emulator's clock stands at another. */
const UNRENEWED = { maxAutoLockRenewalDurationInMs: 0 };

function accept(client: ServiceBusClient, sessionId: string): Promise<ServiceBusSessionReceiver> {
  return client.acceptSession("q", sessionId, UNRENEWED);
}

function acceptNext(client: ServiceBusClient): Promise<ServiceBusSessionReceiver> {
  return client.acceptNextSession("q", UNRENEWED);
}

function bodies(messages: readonly ServiceBusReceivedMessage[]): unknown[] {
  return messages.map(({ body }) => body as unknown);
}

/** Sends, to each session in turn, a message whose body is its name and number. */
async function sendTo(client: ServiceBusClient, ...sessionIds: string[]): Promise<void> {
  const sender = client.createSender("q");
  for (const [number, sessionId] of sessionIds.entries())
    await sender.sendMessages({ body: `${sessionId}${number}`, sessionId });
}

test("a session's receiver gets that session's messages, in the order of sending", async () => {
  const { client } = await start(SESSIONS);
  await sendTo(client, "a", "b", "a", "b", "a");
  const a = await accept(client, "a");
  expect(a.sessionId).toBe("a");
  const messages = await receive(a, 3);
  expect(bodies(messages)).toEqual(["a0", "a2", "a4"]);
  expect(messages[0]?.sessionId).toBe("a");
  expect(messages[0]?.lockedUntilUtc).toEqual(a.sessionLockedUntilUtc);
  const b = await accept(client, "b");
  expect(bodies(await receive(b, 2))).toEqual(["b1", "b3"]);
});

test("the next session is the free one that has waited longest", async () => {
  const { client } = await start(SESSIONS);
  await sendTo(client, "a", "b", "c", "a");
  const held = await accept(client, "b");
  expect((await acceptNext(client)).sessionId).toBe("a");
  expect((await acceptNext(client)).sessionId).toBe("c");
  await held.close();
  expect((await acceptNext(client)).sessionId).toBe("b");
});

test("whoever asks for the next session waits until one has a message", async () => {
  const { client } = await start(SESSIONS);
  const waiting = acceptNext(client);
  await sendTo(client, "a");
  const receiver = await waiting;
  expect(receiver.sessionId).toBe("a");
  expect(await receiveOne(receiver)).toMatchObject({ body: "a0" });
});

test("whoever asks for the next session in vain is told so after the time he gave", async () => {
  const clock = new WatchedClock();
  const { client, emulator } = await start(SESSIONS, { clock });
  const outcome = acceptNext(client).then(
    () => "accepted",
    (error: unknown) => error,
  );
  await clock.waiting(TICK + 1);
  clock.advance(MINUTE_MS);
  expect(await outcome).toMatchObject({ code: "ServiceTimeout" });
  await sendTo(client, "a");
  expect((await acceptNext(client)).sessionId).toBe("a");
  expect(emulator.counts("q").active).toBe(1);
});

test("a client that went away while it waited for a session gets none", async () => {
  const clock = new WatchedClock();
  const { client, emulator } = await start(SESSIONS, { clock });
  const leaving = connect(emulator.connectionString);
  void acceptNext(leaving).catch(() => undefined);
  await clock.waiting(TICK + 1);
  await leaving.close();
  await clock.waiting(TICK);
  await sendTo(client, "a");
  expect((await acceptNext(client)).sessionId).toBe("a");
});

test("a client that waits for a session hears that the emulator stops", async () => {
  const clock = new WatchedClock();
  const { client, emulator } = await start(SESSIONS, { clock });
  const outcome = acceptNext(client).then(
    () => "accepted",
    () => "refused",
  );
  await clock.waiting(TICK + 1);
  await emulator.close();
  await clock.waiting(0);
  expect(await outcome).toBe("refused");
});

test("a session that another has cannot be locked, until he closes his link", async () => {
  const { client } = await start(SESSIONS);
  const first = await accept(client, "a");
  await expect(accept(client, "a")).rejects.toMatchObject({
    code: "SessionCannotBeLocked",
  });
  await first.close();
  expect((await accept(client, "a")).sessionId).toBe("a");
});

test("a closed session's messages come back in order, not counted", async () => {
  const { client } = await start(SESSIONS);
  await sendTo(client, "a", "a", "a");
  const first = await accept(client, "a");
  const [, second] = await receive(first, 3);
  if (second === undefined) throw new Error("too few");
  await first.completeMessage(second);
  await first.close();
  const messages = await receive(await accept(client, "a"), 2);
  expect(messages.map((m) => [m.body as string, m.deliveryCount])).toEqual([
    ["a0", 0],
    ["a2", 0],
  ]);
});

test("a session's lock that ends gives it to the next, its messages counted, and the first is told", async () => {
  const clock = new WatchedClock();
  const { client, emulator } = await start(SESSIONS, { clock });
  await sendTo(client, "a", "a");
  const first = await accept(client, "a");
  const late = await receiveOne(first);
  clock.advance(MINUTE_MS - 1_000);
  const waiting = acceptNext(client);
  await clock.waiting(TICK + 2);
  clock.advance(1_000);
  const second = await waiting;
  const messages = await receive(second, 2);
  expect(messages.map((m) => [m.body as string, m.deliveryCount])).toEqual([
    ["a0", 1],
    ["a1", 0],
  ]);
  await expect(first.completeMessage(late)).rejects.toMatchObject({
    code: "SessionLockLost",
  });
  await expect(first.setSessionState("stale")).rejects.toMatchObject({
    code: "SessionLockLost",
  });
  await expect(first.renewSessionLock()).rejects.toMatchObject({
    code: "SessionLockLost",
  });
  expect(await second.getSessionState()).toBeNull();
  expect(emulator.counts("q").active).toBe(2);
});

test("a renewed session keeps its messages locked", async () => {
  const { client, clock } = await start(SESSIONS);
  await sendTo(client, "a");
  const receiver = await accept(client, "a");
  const message = await receiveOne(receiver);
  clock.advance(MINUTE_MS - 1);
  await expect(receiver.renewSessionLock()).resolves.toEqual(new Date(clock.now() + MINUTE_MS));
  clock.advance(MINUTE_MS - 1);
  await receiver.completeMessage(message);
});

test("a message of a session is settled in every way, and counts", async () => {
  const { client, emulator } = await start(SESSIONS);
  await sendTo(client, "a", "a", "a");
  const receiver = await accept(client, "a");
  await receiver.abandonMessage(await receiveOne(receiver), { seen: 1 });
  const [again, second, third] = await receive(receiver, 3);
  if (!again || !second || !third) throw new Error("too few");
  expect(again).toMatchObject({
    body: "a0",
    deliveryCount: 1,
    applicationProperties: { seen: 1 },
  });
  await receiver.completeMessage(again);
  await receiver.deadLetterMessage(second);
  await receiver.deferMessage(third);
  expect(emulator.counts("q")).toMatchObject({
    active: 0,
    deferred: 1,
    deadLetter: 1,
  });
  if (third.sequenceNumber === undefined) throw new Error("no number");
  const other = await accept(client, "b");
  await expect(other.receiveDeferredMessages(third.sequenceNumber)).rejects.toMatchObject({
    code: "MessageNotFound",
  });
  const [deferred] = await receiver.receiveDeferredMessages(third.sequenceNumber);
  if (deferred === undefined) throw new Error("received nothing");
  await receiver.completeMessage(deferred);
  expect(emulator.counts("q").deferred).toBe(0);
  const dead = await receiveOne(peekLock(client, "q/$DeadLetterQueue"));
  expect(dead).toMatchObject({ body: "a1", sessionId: "a" });
});

test("sessions that keep ending send a message to the dead-letter queue", async () => {
  const { client, clock, emulator } = await start(SESSIONS);
  await sendTo(client, "a");
  for (let attempt = 0; attempt < 3; attempt++) {
    await receiveOne(await accept(client, "a"));
    clock.advance(MINUTE_MS);
  }
  expect(emulator.counts("q")).toMatchObject({ active: 0, deadLetter: 1 });
});

test("a session's state is its own, and outlives its receivers and messages", async () => {
  const { client } = await start(SESSIONS);
  const a = await accept(client, "a");
  expect(await a.getSessionState()).toBeNull();
  await a.setSessionState({ step: 2 });
  await a.close();
  const b = await accept(client, "b");
  expect(await b.getSessionState()).toBeNull();
  const again = await accept(client, "a");
  expect(await again.getSessionState()).toEqual({ step: 2 });
  await again.setSessionState(null);
  expect(await again.getSessionState()).toBeNull();
});

test("a peek sees one session", async () => {
  const { client } = await start(SESSIONS);
  await sendTo(client, "a", "b", "a");
  const receiver = await accept(client, "a");
  expect(bodies(await receiver.peekMessages(10))).toEqual(["a0", "a2"]);
});

test("a scheduled message reaches its session at its time", async () => {
  const { client, clock } = await start(SESSIONS);
  const due = new Date(clock.now() + 1_000);
  await client.createSender("q").scheduleMessages({ body: "later", sessionId: "a" }, due);
  const receiver = await accept(client, "a");
  const waiting = receiveOne(receiver);
  clock.advance(1_000);
  await expect(waiting).resolves.toMatchObject({ body: "later" });
});

test("receiveAndDelete takes a session's messages for good", async () => {
  const { client, emulator } = await start(SESSIONS);
  await sendTo(client, "a", "b");
  const receiver = await client.acceptSession("q", "a", {
    receiveMode: "receiveAndDelete",
  });
  expect(await receiveOne(receiver)).toMatchObject({ body: "a0" });
  expect(emulator.counts("q").active).toBe(1);
});

test("a receive that finds too little leaves the session with its receiver", async () => {
  const { client } = await start(SESSIONS);
  const receiver = await accept(client, "a");
  await expect(receiver.receiveMessages(5, { maxWaitTimeInMs: 1 })).resolves.toEqual([]);
  await sendTo(client, "a");
  expect(await receiveOne(receiver)).toMatchObject({ body: "a0" });
});

test("a subscribed session takes what comes in order and completes it", async () => {
  const { client, emulator } = await start(SESSIONS);
  const receiver = await accept(client, "a");
  const taken: unknown[] = [];
  const done = new Promise<void>((resolve, reject) => {
    receiver.subscribe({
      processMessage: ({ body }) => {
        if (taken.push(body) === 20) resolve();
        return Promise.resolve();
      },
      processError: ({ error }) => {
        reject(error);
        return Promise.resolve();
      },
    });
  });
  await sendTo(client, ...Array.from({ length: 20 }, () => "a"));
  await done;
  // Closed at once, the receiver would not complete the last.
  while (emulator.counts("q").active > 0) await new Promise((resolve) => setImmediate(resolve));
  await receiver.close();
  expect(taken).toEqual(Array.from({ length: 20 }, (_, i) => `a${i}`));
});

test("a message without a session is refused where sessions are required", async () => {
  const { client, emulator, clock } = await start(SESSIONS);
  const sender = client.createSender("q");
  const refused = "SessionId was not set";
  await expect(sender.sendMessages({ body: 1 })).rejects.toThrow(refused);
  await expect(sender.sendMessages([{ body: 1, sessionId: "a" }, { body: 2 }])).rejects.toThrow(
    refused,
  );
  await expect(sender.scheduleMessages({ body: 1 }, new Date(clock.now() + 1_000))).rejects.toThrow(
    refused,
  );
  expect(emulator.counts("q")).toMatchObject({ active: 0, scheduled: 0 });
});

test("a subscription with sessions dead-letters a message without one", async () => {
  const { client, emulator } = await start(SESSIONS);
  await client.createSender("t").sendMessages([{ body: 1 }, { body: 2, sessionId: "a" }]);
  const receiver = await client.acceptNextSession("t", "s", UNRENEWED);
  expect(await receiveOne(receiver)).toMatchObject({ body: 2 });
  expect(emulator.counts("t/Subscriptions/plain").active).toBe(2);
  const dead = await receiveOne(peekLock(client, "t/Subscriptions/s/$DeadLetterQueue"));
  expect(dead).toMatchObject({
    body: 1,
    deadLetterReason: "Session ID is null.",
  });
});

test("a plain receiver is refused where sessions are required, and a session's where they are not", async () => {
  const { client } = await start(SESSIONS);
  await expect(peekLock(client, "q").receiveMessages(1, { maxWaitTimeInMs: 1 })).rejects.toThrow(
    "non-sessionful message receiver",
  );
  await expect(client.acceptNextSession("plain")).rejects.toThrow("does not require sessions");
});
