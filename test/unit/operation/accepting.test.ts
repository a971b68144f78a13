import { expect, test } from "vitest";
import { acceptOperation } from "../../../src/operation/accepting.js";
import {
  accepted,
  acceptingOf,
  at,
  changeOf,
  creating,
  KEY,
} from "../../support/transitions.js";
import { enqueue } from "../../../src/image-version/state/batch.js";
import { CONFLICT, createPorts, store } from "./ports.js";

test("invariant 1: the row that the reconciler reads is written before the state", async () => {
  const ports = createPorts();
  const operation = await acceptOperation(ports, KEY, () => accepted());
  expect(operation.id).toBe(`${KEY}-1`);
  expect(ports.done).toEqual([
    "open",
    "commit",
    "open",
    "publish",
    "enqueue",
    "commit",
  ]);
  expect((await ports.store.read(KEY))?.record.outbox).toEqual([]);
});

test("what is decided without a new operation stores nothing", async () => {
  const ports = createPorts();
  const { operation } = accepted();
  expect(await acceptOperation(ports, KEY, () => operation)).toBe(operation);
  const decided = await acceptOperation(ports, KEY, () => ({ answer: 7 }));
  expect(decided).toBe(7);
  expect(ports.done).toEqual([]);
});

test("the operation that is queued is the answer, not the one that runs", async () => {
  const ports = createPorts();
  await store(ports, creating());
  const operation = await acceptOperation(ports, KEY, (stored) =>
    stored === undefined
      ? expect.fail("nothing is stored")
      : enqueue(stored, acceptingOf(changeOf({})), at(5)),
  );
  expect(operation.id).toBe(`${KEY}-2`);
  expect(await ports.open()).toContain(`${KEY}-2`);
});

test("invariant 2: it is decided on a state of which all is told", async () => {
  const ports = createPorts();
  await store(ports, accepted());
  await acceptOperation(ports, KEY, (stored) => {
    expect(stored?.record.outbox).toEqual([]);
    return { answer: undefined };
  });
  expect(ports.published).toHaveLength(1);
});

test("invariant 2: of two who come at once, the second decides anew", async () => {
  const ports = createPorts();
  const all = await Promise.all(
    [1, 2].map(() =>
      acceptOperation(ports, KEY, (stored) => stored?.operation ?? accepted()),
    ),
  );
  expect(all.map(({ id }) => id)).toEqual([`${KEY}-1`, `${KEY}-1`]);
  // Told by both, it is the same event.
  expect(new Set(ports.published.map(({ id }) => id)).size).toBe(1);
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
    message: "Many requests for one resource arrived at once. Send it again.",
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
  await expect(acceptOperation(broken, KEY, () => accepted())).rejects.toThrow(
    "It broke.",
  );
});
