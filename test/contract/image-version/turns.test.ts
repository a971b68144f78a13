/** A look that waits its turn of Azure's reads. Time is virtual. */
import { expect, onTestFinished, test } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { untilQuiet } from "../../../src/image-version/state/observe.js";
import type { ImageVersionRecord } from "../../../src/image-version/state/record.js";
import { idOf, request, startInProcess, type InProcess } from "../../support/dependencies.js";
import { largeWorld } from "../../support/requests.js";
import { naming } from "../../support/naming.js";

const { world: azure, request: body, versionId } = largeWorld(2, 0);
const VERSION = versionId("1.0.0");
const ID = idOf(VERSION);

/** How long an operation that begins next would wait before it writes, by what the record says. */
const nextWaits = (record: ImageVersionRecord, { pace, now }: Dependencies): number =>
  untilQuiet(record, { pace, now: now() }).waitMs;

/** A version that has replicated for a quarter of an hour, and whose next look is due. */
async function replicating(): Promise<{ world: InProcess; instance: Dependencies }> {
  const world = await startInProcess({
    world: azure,
    replicationMs: 45 * 60_000,
    enforceRateLimits: true,
  });
  onTestFinished(() => world.close());
  const instance = world.instance();
  await request(world.deps, VERSION, body);
  const endMs = world.clock.now() + 15 * 60_000;
  while (world.clock.now() < endMs) {
    await handleDue(world, instance);
    world.clock.advance(1_000);
  }
  world.clock.advance(300_000);
  return { world, instance };
}

async function handleDue(world: InProcess, instance: Dependencies): Promise<void> {
  for (const message of await world.takeDue()) await world.handle(message, instance);
}

/** Others read, until the instance sees that nearly nothing is left; answers the turn that its next read is told, in seconds. */
async function turnAfterOthers(world: InProcess, instance: Dependencies): Promise<number> {
  for (let reads = 0; reads < 590; reads += 1) {
    world.clock.advance(40); // the subscription's own limit is not what is used up
    await world.deps.resourceManager.getImageVersion(ID);
  }
  for (let reads = 0; reads < 2; reads += 1) await instance.resourceManager.getImageVersion(ID);
  const error: unknown = await instance.resourceManager
    .getImageVersion(ID)
    .catch((one: unknown) => one);
  if (!(error instanceof ServiceError) || !error.isTurn) throw new Error("it was sent");
  return (error.retryAfterMs ?? 0) / 1_000;
}

const secondsUntil = (world: InProcess, time: string): number =>
  (Date.parse(time) - world.clock.now()) / 1_000;

test("it comes when the pacer says, is sent then, and holds up no operation that begins next", async () => {
  const { world, instance } = await replicating();
  const turn = await turnAfterOthers(world, instance);
  expect(turn).toBeLessThan(100);
  const looks = world.simulator.control.requests().length;
  await handleDue(world, instance);
  expect(world.simulator.control.requests()).toHaveLength(looks);
  const { record, operation } = await world.read(VERSION);
  expect(record.ticks).toBeGreaterThan(3);
  expect(operation.waitReason).toContain("waits its turn");
  expect(secondsUntil(world, record.dueTime)).toBeCloseTo(turn + 0.3);
  expect(nextWaits(record, instance)).toBe(0);
  world.clock.advance(Date.parse(record.dueTime) - world.clock.now());
  await handleDue(world, instance);
  const after = await world.read(VERSION);
  expect(after.record.status?.time).toBe(record.dueTime);
});

test("where many versions share Azure's limit, it says so, and looks less often", async () => {
  const { world, instance } = await replicating();
  const before = await world.read(VERSION);
  expect(before.record.pacing?.left).toBeGreaterThan(20);
  await turnAfterOthers(world, instance);
  for (let i = 1; i < 412; i += 1)
    instance.looks.noteReplicating(idOf(versionId(`2.0.${i}`)), true);
  await handleDue(world, instance);
  const { record, operation } = await world.read(VERSION);
  expect(operation).toMatchObject({
    waitReason: naming(["412"]),
    nextAttemptTime: record.dueTime,
  });
  world.clock.advance(Date.parse(record.dueTime) - world.clock.now());
  await handleDue(world, instance);
  const after = await world.read(VERSION);
  expect(after.record.pacing?.left).toBe(7);
  expect(instance.looks.replicatingIn(ID.subscriptionId)).toBe(412);
});

test("where Azure itself refuses it, it comes no sooner than a poll would, and the next operation waits as Azure asks", async () => {
  const { world, instance } = await replicating();
  world.simulator.control.addFault({
    method: "GET",
    path: `${VERSION}\\?`,
    status: 429,
    times: null,
  });
  await handleDue(world, instance);
  const { record } = await world.read(VERSION);
  expect(secondsUntil(world, record.dueTime)).toBe(120);
  expect(nextWaits(record, instance)).toBe(10_000);
});
