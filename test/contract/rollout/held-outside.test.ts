/**
 * Others hold a version back by a region's own flag while it is out of latest there already: no machine promotes it over that, and a
 * person who has not named the region does not either.
 */
import { expect, test } from "vitest";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { canonicalRegion } from "../../../src/resource-id.js";
import { idOf, request } from "../../support/dependencies.js";
import { managedImageRequest } from "../../support/requests.js";
import { look as lookAtAll } from "../image-version/drift/support.js";
import {
  HELD,
  OPERATOR,
  TESTED,
  WAVES,
  promote,
  publishInWaves,
  rollouts,
  ruled,
  targetsOf,
  useRollouts,
} from "./support.js";

useRollouts();

const BOTH = ["westus", "eastus2"];
const MANUAL = { when: "manual" };
const FOR_A_PERSON = {
  when: "waves",
  waves: [{ regions: BOTH, after: "manual" }],
};
const OUT: ImageVersionRequest = {
  ...managedImageRequest(),
  properties: {
    ...managedImageRequest().properties,
    publishingProfile: {
      ...managedImageRequest().properties.publishingProfile,
      excludeFromLatest: true,
    },
  },
};

const MINUTES = 60_000;

/** Published, and an hour later. */
async function published(body: ImageVersionRequest): Promise<void> {
  await request(rollouts.world.deps, HELD, body);
  await rollouts.world.finish(HELD);
  rollouts.clock.advance(60 * MINUTES);
  await rollouts.takeEvents();
}
const hold = (regions: readonly string[]): Promise<void> =>
  rollouts.exclude(Object.fromEntries(regions.map((name) => [name, true])));
/** Drift's two looks, as far apart as it needs. */
async function drift(): Promise<void> {
  for (let looks = 0; looks < 2; looks += 1) {
    await lookAtAll(rollouts.world);
    rollouts.clock.advance(30 * MINUTES);
  }
}
const conditions = async (): Promise<readonly string[]> =>
  (await rollouts.world.read(HELD)).record.conditions.map(({ type }) => type);
/** What each region says by itself. */
async function flags(): Promise<Readonly<Record<string, unknown>>> {
  const shown = await rollouts.world.deps.resourceManager.getImageVersion(idOf(HELD));
  return Object.fromEntries(
    (shown ? targetsOf(shown.resource) : []).map((region) => [
      canonicalRegion(region.name),
      region.excludeFromLatest,
    ]),
  );
}
const outside = async (): Promise<readonly CloudEvent[]> =>
  (await rollouts.takeEvents()).filter(({ type }) => type.endsWith("ChangedOutside"));
const changes = async (): Promise<readonly unknown[]> =>
  (await outside()).map(({ data }) => (data as { readonly changes: unknown }).changes);
const changeOf = (i: number): object => ({
  pointer: `/properties/publishingProfile/targetRegions/${i}/excludeFromLatest`,
  propertyChangeType: "Modify",
  before: null,
  after: true,
});
const passAll = async (): Promise<void> => {
  for (const region of BOTH) await rollouts.report({ region });
  await rollouts.pass(60);
};
const last = async () => (await rollouts.world.read(HELD)).operation;

test("the rule is paused, and a person who names the regions promotes the version", async () => {
  await published(ruled(TESTED));
  await hold(BOTH);
  await drift();
  expect(await changes()).toEqual([[changeOf(0), changeOf(1)]]);
  expect(await conditions()).toEqual(["Paused"]);
  await passAll();
  expect(await flags()).toEqual({ westus: true, eastus2: true });
  expect(await rollouts.view()).toMatchObject({ state: "NeedsAttention" });
  await promote(BOTH);
  expect(await rollouts.latestIn()).toEqual(BOTH);
  expect(await flags()).toEqual({ westus: false, eastus2: false });
  expect(await conditions()).toEqual([]);
});

test("the rule's own run sees it, too: nothing is promoted while two looks have not agreed", async () => {
  await rollouts.publish(TESTED);
  await rollouts.takeEvents();
  await hold(["eastus2"]);
  await passAll();
  expect(await changes()).toEqual([[changeOf(1)]]);
  expect(await conditions()).toEqual(["Paused"]);
  expect(await rollouts.latestIn()).toEqual([]);
});

test.each([
  ["under the rule manual", ruled(MANUAL), ["Paused"]],
  ["in a wave that waits for a person", ruled(FOR_A_PERSON), ["Paused"]],
  ["without a rule", OUT, []],
])("%s drift's list tells it, once, and looks no more", async (_, body, standing) => {
  await published(body);
  await hold(["eastus2"]);
  await drift();
  expect(await changes()).toEqual([[changeOf(1)]]);
  expect(await conditions()).toEqual(standing);
  rollouts.simulator.control.clearRequests();
  await drift();
  expect(await outside()).toEqual([]);
  expect(rollouts.simulator.control.countRequests({ path: `${HELD}\\?` })).toBe(0);
});

test("a region that no longer says it is no news, and is looked at once", async () => {
  await published(ruled(MANUAL));
  const silent = await rollouts.world.deps.resourceManager.getImageVersion(idOf(HELD));
  await hold(BOTH);
  await drift();
  await rollouts.takeEvents();
  await rollouts.simulator.control.editVersion({
    versionId: HELD,
    properties: {
      publishingProfile: {
        targetRegions: silent ? targetsOf(silent.resource) : [],
      },
    },
  });
  expect(await flags()).toEqual({ westus: undefined, eastus2: undefined });
  await drift();
  rollouts.simulator.control.clearRequests();
  await drift();
  expect(await outside()).toEqual([]);
  expect(rollouts.simulator.control.countRequests({ path: `${HELD}\\?` })).toBe(0);
});

test.each([
  ["under the rule manual", ruled(MANUAL)],
  ["under a rule by tests", ruled(TESTED)],
  ["in a wave that waits for a person", ruled(FOR_A_PERSON)],
])("%s a later promotion without regions leaves out the region that is held", async (_, body) => {
  await published(body);
  await hold(["eastus2"]);
  await drift();
  await promote();
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  expect(await flags()).toMatchObject({ eastus2: true });
  await passAll();
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  await promote(["eastus2"]);
  expect(await rollouts.latestIn()).toEqual(BOTH);
});

test("what is told says how to decide, and puts nothing into latest", async () => {
  await published(ruled(MANUAL));
  await hold(["eastus2"]);
  await drift();
  const [{ data } = { data: {} }] = await outside();
  expect(data).toMatchObject({
    whatToDo: {
      sentence: expect.any(String) as string,
      request: `POST /api${HELD}/promote`,
    },
  });
});

test.each([
  ["under the rule manual", ruled(MANUAL), "Paused"],
  ["under a rule by tests", ruled(TESTED), "Paused"],
  ["in a wave that waits for a person", ruled(FOR_A_PERSON), "Paused"],
  ["without a rule", OUT, "ChangedOutside"],
])(
  "%s a person's promotion that comes before any look leaves the held region out, and says so",
  async (_, body, code) => {
    await published(body);
    await hold(["eastus2"]);
    await promote();
    expect(await rollouts.latestIn()).toEqual(["westus"]);
    expect(await flags()).toMatchObject({ eastus2: true });
    expect(await last()).toMatchObject({
      status: "Succeeded",
      warnings: [
        {
          code,
          pointer: "",
          message: expect.stringContaining("eastus2") as string,
        },
      ],
    });
    expect(await changes()).toEqual([[changeOf(1)]]);
    await passAll();
    expect(await rollouts.latestIn()).toEqual(["westus"]);
  },
);

test.each([
  ["under a rule by tests", ruled(TESTED)],
  ["under waves", ruled(WAVES)],
  ["without a rule", OUT],
])(
  "%s such a promotion writes over no hold where nothing else is left; sent again, it is a new word",
  async (_, body) => {
    await published(body);
    await hold(BOTH);
    await promote();
    expect(await flags()).toEqual({ westus: true, eastus2: true });
    expect(await last()).toMatchObject({
      status: "Failed",
      error: { code: "ChangedOutside" },
    });
    await passAll();
    expect(await flags()).toEqual({ westus: true, eastus2: true });
    await promote();
    expect(await rollouts.latestIn()).toContain("westus");
  },
);

test("the waves after a person's go leave out a region that others hold back", async () => {
  await publishInWaves(rollouts, ["westus", "eastus2", "eastus"]);
  rollouts.clock.advance(60 * MINUTES);
  await hold(["eastus2"]);
  await drift();
  await promote();
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  for (const region of ["westus", "eastus2", "eastus"]) await rollouts.report({ region });
  await rollouts.pass(60);
  expect(await flags()).toMatchObject({ eastus2: true });
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  expect((await rollouts.world.read(HELD)).record.release).toEqual({
    in: "all",
    but: ["eastus2"],
    by: "rule",
  });
});

test("no flag that Sigil's own writes set is told", async () => {
  await rollouts.publish(WAVES);
  await rollouts.report({});
  await rollouts.pass(20);
  expect(await rollouts.latestIn()).toEqual(["westus"]);
  await demoteImageVersion(rollouts.world.deps, OPERATOR);
  await rollouts.pass(20);
  await promoteImageVersion(rollouts.world.deps, OPERATOR);
  await rollouts.pass(20);
  await demoteImageVersion(rollouts.world.deps, OPERATOR);
  await rollouts.pass(20);
  await drift();
  expect(await flags()).toMatchObject({ eastus2: true });
  expect(await outside()).toEqual([]);
  expect(await conditions()).toEqual([]);
});
