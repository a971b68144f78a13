import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "@sigil-local/clock";
import { Broker, queueOf } from "../src/broker/broker.js";
import type { Queue } from "../src/broker/queue.js";
import type { SessionLock } from "../src/broker/sessions.js";
import { Journal } from "../src/journal/journal.js";

const LOCK_MS = 60_000;

/** What users of a queue do; a number says to which of its messages, where there is a choice. */
const STEPS = [
  "send",
  "sendExpiring",
  "schedule",
  "cancel",
  "receive",
  "complete",
  "abandon",
  "defer",
  "release",
  "deadLetter",
  "renew",
  "receiveDeferred",
  "takeSession",
  "letSessionGo",
  "setState",
  "wait",
] as const;
type Step = readonly [what: (typeof STEPS)[number], number: number];
/** Messages of one session, and the session: else few of the steps after them would have something to do. */
const FIRST: readonly Step[] = [
  ["send", 0],
  ["send", 3],
  ["send", 6],
  ["takeSession", 0],
  ["receive", 0],
];

function openBroker(
  directory: string,
  clock: ManualClock,
  requiresSession: boolean,
): { broker: Broker; queue: Queue; journal: Journal } {
  const journal = new Journal({
    directory,
    onFailure: (error) => {
      throw error;
    },
  });
  const broker = new Broker(
    {
      clock,
      store: journal,
      readProperties: () => {
        throw new Error("there are no topics");
      },
    },
    {
      queues: [
        {
          name: "q",
          settings: {
            lockDurationMs: LOCK_MS,
            maxDeliveryCount: 3,
            defaultTimeToLiveMs: undefined,
            deadLetteringOnExpiration: true,
            duplicateWindowMs: 5 * LOCK_MS,
            requiresSession,
          },
        },
      ],
      topics: [],
    },
  );
  broker.start(journal.stored);
  const entity = broker.find("q");
  if (entity === undefined) throw new Error("there is no queue");
  return { broker, queue: queueOf(entity), journal };
}

/** Does the steps with a queue, as one receiver who takes a message whenever he is told to. */
function perform(
  queue: Queue,
  clock: ManualClock,
  requiresSession: boolean,
  steps: readonly Step[],
): void {
  const tokens: string[] = [];
  const scheduled: number[] = [];
  let session: SessionLock | undefined;
  let wanted = 0;
  const consumer = (): Parameters<Queue["addConsumer"]>[0] => ({
    session,
    receiveAndDelete: false,
    credit: () => wanted,
    deliver: ({ lock }) => {
      wanted -= 1;
      if (lock !== undefined) tokens.push(lock.token);
    },
  });
  const send = (number: number, ttl?: number, due?: number): number[] =>
    queue.send([
      {
        bytes: Buffer.from([number]),
        messageId: String(number % 50),
        sessionId: requiresSession ? `s${number % 3}` : undefined,
        timeToLiveMs: ttl,
        scheduledEnqueueTimeMs: due === undefined ? due : clock.now() + due,
      },
    ]);
  for (const [what, number] of steps) {
    const token = tokens[number % (tokens.length || 1)] ?? "none";
    switch (what) {
      case "send":
        send(number);
        break;
      case "sendExpiring":
        send(number, LOCK_MS);
        break;
      case "schedule":
        scheduled.push(...send(number, undefined, LOCK_MS));
        break;
      case "cancel":
        queue.cancelScheduled(scheduled.slice(-1));
        break;
      case "receive": {
        wanted = 1;
        const receiver = consumer();
        queue.addConsumer(receiver);
        queue.removeConsumer(receiver);
        wanted = 0;
        break;
      }
      case "complete":
      case "release":
        queue[what](token);
        break;
      case "abandon":
      case "defer":
        queue[what](token, new Map([["p", Buffer.from([number])]]));
        break;
      case "deadLetter":
        queue.deadLetter(token, {
          reason: "r",
          errorDescription: undefined,
          changedProperties: new Map(),
        });
        break;
      case "renew":
        if (!requiresSession) queue.renew([token]);
        break;
      case "receiveDeferred": {
        const deferred = queue.peek(1, 100).find((record) => record.deferred);
        if (deferred === undefined || (requiresSession && !session)) break;
        const found = queue.receiveDeferred([deferred.sequenceNumber], false, session);
        for (const { lock } of found ?? []) tokens.push(lock?.token ?? "");
        break;
      }
      case "takeSession":
        if (!requiresSession || session !== undefined) break;
        queue.requestSession({
          sessionId: `s${number % 3}`,
          linkName: "l",
          waitMs: 1,
          accepted: (lock) => (session = lock),
          refused: () => undefined,
          lost: () => (session = undefined),
        });
        break;
      case "letSessionGo":
        if (session !== undefined) queue.releaseSession(session);
        session = undefined;
        break;
      case "setState":
        if (session !== undefined)
          queue.setSessionState(session, number % 2 === 0 ? undefined : Buffer.from([number]));
        break;
      case "wait":
        clock.advance(number * 400);
        break;
    }
  }
  if (session !== undefined) queue.releaseSession(session);
}

test.each([false, true])(
  "whatever was done to a queue, a journal holds what the queue does (sessions: %s)",
  (requiresSession) => {
    const step = fc.tuple(fc.constantFrom(...STEPS), fc.nat(99));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const directory = mkdtempSync(path.join(tmpdir(), "restore-"));
        try {
          const clock = new ManualClock();
          const before = openBroker(directory, clock, requiresSession);
          perform(before.queue, clock, requiresSession, [...FIRST, ...steps]);
          const held = [...before.broker.snapshot()];
          before.broker.stop();
          before.journal.close();
          const after = openBroker(directory, clock, requiresSession);
          const restored = [...after.broker.snapshot()];
          after.broker.stop();
          after.journal.close();
          expect(restored).toEqual(held);
        } finally {
          rmSync(directory, { recursive: true });
        }
      }),
      { numRuns: 300 },
    );
  },
);
