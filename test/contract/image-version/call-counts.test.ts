import { onTestFinished, expect, test } from "vitest";
import { request } from "../../support/dependencies.js";
import { startOnLoopback } from "../../support/on-loopback.js";
import { largeWorld } from "../../support/requests.js";

test.each([
  { regions: 1, dataDisks: 0 },
  { regions: 10, dataDisks: 1 },
  { regions: 30, dataDisks: 2 },
])(
  "$regions regions with $dataDisks data disks cost each distinct read once, one PUT, and one GET a tick",
  async ({ regions, dataDisks }) => {
    const large = largeWorld(regions, dataDisks);
    const world = await startOnLoopback({
      world: large.world,
      replicationMs: 10 * 60_000,
    });
    onTestFinished(() => world.close());
    const id = large.versionId("1.0.0");
    const { control } = world.simulator;
    await control.setPageSize(100);
    control.clearRequests();

    await request(world.deps, id, large.request);
    expect(control.requests()).toEqual([]);
    await world.runDue();
    const sets = regions * (1 + dataDisks);
    expect(control.countRequests({ method: "GET", path: "/diskEncryptionSets/" })).toBe(sets);
    expect(control.countRequests({ method: "GET", path: "/keys/" })).toBe(sets);
    expect(control.countRequests({ path: "Microsoft.Compute/images/largeImage\\?" })).toBe(1);
    for (const path of [
      "/galleries/LargeGallery\\?",
      "/galleries/LargeGallery/images/LargeImage\\?",
      "/locations\\?",
      "/providers/Microsoft.Compute\\?",
    ])
      expect(control.countRequests({ method: "GET", path }), path).toBe(1);
    // Whether the version exists: asked once, when the step begins.
    expect(
      control.countRequests({
        method: "GET",
        path: "/images/LargeImage/versions/",
      }),
    ).toBe(1);
    expect(control.countRequests({ method: "PUT" })).toBe(1);
    expect(control.requests()).toHaveLength(2 * sets + 7);

    let ticks = 0;
    for (;;) {
      const { record: version } = await world.read(id);
      if (version.state === "Succeeded") break;
      expect(version.state).toBe("Replicating");
      world.clock.advance(Date.parse(version.dueTime) - world.clock.now());
      await world.runDue();
      ticks += 1;
      expect(control.requests()).toHaveLength(2 * sets + 7 + ticks);
    }
    expect(control.countRequests({ path: "expand=ReplicationStatus" })).toBe(ticks + 1);
    // Each region is known soon after its end, within the budget of polls (pace.test.ts).
    expect(ticks).toBeLessThan(30);
  },
);

test("a set that several disks and regions name is read once", async () => {
  const large = largeWorld(1, 2);
  const world = await startOnLoopback({ world: large.world });
  onTestFinished(() => world.close());
  const [region] = large.request.properties.publishingProfile?.targetRegions ?? [];
  const set = region?.encryption?.osDiskImage?.diskEncryptionSetId ?? "";
  const one = {
    name: region?.name ?? "",
    encryption: {
      osDiskImage: { diskEncryptionSetId: set },
      dataDiskImages: [
        { lun: 0, diskEncryptionSetId: set.toUpperCase() },
        { lun: 1, diskEncryptionSetId: set.slice(1) },
      ],
    },
  };
  await request(world.deps, large.versionId("1.0.0"), {
    ...large.request,
    properties: {
      ...large.request.properties,
      publishingProfile: { targetRegions: [one] },
    },
  });
  await world.runDue();
  expect(world.simulator.control.countRequests({ path: "/diskEncryptionSets/" })).toBe(1);
});

test("an update costs the reads of its proof, one look before its PUT, and one GET a tick", async () => {
  const large = largeWorld(3, 1);
  const world = await startOnLoopback({
    world: large.world,
    replicationMs: 10 * 60_000,
  });
  onTestFinished(() => world.close());
  const id = large.versionId("1.0.0");
  const { control } = world.simulator;
  const regions = large.request.properties.publishingProfile?.targetRegions ?? [];
  const inRegions = (count: number) => ({
    ...large.request,
    properties: {
      ...large.request.properties,
      publishingProfile: { targetRegions: regions.slice(0, count) },
    },
  });
  await request(world.deps, id, inRegions(2));
  await world.finish(id);
  control.clearRequests();
  await request(world.deps, id, inRegions(3));
  // What the version is now, for the caller's answer.
  expect(control.requests()).toHaveLength(1);
  control.clearRequests();
  await world.runDue();
  // The source was read when the version was made: an update does without it.
  expect(control.countRequests({ path: "Microsoft.Compute/images/largeImage\\?" })).toBe(0);
  expect(
    control.countRequests({
      method: "GET",
      path: "/images/LargeImage/versions/",
    }),
  ).toBe(1);
  expect(control.countRequests({ method: "PUT" })).toBe(1);
  const sent = control.requests().length;
  let ticks = 0;
  for (;;) {
    const { record: version } = await world.read(id);
    if (version.state === "Succeeded") break;
    world.clock.advance(Date.parse(version.dueTime) - world.clock.now());
    await world.runDue();
    ticks += 1;
    expect(control.requests()).toHaveLength(sent + ticks);
  }
});
