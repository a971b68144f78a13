/**
 * Which version a machine gets in a region, asked of Azure itself in both readings of the flags: the region's own goes first, or
 * either of them excludes the version.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { idOf, request, startInProcess, type InProcess } from "../../support/dependencies.js";
import { latestIn } from "../../support/latest.js";
import { body, define, EASTUS2, versionId, WESTUS } from "./rollbacks.js";
import { BY } from "./truth/support.js";

let world: InProcess;
let image: string;
const BOTH = [WESTUS, EASTUS2];

beforeAll(async () => {
  world = await startInProcess({ replicationMs: 60_000 });
});
afterAll(() => world.close());
beforeEach(async () => {
  image = await define(world);
  await put("1.0.0", body({ targetRegions: BOTH }));
});

const latest = () =>
  Promise.all(["westus", "eastus2"].map((region) => latestIn(world.simulator, image, region)));

async function put(name: string, sent: ImageVersionRequest): Promise<string> {
  const id = versionId(name, image);
  await request(world.deps, id, sent);
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
  return id;
}

const HELD: Pick<ImageVersionRequest, "sigil"> = {
  sigil: { promotion: { when: "manual" } },
};

async function byHand(
  command: typeof promoteImageVersion,
  id: string,
  more: { readonly regions?: readonly string[] } = {},
): Promise<void> {
  await command(world.deps, { id: idOf(id), ...BY, ...more });
  expect(await world.finish(id)).toMatchObject({ status: "Succeeded" });
}

test("a version that is held back stays so when it is updated", async () => {
  const sent = { ...body({ targetRegions: BOTH }), ...HELD };
  await put("2.0.0", sent);
  expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
  await put("2.0.0", { ...sent, tags: { build: "2" } });
  expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
  await byHand(promoteImageVersion, versionId("2.0.0", image));
  expect(await latest()).toEqual(["2.0.0", "2.0.0"]);
});

test("so it does where the body says of each region that it is not excluded there", async () => {
  const sent = {
    ...body({
      targetRegions: BOTH.map((one) => ({
        ...one,
        excludeFromLatest: false,
      })),
    }),
    ...HELD,
  };
  await put("2.0.0", sent);
  expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
  await put("2.0.0", { ...sent, tags: { build: "2" } });
  expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
  await byHand(promoteImageVersion, versionId("2.0.0", image));
  await byHand(demoteImageVersion, versionId("2.0.0", image));
  expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
});

test("a region that is added to a version that is held back is excluded, too", async () => {
  await put("2.0.0", { ...body({ targetRegions: [WESTUS] }), ...HELD });
  await put("2.0.0", { ...body({ targetRegions: BOTH }), ...HELD });
  expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
});

test("a demotion excludes it in each region, a promotion includes it where it is not excluded by itself", async () => {
  const id = await put(
    "2.0.0",
    body({
      targetRegions: [WESTUS, { ...EASTUS2, excludeFromLatest: true }],
    }),
  );
  expect(await latest()).toEqual(["2.0.0", "1.0.0"]);
  await byHand(demoteImageVersion, id);
  expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
  await byHand(promoteImageVersion, id);
  expect(await latest()).toEqual(["2.0.0", "1.0.0"]);
});

test("a demotion excludes it, too, where others have said of a region that it is not excluded there", async () => {
  const id = await put("2.0.0", body({ targetRegions: BOTH }));
  for (const excludeFromLatest of [false, true]) {
    await world.simulator.control.editVersion({
      versionId: id,
      properties: {
        publishingProfile: {
          excludeFromLatest,
          targetRegions: BOTH.map((one) => ({
            ...one,
            regionalReplicaCount: 1,
            storageAccountType: "Standard_LRS",
            excludeFromLatest: false,
          })),
        },
      },
    });
    // What is shown is no longer taken to be of before the last write.
    world.clock.advance(15 * 60_000);
    await byHand(demoteImageVersion, id);
    expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
    await byHand(promoteImageVersion, id);
    expect(await latest()).toEqual(["2.0.0", "2.0.0"]);
  }
});

test("a region that is included again is so where Azure keeps what an update leaves out, too", async () => {
  const { control } = world.simulator;
  await control.setOmission({ excludeFromLatest: "keep" });
  const id = await put(
    "2.0.0",
    body({ targetRegions: [WESTUS, { ...EASTUS2, excludeFromLatest: true }] }),
  );
  expect(await latest()).toEqual(["2.0.0", "1.0.0"]);
  await byHand(promoteImageVersion, id, { regions: ["eastus2"] });
  expect(await latest()).toEqual(["2.0.0", "2.0.0"]);
  await byHand(demoteImageVersion, id);
  expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
  await control.setOmission({});
});

test("a body that excludes the version, and not in a region, includes it there, with a warning", async () => {
  const id = versionId("2.0.0", image);
  const sent = body({
    excludeFromLatest: true,
    targetRegions: [{ ...WESTUS, excludeFromLatest: false }, EASTUS2],
  });
  const { findings } = await planImageVersion(world.deps, {
    id: idOf(id),
    body: sent,
  });
  expect(findings).toContainEqual(
    expect.objectContaining({
      code: "ExcludedEverywhere",
      severity: "warning",
      pointer: "/properties/publishingProfile/targetRegions/0/excludeFromLatest",
    }),
  );
  await put("2.0.0", sent);
  expect(await latest()).toEqual(["2.0.0", "1.0.0"]);
});
