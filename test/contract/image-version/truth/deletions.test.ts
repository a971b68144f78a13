/** What becomes of a version, and of what is being done with it, where it is to be deleted or its making is canceled. */
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  test,
} from "vitest";
import { cancelOperation } from "../../../../src/operation/canceling.js";
import {
  startInProcess,
  type InProcess,
} from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import {
  BY,
  byHand,
  ended,
  inAzure,
  made,
  nextVersionId,
  operationIn,
  pass,
  plain,
  put,
  shownIn,
} from "./support.js";

const LAG_MS = 300_000;
const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];

let world: InProcess;
let id: string;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 600_000, spread: 0 });
});
afterAll(() => world.close());
beforeEach(async () => {
  id = nextVersionId();
  await world.takeEvents();
  world.simulator.control.clearRequests();
});
afterEach(async () => {
  world.simulator.control.clearFaults();
  await world.simulator.control.setLag({ ms: 0 });
});

const isExcluded = async (): Promise<boolean | undefined> =>
  (await shownIn(world, id)).properties.publishingProfile.excludeFromLatest;

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

test("a deletion that is canceled once it was sent says that Azure deletes the version", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const deletion = await byHand.remove(world, id);
  await world.runDue();
  await cancelOperation(world.deps, deletion.id, BY.requestedBy);
  await pass(world, 900_000);
  const canceled = (await world.takeEvents()).find(
    (event) => event.id === `${deletion.id}/canceled`,
  );
  expect(canceled?.data).toMatchObject({
    consequence: expect.not.stringContaining("Nothing was sent") as string,
  });
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
  await cancelOperation(world.deps, creation.id, BY.requestedBy);
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Canceled" },
  ]);
  await pass(world, 7_200_000);
  expect(await isExcluded()).toBe(true);
});
