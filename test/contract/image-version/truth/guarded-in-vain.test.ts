/** A guarded deletion that comes to nothing: the version is in latest as it was, and no region has a flag that it had not. */
import { beforeEach, describe, expect, test } from "vitest";
import { deleteImageVersion } from "../../../../src/image-version/commands/delete.js";
import { rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import { imageIdOf } from "../../../../src/resource-id.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import {
  CONSUMER,
  putUser,
  removeUsers,
  worldWithConsumer,
} from "../../../support/image-users.js";
import { inOneWorld } from "../../../support/one-world.js";
import { eventsOf } from "../drift/support.js";
import { commandOf } from "../rollbacks.js";
import {
  BY,
  byHand,
  cancel,
  ended,
  faultOn,
  inAzure,
  isExcluded,
  made,
  newDefinition,
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
} satisfies Record<string, (deletion: OperationRecord) => Promise<unknown>>;

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

/** Others set the flags: the version's, and each region's own. */
async function setFlags(
  version: boolean,
  ...own: readonly (boolean | undefined)[]
): Promise<void> {
  const { targetRegions, ...profile } = profileOf(await shownIn(world, id));
  await world.simulator.control.editVersion({
    versionId: id,
    properties: {
      publishingProfile: {
        ...profile,
        excludeFromLatest: version,
        targetRegions: targetRegions.map(
          ({ excludeFromLatest: _, ...region }, i) =>
            own[i] === undefined
              ? region
              : { ...region, excludeFromLatest: own[i] },
        ),
      },
    },
  });
}

describe("what others have included in one region alone", () => {
  beforeEach(async () => {
    await made(
      world,
      id,
      plain(undefined, { publishing: { excludeFromLatest: true } }),
    );
    await setFlags(true, undefined, false);
    await pass(world, HOUR_MS);
  });

  test.each([
    ["canceled while it is excluded", () => Promise.resolve()],
    [
      "canceled while it waits",
      async () => {
        await until(world, () => isExcluded(world, id));
        await pass(world, 60_000);
        await setFlags(false);
      },
    ],
    [
      "canceled while it waits",
      async () => {
        await until(world, () => isExcluded(world, id));
        await pass(world, 660_000);
        await setFlags(true, true);
      },
    ],
    [
      "in use by then",
      async () => {
        await until(world, () => isExcluded(world, id));
        await pass(world, 660_000);
        await setFlags(true);
      },
    ],
  ] as const)("%s (%#): it is so again", async (how, meanwhile) => {
    const before = profileOf(await shownIn(world, id));
    const deletion = await byHand.remove(world, id);
    await meanwhile();
    await vain[how](deletion);
    const [last] = await ended(world, [deletion]);
    expect(last?.status).toBe(how === "in use by then" ? "Failed" : "Canceled");
    await removeUsers(world);
    expect(profileOf(await shownIn(world, id))).toEqual(before);
  });
});

describe.each(["canceled while it waits", "in use by then"] as const)(
  "%s, and asked meanwhile to be out of latest",
  (how) => {
    test.each([
      ["by a demotion", () => byHand.demote(world, id)],
      [
        "by a rollback",
        () =>
          rollBackImage(
            world.deps,
            commandOf("0.9.0", id.replace("/versions/1.0.0", "")),
          ),
      ],
    ])(
      "%s: what others have included in one region alone is so nowhere",
      async (_, exclude) => {
        const { control } = world.simulator;
        const image = await newDefinition(world);
        id = `${image}/versions/1.0.0`;
        const imageId = imageIdOf(idOf(id));
        await made(world, `${image}/versions/0.9.0`, plain());
        await made(
          world,
          id,
          plain(undefined, { publishing: { excludeFromLatest: true } }),
        );
        await setFlags(true, false);
        await pass(world, HOUR_MS);
        const latest = () =>
          REGIONS.map((region) => control.latest({ imageId, region }));
        expect(latest()).toEqual(["1.0.0", "0.9.0"]);

        const deletion = await byHand.remove(world, id);
        await until(world, () => isExcluded(world, id));
        await pass(world, 130_000);
        const asked = await exclude();
        await vain[how](deletion);
        const [last] = await ended(world, [deletion, asked]);
        expect(last?.status).not.toBe("Succeeded");
        await removeUsers(world);
        await pass(world, HOUR_MS);
        expect(latest()).toEqual(["0.9.0", "0.9.0"]);
      },
    );
  },
);

test.each(["canceled while it waits", "in use by then"] as const)(
  "%s, where others have taken a region away that had a flag of its own: the others are in latest as they were",
  async (how) => {
    const regions = [
      { name: "westus" },
      { name: "eastus2", excludeFromLatest: true },
    ];
    await made(world, id, plain(regions));
    await pass(world, HOUR_MS);
    const deletion = await byHand.remove(world, id);
    await until(world, () => isExcluded(world, id));
    await pass(world, 60_000);
    await world.simulator.control.dropRegion({
      versionId: id,
      region: "eastus2",
    });
    await vain[how](deletion);
    const [last] = await ended(world, [deletion]);
    expect(last?.status).toBe(how === "in use by then" ? "Failed" : "Canceled");
    await removeUsers(world);
    expect(await isExcluded(world, id)).toBe(false);
  },
);

describe("canceled, and deleted by an Admin before that has ended", () => {
  const removeUnasked = () =>
    deleteImageVersion(world.deps, { id: idOf(id), ...BY, ignoreUse: true });

  async function canceled(): Promise<OperationRecord> {
    await made(world, id, plain());
    const deletion = await byHand.remove(world, id);
    await vain["canceled while it waits"](deletion);
    return deletion;
  }

  test("the Admin's deletion succeeds, and the canceled one is canceled", async () => {
    const first = await canceled();
    const second = await removeUnasked();
    expect(await ended(world, [first, second])).toMatchObject([
      { status: "Canceled" },
      { status: "Succeeded" },
    ]);
    expect(await inAzure(world, id)).toBeUndefined();
    const told = (await eventsOf(world, id)).filter(
      ({ type }) => type === "Sigil.ImageVersion.Deleted",
    );
    expect(told).toMatchObject([{ data: { operationId: second.id } }]);
  });

  test("where Azure refuses that, too, the version is in latest again as it was", async () => {
    const first = await canceled();
    faultOn(world, id, {
      method: "DELETE",
      status: 409,
      body: { error: { code: "ScopeLocked", message: "It is locked." } },
      times: null,
    });
    const second = await removeUnasked();
    expect(await ended(world, [first, second])).toMatchObject([
      { status: "Canceled" },
      { status: "Failed" },
    ]);
    expect(await isExcluded(world, id)).toBe(false);
  });
});
