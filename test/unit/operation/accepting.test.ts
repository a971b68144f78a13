import { describe, expect, test } from "vitest";
import { acceptOperation } from "../../../src/operation/accepting.js";
import {
  accepted,
  acceptingOf,
  at,
  changeOf,
  creating,
  KEY,
  nth,
  told,
} from "../../support/transitions.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
} from "../../../src/image-version/state/record.js";
import { kindOf } from "../../../src/operation/kinds.js";
import { currentFor } from "../../../src/operation/steps.js";
import { CONFLICT, createPorts, store } from "./ports.js";
import { accept } from "../../../src/image-version/telling/accept.js";

const besideOf = (pair: ImageVersionPair) => accept(acceptingOf(changeOf({})), pair, at(5));

test("invariant 1: the row that the reconciler reads is written before the state", async () => {
  const ports = createPorts();
  const operation = await acceptOperation(ports, KEY, () => accepted());
  expect(operation.id).toBe(nth(1));
  expect(ports.done).toEqual(["open", "commit", "enqueue"]);
  expect(ports.enqueued).toMatchObject([{ operationId: nth(1), step: 1 }]);
});

test("invariant 3: whoever takes the message tells the rest", async () => {
  const ports = createPorts();
  await acceptOperation(ports, KEY, () => accepted());
  const message = ports.enqueued[0] ?? expect.fail("nothing was sent");
  ports.done.length = 0;
  const stored = await currentFor(ports, message);
  expect(stored?.record.outbox).toEqual([]);
  // The very message is not sent again, and what is told is written with the step.
  expect(ports.done).toEqual(["open", "enqueue", "publish"]);
  expect(ports.enqueued).toEqual([message]);
});

test("invariant 3: where no step is due, a message of none is sent; it acts on nothing", async () => {
  const ports = createPorts();
  await store(ports, told(creating()));
  await acceptOperation(ports, KEY, (stored) =>
    stored === undefined ? expect.fail("nothing is stored") : besideOf(stored),
  );
  const [message] = ports.enqueued;
  expect(ports.enqueued).toEqual([
    {
      queue: "image-version-creations",
      id: `${nth(2)}:0`,
      operationId: nth(2),
      step: 0,
      traceparent: expect.any(String) as string,
      enqueueTime: at(0).now.toISOString(),
    },
  ]);
  expect(ports.published).toEqual([]);
  const before = await ports.store.read(KEY);
  expect(await currentFor(ports, message ?? expect.fail("nothing was sent"))).toBeUndefined();
  expect(ports.published).toMatchObject([{ type: "Sigil.ImageVersion.Accepted" }]);
  const { record } = (await ports.store.read(KEY)) ?? {};
  expect(record).toEqual({ ...before?.record, outbox: [] });
});

test("what is decided without a new operation stores nothing", async () => {
  const ports = createPorts();
  const { operation } = accepted();
  expect(await acceptOperation(ports, KEY, () => operation)).toBe(operation);
  const decided = await acceptOperation(ports, KEY, () => ({ answer: 7 }));
  expect(decided).toBe(7);
  expect(ports.done).toEqual([]);
});

test("the operation that comes beside is the answer, not the one that leads", async () => {
  const ports = createPorts();
  await store(ports, creating());
  const operation = await acceptOperation(ports, KEY, (stored) =>
    stored === undefined ? expect.fail("nothing is stored") : besideOf(stored),
  );
  expect(operation.id).toBe(nth(2));
  expect(await ports.open()).toContain(nth(2));
});

test("invariant 2: what is still to be told stays in front", async () => {
  const ports = createPorts();
  const before = await store(ports, accepted());
  await acceptOperation(ports, KEY, (stored) => {
    expect(stored?.record.outbox).toEqual([]);
    return besideOf(stored ?? expect.fail("nothing is stored"));
  });
  const { record } = (await ports.store.read(KEY)) ?? {};
  expect(record?.outbox.slice(0, before.record.outbox.length)).toEqual(before.record.outbox);
  // The first's message may have been taken already: what is new is told by another.
  expect(ports.enqueued).toMatchObject([{ operationId: nth(2), step: 0 }]);
  expect(ports.published).toEqual([]);
});

test("an operation that is the answer once more is told, where it is not: its message may never have been sent", async () => {
  const ports = createPorts();
  const { operation } = await store(ports, accepted());
  await acceptOperation(ports, KEY, () => operation);
  expect(ports.enqueued).toMatchObject([{ id: `${nth(1)}:1` }]);
});

test("who is refused leaves nothing", async () => {
  const ports = createPorts();
  await store(ports, accepted());
  ports.done.length = 0;
  await expect(acceptOperation(ports, KEY, () => expect.fail("refused"))).rejects.toThrow(
    "refused",
  );
  expect(ports.done).toEqual([]);
});

test("invariant 3: the Idempotency-Key is noted with the rest", async () => {
  const ports = createPorts();
  const claim = () => ports.idempotencyKeys.claim("k", { resourceKey: KEY, fingerprint: "f" });
  await claim();
  await acceptOperation(ports, KEY, () => {
    const { record, operation } = accepted();
    return { record, operation: { ...operation, requestKey: "k" } };
  });
  expect(await claim()).not.toHaveProperty("operationId");
  await currentFor(ports, ports.enqueued[0] ?? expect.fail("nothing was sent"));
  expect((await claim()).operationId).toBe(nth(1));
});

test("invariant 1: the row is written again by a request that took longer than the reconciler waits", async () => {
  const ports = createPorts();
  const slow = {
    ...ports,
    store: {
      ...ports.store,
      commit: (...args: Parameters<typeof ports.store.commit>) => {
        ports.seconds += 60;
        return ports.store.commit(...args);
      },
    },
  };
  await acceptOperation(slow, KEY, () => accepted());
  expect(ports.done).toEqual(["open", "commit", "open", "enqueue"]);
});

test("invariant 4: others know at once that the resource was asked for", async () => {
  const ports = createPorts();
  const { operation } = accepted();
  await acceptOperation(ports, KEY, () => accepted());
  const { rowsOf } = kindOf(ports, operation);
  const [row] = rowsOf?.(operation) ?? [];
  expect((await ports.index.page(row?.scope ?? "", 1)).rows).toMatchObject([row]);
});

describe("invariant 2: what was read before", () => {
  test("is what is decided on, where the decision is stored", async () => {
    const ports = createPorts();
    const stored = await store(ports, told(creating()));
    const unread = {
      ...ports,
      store: { ...ports.store, read: () => expect.fail("it was read again") },
    };
    const operation = await acceptOperation(unread, KEY, () => besideOf(stored), { stored });
    expect(operation.id).toBe(nth(2));
  });

  test.each([
    ["answers", (): { answer: string } => ({ answer: "late" })],
    [
      "refuses",
      (): never => {
        throw new TypeError("late");
      },
    ],
  ])("is read again where the decision %s", async (_, late) => {
    const ports = createPorts();
    await store(ports, told(creating()));
    const answer = await acceptOperation<ImageVersionRecord, string>(
      ports,
      KEY,
      (stored) => (stored === undefined ? late() : { answer: stored.record.state }),
      { stored: undefined },
    );
    expect(answer).toBe("Creating");
  });

  test("is read again where another has written since", async () => {
    const ports = createPorts();
    await acceptOperation(ports, KEY, () => accepted());
    const seen: boolean[] = [];
    await acceptOperation(
      ports,
      KEY,
      (stored) => {
        seen.push(stored !== undefined);
        return stored?.operation ?? accepted();
      },
      { stored: undefined },
    );
    expect(seen).toEqual([false, true]);
  });
});

test("invariant 2: of two who come at once, the second decides anew", async () => {
  const ports = createPorts();
  const all = await Promise.all(
    [1, 2].map(() => acceptOperation(ports, KEY, (stored) => stored?.operation ?? accepted())),
  );
  expect(all.map(({ id }) => id)).toEqual([nth(1), nth(1)]);
  // The second makes sure of the first's.
  expect(new Set(ports.enqueued.map(({ id }) => id)).size).toBe(1);
});

test("who never wins is told to send it again", async () => {
  const ports = createPorts();
  let tries = 0;
  const busy = {
    ...ports,
    store: { ...ports.store, commit: () => Promise.reject(CONFLICT) },
  };
  await expect(
    acceptOperation(busy, KEY, () => {
      tries += 1;
      return accepted();
    }),
  ).rejects.toMatchObject({
    code: "StateConflict",
    message: expect.stringMatching(/./u) as unknown,
    retryAfterMs: 1_000,
  });
  expect(tries).toBe(60);
});

test("what fails otherwise is thrown", async () => {
  const ports = createPorts();
  const broken = {
    ...ports,
    store: {
      ...ports.store,
      commit: () => Promise.reject(new TypeError("It broke.")),
    },
  };
  await expect(acceptOperation(broken, KEY, () => accepted())).rejects.toThrow("It broke.");
});
