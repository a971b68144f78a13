/** What becomes of a version, and of what is being done with it, where it is to be deleted or its making is canceled. */
import { expect, test } from "vitest";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  facts,
  faultOn,
  foreign,
  inAzure,
  isExcluded,
  made,
  operation,
  operationIn,
  outside,
  pass,
  plain,
  put,
  puts,
  regionNames,
  seen,
  shownIn,
  until,
} from "./support.js";

const LAG_MS = 300_000;
const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

test("a creation goes on where the version's deletion is blocked", async () => {
  const body = plain(TWO_REGIONS, {
    publishing: { endOfLifeDate: "2090-01-01T00:00:00Z" },
    safety: { blockDeletionBeforeEndOfLife: true },
  });
  const creation = operationIn(await put(world, id, body));
  await pass(world, 60_000);
  expect(await refusal(byHand.remove(world, id))).toMatchObject({
    code: "ImageVersionConflict",
  });
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Succeeded" },
  ]);
});

test("a DELETE that was not sent, or not taken, is sent while ARM does not show the version yet", async () => {
  await world.simulator.control.setLag({ ms: LAG_MS });
  await put(world, id, plain(TWO_REGIONS));
  await world.runDue();
  const deletion = await byHand.remove(world, id);
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 500,
  });
  let killed = false;
  const dying = {
    ...world.deps,
    resourceManager: {
      ...world.deps.resourceManager,
      deleteImageVersion: () => {
        killed = true;
        return Promise.reject(new Error("killed"));
      },
    },
  };
  for (const message of await world.takeDue())
    await world
      .handle(message, killed ? undefined : dying)
      .catch(() => world.handle(message));
  expect(killed).toBe(true);
  expect(await ended(world, [deletion])).toMatchObject([
    { status: "Succeeded" },
  ]);
  await pass(world, 2 * LAG_MS);
  await world.simulator.control.setLag({ ms: 0 });
  expect(await inAzure(world, id)).toBeUndefined();
});

test("a deletion that is canceled once Azure has taken it says what Azure does, and ends as that does", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  expect(await cancel(world, deletion)).toMatchObject({
    status: "Running",
    history: expect.arrayContaining([
      expect.objectContaining({
        state: "Canceling",
        message: expect.stringContaining("Azure may carry out") as string,
      }),
    ]) as unknown,
  });
  expect(await ended(world, [deletion])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect(await inAzure(world, id)).toBeUndefined();
});

test("a canceled creation is excluded from latest beside a request whose rule waits for a person", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  await put(
    world,
    id,
    plain([...TWO_REGIONS, { name: "eastus" }], {
      sigil: { promotion: { when: "manual" } },
    }),
  );
  await cancel(world, creation);
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Canceled" },
  ]);
  await pass(world, 7_200_000);
  expect(await isExcluded(world, id)).toBe(true);
});

const refuse = (): unknown =>
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 409,
    body: {
      error: {
        code: "ScopeLocked",
        message: "The scope cannot perform delete operation: it is locked.",
      },
    },
  });

test("a creation is followed on where Azure refuses the deletion", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  refuse();
  const deletion = await byHand.remove(world, id);
  expect(await operation(world, creation)).toMatchObject({ status: "Running" });
  expect(await ended(world, [deletion, creation])).toMatchObject([
    {
      status: "Failed",
      error: { message: expect.stringContaining("locked") as string },
    },
    { status: "Succeeded" },
  ]);
  const told = (await world.takeEvents()).filter(({ id: event }) =>
    event.startsWith(`${creation.id}/`),
  );
  expect(
    told.filter(({ type }) => type.endsWith("RegionCompleted")),
  ).toHaveLength(2);
});

test("operations that had begun end once Azure has taken the deletion, and not before", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 429,
    headers: { "Retry-After": "60" },
  });
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  expect(await operation(world, creation)).toMatchObject({ status: "Running" });
  await pass(world, 61_000);
  expect(await operation(world, creation)).toMatchObject({
    status: "Failed",
    error: { code: "Superseded" },
  });
  expect(await ended(world, [deletion])).toMatchObject([
    { status: "Succeeded" },
  ]);
});

test("a deletion that is canceled before it was sent leaves what was being done as it was", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  world.simulator.control.addFault({ path: `${id}\\?`, status: 503, times: 3 });
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  const canceled = await cancel(world, deletion);
  expect(canceled).toMatchObject({
    status: "Canceled",
    history: expect.arrayContaining([
      expect.objectContaining({
        message: "Canceled. Nothing was deleted, and nothing will be.",
      }),
    ]) as unknown,
  });
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect(world.simulator.control.countRequests({ method: "DELETE" })).toBe(0);
});

test("a creation goes on where a deletion is canceled of which the answer is still out, once none can come of it", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 503,
  });
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  const canceled = await cancel(world, deletion);
  expect(canceled).toMatchObject({
    status: "Running",
    history: expect.arrayContaining([
      expect.objectContaining({
        message: expect.stringContaining("Azure may carry out") as string,
      }),
    ]) as unknown,
  });
  expect(await ended(world, [deletion, creation])).toMatchObject([
    { status: "Canceled" },
    { status: "Succeeded" },
  ]);
  expect(world.simulator.control.countRequests({ method: "DELETE" })).toBe(1);
});

test("a region that is away for its repair is added back where Azure refuses the deletion", async () => {
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
  });
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 10_000);
  await until(
    world,
    async () => !regionNames(await shownIn(world, id)).includes("eastus2"),
  );
  refuse();
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [deletion, creation])).toMatchObject([
    { status: "Failed" },
    { status: "Succeeded" },
  ]);
  const shown = await shownIn(world, id);
  expect(regionNames(shown)).toContain("eastus2");
  expect(
    shown.properties.safetyProfile?.["allowDeletionOfReplicatedLocations"],
  ).not.toBe(true);
});

test("a canceled creation is excluded from latest where Azure refuses the deletion", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  await cancel(world, creation);
  refuse();
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [deletion, creation])).toMatchObject([
    { status: "Failed" },
    { status: "Canceled" },
  ]);
  expect(await isExcluded(world, id)).toBe(true);
});

test("a creation that is canceled while the deletion waits for its answer is Canceled, whatever Azure says", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 503,
  });
  refuse();
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  await cancel(world, creation);
  expect(await ended(world, [deletion, creation])).toMatchObject([
    { status: "Failed" },
    { status: "Canceled" },
  ]);
  expect(await isExcluded(world, id)).toBe(true);
});

test("what is queued goes on where Azure refuses the deletion before it", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const update = operationIn(
    await put(world, id, plain(TWO_REGIONS, { tags: { build: "1" } })),
  );
  await world.runDue();
  const queued = operationIn(
    await put(
      world,
      id,
      plain([...TWO_REGIONS, { name: "eastus" }], { tags: { build: "1" } }),
    ),
  );
  refuse();
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [deletion, update, queued])).toMatchObject([
    { status: "Failed" },
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect(regionNames(await shownIn(world, id))).toContain("eastus");
});

test("an operation about a version that others have replaced goes its own way when the deletion of the old one ends", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const update = operationIn(
    await put(world, id, plain([...TWO_REGIONS, { name: "eastus" }])),
  );
  await pass(world, 30_000);
  const deletion = await byHand.remove(world, id);
  await outside(world, "DELETE", id);
  await outside(world, "PUT", id, foreign(plain(TWO_REGIONS)));
  expect(await ended(world, [deletion, update])).toMatchObject([
    { status: "Succeeded" },
    { status: "Failed", error: { code: "ImageVersionConflict" } },
  ]);
  expect(await inAzure(world, id)).toBeDefined();
});

const isDeleting = async (): Promise<boolean> =>
  (await inAzure(world, id))?.properties.provisioningState === "Deleting";

test("a canceled creation is excluded from latest where Azure has taken the deletion, and does not carry it out", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  await cancel(world, creation);
  const deletion = await byHand.remove(world, id);
  await until(world, isDeleting);
  await world.runDue();
  await world.simulator.control.failOperation({
    versionId: id,
    code: "InternalError",
    message: "It was not deleted.",
  });
  for (const region of ["westus", "eastus2"])
    await world.simulator.control.setRegionState({
      versionId: id,
      region,
      state: "Completed",
    });
  expect(await ended(world, [deletion, creation])).toMatchObject([
    {
      status: "Failed",
      error: { message: expect.stringContaining("not deleted") as string },
    },
    { status: "Canceled" },
  ]);
  expect(await isExcluded(world, id)).toBe(true);
});

test("what a deletion sees that Azure then refuses is told, and rules that have promoted promote no more", async () => {
  const body = plain(TWO_REGIONS, {
    sigil: { promotion: { when: "allRegionsReady" } },
  });
  const creation = operationIn(await put(world, id, body));
  await pass(world, 60_000);
  world.simulator.control.addFault({
    method: "PUT",
    path: `${id}\\?`,
    action: "reset-after-processing",
  });
  await until(world, async () => !(await isExcluded(world, id)));
  await world.simulator.control.editVersion({
    versionId: id,
    tags: { portal: "yes" },
  });
  refuse();
  const deletion = await byHand.remove(world, id);
  await ended(world, [deletion, creation]);
  const told = await world.takeEvents();
  expect(
    facts(told, creation).filter((fact) => fact.startsWith("promoted")),
  ).toHaveLength(1);
  expect(told.map(({ type }) => type)).toContain(
    "Sigil.ImageVersion.ChangedOutside",
  );
  await outside(world, "PATCH", id, {
    properties: { publishingProfile: { excludeFromLatest: true } },
  });
  await ended(world, [
    operationIn(await put(world, id, { ...body, tags: { a: "1" } })),
  ]);
  expect(await isExcluded(world, id)).toBe(true);
});

test("what others make after a deletion was asked, where Azure had nothing, is left as it is", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  const deletion = await byHand.remove(world, id);
  world.clock.advance(60_000);
  await outside(world, "PUT", id, foreign(plain([{ name: "westus" }])));
  const [end] = await ended(world, [deletion, creation]);
  expect(end?.status).toBe("Succeeded");
  expect(await inAzure(world, id)).toBeDefined();
});

test("what others have made at about the time is left as it is: a DELETE by an answer that has none is to be sent again, as Azure lists it", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await cancel(world, creation);
  await outside(world, "PUT", id, foreign(plain([{ name: "westus" }])));
  faultOn(world, id, { method: "GET", status: 404, times: 1 });
  expect(await refusal(byHand.remove(world, id))).toMatchObject({
    code: "StateConflict",
    retryable: true,
  });
  expect(await inAzure(world, id)).toBeDefined();
});

test("what an operation has seen that others made is deleted, though the look of the DELETE does not show it", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await outside(world, "PUT", id, foreign(plain([{ name: "westus" }])));
  await world.runDue();
  faultOn(world, id, { method: "GET", status: 404, times: 1 });
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [deletion, creation])).toMatchObject([
    { status: "Succeeded" },
    { status: "Failed" },
  ]);
  expect(await inAzure(world, id)).toBeUndefined();
});

test("what others make is left as it is where the create request never came there, but they ask for its regions and more", async () => {
  const reset = { method: "PUT", path: `${id}\\?`, action: "reset" } as const;
  world.simulator.control.addFault({ ...reset, times: null });
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await world.runDue();
  const deletion = await byHand.remove(world, id);
  await until(world, () =>
    Promise.resolve(
      world.simulator.control.countRequests({ method: "DELETE" }) > 0,
    ),
  );
  world.simulator.control.clearFaults();
  const more = [...TWO_REGIONS, { name: "eastus" }];
  await outside(world, "PUT", id, foreign(plain(more)));
  await ended(world, [deletion, creation]);
  expect(await inAzure(world, id)).toBeDefined();
});

test("a deletion goes before what a refused update is parted into", async () => {
  await made(world, id, plain(TWO_REGIONS));
  world.simulator.control.clearRequests();
  const tags = { a: "1" };
  const one = operationIn(await put(world, id, plain(TWO_REGIONS, { tags })));
  const other = operationIn(
    await put(world, id, plain([...TWO_REGIONS, { name: "eastus" }])),
  );
  world.simulator.control.addFault({
    method: "PUT",
    path: `${id}\\?`,
    status: 400,
    body: { error: { code: "BadRequest", message: "Not together." } },
  });
  let deletion: OperationRecord | undefined;
  const { resourceManager } = world.deps;
  const deps = {
    ...world.deps,
    resourceManager: {
      ...resourceManager,
      putImageVersion: async (
        ...args: Parameters<typeof resourceManager.putImageVersion>
      ) => {
        deletion ??= await byHand.remove(world, id);
        return resourceManager.putImageVersion(...args);
      },
    },
  };
  while (deletion === undefined)
    for (const message of await world.takeDue())
      await world.handle(message, deps);
  await ended(world, [deletion, one, other]);
  expect(puts(world)).toBe(1);
});

test("a promotion of what others have made goes on behind the deletion of the version before", async () => {
  await made(world, id, plain(TWO_REGIONS));
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 503,
  });
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  await outside(world, "DELETE", id);
  const excluded = { publishing: { excludeFromLatest: true } };
  await outside(world, "PUT", id, foreign(plain(TWO_REGIONS, excluded)));
  const promotion = await byHand.promote(world, id);
  expect(await ended(world, [deletion, promotion])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect(await isExcluded(world, id)).toBe(false);
});

test("a deletion that is asked anew after the first was canceled, which Azure has carried out, tells its own end, and each tells it once", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const first = await byHand.remove(world, id);
  await world.runDue();
  await cancel(world, first);
  const second = await byHand.remove(world, id);
  expect(second.id).not.toBe(first.id);
  expect(await ended(world, [first, second])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  const events = await world.takeEvents();
  for (const one of [first, second])
    expect(
      facts(events, one).filter((fact) => /^(deleted|canceled)$/u.test(fact)),
    ).toEqual(["deleted"]);
});

test("a DELETE that Azure takes and does not carry out is sent again seldom, and says so", async () => {
  await made(world, id, plain(TWO_REGIONS));
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 202,
    body: {},
    times: null,
  });
  const deletion = await byHand.remove(world, id);
  await pass(world, 3 * 3_600_000);
  expect(await operation(world, deletion)).toMatchObject({
    status: "Running",
    waitReason: expect.stringContaining("delete request") as string,
  });
  expect(facts(await world.takeEvents(), deletion)).toContainEqual(
    expect.stringContaining("stalled"),
  );
  expect(
    world.simulator.control.countRequests({ method: "DELETE" }),
  ).toBeLessThan(20);
});

test("a DELETE that Azure did not take is no success, though looks do not show the version", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 503,
  });
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  world.simulator.control.addFault({
    path: `${id}\\?`,
    action: "hide",
    times: 3,
  });
  await ended(world, [deletion, creation]);
  expect(await inAzure(world, id)).toBeUndefined();
});

test("a creation whose answer was lost is Sigil's behind a DELETE that is canceled, though somebody edits its tag", async () => {
  world.simulator.control.addFault({
    method: "PUT",
    path: `${id}\\?`,
    action: "reset-after-processing",
  });
  const body = plain(TWO_REGIONS, { tags: { a: "1" } });
  const creation = operationIn(await put(world, id, body));
  await world.runDue();
  world.simulator.control.addFault({
    method: "DELETE",
    path: `${id}\\?`,
    status: 503,
    times: null,
  });
  const deletion = await byHand.remove(world, id);
  await pass(world, 200_000);
  await world.simulator.control.editVersion({
    versionId: id,
    tags: { a: "2" },
  });
  await cancel(world, deletion);
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Succeeded" },
  ]);
});

test("an update whose failure is decided tells that failure, where its version is deleted first", async () => {
  await world.simulator.control.failRegion({
    versionId: id,
    region: "eastus2",
  });
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await until(world, async () => {
    const shown = await inAzure(world, id);
    return shown !== undefined && !regionNames(shown).includes("eastus2");
  });
  world.simulator.control.addFault({
    method: "PUT",
    path: `${id}\\?`,
    status: 400,
    body: { error: { code: "QuotaExceeded", message: "No more." } },
  });
  await until(world, async () =>
    (await operation(world, creation)).history.some(
      ({ state }) => state === "Failing",
    ),
  );
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [deletion, creation])).toMatchObject([
    { status: "Succeeded" },
    { status: "Failed", error: { code: "ResourceManagerRefused" } },
  ]);
});

test("a deletion that is canceled while its step looks is not sent", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  const deletion = await byHand.remove(world, id);
  const { resourceManager } = world.deps;
  const deps: typeof world.deps = {
    ...world.deps,
    resourceManager: {
      ...resourceManager,
      getImageVersion: async (...args) => {
        await cancel(world, deletion);
        return resourceManager.getImageVersion(...args);
      },
    },
  };
  for (const message of await world.takeDue())
    await world.handle(message, deps);
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect(world.simulator.control.countRequests({ method: "DELETE" })).toBe(0);
  expect(await inAzure(world, id)).toBeDefined();
});

test("a creation that was not sent and is being deleted is not found, by whom it is deleted", async () => {
  await put(world, id, plain());
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  expect(await refusal(seen(world, id))).toMatchObject({
    code: "NotFound",
    message: `Azure has no ${id}: operation ${deletion.id} is deleting it.`,
  });
  await ended(world, [deletion]);
});
