/** ETags, removals beside repairs, and patches of what is being made. */
import { describe, expect, test } from "vitest";
import type { PromotionRule } from "../../../../src/image-version/contract.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  byHand,
  ended,
  etagOf,
  isExcluded,
  made,
  operation,
  operationIn,
  pass,
  patch,
  plain,
  put,
  putThrough,
  puts,
  showAs,
  regionIn,
  regionNames,
  seen,
  shownIn,
  until,
  type Shown,
} from "./support.js";

const MINUTE_MS = 60_000;
const FOR_ALL: PromotionRule = { when: "allRegionsReady" };
const MANUAL: PromotionRule = { when: "manual" };

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const edit = (excludeFromLatest: boolean): Promise<unknown> =>
  world.simulator.control.editVersion({
    versionId: id,
    properties: { publishingProfile: { excludeFromLatest } },
  });

describe("J10-14: the ETag of a version whose promotion rule another has changed", () => {
  test("is another, and the one of before is 412", async () => {
    await made(
      world,
      id,
      plain(undefined, { publishing: { excludeFromLatest: true } }),
    );
    const before = await etagOf(world, id);
    const ruled = plain(undefined, {
      sigil: { promotion: MANUAL },
      publishing: { excludeFromLatest: true },
    });
    expect(await putThrough(world, id, ruled)).toMatchObject({
      status: "Succeeded",
    });
    expect((await seen(world, id)).sigil.promotion).toEqual(MANUAL);
    expect(await etagOf(world, id)).not.toBe(before);
  });

  test("with the old ETag nothing of the other's is taken away", async () => {
    await made(
      world,
      id,
      plain(undefined, { publishing: { excludeFromLatest: true } }),
    );
    const before = await etagOf(world, id);
    const ruled = plain(undefined, {
      sigil: { promotion: MANUAL },
      publishing: { excludeFromLatest: true },
    });
    await putThrough(world, id, ruled);
    await put(
      world,
      id,
      plain(undefined, {
        publishing: { excludeFromLatest: true },
        tags: { a: "1" },
      }),
      { ifMatch: before },
    ).then(
      async (answer) => ended(world, [operationIn(answer)]),
      () => undefined,
    );
    expect((await seen(world, id)).sigil.promotion).toEqual(MANUAL);
  });
});

describe("J10-15: included in the portal, and held back there again, while a rule waits", () => {
  test("the rule does not promote it", async () => {
    await world.simulator.control.stallRegion({
      versionId: id,
      region: "eastus2",
      atProgress: 20,
    });
    await world.simulator.control.setSucceededWhen("homeRegion");
    const creation = operationIn(
      await put(world, id, plain(undefined, { sigil: { promotion: FOR_ALL } })),
    );
    await pass(world, 15 * MINUTE_MS);
    expect(await isExcluded(world, id)).toBe(true);
    await edit(false);
    await pass(world, 15 * MINUTE_MS);
    await edit(true);
    await pass(world, 15 * MINUTE_MS);
    await world.simulator.control.resumeRegion({
      versionId: id,
      region: "eastus2",
    });
    const [last] = await ended(world, [creation]);
    expect(last).toMatchObject({ status: "Succeeded" });
    expect(await isExcluded(world, id)).toBe(true);
  });
});

describe("J10-16: a failed region is removed by a request while it waits for its repair", () => {
  test("it is gone, stays gone, and both operations end", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      times: 5,
    });
    const creation = operationIn(await put(world, id, plain()));
    await until(world, async () =>
      (await operation(world, creation)).regions.some(
        ({ state }) => state === "Failed",
      ),
    );
    const removal = operationIn(
      await put(world, id, plain([{ name: "westus" }]), {
        removeRegions: ["eastus2"],
      }),
    );
    const both = await ended(world, [creation, removal]);
    await pass(world, 30 * MINUTE_MS);
    expect(both[1]?.status).toBe("Succeeded");
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
  });

  test("the same while it is away", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
      times: 5,
    });
    const creation = operationIn(await put(world, id, plain()));
    await until(
      world,
      async () =>
        regionNames(
          await shownIn(world, id).catch(
            () =>
              ({
                properties: {
                  publishingProfile: {
                    targetRegions: [{ name: "x" }, { name: "y" }],
                  },
                },
              }) as never,
          ),
        ).length === 1,
      1_000,
    );
    const removal = operationIn(
      await put(world, id, plain([{ name: "westus" }]), {
        removeRegions: ["eastus2"],
      }),
    );
    const both = await ended(world, [creation, removal]);
    await pass(world, 30 * MINUTE_MS);
    expect(both[1]?.status).toBe("Succeeded");
    expect(regionNames(await shownIn(world, id))).toEqual(["westus"]);
  });
});

describe("J10-13: a patch of a version that Sigil is making", () => {
  test("is not told that none was requested", async () => {
    await put(world, id, plain());
    await seen(world, id);
    expect(
      (await refusal(patch(world, id, { tags: { a: "1" } }))).message,
    ).not.toContain("none was requested");
  });
});

describe("J10-18: a region that is removed and added again within ten minutes, and one look of before both", () => {
  async function removedAndAsked(body: Parameters<typeof put>[2]) {
    await made(world, id, plain());
    const before = await shownIn(world, id);
    expect(
      await putThrough(world, id, plain([{ name: "westus" }]), {
        removeRegions: ["eastus2"],
      }),
    ).toMatchObject({ status: "Succeeded" });
    await pass(world, MINUTE_MS);
    world.simulator.control.clearRequests();
    // It takes Azure ten hours, or never ends.
    await world.simulator.control.stallRegion({
      versionId: id,
      region: "eastus2",
      atProgress: 20,
    });
    const again = operationIn(await put(world, id, body));
    // The first look after the write.
    while (puts(world) === 0) {
      await world.runDue();
      world.clock.advance(1_000);
    }
    showAs(world, id, before);
    await pass(world, 5 * MINUTE_MS);
    world.simulator.control.clearFaults();
    const shown = await shownIn(world, id);
    return {
      said: (await operation(world, again)).status,
      events: (await world.takeEvents())
        .map(
          ({ type, data }) =>
            `${type.split(".").at(-1)} ${(data as { region?: string }).region ?? ""}`,
        )
        .filter((one) =>
          /^RegionCompleted eastus2|^Completed|^Promoted/u.test(one),
        ),
      azure: shown.properties.replicationStatus?.summary.map(
        ({ region, state }) => `${region} ${state}`,
      ),
      excluded: await isExcluded(world, id),
    };
  }

  test("is not said to be usable while Azure copies to it", async () => {
    expect(await removedAndAsked(plain())).toMatchObject({
      said: "Running",
      events: [],
      azure: ["West US Completed", "East US 2 Replicating"],
    });
  });
});

describe("J10-28: GET after a demotion has Succeeded", () => {
  test("does not show the version as the latest that it shows excluded", async () => {
    await made(world, id, plain());
    await pass(world, 5 * MINUTE_MS);
    const demotion = await byHand.demote(world, id);
    await world.runDue();
    await seen(world, id); // somebody looks meanwhile
    await ended(world, [demotion], async () => {
      await seen(world, id);
    });
    const { sigil, properties } = await seen(world, id);
    expect({
      excluded: properties.publishingProfile?.excludeFromLatest,
      latestIn: sigil.latestIn,
    }).toEqual({ excluded: true, latestIn: [] });
  });
});

describe("J10-21: a region that Sigil has repaired, and looks from before the repair", () => {
  test("is not taken away again by a retry, though GET shows it Failed", async () => {
    await world.simulator.control.failRegion({
      versionId: id,
      region: "eastus2",
    });
    const creation = operationIn(await put(world, id, plain()));
    let failed: Shown | undefined;
    await until(
      world,
      async () => {
        const shown = await shownIn(world, id).catch(() => undefined);
        if (shown?.properties.provisioningState === "Failed") failed = shown;
        return puts(world) === 3;
      },
      1_000,
    );
    expect(await ended(world, [creation])).toMatchObject([
      { status: "Succeeded" },
    ]);
    world.simulator.control.clearRequests();
    showAs(world, id, failed ?? expect.fail(), { times: 3 });
    const retry = await byHand
      .retry(world, id)
      .catch((error: unknown) => error as Error);
    if (!(retry instanceof Error)) {
      await world.runDue();
      await world.runDue();
      world.simulator.control.clearFaults();
    }
    expect({
      puts: puts(world),
      regions: regionNames(await shownIn(world, id)),
    }).toEqual({
      puts: 0,
      regions: ["westus", "eastus2"],
    });
  });
});

describe("J10-24: a region that was removed and added again with less, and one look of before both", () => {
  const withEast = (more: object) =>
    plain([{ name: "westus" }, { name: "eastus2", ...more }]);

  async function addedWithLess(): Promise<Shown> {
    await made(
      world,
      id,
      withEast({ regionalReplicaCount: 3, excludeFromLatest: true }),
    );
    const before = await shownIn(world, id);
    await putThrough(world, id, plain([{ name: "westus" }]), {
      removeRegions: ["eastus2"],
    });
    await putThrough(world, id, withEast({}));
    await pass(world, MINUTE_MS);
    return before;
  }

  test("another's tag does not bring back what it had", async () => {
    const before = await addedWithLess();
    expect(regionIn(await shownIn(world, id), "eastus2")).toMatchObject({
      regionalReplicaCount: 1,
      excludeFromLatest: false,
    });
    const update = operationIn(await patch(world, id, { tags: { z: "1" } }));
    showAs(world, id, before);
    await ended(world, [update]);
    world.simulator.control.clearFaults();
    expect(regionIn(await shownIn(world, id), "eastus2")).toMatchObject({
      regionalReplicaCount: 1,
      excludeFromLatest: false,
    });
  });

  test("a patch that asks for what it had is not unchanged", async () => {
    const before = await addedWithLess();
    showAs(world, id, before);
    const answer = await patch(world, id, {
      properties: {
        publishingProfile: {
          targetRegions: [
            { name: "westus" },
            { name: "eastus2", regionalReplicaCount: 3 },
          ],
        },
      },
    });
    world.simulator.control.clearFaults();
    if (answer.kind === "accepted") await ended(world, [answer.operation]);
    expect(
      regionIn(await shownIn(world, id), "eastus2").regionalReplicaCount,
    ).toBe(3);
  });
});
