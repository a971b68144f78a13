/** A batch: plans, order, ends, cancels, and who may. */
import { createMemoryIdempotencyKeys } from "../../support/fakes/idempotency-keys.js";
import { expect, test } from "vitest";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import type { StoredBatch } from "../../../src/batch/record.js";
import { takeBatchStep } from "../../../src/batch/take-batch-step.js";
import { agedOperations } from "../../../src/operation/ageing.js";
import { listOperations } from "../../../src/operation/queries.js";
import { keyOf } from "../../../src/resource-id.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { ServiceError } from "../../../src/errors.js";
import { batchOf, idOf, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import {
  BY,
  made,
  newDefinition,
  plain,
  regionNames,
  shownIn,
} from "../image-version/truth/support.js";
import {
  ADD_REGION,
  call,
  finish,
  itemsOf,
  OPERATOR,
  post,
  recordOf,
  statesIn,
  until,
} from "./support.js";

let world: InProcess;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});

/** Two versions of each of so many image definitions, which Sigil has made. */
async function published(definitions: number, versions = ["1.0.0", "1.0.1"]): Promise<string[]> {
  const ids: string[] = [];
  for (let count = 0; count < definitions; count += 1) {
    const image = await newDefinition(world);
    for (const version of versions) {
      ids.push(`${image}/versions/${version}`);
      await made(world, ids.at(-1) ?? "", plain());
    }
  }
  await world.takeEvents();
  return ids;
}

const patchOf = (ids: readonly string[], more: object = {}): object => ({
  command: "patchImageVersion",
  body: ADD_REGION,
  items: itemsOf(ids),
  ...more,
});

/** How often each version was changed. */
const changes = (ids: readonly string[]): Promise<number[]> =>
  Promise.all(
    ids.map(async (id) => {
      const { record } = await world.read(id);
      return (record.lastSequence ?? record.sequence) - firstOf(record.createdTime);
    }),
  );
const firstOf = (time: string): number =>
  1 + Math.floor((Date.parse(time) - Date.UTC(2026, 0, 1)) / 1_000);

/** Handles one message after the other until an item is in this state. */
async function untilSome(batch: { readonly id: string }, wanted: string): Promise<void> {
  for (let ticks = 0; ticks < 500; ticks += 1) {
    for (const message of await world.takeDue()) {
      await world.handle(message);
      const { items } = await recordOf(world, batch);
      if (items.some(({ state }) => state === wanted)) return;
    }
    world.clock.advance(1_000);
  }
  expect.fail(`no item is ever ${wanted}`);
}

/** Takes the step that begins items by other dependencies. */
async function takeStarting(
  batch: { readonly id: string },
  take: (stored: StoredBatch) => Promise<unknown>,
): Promise<void> {
  await untilSome(batch, "Starting");
  world.clock.advance(1_000);
  await world.takeDue();
  const stored = await batchOf(world.deps).operations.store.read(batch.id.split("-")[0] ?? "");
  await take(stored ?? expect.fail("it is not stored"));
}

const told = async (id: string): Promise<string[]> =>
  (await world.takeEvents())
    .filter((one) => one.id.startsWith(`${id}/`))
    .map((one) => one.type.replace("Sigil.Batch.", ""));

test("each version is changed once, two at once, one of each image definition, in order", async () => {
  const ids = await published(3);
  const batch = await post(world, patchOf(ids, { atOnce: 2 }));
  let most = 0;
  const { items, operation } = await finish(world, batch, (record) => {
    const open = record.items.filter(({ state }) => state === "Running" || state === "Starting");
    most = Math.max(most, open.length);
    const definitions = open.map(({ id }) => id.split("/versions/")[0]);
    expect(new Set(definitions).size).toBe(open.length);
  });
  expect(most).toBe(2);
  expect(operation).toMatchObject({ status: "Succeeded", detail: { counts: { Succeeded: 6 } } });
  for (const id of ids) expect(regionNames(await shownIn(world, id))).toContain("northeurope");
  expect(await changes(ids)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(await told(batch.id)).toEqual(["Accepted", "Completed"]);
  for (const { operationId = "" } of items)
    expect((await world.deps.store.readOperation(operationId))?.operation.parent).toBe(batch.id);
  const again = await finish(world, await post(world, patchOf(ids)));
  expect(statesIn(again)).toBe(Array(6).fill("Unchanged").join(" "));
  expect(await changes(ids)).toEqual([1, 1, 1, 1, 1, 1]);
});

test("one error in the plan begins nothing under stop, and only the others under continue", async () => {
  const ids = await published(2);
  const items = [ids[0] ?? "", `${ids[0]}9`, ...ids.slice(2)];
  const stopped = await finish(world, await post(world, patchOf(items)));
  expect(statesIn(stopped)).toBe("Skipped Refused Skipped Skipped");
  expect(stopped.operation).toMatchObject({
    status: "Failed",
    error: { code: "PlanHasErrors", errors: [{ code: "NotFound", pointer: "/items/1" }] },
  });
  expect(await changes(ids)).toEqual([0, 0, 0, 0]);
  const others = await finish(world, await post(world, patchOf(items, { onFailure: "continue" })));
  expect(statesIn(others)).toBe("Succeeded Refused Succeeded Succeeded");
  expect(others.operation.error?.code).toBe("BatchIncomplete");
  expect(await told(others.operation.id)).toEqual(["Accepted", "Failed"]);
});

test("a batch to confirm waits a day for that, and begins once", async () => {
  const ids = await published(1);
  const batch = await post(world, patchOf(ids, { confirm: true }));
  const confirm = (): ReturnType<typeof call> =>
    call(world, "confirmBatch", `/operations/${batch.id}/confirm`);
  expect(await confirm()).toMatchObject({ status: 409, body: { code: "BatchNotPlanned" } });
  expect(statesIn(await until(world, batch, "Planned"))).toBe("Planned Planned");
  expect(await told(batch.id)).toEqual(["Accepted", "Planned"]);
  world.clock.advance(23 * 3_600_000);
  await world.runDue();
  expect(await changes(ids)).toEqual([0, 0]);
  const first = await confirm();
  expect(first).toMatchObject({ status: 202, body: { batch: { confirmedBy: OPERATOR } } });
  expect(first.headers["Operation-Location"]).toBe(
    `https://sigil.example/api/operations/${batch.id}`,
  );
  expect((await confirm()).body.history).toEqual(first.body.history);
  expect((await finish(world, batch)).state).toBe("Succeeded");
  expect(await changes(ids)).toEqual([1, 1]);

  const late = await post(world, patchOf(ids, { confirm: true, body: { tags: { a: "b" } } }));
  await until(world, late, "Planned");
  world.clock.advance(25 * 3_600_000);
  expect((await finish(world, late)).operation.error?.code).toBe("BatchExpired");
  const refused = await call(world, "confirmBatch", `/operations/${late.id}/confirm`);
  expect(refused).toMatchObject({ status: 409, body: { code: "BatchNotPlanned" } });
  expect(await changes(ids)).toEqual([1, 1]);
});

test("a dry run plans, begins nothing and publishes nothing", async () => {
  const ids = await published(1);
  const batch = await post(world, patchOf([...ids, `${ids[0]}9`], { dryRun: true }));
  const { operation } = await finish(world, batch);
  expect(operation).toMatchObject({ status: "Failed", error: { code: "PlanHasErrors" } });
  const items = await call(world, "listBatchItems", `/operations/${batch.id}/items?top=2`);
  expect(items.body.value).toMatchObject([
    {
      id: ids[0],
      state: "Planned",
      summary: expect.stringMatching(/^update northeurope. northeurope has/u) as string,
    },
    { state: "Planned" },
  ]);
  const { continuationToken: token = "" } = items.body;
  const rest = await call(
    world,
    "listBatchItems",
    `/operations/${batch.id}/items?top=2&continuationToken=${token}`,
  );
  expect(rest.body.value).toMatchObject([{ state: "Refused", errors: [{ code: "NotFound" }] }]);
  const refused = await call(
    world,
    "listBatchItems",
    `/operations/${batch.id}/items?state=Refused`,
  );
  expect(refused.body.value).toHaveLength(1);
  const canceled = await post(world, patchOf(ids, { dryRun: true, body: { tags: { c: "d" } } }));
  await call(world, "cancelOperation", `/operations/${canceled.id}/cancel`);
  const planned = await post(world, patchOf(ids, { dryRun: true, body: { tags: { a: "b" } } }));
  expect((await finish(world, planned)).state).toBe("Succeeded");
  expect(await changes(ids)).toEqual([0, 0]);
  expect((await world.takeEvents()).map(({ type }) => type)).toEqual([]);
});

test("a cancel cancels what the batch began, follows what others began, and begins nothing more", async () => {
  const ids = await published(3);
  const [theirs = ""] = ids;
  const answer = await patchImageVersion(world.deps, {
    id: idOf(theirs),
    patch: ADD_REGION,
    validate: () => [],
    ...BY,
  });
  if (answer.kind !== "accepted") expect.fail("nothing was to be changed");
  const batch = await post(world, patchOf(ids, { atOnce: 2 }));
  await until(world, batch, "RunningBatch");
  await untilSome(batch, "Running");
  const by = { appId: "colleague" };
  expect(
    await call(world, "cancelOperation", `/operations/${batch.id}/cancel`, undefined, by),
  ).toMatchObject({ status: 403 });
  await call(world, "cancelOperation", `/operations/${batch.id}/cancel`);
  const { items, operation } = await finish(world, batch);
  expect(operation).toMatchObject({ status: "Canceled", canceledBy: OPERATOR });
  expect(items.map(({ state }) => state).sort()).toEqual([
    ...["Canceled", "Skipped", "Skipped", "Skipped", "Skipped"],
    "Succeeded",
  ]);
  expect(items[0]).toMatchObject({ state: "Succeeded", operationId: answer.operation.id });
  expect((await told(batch.id)).at(-1)).toBe("Canceled");
});

test.each([
  ["a patch", patchOf([])],
  ["a revocation", { command: "revokeImageVersion", body: { reason: "CVE-2026-1234" } }],
])(
  "killed after %s was accepted, then canceled: the child is found and canceled",
  async (_, command) => {
    const ids = await published(2);
    const batch = await post(world, { ...command, items: itemsOf(ids), atOnce: 1 });
    const real = batchOf(world.deps);
    const dying = {
      ...real,
      commands: {
        ...real.commands,
        begin: async (...asked: Parameters<typeof real.commands.begin>) => {
          await real.commands.begin(...asked);
          throw new Error("killed");
        },
      },
    };
    await takeStarting(batch, (stored) =>
      expect(takeBatchStep(dying, stored)).rejects.toThrow("killed"),
    );
    expect(statesIn(await recordOf(world, batch))).toBe("Starting Planned Planned Planned");
    await cancelOperation(world.deps, batch.id, OPERATOR);
    const { items } = await finish(world, batch);
    expect(statesIn({ items })).toBe("Canceled Skipped Skipped Skipped");
    expect(await changes(ids)).toEqual([1, 0, 0, 0]);
  },
);

test("what was Starting and has no operation is Skipped only after the longest step", async () => {
  const ids = await published(1);
  const batch = await post(world, patchOf(ids));
  await untilSome(batch, "Starting");
  await cancelOperation(world.deps, batch.id, OPERATOR);
  const beganMs = world.clock.now();
  const { items } = await finish(world, batch);
  expect(statesIn({ items })).toBe("Skipped Skipped");
  expect(world.clock.now() - beganMs).toBeGreaterThan(300_000);
});

test("items of one image definition see the latest without those before them", async () => {
  const ids = await published(1, ["1.3.0", "1.4.0", "1.5.0"]);
  const demote = (chosen: readonly string[]): object => ({
    command: "demoteImageVersion",
    items: itemsOf(chosen),
  });
  const two = await finish(world, await post(world, demote([ids[2] ?? "", ids[1] ?? ""])));
  expect(two.items.map(({ summary }) => summary)).toEqual([
    expect.stringContaining("1.4.0 becomes the latest"),
    expect.stringContaining("1.3.0 becomes the latest"),
  ]);
  expect(two.state).toBe("Succeeded");
  const rest = await finish(world, await post(world, demote([ids[0] ?? ""])));
  expect(rest.items[0]?.errors?.[0]?.code).toBe("RegionWouldLoseLatest");
  const others = await published(1, ["1.0.0", "1.0.1"]);
  const all = await finish(
    world,
    await post(world, { command: "deleteImageVersion", items: itemsOf(others) }),
  );
  expect(statesIn(all)).toBe("Skipped Refused");
});

test("a plan that must wait keeps the others", async () => {
  const ids = await published(1);
  const batch = await post(world, patchOf(ids));
  const real = batchOf(world.deps);
  const planned: string[] = [];
  const throttled = {
    ...real,
    commands: {
      ...real.commands,
      plan: (...asked: Parameters<typeof real.commands.plan>) => {
        planned.push(asked[0].id);
        if (planned.length === 2)
          throw new ServiceError("ResourceManagerThrottled", "429", { retryAfterMs: 17_000 });
        return real.commands.plan(...asked);
      },
    },
  };
  const stored = await real.operations.store.read(batch.id.split("-")[0] ?? "");
  await takeBatchStep(throttled, stored ?? expect.fail("it is not stored"));
  expect(statesIn(await recordOf(world, batch))).toBe("Planned Listed");
  expect((await finish(world, batch)).state).toBe("Succeeded");
  expect(planned).toEqual(ids);
});

test("a child that waits for long gives its place to others, and not its image definition", async () => {
  const ids = await published(2);
  const [busy = ""] = ids;
  world.simulator.control.addFault({
    method: "PUT",
    path: busy,
    status: 409,
    times: 400,
    body: { error: { code: "Conflict", message: "Another operation is in progress." } },
  });
  const batch = await post(world, patchOf(ids, { atOnce: 1 }));
  await until(world, batch, "RunningBatch");
  const beganMs = world.clock.now();
  for (let ticks = 0; ticks < 1_000; ticks += 1) {
    await world.runDue();
    const { items } = await recordOf(world, batch);
    if (items.slice(2).every(({ state }) => state === "Succeeded")) break;
    world.clock.advance(5_000);
  }
  const { items } = await recordOf(world, batch);
  expect(statesIn({ items })).toBe("Running Planned Succeeded Succeeded");
  expect(world.clock.now() - beganMs).toBeGreaterThan(600_000);
});

test("the same request and key lead to the same batch, another request is refused", async () => {
  const ids = await published(1);
  const key = "nightly";
  const first = await post(world, patchOf(ids), { key });
  expect((await post(world, patchOf(ids), { key })).id).toBe(first.id);
  await finish(world, first);
  expect((await post(world, patchOf(ids), { key })).id).toBe(first.id);
  const other = await call(world, "createBatch", "/batches", patchOf(ids, { atOnce: 3 }), { key });
  expect(other).toMatchObject({ status: 422, body: { code: "IdempotencyKeyReused" } });
  expect((await post(world, patchOf(ids))).id).not.toBe(first.id);
  // The keys are lost, and the batch is not.
  const { idempotencyKeys } = world.deps;
  Object.assign(world.deps, { idempotencyKeys: createMemoryIdempotencyKeys(world.deps.now) });
  expect((await post(world, patchOf(ids), { key })).id).toBe(first.id);
  Object.assign(world.deps, { idempotencyKeys });
});

test("rights are asked for each item, and again right before each", async () => {
  const ids = await published(2);
  const rule = (galleryName: string): object => ({
    rules: [
      {
        callers: [{ appId: "operator" }],
        galleries: [{ subscriptionId: "*", galleryName }],
      },
    ],
  });
  const nowhere = { policy: rule("OtherGallery") as never };
  const refused = await call(world, "createBatch", "/batches", patchOf(ids), nowhere);
  expect(refused).toMatchObject({ status: 403, body: { errors: { length: 4 } } });
  expect(refused.body.errors[1]?.pointer).toBe("/items/1/id");
  const batch = await post(world, patchOf(ids, { confirm: true }));
  await until(world, batch, "Planned");
  expect(
    await call(world, "confirmBatch", `/operations/${batch.id}/confirm`, undefined, nowhere),
  ).toMatchObject({ status: 403 });
  await call(world, "confirmBatch", `/operations/${batch.id}/confirm`);
  const strict = batchOf(world.deps, nowhere.policy);
  await takeStarting(batch, (stored) => takeBatchStep(strict, stored));
  const { items } = await finish(world, batch);
  expect(statesIn({ items })).toBe("Refused Skipped Refused Skipped");
  expect(items[0]?.errors?.[0]?.code).toBe("Forbidden");
  expect(await changes(ids)).toEqual([0, 0, 0, 0]);
});

test("every mistake in a batch has its own answer", async () => {
  const [id = ""] = await published(1);
  const of = async (batch: object): Promise<string[]> => {
    const { status, body } = await call(world, "createBatch", "/batches", batch);
    expect(status).toBe(400);
    return body.errors.map(({ code, pointer }) => `${code} ${pointer}`);
  };
  const image = id.replace(/\/versions\/.*/u, "");
  expect(await of(patchOf([id, id.toUpperCase(), image, "x"]))).toEqual([
    "InvalidFormat /items/2/id",
    "InvalidFormat /items/3/id",
    "DuplicateItem /items/1/id",
  ]);
  expect(await of({ command: "rollBackImage", items: itemsOf([id]) })).toEqual([
    "InvalidFormat /items/0/id",
  ]);
  expect(await of({ command: "patchImageVersion", items: itemsOf([id]) })).toEqual([
    "MissingProperty /items/0/body",
  ]);
  expect(await of(patchOf([id], { body: { locatio: 1 } }))).toEqual([
    "UnknownProperty /body/locatio",
  ]);
  expect(
    await of({
      command: "retryImageVersion",
      query: { allowNoLatest: true },
      items: [{ id, ifMatch: '"x"', body: { region: ["x"] } }],
    }),
  ).toEqual([
    "UnknownParameter /query/allowNoLatest",
    "UnknownProperty /items/0/body/region",
    "UnknownProperty /items/0/ifMatch",
  ]);
  expect(await of({ command: "demoteImageVersion", body: {}, items: itemsOf([id]) })).toEqual([
    "UnknownProperty /body",
  ]);
  const admin = { command: "deleteImageVersion", query: { ignoreUse: true }, items: [{ id }] };
  expect(await call(world, "createBatch", "/batches", admin)).toMatchObject({ status: 403 });
});

test("an ETag of its own refuses an item that changed since", async () => {
  const ids = await published(2, ["1.0.0"]);
  const items = [{ id: ids[0], ifMatch: '"old"' }, { id: ids[1] }];
  const { items: ended } = await finish(
    world,
    await post(world, { ...patchOf([]), items, onFailure: "continue" }),
  );
  expect(statesIn({ items: ended })).toBe("Refused Succeeded");
  expect(ended[0]?.errors?.[0]?.code).toBe("PreconditionFailed");
});

test("versions are revoked, retried and promoted, and image definitions rolled back", async () => {
  const ids = await published(2);
  const image = (id = ""): string => id.replace(/\/versions\/.*/u, "");
  const back = await finish(
    world,
    await post(world, {
      command: "rollBackImage",
      items: itemsOf([image(ids[0]), image(ids[2])]),
    }),
  );
  expect(statesIn(back)).toBe("Succeeded Succeeded");
  expect(back.items[0]?.summary).toBe("1.0.1 → 1.0.0");
  const child = await world.deps.store.readOperation(back.items[0]?.operationId ?? "");
  expect(child?.operation).toMatchObject({ kind: "RollBackImage", parent: back.operation.id });
  const again = await finish(
    world,
    await post(world, { command: "promoteImageVersion", items: itemsOf([ids[1] ?? ""]) }),
  );
  expect(again.state).toBe("Succeeded");
  const revoked = await finish(
    world,
    await post(world, {
      command: "revokeImageVersion",
      body: { reason: "CVE-2026-1234" },
      items: itemsOf([ids[1] ?? "", ids[3] ?? ""]),
    }),
  );
  expect(statesIn(revoked)).toBe("Succeeded Succeeded");
  const retried = await finish(
    world,
    await post(world, { command: "retryImageVersion", items: itemsOf([ids[0] ?? ""]) }),
  );
  expect(retried.items[0]?.errors?.[0]?.code).toBe("ImageVersionConflict");
});

test("a batch that ended ages away, with its record and all rows that lead to it", async () => {
  const ids = await published(1, ["1.0.0"]);
  const batch = await post(world, patchOf(ids));
  await finish(world, batch);
  const rows = async (): Promise<number> => {
    const { value } = await listOperations(world.deps, {}, 100, undefined);
    return value.filter(({ id }) => id === batch.id).length;
  };
  const age = (ms: number): Promise<unknown> =>
    agedOperations(world.deps).removePage(new Date(world.clock.now() - ms));
  await age(3_600_000);
  expect(await rows()).toBe(1);
  world.clock.advance(3_600_000);
  await age(1_000);
  expect(await rows()).toBe(0);
  expect(await world.deps.store.read(batch.id.split("-")[0] ?? "")).toBeUndefined();
  expect(await world.deps.store.read(keyOf(ids[0] ?? ""))).toBeDefined();
  const gone = await call(world, "listBatchItems", `/operations/${batch.id}/items`);
  expect(gone).toMatchObject({ status: 404 });
});

test("a batch as old as two weeks begins nothing more", async () => {
  const ids = await published(1);
  const batch = await post(world, patchOf(ids));
  await untilSome(batch, "Running");
  world.clock.advance(15 * 86_400_000);
  const { items, operation } = await finish(world, batch);
  expect(statesIn({ items })).toBe("Succeeded Skipped");
  expect(operation.error?.code).toBe("BatchExpired");
});

test("the plan of a whole version names what it leaves out, that of a merge patch does not", async () => {
  const ids = await published(1, ["1.0.0"]);
  const planOf = async (command: string, body: object): Promise<string | undefined> => {
    const batch = await post(world, { command, body, items: itemsOf(ids), dryRun: true });
    return (await finish(world, batch)).items[0]?.summary;
  };
  const whole = { ...plain([{ name: "westus" }, { name: "northeurope" }]) };
  expect(await planOf("putImageVersion", whole)).toMatch(/eastus2/u);
  expect(await planOf("patchImageVersion", ADD_REGION)).not.toMatch(/eastus2/u);
});
