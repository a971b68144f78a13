/** Stages of a batch: which item begins when, and what it waits for. */
import { expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import { reconcile } from "../../../src/operation/reconcile.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { inOwnWorld } from "../../support/own-world.js";
import { seedResource } from "../../support/requests.js";
import {
  BY,
  newDefinition,
  pass,
  plain,
  regionNames,
  shownIn,
} from "../image-version/truth/support.js";
import { ADD_REGION, call, finish, OPERATOR, post, recordOf, statesIn, until } from "./support.js";

let world: InProcess;
inOwnWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});

const MANUAL = { promotion: { when: "manual" } } as const;

/** A batch that publishes one version into each of so many image definitions, one a stage. */
async function inStages(
  first: Parameters<typeof plain>[1],
  more: object = {},
  stages: readonly number[] = [0, 1],
  regions: Parameters<typeof plain>[0] = [{ name: "westus" }],
): Promise<{ readonly batch: OperationRecord; readonly ids: readonly string[] }> {
  const ids: string[] = [];
  for (const _ of stages) ids.push(`${await newDefinition(world)}/versions/4.13.0`);
  const items = ids.map((id, index) => ({
    id,
    stage: stages[index],
    body: plain(regions, index === 0 ? first : {}),
  }));
  const batch = await post(world, { command: "putImageVersion", items, ...more });
  return { batch, ids };
}

const operationOf = async ({ id }: OperationRecord): Promise<OperationRecord> =>
  (await world.deps.store.readOperation(id))?.operation ?? expect.fail("it is gone");

test("a stage begins once every item before it is ready, if no rule promotes it", async () => {
  const { batch, ids } = await inStages({}, {}, [0, 2, 0, 5]);
  const seen: string[] = [];
  const { operation } = await finish(world, batch, (record) => {
    const states = statesIn(record);
    if (states !== seen.at(-1)) seen.push(states);
  });
  expect(operation.status).toBe("Succeeded");
  const begun = seen.map((states) => states.replace(/Starting/gu, "Running"));
  expect([...new Set(begun)].filter((states) => states.includes("Running"))).toEqual([
    "Running Planned Running Planned",
    "Succeeded Running Succeeded Planned",
    "Succeeded Succeeded Succeeded Running",
  ]);
  for (const id of ids) expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
  const { body } = await call(world, "listBatchItems", `/operations/${batch.id}/items`);
  expect(body.value.map(({ stage }) => stage)).toEqual([0, 2, 0, 5]);
});

/** Runs on until the batch waits, and says for what. */
async function waitOf(batch: OperationRecord, stepMs = 30_000): Promise<string> {
  for (let ticks = 0; ticks < 100; ticks += 1) {
    await pass(world, stepMs);
    const { waitReason = "" } = await operationOf(batch);
    if (waitReason.startsWith("Stage")) return waitReason;
  }
  return expect.fail("it does not wait for a stage");
}

const promote = (id = ""): Promise<unknown> =>
  promoteImageVersion(world.deps, { id: idOf(id), ...BY });
const shortOf = (id = ""): string => `MyGallery/${id.split("/").at(-3)} 4.13.0`;

test("a stage waits until the version before it is in latest, and says where it is not", async () => {
  const { batch, ids } = await inStages({ sigil: MANUAL });
  expect(await waitOf(batch)).toContain(
    `Stage 1 waits for ${shortOf(ids[0])}: it is excluded from latest in westus.`,
  );
  expect(statesIn(await recordOf(world, batch))).toBe("Succeeded Planned");
  await promote(ids[0]);
  const { operation } = await finish(world, batch);
  expect(operation.status).toBe("Succeeded");
  expect(operation.history.map(({ message }) => message)).toContain("Stage 1 begins.");
});

test("a region that the request itself excludes is not waited for", async () => {
  const regions = [{ name: "westus" }, { name: "eastus2", excludeFromLatest: true }];
  const { batch, ids } = await inStages({ sigil: MANUAL }, {}, [0, 1], regions);
  expect(await waitOf(batch)).toContain("it is excluded from latest in westus.");
  await promote(ids[0]);
  expect(await finish(world, batch)).toMatchObject({ state: "Succeeded" });
});

test("a stage that waits names the freeze, stalls after an hour, and goes on by itself", async () => {
  const { batch, ids } = await inStages({ sigil: MANUAL });
  const until = new Date(world.clock.now() + 3 * 3_600_000).toISOString();
  const images = [{ subscriptionId: "*", galleryName: "mygallery" }];
  await world.freezes.put(
    { name: "quarter-close", images, until, reason: "CHG0042: quarter close." },
    OPERATOR,
  );
  expect(await waitOf(batch)).toContain("CHG0042: quarter close");
  for (let half = 0; half < 3; half += 1) {
    await pass(world, 1_800_000);
    await reconcile(world.deps);
  }
  const events = await world.takeEvents();
  expect(events.filter(({ type }) => type === "Sigil.Batch.Stalled")).toHaveLength(1);
  await pass(world, 2 * 3_600_000);
  await promote(ids[0]);
  expect((await finish(world, batch)).state).toBe("Succeeded");
});

test("a failed test holds the next stage, which names it", async () => {
  const when = { when: "tested" as const, results: ["boot"] };
  const { batch, ids } = await inStages({ sigil: { promotion: when } });
  expect(await waitOf(batch)).toMatch(/boot/u);
  const [version] = ids;
  await world.results.add({
    ...{ versionId: version ?? "", region: "westus", name: "boot", result: "failed" },
    ...{ reportedBy: OPERATOR, time: world.deps.now().toISOString() },
    life: (await world.read(version ?? "")).record.status?.publishedDate ?? "",
  });
  await pass(world, 600_000);
  expect((await operationOf(batch)).waitReason).toMatch(/boot.*failed/u);
  expect(statesIn(await recordOf(world, batch))).toBe("Succeeded Planned");
});

test("an item that fails skips every later stage, even if the batch continues on failure", async () => {
  const { batch, ids } = await inStages({}, { onFailure: "continue" }, [0, 0, 1]);
  await pass(world, 20_000);
  await world.simulator.control.failRegion({ versionId: ids[0] ?? "", region: "westus" });
  const { items, operation } = await finish(world, batch);
  expect(statesIn({ items })).toBe("Failed Succeeded Skipped");
  expect(operation.error?.code).toBe("BatchIncomplete");
});

test("canceled while a stage waits, a batch ends at once", async () => {
  const { batch } = await inStages({ sigil: MANUAL });
  await waitOf(batch);
  await cancelOperation(world.deps, batch.id, OPERATOR);
  const { items, operation } = await finish(world, batch);
  expect(statesIn({ items })).toBe("Succeeded Skipped");
  expect(operation.status).toBe("Canceled");
});

test("a version that was promoted once does not hold a stage that has begun", async () => {
  const { batch, ids } = await inStages({ sigil: MANUAL }, { atOnce: 1 }, [0, 1, 1]);
  await waitOf(batch);
  await promote(ids[0]);
  await until(world, batch, "RunningBatch");
  for (
    let ticks = 0;
    statesIn(await recordOf(world, batch)) !== "Succeeded Running Planned";
    ticks += 1
  ) {
    if (ticks > 100) expect.fail("the stage does not begin");
    await pass(world, 5_000);
  }
  await demoteImageVersion(world.deps, { id: idOf(ids[0] ?? ""), ...BY });
  expect((await finish(world, batch)).state).toBe("Succeeded");
});

test("no item of a later stage captures a machine", async () => {
  const ids = [0, 1].map((one) =>
    seedResource(`galleries/MyGallery/images/a${one}/versions/1.0.0`),
  );
  const source = { virtualMachineId: seedResource("virtualMachines/golden") };
  const body = {
    ...plain(),
    properties: { storageProfile: { source } },
    sigil: { capture: "snapshots" },
  };
  const command = "putImageVersion";
  const items = ids.map((id, stage) => ({ id, stage, body }));
  const answer = await call(world, "createBatch", "/batches", { command, items });
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toMatchObject([
    { code: "CaptureInLaterStage", pointer: "/items/1/body/sigil/capture" },
  ]);
});

test("an item's own query parameters replace those of the batch, and are checked", async () => {
  const { ids, batch } = await inStages({}, {}, [0, 0]);
  await finish(world, batch);
  const items = ids.map((id, index) => ({
    id,
    ...(index === 0 && { query: { allowNoLatest: true } }),
  }));
  const demoted = { command: "demoteImageVersion", items, onFailure: "continue" };
  const ended = await finish(world, await post(world, demoted));
  expect(statesIn(ended)).toBe("Succeeded Refused");
  const wrong = { command: "deleteImageVersion", items: [{ id: ids[0], query: { allow: true } }] };
  const answer = await call(world, "createBatch", "/batches", wrong);
  expect(answer.body.errors).toMatchObject([
    { code: "UnknownParameter", pointer: "/items/0/query/allow" },
  ]);
  const admin = { ...wrong, items: [{ id: ids[0], query: { ignoreUse: true } }] };
  expect(await call(world, "createBatch", "/batches", admin)).toMatchObject({ status: 403 });
});

test("an item that is unchanged holds the next stage while a region is not ready", async () => {
  const { batch, ids } = await inStages({}, {}, [0, 0]);
  await finish(world, batch);
  await post(world, { command: "patchImageVersion", body: ADD_REGION, items: [{ id: ids[0] }] });
  await pass(world, 20_000);
  const items = ids.map((id, stage) => ({
    id,
    stage,
    body: { tags: stage === 0 ? {} : { a: "b" } },
  }));
  const second = await post(world, { command: "patchImageVersion", items });
  expect(await waitOf(second, 5_000)).toContain("it is not ready in northeurope.");
  expect(statesIn(await recordOf(world, second))).toBe("Unchanged Planned");
  expect((await finish(world, second)).state).toBe("Succeeded");
});
