import { expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { StepMessage } from "../../../src/operation/steps.js";
import { createStepHandler } from "../../../src/messaging/step-handler.js";
import type { PostponedRequest } from "../../../src/messaging/postponement.js";
import { bytesOf, invocation } from "./invocation.js";

const MESSAGE: StepMessage = { operationId: "op-1", step: 4 };
const MAX_DELIVERY_COUNT = 10;
const NOW = new Date("2026-01-01T00:00:00Z");
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

interface Outcome {
  readonly taken: StepMessage[];
  readonly poisoned: [Partial<StepMessage>, string][];
  readonly postponed: PostponedRequest[];
  readonly thrown: unknown;
  readonly logged: unknown[][];
}

/** One delivery of `body`, with a step that fails with `failure` if one is given. */
async function deliver(body: unknown, deliveryCount: number, failure?: Error): Promise<Outcome> {
  const taken: StepMessage[] = [];
  const poisoned: Outcome["poisoned"] = [];
  const postponed: PostponedRequest[] = [];
  const handle = createStepHandler({
    async takeStep(message) {
      taken.push(message);
      if (failure !== undefined) await Promise.reject(failure);
    },
    failPoisoned(message, reason) {
      poisoned.push([message, reason]);
      return Promise.resolve();
    },
    postpone(message) {
      postponed.push(message);
      return Promise.resolve();
    },
    maxDeliveryCount: MAX_DELIVERY_COUNT,
    now: () => NOW,
  });
  const { context, logged } = invocation({
    deliveryCount,
    applicationProperties: { traceparent: TRACEPARENT },
  });
  let thrown: unknown;
  try {
    await handle(bytesOf(body), context);
  } catch (error) {
    thrown = error;
  }
  return { taken, poisoned, postponed, thrown, logged };
}

test("takes the step that the message names, and no more of what it says", async () => {
  await expect(deliver({ ...MESSAGE, more: true }, 1)).resolves.toEqual({
    taken: [MESSAGE],
    poisoned: [],
    postponed: [],
    thrown: undefined,
    logged: [],
  });
});

test("an unknown error at the last delivery ends the operation with its reason, and the message is dead-lettered", async () => {
  const failure = new TypeError("no such thing");
  const outcome = await deliver(MESSAGE, MAX_DELIVERY_COUNT, failure);
  expect(outcome.poisoned).toEqual([[MESSAGE, "TypeError: no such thing"]]);
  expect(outcome.thrown).toBe(failure);
  const [[level, line] = []] = outcome.logged;
  expect(level).toBe("error");
  expect(JSON.parse(String(line))).toEqual({
    message: "delivery 10 of 10 failed",
    operationId: "op-1",
    step: 4,
    traceparent: TRACEPARENT,
    "exception.type": "TypeError",
    "exception.message": "no such thing",
    "exception.stacktrace": expect.stringContaining("step-handler.test") as string,
  });
});

test("a terminal ServiceError at the last delivery ends the operation too", async () => {
  const failure = new ServiceError("InternalError", "It is broken.");
  const outcome = await deliver(MESSAGE, MAX_DELIVERY_COUNT, failure);
  expect(outcome.poisoned).toEqual([[MESSAGE, "ServiceError: It is broken."]]);
  expect(outcome.thrown).toBe(failure);
});

test("the reason is cut at 500 characters", async () => {
  const failure = new Error("x".repeat(1_000));
  const { poisoned } = await deliver(MESSAGE, MAX_DELIVERY_COUNT, failure);
  expect(poisoned[0]?.[1]).toBe(`Error: ${"x".repeat(493)}`);
});

test.each([1, MAX_DELIVERY_COUNT - 1])(
  "an unknown error at delivery %i ends nothing and is thrown",
  async (deliveryCount) => {
    const failure = new Error("once more");
    const outcome = await deliver(MESSAGE, deliveryCount, failure);
    expect(outcome.poisoned).toEqual([]);
    expect(outcome.thrown).toBe(failure);
  },
);

const DOWN = new ServiceError("DependencyUnavailable", "Down.", {
  retryAfterMs: 0,
});

test.each([1, 2])(
  "a retryable error at delivery %i ends nothing and is thrown",
  async (deliveryCount) => {
    const outcome = await deliver(MESSAGE, deliveryCount, DOWN);
    expect(outcome).toMatchObject({ poisoned: [], postponed: [] });
    expect(outcome.thrown).toBe(DOWN);
  },
);

test.each([3, MAX_DELIVERY_COUNT, MAX_DELIVERY_COUNT + 1])(
  "at delivery %i the message is postponed: ten at once would bury it",
  async (deliveryCount) => {
    const outcome = await deliver(MESSAGE, deliveryCount, DOWN);
    expect(outcome).toMatchObject({ poisoned: [], thrown: undefined });
    expect(outcome.postponed).toMatchObject([
      {
        id: expect.stringMatching(/^postponed\/[0-9a-f]{64}$/u) as string,
        enqueueTime: "2026-01-01T00:00:15.000Z",
        properties: { sigilPostponements: 1 },
      },
    ]);
    const [original] = outcome.postponed;
    expect(JSON.parse(String(original?.original.bytes))).toEqual(MESSAGE);
    expect(JSON.parse(String(outcome.logged.at(-1)?.[1]))).toMatchObject({
      message: "postponed to 2026-01-01T00:00:15.000Z",
      operationId: "op-1",
    });
  },
);

/** When a step goes on that comes first after so many seconds of an outage of two minutes; each delivery takes so long to fail. */
async function goesOnAfter(firstSeconds: number, failsInMs: number): Promise<number> {
  const outageMs = 120_000;
  let nowMs = firstSeconds * 1_000;
  let properties: Readonly<Record<string, unknown>> = {};
  let isDone = false;
  const later: PostponedRequest[] = [];
  const handle = createStepHandler({
    async takeStep() {
      if (nowMs >= outageMs) isDone = true;
      else {
        nowMs += failsInMs;
        await Promise.reject(DOWN);
      }
    },
    failPoisoned: () => Promise.reject(new Error("not ended")),
    postpone: (message) => Promise.resolve(void later.push(message)),
    maxDeliveryCount: MAX_DELIVERY_COUNT,
    now: () => new Date(nowMs),
  });
  for (let deliveryCount = 1; ; deliveryCount += 1) {
    const { context } = invocation({
      deliveryCount,
      messageId: "m1",
      applicationProperties: properties,
    });
    await handle(bytesOf(MESSAGE), context).catch(() => undefined);
    if (isDone) return (nowMs - outageMs) / 1_000;
    const message = later.pop();
    if (message === undefined) continue;
    ({ properties } = message);
    nowMs = Date.parse(message.enqueueTime);
    deliveryCount = 0;
  }
}

test.each([0, 10, 1_400])(
  "after two minutes without tables every step goes on within a minute, where a delivery fails in %d ms",
  async (failsInMs) => {
    const seconds = await Promise.all(
      Array.from({ length: 120 }, (_, first) => goesOnAfter(first, failsInMs)),
    );
    expect(Math.max(...seconds)).toBeLessThanOrEqual(60);
    expect(Math.max(...seconds)).toBeGreaterThan(30);
  },
);

test.each([1, MAX_DELIVERY_COUNT])(
  "a step of a newer release's record is completed at delivery %i, with a warning",
  async (deliveryCount) => {
    const failure = new ServiceError("StateTooNew", "A newer release's.", {
      retryAfterMs: 60_000,
    });
    const outcome = await deliver(MESSAGE, deliveryCount, failure);
    expect(outcome).toMatchObject({ poisoned: [], thrown: undefined });
    const [[level, line] = []] = outcome.logged;
    expect(level).toBe("warning");
    expect(JSON.parse(String(line))).toMatchObject({
      message: "A newer release's.",
      operationId: "op-1",
      step: 4,
    });
  },
);

test.each([
  [undefined, {}],
  [null, {}],
  ["text", {}],
  [[1], {}],
  [{ step: 4 }, { step: 4 }],
  [{ operationId: "op-1" }, { operationId: "op-1" }],
  [{ operationId: 1, step: "4" }, {}],
  [{ operationId: "op-1", step: 1.5 }, { operationId: "op-1" }],
  ['{"operationId":"op-1","operationId":"op-2","step":1}', {}],
  ["[".repeat(6_000), {}],
])("the malformed body %j takes no step", async (body, names) => {
  const early = await deliver(body, 1);
  expect(early).toMatchObject({
    taken: [],
    poisoned: [],
    thrown: { code: "PoisonMessage", retryable: false },
  });
  const last = await deliver(body, MAX_DELIVERY_COUNT);
  expect(last.taken).toEqual([]);
  expect(last.thrown).toMatchObject({ code: "PoisonMessage" });
  expect(last.poisoned).toEqual([[names, expect.stringContaining("needs operationId") as string]]);
});

test("an operation that cannot be ended leaves the message to the dead-letter queue all the same", async () => {
  const unavailable = new ServiceError("DependencyUnavailable", "Down.", {
    retryAfterMs: 0,
  });
  const handle = createStepHandler({
    takeStep: () => Promise.reject(new Error("broken")),
    failPoisoned: () => Promise.reject(unavailable),
    postpone: () => Promise.reject(unavailable),
    maxDeliveryCount: MAX_DELIVERY_COUNT,
    now: () => NOW,
  });
  const { context } = invocation({ deliveryCount: MAX_DELIVERY_COUNT });
  await expect(handle(bytesOf(MESSAGE), context)).rejects.toBe(unavailable);
});
