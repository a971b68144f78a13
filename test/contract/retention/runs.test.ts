/** What a run deletes, also where it comes twice, races with others, or is killed. */
import { describe, expect, test } from "vitest";
import type { ResourceManager } from "../../../src/image-version/ports.js";
import type { RetentionDependencies } from "../../../src/retention/ports.js";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { MOST_DELETIONS } from "../../../src/retention/run-retention.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { nthOf } from "../../support/operation-ids.js";
import { failingDependencies, hasEffect } from "../../support/failing-dependencies.js";
import { BY } from "../image-version/truth/support.js";
import { KEEP_1, inRetention } from "./support.js";

let world: InProcess;
let deps: RetentionDependencies;
let image: string;
const { define, versionId, make, put, enforce, run, dryRun, inAzure, latest, drive } = inRetention(
  (given) => {
    ({ world, deps, image } = given);
  },
);

const listImageVersions: ResourceManager["listImageVersions"] = (imageId) =>
  world.deps.resourceManager.listImageVersions(imageId);

/** What retention has of image versions, with another list of Azure's. */
function withList(
  list: ResourceManager["listImageVersions"],
): RetentionDependencies["imageVersions"] {
  const { resourceManager } = world.deps;
  return {
    ...world.deps,
    resourceManager: { ...resourceManager, listImageVersions: list },
  };
}

const deletes = (): number => world.simulator.control.countRequests({ method: "DELETE" });

describe("a run", () => {
  test("starts at most 10 deletions, all image definitions together, and the next one goes on", async () => {
    const second = await define();
    const numbers = Array.from({ length: 8 }, (_, i) => `1.0.${i}`);
    for (const each of [image, second]) {
      await make(numbers, undefined, each);
      await enforce(KEEP_1, each);
    }
    expect(MOST_DELETIONS).toBe(10);
    expect((await run()).deletions).toHaveLength(10);
    expect((await run()).deletions).toHaveLength(4);
    for (const each of [image, second]) {
      for (const number of numbers.slice(0, -1)) await world.finish(versionId(number, each));
      expect(await inAzure(each)).toEqual(["1.0.7"]);
    }
    expect(await run()).toMatchObject({ deletions: [], errors: [] });
  });

  test("may come twice at once: each version is deleted once", async () => {
    await make(["1.0.0", "1.0.1", "1.0.2"]);
    await enforce(KEEP_1);
    const runs = await Promise.all([run(), run(), run()]);
    expect(runs.flatMap(({ errors }) => errors)).toEqual([]);
    expect((await run()).deletions).toEqual([]);
    for (const number of ["1.0.0", "1.0.1"]) {
      const { id, status } = await world.finish(versionId(number));
      expect(status).toBe("Succeeded");
      expect(id).toBe(nthOf((await world.read(versionId(number))).record, 2));
    }
    expect(deletes()).toBe(2);
  });

  test("keeps a version that is changed while it is judged: it is judged again before its DELETE", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    const publishingProfile = { endOfLifeDate: "2090-01-01T00:00:00Z" };
    const racing: RetentionDependencies = {
      ...deps,
      imageVersions: withList(async (imageId) => {
        // Sigil's records are read already, Azure's list shows the version as it was.
        const listed = await listImageVersions(imageId);
        await patchImageVersion(world.deps, {
          id: idOf(versionId("1.0.0")),
          patch: { properties: { publishingProfile } },
          validate: () => [],
          ...BY,
        });
        await world.finish(versionId("1.0.0"));
        return listed;
      }),
    };
    await run(racing);
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      kind: "DeleteImageVersion",
      error: { code: "KeptByRetention" },
    });
    expect(await dryRun()).toMatchObject({ "1.0.0": "BeforeEndOfLife" });
  });

  test.each([
    ["taken away", () => deps.policies.remove(image)],
    ["set to dryRun again", () => put(KEEP_1)],
  ])("stops at once where its policy is %s in the middle of it", async (_, change) => {
    await make(["1.0.0", "1.0.1", "1.0.2"]);
    await enforce(KEEP_1);
    let reads = 0;
    const { deletions } = await run({
      ...deps,
      policies: {
        ...deps.policies,
        async read(imageId) {
          reads += 1;
          if (reads === 2) await change();
          return deps.policies.read(imageId);
        },
      },
    });
    expect(deletions).toHaveLength(1);
    expect((await world.read(versionId("1.0.1"))).record.state).toBe("Succeeded");
    await world.finish(versionId("1.0.0"));
  });

  test("goes on to the next image definition where one cannot be judged", async () => {
    const second = await define();
    for (const each of [image, second]) {
      await make(["1.0.0", "1.0.1"], undefined, each);
      await enforce(KEEP_1, each);
    }
    const { policies, deletions, errors } = await run({
      ...deps,
      imageVersions: withList(async (imageId) =>
        imageId === image ? undefined : listImageVersions(imageId),
      ),
    });
    expect(policies).toBe(2);
    expect(deletions).toHaveLength(1);
    expect(errors).toMatchObject([{ code: "NotFound" }]);
    await world.finish(versionId("1.0.0", second));
  });

  test("does not ask again for a version whose deletion Azure has refused", async () => {
    await make(["1.0.0", "1.0.1"]);
    await enforce(KEEP_1);
    world.simulator.control.addFault({
      method: "DELETE",
      path: "versions/1\\.0\\.0\\?",
      action: "respond",
      status: 409,
      body: { error: { code: "ScopeLocked", message: "It is locked." } },
    });
    await run();
    expect(await world.finish(versionId("1.0.0"))).toMatchObject({
      status: "Failed",
    });
    world.simulator.control.clearFaults();
    expect((await run()).deletions).toEqual([]);
    expect(await dryRun()).toMatchObject({ "1.0.0": "NotSucceeded" });
  });
});

test("what a rollback that runs leads to is not deleted, though newer ones are in latest yet", async () => {
  await make(["1.0.0", "2.0.0", "3.0.0", "4.0.0"]);
  await enforce(KEEP_1);
  const { id } = await rollBackImage(world.deps, {
    image: idOf(versionId("2.0.0")),
    to: "2.0.0",
    ...BY,
  });
  await world.runDue();
  await world.runDue();
  expect(await dryRun()).toMatchObject({
    "1.0.0": "-BeyondNewestPromoted",
    "2.0.0": "OperationRunning",
  });
  const { deletions } = await run();
  expect(deletions).toHaveLength(1);
  await drive(25);
  expect((await world.deps.rollbacks.readOperation(id))?.operation).toMatchObject({
    status: "Succeeded",
  });
  expect(await inAzure()).toEqual(["2.0.0", "3.0.0", "4.0.0"]);
  expect(await dryRun()).toMatchObject({ "2.0.0": "Latest" });
});

test.each(["demotion", "rollback"])(
  "a list that is older than a %s deletes nothing by what was before it",
  async (how) => {
    await make(["1.0.0", "2.0.0", "3.0.0"]);
    await enforce(KEEP_1);
    world.clock.advance(3_600_000);
    const old = await listImageVersions(image);
    if (how === "demotion") {
      await demoteImageVersion(world.deps, {
        id: idOf(versionId("3.0.0")),
        ...BY,
      });
      await world.finish(versionId("3.0.0"));
    } else {
      await rollBackImage(world.deps, {
        image: idOf(versionId("2.0.0")),
        to: "2.0.0",
        ...BY,
      });
      await world.finish(image);
    }
    const { deletions } = await run({
      ...deps,
      imageVersions: withList(() => Promise.resolve(old)),
    });
    expect(deletions).toHaveLength(1);
    await world.finish(versionId("1.0.0"));
    expect(await inAzure()).toEqual(["2.0.0", "3.0.0"]);
    expect(await latest()).toBe("2.0.0");
  },
);

test("a run that is killed at any write is made good by the next: each version is deleted once", async () => {
  await make(["1.0.0", "1.0.1"]);
  await enforce(KEEP_1);
  const healthy = failingDependencies(world.deps, "healthy", undefined);
  await run({ ...deps, imageVersions: healthy.deps });
  await world.finish(versionId("1.0.0"));
  const writes = healthy.calls.flatMap((call, i) => (hasEffect(call) ? [i + 1] : []));
  expect(writes.length).toBeGreaterThan(2);
  await deps.policies.remove(image);
  for (const at of writes) {
    const each = await define();
    await make(["1.0.0", "1.0.1"], undefined, each);
    await enforce(KEEP_1, each);
    world.simulator.control.clearRequests();
    const dying = failingDependencies(world.deps, `at-${at}`, {
      at,
      kind: "killed",
      when: "before",
    });
    expect((await run({ ...deps, imageVersions: dying.deps })).errors).toHaveLength(1);
    await run();
    // What was stored and not told is told by the next who comes by, as the reconciler would.
    expect(await world.finish(versionId("1.0.0", each))).toMatchObject({
      kind: "DeleteImageVersion",
      status: "Succeeded",
    });
    expect(deletes()).toBe(1);
    await deps.policies.remove(each);
  }
});
