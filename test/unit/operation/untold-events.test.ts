import { beforeEach, describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import { KINDS } from "../../../src/kinds.js";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import { acceptOperation } from "../../../src/operation/accepting.js";
import { advance, event } from "../../../src/operation/advance.js";
import { openRow, OPEN_SCOPE } from "../../../src/operation/catalog.js";
import { deliver } from "../../../src/operation/outbox.js";
import type { OperationDependencies, Stored } from "../../../src/operation/ports.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import { sequenceOf, type Effect, type TrackedRecord } from "../../../src/operation/records.js";
import { commitStep, currentFor } from "../../../src/operation/steps.js";
import { PACE } from "../../support/dependencies.js";
import { createMemoryIdempotencyKeys } from "../../support/fakes/idempotency-keys.js";
import { createMemoryIndex } from "../../support/fakes/listing-index.js";
import { createMemoryStore } from "../../support/fakes/state-store.js";
import { at, nth, replicating } from "../../support/transitions.js";

const DOWN = new ServiceError("DependencyUnavailable", "The topic is full.", {
  retryAfterMs: 5_000,
});
const NOW = at(0).now;

let failure: Error | undefined;
let calls: string[];
let told: CloudEvent[];
let deps: OperationDependencies<TrackedRecord>;
beforeEach(() => {
  failure = undefined;
  calls = [];
  told = [];
  deps = {
    store: createMemoryStore(),
    index: createMemoryIndex(() => NOW),
    idempotencyKeys: createMemoryIdempotencyKeys(() => NOW),
    events: {
      publish(events) {
        calls.push("publish");
        if (failure !== undefined) return Promise.reject(failure);
        told.push(...events);
        return Promise.resolve();
      },
    },
    work: {
      enqueue(messages) {
        calls.push(...messages.map(({ step }) => `enqueue ${step}`));
        return Promise.resolve();
      },
      findDead: () => Promise.resolve([]),
    },
    calls: { noted: () => [], written: () => undefined },
    kinds: KINDS,
    pace: PACE,
    eventSource: "urn:sigil:test",
    now: () => NOW,
  };
});

const pair = (() => {
  const { record, operation } = replicating();
  return { record: { ...record, outbox: [] }, operation };
})();

function progress(region: string, percent: number): Effect {
  return event(
    pair.operation,
    at(0),
    "Sigil.ImageVersion.RegionReplicating",
    `${region}/${percent}`,
    { region, progress: percent },
  );
}
const creating = event(pair.operation, at(0), "Sigil.ImageVersion.Creating", "creating", {});

/** The record with a step taken that has something to tell. */
async function stored(...effects: Effect[]): Promise<Stored<TrackedRecord>> {
  const next = advance<ImageVersionRecord>(pair, at(0), {
    patch: {},
    effects,
  });
  await deps.index.put([openRow(pair.operation.id)]);
  return deps.store.commit(next.record, next.operation, undefined);
}

const idsIn = (outbox: readonly Effect[]): string[] =>
  outbox.map((effect) => (effect.kind === "event" ? effect.event.id : effect.kind));
const id = (effect: Effect): string => idsIn([effect])[0] ?? "";

describe("where the topic takes nothing", () => {
  test("work messages are sent, and events stay to be told", async () => {
    const before = await stored(creating);
    failure = DOWN;
    const after = await deliver(deps, before);
    expect(calls).toEqual([`enqueue ${before.record.step}`, "publish"]);
    expect(idsIn(after.record.outbox)).toEqual([id(creating)]);
    // What is stored has it all still: whoever dies here loses nothing.
    const { record } = (await deps.store.read(before.record.key)) ?? before;
    expect(record.outbox).toEqual(before.record.outbox);
  });

  test("the next step is taken, and its events come after those that wait", async () => {
    const { record, operation } = await stored(creating);
    failure = DOWN;
    const message = { operationId: operation.id, step: record.step };
    const current = await currentFor(deps, message);
    if (current === undefined) throw new Error("the step was not taken");
    const next = await commitStep(deps, current, (from) =>
      advance(from, at(1), {
        patch: {},
        effects: [progress("westus", 10)],
      }),
    );
    expect(next?.stored.record.step).toBe(record.step + 1);
    failure = undefined;
    await reconcile(deps);
    expect(told.map((one) => one.id)).toEqual([id(creating), id(progress("westus", 10))]);
    expect((await deps.store.read(record.key))?.record.outbox).toEqual([]);
  });

  test("of a region's progress only the latest waits", async () => {
    const before = await stored(
      progress("westus", 10),
      progress("eastus", 10),
      creating,
      progress("westus", 20),
    );
    failure = DOWN;
    expect(idsIn((await deliver(deps, before)).record.outbox)).toEqual([
      id(progress("eastus", 10)),
      id(creating),
      id(progress("westus", 20)),
    ]);
  });

  test("an operation that has ended stays open until its end is told", async () => {
    const { record, operation } = await stored();
    const open = async (): Promise<number> => (await deps.index.page(OPEN_SCOPE, 10)).rows.length;
    failure = DOWN;
    await commitStep(deps, { record, operation, etag: "1" }, (from) =>
      advance(from, at(1), {
        patch: { state: "Failed" },
        ending: () => ({
          status: "Failed",
          message: "No.",
          event: creating,
        }),
      }),
    );
    await reconcile(deps);
    expect(await open()).toBe(1);
    failure = undefined;
    await reconcile(deps);
    expect(told.map((one) => one.id)).toEqual([id(creating)]);
    expect(await open()).toBe(0);
  });

  test("a new operation is accepted, and what waits stays in front", async () => {
    await stored(creating);
    failure = DOWN;
    const second = { ...pair.operation, id: nth(2) };
    await acceptOperation(deps, pair.record.key, (found) => {
      expect(found?.record.outbox).toEqual([]);
      return {
        // As one does that begins on what has ended: with an outbox of its own.
        record: {
          ...pair.record,
          sequence: sequenceOf(second.id),
          lastSequence: sequenceOf(second.id),
          outbox: [progress("westus", 1)],
        },
        operation: second,
      };
    });
    failure = undefined;
    await reconcile(deps);
    // Two rows are open: each may tell them, and the same id is the same event.
    expect([...new Set(told.map((one) => one.id))]).toEqual([
      id(creating),
      id(progress("westus", 1)),
    ]);
  });

  test("work waits in the end, before a record outgrows its row", async () => {
    const many = Array.from({ length: 1_001 }, (_, i) => progress(`region${i}`, 1));
    const before = await stored(...many);
    failure = DOWN;
    await expect(deliver(deps, before)).rejects.toBe(DOWN);
    expect(calls).toContain(`enqueue ${before.record.step}`);
  });
});

test("a mistake of ours is thrown, not waited for", async () => {
  const before = await stored(creating);
  failure = new TypeError("no such thing");
  await expect(deliver(deps, before)).rejects.toBe(failure);
});
