import { expect, test } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import type { IncomingMessage } from "../src/broker/message.js";
import { Queue } from "../src/broker/queue.js";
import type { SessionLock, SessionRequest } from "../src/broker/sessions.js";
import { memoryStore } from "../src/broker/store.js";

const MINUTE_MS = 60_000;

function createQueue(): { queue: Queue; clock: ManualClock } {
  const clock = new ManualClock();
  const settings = {
    lockDurationMs: MINUTE_MS,
    maxDeliveryCount: 10,
    defaultTimeToLiveMs: undefined,
    deadLetteringOnExpiration: false,
    duplicateWindowMs: undefined,
    requiresSession: true,
  };
  const queue = new Queue({ clock, store: memoryStore }, "q", settings, undefined);
  return { queue, clock };
}

function message(sessionId: string, timeToLiveMs?: number): IncomingMessage {
  return {
    bytes: Buffer.from(sessionId),
    messageId: undefined,
    sessionId,
    timeToLiveMs,
    scheduledEnqueueTimeMs: undefined,
  };
}

/** A request that notes what it is told. */
class Requester implements SessionRequest {
  readonly waitMs = MINUTE_MS;
  readonly told: string[] = [];
  readonly sessionId: string | undefined;
  readonly linkName: string;
  lock: SessionLock | undefined;

  constructor(linkName: string, sessionId?: string) {
    this.linkName = linkName;
    this.sessionId = sessionId;
  }

  accepted(lock: SessionLock): void {
    this.lock = lock;
    this.told.push(lock.sessionId);
  }

  refused(why: string): void {
    this.told.push(why);
  }

  lost(): void {
    this.told.push("lost");
  }
}

/** Has a queue deliver to a requester's session; the bodies that come are in the result. */
function consume(queue: Queue, { lock }: Requester): string[] {
  const taken: string[] = [];
  queue.addConsumer({
    session: lock,
    receiveAndDelete: false,
    credit: () => 10,
    deliver: ({ record }) => taken.push(record.bytes.toString()),
  });
  return taken;
}

test("a receiver whose session was lost gets nothing more of it", () => {
  const { queue, clock } = createQueue();
  const [first, second] = [new Requester("1", "a"), new Requester("2", "a")];
  queue.requestSession(first);
  const takenByFirst = consume(queue, first);
  clock.advance(MINUTE_MS);
  queue.send([message("a")]);
  expect([takenByFirst, first.told]).toEqual([[], ["a", "lost"]]);
  queue.requestSession(second);
  expect(consume(queue, second)).toEqual(["a"]);
  expect(takenByFirst).toEqual([]);
});

test("a session whose messages have gone, or that is held, is not the next", () => {
  const { queue, clock } = createQueue();
  queue.send([message("expired", 1_000), message("held"), message("free")]);
  const held = new Requester("1", "held");
  queue.requestSession(held);
  clock.advance(1_000);
  const [first, second] = [new Requester("2"), new Requester("3")];
  queue.requestSession(first);
  queue.requestSession(second);
  expect([first.told, second.told]).toEqual([["free"], []]);
  queue.releaseSession(held.lock as SessionLock);
  expect(second.told).toEqual(["held"]);
});

test("only the link that was given a session finds its lock", () => {
  const { queue } = createQueue();
  const holder = new Requester("mine", "a");
  queue.requestSession(holder);
  expect(queue.findSession("a", "mine")).toBe(holder.lock);
  expect(queue.findSession("a", "another's")).toBeUndefined();
  expect(queue.findSession("b", "mine")).toBeUndefined();
});

test("letting go of a lost session leaves the next holder's alone", () => {
  const { queue, clock } = createQueue();
  const [first, second] = [new Requester("1", "a"), new Requester("1", "a")];
  queue.requestSession(first);
  clock.advance(MINUTE_MS);
  queue.requestSession(second);
  queue.releaseSession(first.lock as SessionLock);
  expect(queue.findSession("a", "1")).toBe(second.lock);
});

test("a session that is let go waits its turn anew", () => {
  const { queue } = createQueue();
  queue.send([message("a"), message("b")]);
  const first = new Requester("1", "a");
  queue.requestSession(first);
  queue.releaseSession(first.lock as SessionLock);
  const next = new Requester("2");
  queue.requestSession(next);
  expect(next.told).toEqual(["b"]);
});
