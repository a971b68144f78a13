/**
 * What each part of a version's life asks of Table Storage and sends to Service Bus: exact counts of what goes over the wire.
 * What a month costs is computed of them (infra/costs.mjs).
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startMemoryTables } from "@sigil-local/stack/memory-tables";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { getImageVersion, listImageVersions } from "../../../src/image-version/queries/get.js";
import { viewImageVersion } from "../../../src/image-version/queries/views.js";
import { secondsUntilNews } from "../../../src/operation/read-again.js";
import { compressed } from "../../../src/http/compressed.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import {
  commandOf,
  idOf,
  request,
  type DueMessage,
  type InProcessOptions,
} from "../../support/dependencies.js";
import { startOnLoopback, type OnLoopback } from "../../support/on-loopback.js";
import { largeWorld } from "../../support/requests.js";

/** Of Table Storage each is one that Azure bills; a sending may have several messages. */
interface Costs {
  readonly reads: number;
  readonly writes: number;
  readonly transactions: number;
  readonly sends: number;
}

const { measured } = JSON.parse(readFileSync("infra/counts.json", "utf8")) as {
  readonly measured: {
    readonly version: Omit<Costs, "sends"> & {
      readonly messages: number;
      readonly events: number;
      readonly steps: number;
      readonly waits: number;
    };
    readonly idleReconcile: Costs;
  };
};
const REGIONS = 10;
const large = largeWorld(REGIONS, 1);
let world: OnLoopback;
let reads = 0;
let writes = 0;
let transactions = 0;
let sends = 0;
let messages = 0;
let events = 0;
let versions = 0;

beforeAll(async () => {
  world = await startCounted({ replicationMs: 30 * 60_000, spread: 0 });
});
afterAll(() => world.close());

/** All that is asked of the tables and sent is counted. */
async function startCounted(
  replication: Pick<InProcessOptions, "replicationMs" | "spread">,
): Promise<OnLoopback> {
  const at: { clock?: OnLoopback["clock"] } = {};
  const tables = await startMemoryTables({
    now: () => new Date(at.clock?.now() ?? Date.now()),
    onRequest({ kind }) {
      if (kind === "read") reads += 1;
      if (kind === "write") writes += 1;
      if (kind === "transaction") transactions += 1;
    },
  });
  const started = await startOnLoopback({
    tables,
    world: large.world,
    ...replication,
  });
  at.clock = started.clock;
  const { messenger } = started;
  const publish = messenger.publish.bind(messenger);
  const enqueue = messenger.enqueue.bind(messenger);
  messenger.publish = (told) => {
    if (told.length > 0) sends += 1;
    events += told.length;
    return publish(told);
  };
  messenger.enqueue = (sent) => {
    sends += new Set(sent.map(({ queue }) => queue)).size;
    messages += sent.length;
    return enqueue(sent);
  };
  return started;
}

async function costsOf(run: () => Promise<unknown>): Promise<Costs> {
  [reads, writes, transactions, sends] = [0, 0, 0, 0];
  await run();
  return { reads, writes, transactions, sends };
}

function newVersion(): string {
  versions += 1;
  return large.versionId(`1.0.${versions}`);
}

const heldBack: ImageVersionRequest = {
  ...large.request,
  properties: {
    ...large.request.properties,
    publishingProfile: {
      ...large.request.properties.publishingProfile,
      excludeFromLatest: true,
    },
  },
};
const put = (id: string, more: Parameters<typeof request>[3] = {}) =>
  request(world.deps, id, large.request, more);
const change = (id: string, tags: Record<string, string>, more = {}) =>
  request(world.deps, id, { ...large.request, tags }, more);

/** The message of the version's next step, when it is due. */
async function nextStep(id: string): Promise<DueMessage> {
  const { record } = await world.read(id);
  const waitMs = Date.parse(record.dueTime) - world.clock.now();
  world.clock.advance(Math.max(0, waitMs));
  const due = await world.takeDue();
  return due.find(({ step }) => step === record.step) ?? expect.fail("no message is due");
}

const isRunning = async (id: string) => (await world.read(id)).operation.status === "Running";

describe("accepting costs at most six requests to Table Storage and one sending, until the 202:", () => {
  test("a new version", async () => {
    const id = newVersion();
    const costs = await costsOf(() => put(id));
    expect(costs).toEqual({ reads: 2, writes: 3, transactions: 0, sends: 1 });
    await world.finish(id);
  });

  test("a new version, with an Idempotency-Key", async () => {
    const id = newVersion();
    const costs = await costsOf(() => put(id, { idempotencyKey: id }));
    expect(costs).toEqual({ reads: 2, writes: 4, transactions: 0, sends: 1 });
    await world.finish(id);
  });

  test("an update, at once or queued, with an Idempotency-Key or without", async () => {
    const id = newVersion();
    await put(id);
    await world.finish(id);
    const update = await costsOf(() => change(id, { build: "1" }));
    expect(update).toEqual({ reads: 1, writes: 1, transactions: 1, sends: 1 });
    await world.runDue();
    const queued = await costsOf(() =>
      change(id, { build: "1", more: "2" }, { idempotencyKey: `${id} queued` }),
    );
    expect(queued).toEqual({ reads: 1, writes: 2, transactions: 1, sends: 1 });
    await world.finish(id);
  });

  test("a deletion", async () => {
    const id = newVersion();
    await put(id);
    await world.finish(id);
    const { body: _, ...command } = commandOf(id, large.request);
    const costs = await costsOf(() => deleteImageVersion(world.deps, command));
    expect(costs).toMatchObject({ writes: 1, transactions: 1, sends: 1 });
    // What is the latest then is told by the records of the highest versions, a hundred at most.
    expect(costs.reads).toBeLessThanOrEqual(110);
    await world.finish(id);
  });
});

describe("reading", () => {
  const get = (id: string) => costsOf(() => getImageVersion(world.deps, idOf(id)));
  const readsOnly = (count: number): Costs => ({
    reads: count,
    writes: 0,
    transactions: 0,
    sends: 0,
  });

  test("a GET costs one read, also below a hundred versions that are held back", async () => {
    const id = newVersion();
    await put(id);
    await world.finish(id);
    expect(await get(id)).toEqual(readsOnly(1));
    const image = idOf(id);
    for (let i = 0; i < 100; i += 1) {
      const versionName = `2.0.${i}`;
      await world.deps.resourceManager.putImageVersion({ ...image, versionName }, heldBack);
    }
    world.deps.looks.forget(image, imageIdOf(image));
    expect(await get(id)).toEqual(readsOnly(1));
    const versions = await listImageVersions(world.deps, imageIdOf(image), 20, undefined);
    const page = JSON.stringify(
      versions.value.map((one) => viewImageVersion(one, world.deps.now())),
    );
    expect(versions.value).toHaveLength(20);
    // 10 regions each, with a key for each disk: as it goes over the wire.
    const { body } = compressed(page, "gzip", undefined);
    expect(body?.length).toBeLessThan(60_000);
    world.clock.advance(3_600_000);
  });

  test("a GET costs six below versions that are being made", async () => {
    const id = newVersion();
    await put(id);
    await world.finish(id);
    const made = Array.from({ length: 7 }, newVersion);
    for (const one of made) await put(one);
    await world.runDue();
    world.deps.looks.forget(idOf(id), imageIdOf(idOf(id)));
    expect(await get(id)).toEqual(readsOnly(6));
    expect(
      await costsOf(() => listImageVersions(world.deps, imageIdOf(idOf(id)), 20, undefined)),
    ).toEqual(readsOnly(20 + 5));
    for (const one of made) await world.finish(one);
  });
});

describe("following a version", () => {
  test("the first step tells what acceptance has left, and sends the PUT", async () => {
    const id = newVersion();
    await put(id);
    const due = await world.takeDue();
    const costs = await costsOf(async () => {
      for (const message of due) await world.handle(message);
    });
    expect(costs).toEqual({ reads: 3, writes: 22, transactions: 0, sends: 4 });
    await world.finish(id);
  });

  test("a tick costs one read and one write, two where it has an event to tell", async () => {
    const id = newVersion();
    await put(id);
    await world.runDue();
    const told = new Set<boolean>();
    for (;;) {
      const message = await nextStep(id);
      await world.takeEvents();
      const costs = await costsOf(() => world.handle(message));
      if (!(await isRunning(id))) break;
      const tells = (await world.takeEvents()).length > 0;
      expect(costs).toEqual({
        reads: 1,
        writes: tells ? 2 : 1,
        transactions: 0,
        sends: tells ? 2 : 1,
      });
      told.add(tells);
    }
    expect(told).toEqual(new Set([true, false]));
  });

  test("the end moves the rows of listings", async () => {
    const id = newVersion();
    await put(id);
    await world.runDue();
    let costs: Costs | undefined;
    while (await isRunning(id)) {
      const message = await nextStep(id);
      costs = await costsOf(() => world.handle(message));
    }
    expect(costs).toEqual({ reads: 2, writes: 22, transactions: 0, sends: 1 });
  });

  test("the reconciler reads what is open, and each operation that is", async () => {
    expect(await costsOf(() => reconcile(world.deps))).toEqual(measured.idleReconcile);
    const id = newVersion();
    await put(id);
    await world.runDue();
    expect(await costsOf(() => reconcile(world.deps))).toEqual({
      reads: 2,
      writes: 0,
      transactions: 0,
      sends: 0,
    });
    await world.finish(id);
  });
});

test("the whole of a version, whose ten regions replicate for 45 minutes, is what a month's costs are computed of", async () => {
  const replicating = await startCounted({
    replicationMs: 45 * 60_000,
    spread: 0.5,
  });
  try {
    // A poll's moment depends on the version: always the same one.
    const id = large.versionId("1.0.0");
    [messages, events] = [0, 0];
    const all = [await costsOf(() => request(replicating.deps, id, large.request))];
    // A client that waits reads the operation at once, and then when it is told to.
    let waits = 0;
    let nextWaitMs = replicating.clock.now();
    for (;;) {
      const { record, operation } = await replicating.read(id);
      if (operation.status === "Succeeded") break;
      const dueMs = Date.parse(record.dueTime);
      for (; nextWaitMs < dueMs; waits += 1)
        nextWaitMs += secondsUntilNews(record, new Date(nextWaitMs)) * 1_000;
      replicating.clock.advance(Math.max(0, dueMs - replicating.clock.now()));
      for (const message of await replicating.takeDue())
        all.push(await costsOf(() => replicating.handle(message)));
    }
    const sum = (of: keyof Costs): number => all.reduce((total, costs) => total + costs[of], 0);
    expect({
      reads: sum("reads"),
      writes: sum("writes"),
      transactions: sum("transactions"),
      messages,
      events,
      steps: all.length - 1,
      // The last one shows the end.
      waits: waits + 1,
    }).toEqual(measured.version);
  } finally {
    await replicating.close();
  }
});
