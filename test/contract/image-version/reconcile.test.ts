import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OPEN_SCOPE, openRow } from "../../../src/operation/catalog.js";
import type { OperationDependencies } from "../../../src/operation/ports.js";
import { reconcile as reconcileAll } from "../../../src/operation/reconcile.js";
import { operationIdOf, type TrackedRecord } from "../../../src/operation/records.js";
import { nextSequence } from "../../../src/operation/sequence.js";
import { keyOf } from "../../../src/resource-id.js";
import { PACE, request, startInProcess } from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";
import { naming } from "../../support/naming.js";

const NOTHING = {
  open: 0,
  delivered: 0,
  resent: 0,
  failed: 0,
  removed: 0,
  errors: [],
};
const id = seedVersionId("1.0.0");

let world: Awaited<ReturnType<typeof startInProcess>>;
/** That which a request of the present moment gets. */
let operationId: string;
beforeEach(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
  operationId = operationIdOf({
    key: keyOf(id),
    sequence: nextSequence(undefined, world.deps.now()),
  });
});
afterEach(() => world.close());

/** What is done; how old the oldest is has a test of its own. */
async function reconcile(deps: OperationDependencies<TrackedRecord>) {
  const { oldestOpenTime: _, ...done } = await reconcileAll(deps);
  return done;
}

const openRows = async () =>
  (await world.deps.index.page(OPEN_SCOPE, 100)).rows.map(({ target }) => target);

test("nothing that is open is nothing to do, and costs one read", async () => {
  const asked: string[] = [];
  const counting = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        asked.push(String(name));
        return Reflect.get(target, name) as unknown;
      },
    });
  const { index, store, work } = world.deps;
  expect(
    await reconcile({
      ...world.deps,
      index: counting(index),
      store: counting(store),
      work: counting(work),
    }),
  ).toEqual(NOTHING);
  expect(asked).toEqual(["page"]);
});

test("the oldest operation that is open is told by its row's time, until it has ended", async () => {
  expect((await reconcileAll(world.deps)).oldestOpenTime).toBeUndefined();
  await request(world.deps, id, managedImageRequest());
  await request(world.deps, seedVersionId("1.0.1"), managedImageRequest());
  const { rows } = await world.deps.index.page(OPEN_SCOPE, 100);
  const [oldest] = rows.map(({ writtenTime }) => writtenTime).sort();
  expect((await reconcileAll(world.deps)).oldestOpenTime).toBe(oldest);
  await world.finish(id);
  await world.finish(seedVersionId("1.0.1"));
  expect((await reconcileAll(world.deps)).oldestOpenTime).toBeUndefined();
});

test("what is on its way is left alone", async () => {
  await request(world.deps, id, managedImageRequest());
  expect(await reconcile(world.deps)).toMatchObject({ delivered: 1 });
  const before = await world.read(id);
  expect(await reconcile(world.deps)).toEqual({ ...NOTHING, open: 1 });
  world.clock.advance(PACE.overdueMs - 1);
  expect(await reconcile(world.deps)).toEqual({ ...NOTHING, open: 1 });
  expect(await world.read(id)).toEqual(before);
});

describe("a lost message", () => {
  beforeEach(async () => {
    await request(world.deps, id, managedImageRequest());
    await world.takeDue(); // Lost.
  });

  test("is sent again when it is overdue: the same step under another MessageId", async () => {
    world.clock.advance(PACE.overdueMs);
    expect(await reconcile(world.deps)).toEqual({
      ...NOTHING,
      open: 1,
      resent: 1,
    });
    const again = await world.takeDue();
    expect(again).toEqual([
      {
        queue: "image-version-creations",
        messageId: `${operationId}:1.1`,
        operationId,
        step: 1,
      },
    ]);
    for (const message of again) await world.handle(message);
    expect((await world.finish(id)).status).toBe("Succeeded");
  });

  test("is sent again at twice the distance each time, 32 times at most", async () => {
    const sent: number[] = [];
    for (let minute = 0; minute <= 60 * 6; minute += 1) {
      if ((await reconcile(world.deps)).resent === 1) sent.push(minute);
      world.clock.advance(60_000);
    }
    expect(sent.map((at, i) => at - (sent[i - 1] ?? 0))).toEqual([2, 4, 8, 16, 32, 64, 64, 64, 64]);
    expect((await world.takeDue()).map(({ messageId }) => messageId)).toEqual(
      sent.map((_, i) => `${operationId}:1.${i + 1}`),
    );
  });

  test("found by two reconcilers at once does no harm", async () => {
    world.clock.advance(PACE.overdueMs);
    await Promise.all([reconcile(world.deps), reconcile(world.deps)]);
    const again = await world.takeDue();
    expect(again.length).toBeGreaterThanOrEqual(1);
    await Promise.all(again.map((message) => world.handle(message)));
    expect((await world.finish(id)).status).toBe("Succeeded");
    expect(world.simulator.control.creates(id)).toBe(1);
  });
});

describe("a row of an operation that was never stored", () => {
  beforeEach(() => world.deps.index.put([openRow(operationId)]));

  test("stays while its request may still be under way", async () => {
    expect(await reconcile(world.deps)).toEqual({ ...NOTHING, open: 1 });
    expect(await openRows()).toEqual([operationId]);
  });

  test("goes when that can no longer be", async () => {
    world.clock.advance(PACE.overdueMs + 60_000);
    expect(await reconcile(world.deps)).toEqual({
      ...NOTHING,
      open: 1,
      removed: 1,
    });
    expect(await openRows()).toEqual([]);
  });

  test("that went too early comes back with the state", async () => {
    // A request that stalls between its row and its state for longer than the reconciler waits.
    const slow = {
      ...world.deps,
      store: {
        ...world.deps.store,
        commit: async (...args: Parameters<typeof world.deps.store.commit>) => {
          if (args[2] === undefined) {
            world.clock.advance(PACE.overdueMs + 60_000);
            expect((await reconcile(world.deps)).removed).toBe(1);
          }
          return world.deps.store.commit(...args);
        },
      },
    };
    await request(slow, id, managedImageRequest());
    expect(await openRows()).toEqual([operationId]);
    await world.takeDue(); // Lost.
    world.clock.advance(PACE.overdueMs);
    expect((await reconcile(world.deps)).resent).toBe(1);
  });
});

test("a row of an operation that another has followed goes", async () => {
  await world.deps.index.put([openRow(`${keyOf(id)}-9`)]);
  await request(world.deps, id, managedImageRequest());
  world.clock.advance(PACE.overdueMs - 1_000);
  await reconcile(world.deps);
  expect(await openRows()).toHaveLength(2);
  world.clock.advance(61_000);
  await reconcile(world.deps);
  expect(await openRows()).toEqual([operationId]);
});

test("an operation that has ended is closed by itself, and a row that came back is closed again", async () => {
  await request(world.deps, id, managedImageRequest());
  await world.finish(id);
  expect(await openRows()).toEqual([]);
  await world.deps.index.put([openRow(operationId)]);
  expect(await reconcile(world.deps)).toEqual({
    ...NOTHING,
    open: 1,
    removed: 1,
  });
  expect(await openRows()).toEqual([]);
});

test("what was stored and not told is told", async () => {
  const killed = {
    ...world.deps,
    work: {
      ...world.deps.work,
      enqueue: () => Promise.reject(new Error("killed")),
    },
  };
  await expect(request(killed, id, managedImageRequest())).rejects.toThrow("killed");
  expect(await world.takeDue()).toEqual([]);
  expect(await reconcile(world.deps)).toEqual({
    ...NOTHING,
    open: 1,
    delivered: 1,
  });
  expect((await world.read(id)).record.outbox).toEqual([]);
  expect((await world.takeEvents()).map((event) => event.id)).toEqual([`${operationId}/accepted`]);
  expect((await world.finish(id)).status).toBe("Succeeded");
});

describe("dead messages of a step", () => {
  beforeEach(() => request(world.deps, id, managedImageRequest()));

  test("one is the mark of an outage: the step is sent again", async () => {
    world.queues.bury(0);
    world.clock.advance(PACE.overdueMs);
    expect(await reconcile(world.deps)).toMatchObject({ resent: 1, failed: 0 });
    expect((await world.finish(id)).status).toBe("Succeeded");
  });

  test("three are the mark of poison: the operation ends Failed, with Service Bus' reason, and they stay", async () => {
    for (let resends = 0; resends < 3; resends += 1) {
      world.queues.bury(0);
      world.clock.advance(PACE.overdueMs * 2 ** resends);
      await reconcile(world.deps);
    }
    const { operation, record: version } = await world.read(id);
    expect(operation).toMatchObject({
      status: "Failed",
      error: {
        code: "PoisonMessage",
        message: naming(["MaxDeliveryCountExceeded"]),
      },
    });
    expect(version.outbox).toEqual([]);
    expect(await world.queues.findDead(operationId, 1)).toHaveLength(3);
    expect(await openRows()).toEqual([]);
    expect((await world.takeEvents()).at(-1)).toMatchObject({
      id: `${operationId}/failed`,
    });
  });

  test("those of earlier steps do not count", async () => {
    for (let resends = 0; resends < 2; resends += 1) {
      world.queues.bury(0);
      world.clock.advance(PACE.overdueMs * 2 ** resends);
      await reconcile(world.deps);
    }
    await world.runDue();
    expect((await world.read(id)).record.state).toBe("Replicating");
    world.clock.advance(PACE.pollInitialMs);
    await world.takeDue(); // Lost.
    world.clock.advance(PACE.overdueMs);
    expect(await reconcile(world.deps)).toMatchObject({ resent: 1, failed: 0 });
    expect((await world.finish(id)).status).toBe("Succeeded");
  });
});

test("one operation that cannot be looked after does not keep the others from it", async () => {
  const other = seedVersionId("1.0.1");
  await request(world.deps, id, managedImageRequest());
  await request(world.deps, other, managedImageRequest());
  await world.takeDue(); // Both lost.
  world.clock.advance(PACE.overdueMs);
  const failing = {
    ...world.deps,
    store: {
      ...world.deps.store,
      read: (key: string) =>
        key === keyOf(id) ? Promise.reject(new Error("unreadable")) : world.deps.store.read(key),
    },
  };
  expect(await reconcile(failing)).toEqual({
    ...NOTHING,
    open: 2,
    resent: 1,
    errors: [{ operationId, error: new Error("unreadable") }],
  });
});

test("more open operations than a page are all looked after", async () => {
  const ids = Array.from({ length: 130 }, (_, i) => seedVersionId(`2.0.${i}`));
  for (let i = 0; i < ids.length; i += 26) {
    await Promise.all(
      ids.slice(i, i + 26).map((one) => request(world.deps, one, managedImageRequest())),
    );
  }
  await world.takeDue(); // All lost.
  world.clock.advance(PACE.overdueMs);
  expect(await reconcile(world.deps)).toEqual({
    ...NOTHING,
    open: 130,
    resent: 130,
  });
});
