/** A guarded deletion that comes to nothing: the version is in latest as it was, and no region has a flag that it had not. */
import { expect, test } from "vitest";
import { imageIdOf } from "../../../../src/resource-id.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import {
  CONSUMER,
  putUser,
  removeUsers,
  worldWithConsumer,
} from "../../../support/image-users.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  byHand,
  cancel,
  ended,
  isExcluded,
  made,
  pass,
  plain,
  profileOf,
  shownIn,
  until,
} from "./support.js";

const HOUR_MS = 3_600_000;
const REGIONS = ["westus", "eastus2"];

let world: InProcess;
let id: string;
inOneWorld(
  {
    replicationMs: 60_000,
    consumerSubscriptions: [CONSUMER],
    world: worldWithConsumer(),
  },
  (given, versionId) => {
    world = given;
    id = versionId;
  },
);

/** By whom it comes to nothing once it is excluded, or while it is. */
const vain = {
  "canceled while it is excluded": async (deletion) => {
    await world.runDue();
    await cancel(world, deletion);
  },
  "canceled while it waits": async (deletion) => {
    await until(world, () => isExcluded(world, id));
    await pass(world, 60_000);
    await cancel(world, deletion);
  },
  "in use by then": async () => {
    await until(world, () => isExcluded(world, id));
    await putUser(world, "virtualMachineScaleSets", "late", id);
  },
} satisfies Record<
  string,
  (deletion: Awaited<ReturnType<typeof byHand.remove>>) => Promise<unknown>
>;

test.each(Object.entries(vain))(
  "%s: who excludes the version in Azure later excludes it in every region",
  async (_, end) => {
    await made(world, id, plain());
    const before = profileOf(await shownIn(world, id));
    const deletion = await byHand.remove(world, id);
    await end(deletion);
    const [last] = await ended(world, [deletion]);
    expect(last?.status).not.toBe("Succeeded");
    await removeUsers(world);
    expect(profileOf(await shownIn(world, id))).toEqual(before);
    await pass(world, HOUR_MS);
    const { control } = world.simulator;
    const imageId = imageIdOf(idOf(id));
    const latest = () =>
      REGIONS.map((region) => control.latest({ imageId, region }));
    const [name] = id.split("/").slice(-1);
    expect(latest()).toEqual([name, name]);
    await control.editVersion({
      versionId: id,
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
    expect(latest()).not.toContain(name);
  },
);

test("what others have included in one region alone is so again", async () => {
  await made(
    world,
    id,
    plain(undefined, { publishing: { excludeFromLatest: true } }),
  );
  const { targetRegions, ...profile } = profileOf(await shownIn(world, id));
  await world.simulator.control.editVersion({
    versionId: id,
    properties: {
      publishingProfile: {
        ...profile,
        targetRegions: targetRegions.map((region, i) =>
          i === 0 ? region : { ...region, excludeFromLatest: false },
        ),
      },
    },
  });
  await pass(world, HOUR_MS);
  const before = profileOf(await shownIn(world, id));
  const deletion = await byHand.remove(world, id);
  await vain["canceled while it is excluded"](deletion);
  const [last] = await ended(world, [deletion]);
  expect(last).toMatchObject({ status: "Canceled" });
  expect(profileOf(await shownIn(world, id))).toEqual(before);
});
