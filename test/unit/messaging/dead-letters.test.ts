import { expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import {
  lookAfterDeadLetters,
  type DeadLetterDependencies,
  type DeadLetterLook,
} from "../../../src/messaging/dead-letters.js";
import { eventMistakes } from "../events/document.js";

const DAY_MS = 86_400_000;
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NONE: DeadLetterLook = {
  queue: "q1",
  count: 0,
  more: false,
  old: 0,
  oldestTime: undefined,
  reasons: [],
  mark: "0",
};
const SOME: DeadLetterLook = {
  queue: "q2",
  count: 700,
  more: false,
  old: 600,
  oldestTime: "2025-11-30T00:00:00.000Z",
  reasons: [{ reason: "MaxDeliveryCountExceeded", count: 700 }],
  mark: "700 1 700",
};

/** Two queues that hold `looks`; what was called, in order. */
function bench(
  looks: readonly (DeadLetterLook | Error)[],
  ports: Partial<DeadLetterDependencies> = {},
): {
  readonly calls: string[];
  readonly events: CloudEvent[];
  readonly run: () => ReturnType<typeof lookAfterDeadLetters>;
} {
  const calls: string[] = [];
  const events: CloudEvent[] = [];
  const deps: DeadLetterDependencies = {
    deadLetters: {
      queues: ["q1", "q2"],
      look(queue, before) {
        calls.push(`look ${queue} ${before.toISOString()}`);
        const look = looks[queue === "q1" ? 0 : 1];
        return look instanceof Error ? Promise.reject(look) : Promise.resolve(look ?? NONE);
      },
      end(queue, before, most) {
        calls.push(`end ${queue} ${before.toISOString()} ${most}`);
        return Promise.resolve(most);
      },
    },
    events: {
      publish(published) {
        calls.push("publish");
        events.push(...published);
        return Promise.resolve();
      },
    },
    eventSource: "urn:sigil:test",
    retentionMs: 30 * DAY_MS,
    now: () => new Date("2026-01-01T00:00:00Z"),
    ...ports,
  };
  return {
    calls,
    events,
    run: () => lookAfterDeadLetters(deps, TRACEPARENT),
  };
}

test("dead letters are told with count, age, end and reason; then those that are old enough end, so many in a run", async () => {
  const { calls, events, run } = bench([NONE, SOME]);
  await expect(run()).resolves.toEqual({
    looks: [NONE, SOME],
    ended: { q2: 500 },
    errors: [],
  });
  expect(calls).toEqual([
    "look q1 2025-12-02T00:00:00.000Z",
    "look q2 2025-12-02T00:00:00.000Z",
    "publish",
    "end q2 2025-12-02T00:00:00.000Z 500",
  ]);
  expect(events).toMatchObject([
    {
      type: "Sigil.Queue.DeadLettersFound",
      subject: "q2",
      data: {
        queue: "q2",
        count: 700,
        more: false,
        oldestTime: "2025-11-30T00:00:00.000Z",
        endTime: "2025-12-30T00:00:00.000Z",
        reasons: SOME.reasons,
      },
    },
  ]);
  expect(events.flatMap(eventMistakes)).toEqual([]);
});

test("the same dead letters are the same event, and others are another", async () => {
  const ids: (string | undefined)[] = [];
  for (const look of [SOME, SOME, { ...SOME, mark: "701 1 701" }]) {
    const { events, run } = bench([NONE, look]);
    await run();
    ids.push(events[0]?.id);
  }
  expect(ids[1]).toBe(ids[0]);
  expect(ids[2]).not.toBe(ids[0]);
});

test("what cannot be told does not end", async () => {
  const full = new Error("The topic is full.");
  const { calls, run } = bench([NONE, SOME], {
    events: { publish: () => Promise.reject(full) },
  });
  await expect(run()).resolves.toMatchObject({ ended: {}, errors: [full] });
  expect(calls).toHaveLength(2);
});

test("a queue that cannot be looked at leaves the others to be", async () => {
  const down = new Error("Down.");
  const { events, run } = bench([down, SOME]);
  await expect(run()).resolves.toMatchObject({
    looks: [SOME],
    errors: [down],
  });
  expect(events).toHaveLength(1);
});

test("what is young stays", async () => {
  const { calls, run } = bench([NONE, { ...SOME, old: 0 }]);
  await expect(run()).resolves.toMatchObject({ ended: {} });
  expect(calls.filter((call) => call.startsWith("end"))).toEqual([]);
});
