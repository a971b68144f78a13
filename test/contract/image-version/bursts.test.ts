/** Many versions at once under Azure Resource Manager's own limits. Time is virtual: a call takes none, a wait does. */
import { describe, expect, onTestFinished, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { toDisplay } from "../../../src/azure/arm/flows.js";
import { forecastImageVersion } from "../../../src/image-version/commands/forecast.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { openedKeys } from "../../../src/image-version/queries/keys.js";
import { getImageUse } from "../../../src/image-version/queries/use.js";
import { getMachineCommands } from "../../../src/machine-command/get-machine-commands.js";
import { imageIdOf } from "../../../src/resource-id.js";
import { idOf, request, startInProcess, type InProcess } from "../../support/dependencies.js";
import { largeWorld } from "../../support/requests.js";

/** Messages that one instance handles at once (host.json, maxConcurrentCalls). */
const AT_ONCE = 16;

const startsOf = ({ simulator }: InProcess): number =>
  simulator.control.countRequests({ method: "PUT", status: 201 });

/** Lets the instances work until `isDone`, each message at some instance; answers the seconds that went by. */
async function workUntil(
  world: InProcess,
  instances: readonly Dependencies[],
  isDone: () => boolean,
  mostSeconds: number,
): Promise<number> {
  const startMs = world.clock.now();
  const seconds = (): number => (world.clock.now() - startMs) / 1_000;
  while (!isDone() && seconds() < mostSeconds) {
    const due = await world.takeDue();
    if (due.length === 0) world.clock.advance(500);
    const width = AT_ONCE * instances.length;
    for (let from = 0; from < due.length; from += width)
      await Promise.all(
        due
          .slice(from, from + width)
          .map((message, i) => world.handle(message, instances[i % instances.length])),
      );
  }
  return seconds();
}

describe.each([1, 2])("with %d instances", (count) => {
  test("a hundred versions in ten regions are created within a minute, by few reads and with few refusals", async () => {
    const { world: azure, request: body, versionId } = largeWorld(10, 1);
    const world = await startInProcess({
      world: azure,
      replicationMs: 30 * 60_000,
      enforceRateLimits: true,
    });
    onTestFinished(() => world.close());
    const { control } = world.simulator;
    const instances = Array.from({ length: count }, () => world.instance());
    for (let i = 0; i < 100; i += 1) await request(world.deps, versionId(`1.0.${i}`), body);
    control.clearRequests();

    const seconds = await workUntil(world, instances, () => startsOf(world) === 100, 300);
    const calls = control.requests();
    const reads = calls.filter(({ method }) => method === "GET").length;
    const refused = calls.filter(({ status }) => status === 429).length;
    expect(startsOf(world)).toBe(100);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(reads).toBeLessThanOrEqual(800);
    expect(refused).toBeLessThan(0.05 * calls.length);
  });
});

test("a hundred callers who GET their version each 5 seconds wait for nothing beside its polls, and cost Azure a list in half a minute", async () => {
  const MINUTES = 8;
  const { world: azure, request: body, versionId } = largeWorld(10, 1);
  const world = await startInProcess({
    world: azure,
    replicationMs: 45 * 60_000,
    enforceRateLimits: true,
  });
  onTestFinished(() => world.close());
  const { control } = world.simulator;
  const instance = world.instance();
  const ids = Array.from({ length: 100 }, (_, i) => versionId(`1.0.${i}`));
  for (const id of ids) await request(world.deps, id, body);
  await workUntil(world, [instance], () => startsOf(world) === 100, 300);
  control.clearRequests();

  const failed: unknown[] = [];
  const ages: number[] = [];
  let [waitedMs, reads, notSent] = [0, 0, 0];
  const endMs = world.clock.now() + MINUTES * 60_000;
  for (let nextMs = world.clock.now(); nextMs < endMs; nextMs += 5_000) {
    const isNext = (): boolean => world.clock.now() >= nextMs;
    await workUntil(world, [instance], isNext, MINUTES * 60);
    // Others who use the same identity leave it less than half, or nothing.
    for (let others = 0; others < 7; others += 1)
      await world.deps.resourceManager.getImageVersion(idOf(ids[0] ?? "")).catch(() => undefined);
    const [beganMs, before] = [world.clock.now(), control.requests().length];
    for (const id of ids)
      try {
        const version = await toDisplay(() => getImageVersion(instance, idOf(id)));
        const { look, warnings } = version;
        if (look) ages.push((beganMs - Date.parse(look.time)) / 1_000);
        notSent += warnings.length > 0 ? 1 : 0;
      } catch (error) {
        failed.push(error);
      }
    waitedMs += world.clock.now() - beganMs;
    reads += control.requests().length - before;
  }
  expect(failed).toEqual([]);
  expect(waitedMs).toBe(0);
  expect(reads).toBeLessThanOrEqual(2 * MINUTES + 3);
  expect(notSent).toBeGreaterThan(0);
  expect(Math.max(...ages)).toBeLessThan(360);
}, 120_000);

test("what else is shown of a version waits for nothing either: what was read before stands in, with its time", async () => {
  const { world: azure, request: body, versionId } = largeWorld(10, 1);
  const world = await startInProcess({ world: azure, enforceRateLimits: true });
  onTestFinished(() => world.close());
  const { control } = world.simulator;
  const id = versionId("1.0.0");
  await request(world.deps, id, body);
  await world.finish(id);
  const instance = world.instance();
  const of = idOf(id);
  const { location: region } = body;
  /** What each answers, or the error; the reads of Azure, and how long they took. */
  const shown = async () => {
    const [beganMs, before] = [world.clock.now(), control.requests().length];
    const [use, machine, promotion, keys] = await Promise.allSettled([
      toDisplay(() => getImageUse(instance, of)),
      toDisplay(() => getMachineCommands(instance, of, region, {})),
      toDisplay(() => forecastImageVersion(instance, of, "promote")),
      toDisplay(async () => {
        const version = await getImageVersion(instance, of);
        return openedKeys(instance, imageIdOf(of), version, true);
      }),
    ]);
    return {
      answers: { use, machine, promotion, keys },
      reads: control.requests().length - before,
      waitedMs: world.clock.now() - beganMs,
    };
  };
  const othersRead = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1)
      await world.deps.subscriptions.listRegions(of.subscriptionId).catch(() => undefined);
  };
  const ANSWERED = { status: "fulfilled" };
  const ALL_ANSWERED = {
    answers: {
      use: ANSWERED,
      machine: ANSWERED,
      promotion: ANSWERED,
      keys: ANSWERED,
    },
    waitedMs: 0,
  };

  world.clock.advance(60_000);
  const time = new Date(world.clock.now()).toISOString();
  expect(await shown()).toMatchObject(ALL_ANSWERED);

  // Less than half is left of the subscription's reads.
  world.clock.advance(60_000);
  await othersRead(200);
  const second = await shown();
  expect(second).toMatchObject(ALL_ANSWERED);
  // The keys of an opened version are read anew after half a minute.
  expect(second.reads).toBeLessThanOrEqual(5);

  // Nothing is.
  world.clock.advance(90_000);
  await othersRead(300);
  const third = await shown();
  expect(third).toMatchObject(ALL_ANSWERED);
  expect(third.reads).toBeLessThanOrEqual(5);
  const isOld = expect.arrayContaining([
    expect.objectContaining({ code: "LatestUnknown" }),
  ]) as unknown;
  expect(third.answers).toMatchObject({
    use: { value: { time, warnings: isOld } },
    promotion: { value: { findings: isOld } },
  });
}, 120_000);

test("a single version in another gallery waits no longer than half a minute for a burst", async () => {
  const { world: azure, request: body, versionId } = largeWorld(10, 1);
  const world = await startInProcess({
    world: azure,
    replicationMs: 30 * 60_000,
    enforceRateLimits: true,
  });
  onTestFinished(() => world.close());
  const { control } = world.simulator;
  const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, "LargeResourceGroup");
  await control.putResource(of.gallery("OtherGallery", body.location));
  await control.putResource(of.imageDefinition("OtherGallery", "LargeImage", body.location));
  for (let i = 0; i < 100; i += 1) await request(world.deps, versionId(`1.0.${i}`), body);
  await request(world.deps, versionId("1.0.0").replace("LargeGallery", "OtherGallery"), body);
  control.clearRequests();
  const seconds = await workUntil(
    world,
    [world.instance()],
    () =>
      control
        .requests()
        .some(
          ({ method, status, path }) =>
            method === "PUT" && status === 201 && path.includes("OtherGallery"),
        ),
    300,
  );
  expect(seconds).toBeLessThanOrEqual(30);
});

test("a thousand versions are followed within Azure's reads of a gallery, each is looked at, and says why it waits", async () => {
  const { world: azure, request: body, versionId } = largeWorld(1, 0);
  const world = await startInProcess({
    world: azure,
    replicationMs: 60 * 60_000,
    enforceRateLimits: true,
  });
  onTestFinished(() => world.close());
  const { control } = world.simulator;
  const ids = Array.from({ length: 1_000 }, (_, i) => versionId(`1.0.${i}`));
  for (const id of ids) await request(world.deps, id, body);
  const instance = world.instance();
  const statesAfter = async (minutes: number) => {
    await workUntil(world, [instance], () => false, minutes * 60);
    return Promise.all(ids.map((id) => world.read(id)));
  };

  const followed = await statesAfter(30);
  expect(followed.map(({ operation }) => operation.waitReason)).toContainEqual(
    expect.stringContaining("waits its turn"),
  );
  const seen = followed.filter(({ record }) => record.status !== undefined);
  expect(seen.length).toBeGreaterThan(400);
  const ages = seen.map(
    ({ record: { status } }) => (world.clock.now() - Date.parse(status?.time ?? "")) / 60_000,
  );
  expect(Math.max(...ages)).toBeLessThan(25);

  const ended = await statesAfter(90);
  expect(ended.filter(({ operation }) => operation.status === "Succeeded").length).toBeGreaterThan(
    950,
  );
  const refused = control.requests().filter(({ status }) => status === 429);
  expect(refused.length).toBeLessThan(0.01 * control.requests().length);
}, 120_000);
