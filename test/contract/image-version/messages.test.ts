import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { isFinal } from "../../../src/operation/states.js";
import {
  request,
  startInProcess,
  type DueMessage,
  type InProcess,
} from "../../support/dependencies.js";
import { managedImageRequest, seedVersionId } from "../../support/requests.js";

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
});
afterAll(() => world.close());

let versions = 0;
let id: string;
beforeEach(async () => {
  versions += 1;
  id = seedVersionId(`1.${versions}.0`);
  await request(world.deps, id, managedImageRequest());
});

/** Drives the version to its end, each batch of messages handled by `handle`; gives all messages that were sent. */
async function drive(
  handle: (due: readonly DueMessage[]) => Promise<void>,
): Promise<DueMessage[]> {
  const all: DueMessage[] = [];
  for (let turns = 0; turns < 100; turns += 1) {
    const due = await world.takeDue();
    all.push(...due);
    await handle(due);
    const { record: version } = await world.read(id);
    if (isFinal(version.state)) return all;
    world.clock.advance(
      Math.max(0, Date.parse(version.dueTime) - world.clock.now()),
    );
  }
  throw new Error("the version does not end");
}

async function expectOneVersion(): Promise<void> {
  const { record: version, operation } = await world.read(id);
  expect(version).toMatchObject({ state: "Succeeded", outbox: [] });
  expect(operation.history.map(({ state }) => state)).toEqual([
    "Accepted",
    "Creating",
    "Replicating",
    "Succeeded",
  ]);
  expect(operation.regions.map(({ attempts }) => attempts)).toEqual([1, 1]);
  expect(world.simulator.control.creates(id)).toBe(1);
  expect(
    world.simulator.control.countRequests({
      method: "PUT",
      path: `/versions/1\\.${versions}\\.0\\?`,
    }),
  ).toBe(1);
  const facts = (await world.takeEvents())
    .filter(({ subject }) => subject === id)
    .map((event) => event.id);
  expect(new Set(facts).size).toBe(facts.length);
  expect(facts.filter((fact) => fact.endsWith("completed"))).toHaveLength(3);
}

test("every message twice, one after the other, is every message once", async () => {
  await drive(async (due) => {
    for (const message of due) {
      await world.handle(message);
      await world.handle(message);
    }
  });
  await expectOneVersion();
});

test("every message three times at once, as by three hosts, is every message once", async () => {
  await drive(async (due) => {
    await Promise.all(
      [...due, ...due, ...due].map((message) => world.handle(message)),
    );
  });
  await expectOneVersion();
});

test("all messages again, late and backwards, change nothing at any time", async () => {
  const seen: DueMessage[] = [];
  await drive(async (due) => {
    for (const message of due) await world.handle(message);
    seen.push(...due);
    const before = (await world.read(id)).etag;
    for (const message of [...seen].reverse()) await world.handle(message);
    expect((await world.read(id)).etag).toBe(before);
  });
  const before = await world.read(id);
  for (const message of [...seen].reverse()) await world.handle(message);
  expect(await world.read(id)).toEqual(before);
  expect(await world.takeDue()).toEqual([]);
  await expectOneVersion();
});

test("a message of a step that has not come yet changes nothing", async () => {
  const before = await world.read(id);
  for (const step of [0, 2, 3, 99]) {
    await world.handle({
      queue: "image-version-creations",
      messageId: "early",
      operationId: before.operation.id,
      step,
    });
  }
  expect(await world.read(id)).toEqual(before);
  await drive(async (due) => {
    for (const message of due) await world.handle(message);
  });
  await expectOneVersion();
});

test("a message on the other phase's queue, of an unknown operation or of none changes nothing", async () => {
  const before = await world.read(id);
  const { id: operationId } = before.operation;
  for (const other of [
    { queue: "image-version-replications", operationId, step: 1 },
    {
      queue: "image-version-creations",
      operationId: `${"0".repeat(32)}-1`,
      step: 1,
    },
    {
      queue: "image-version-creations",
      operationId: operationId.replace(/-1$/u, "-2"),
      step: 1,
    },
    {
      queue: "image-version-creations",
      operationId: "' or PartitionKey ne '",
      step: 1,
    },
  ] as const) {
    await world.handle({ ...other, messageId: "other" });
  }
  expect(await world.read(id)).toEqual(before);
  await world.takeDue();
});

test("the messages of an operation that failed leave the next operation alone", async () => {
  await world.takeDue();
  const failedId = seedVersionId(`1.${versions}.99`);
  const body = managedImageRequest();
  const broken = {
    ...body,
    properties: {
      ...body.properties,
      storageProfile: {
        source: { id: `${body.properties.storageProfile.source?.id}2` },
      },
    },
  };
  await request(world.deps, failedId, broken);
  const [first] = await world.takeDue();
  if (first === undefined) throw new Error("no message");
  await world.handle(first);
  expect((await world.read(failedId)).operation.status).toBe("Failed");
  await request(world.deps, failedId, body);
  const before = await world.read(failedId);
  expect(before.record).toMatchObject({ sequence: 2, step: 1 });
  await world.handle(first); // Step 1 of operation 1.
  expect(await world.read(failedId)).toEqual(before);
  expect((await world.finish(failedId)).status).toBe("Succeeded");
});

test("a step whose state was stored and told by another, after a long stall, is left to the other", async () => {
  const [message] = await world.takeDue();
  if (message === undefined) throw new Error("no message");
  // The first host commits `Creating`, then stalls before it has told: the second finds the step overdue and ends it.
  let stalled = false;
  const first = {
    ...world.deps,
    events: {
      publish: async (
        ...args: Parameters<typeof world.deps.events.publish>
      ) => {
        const { record: version } = await world.read(id);
        if (!stalled && version.state === "Creating") {
          stalled = true;
          await world.handle({
            ...message,
            step: version.step,
            messageId: "overdue",
          });
          await world.finish(id);
        }
        await world.deps.events.publish(...args);
      },
    },
  };
  await world.handle(message, first);
  expect(stalled).toBe(true);
  const { record: version, operation } = await world.read(id);
  expect(version.state).toBe("Succeeded");
  expect(operation.regions.map(({ attempts }) => attempts)).toEqual([1, 1]);
  expect(
    world.simulator.control.countRequests({
      method: "PUT",
      path: `/versions/1\\.${versions}\\.0\\?`,
    }),
  ).toBe(1);
});
