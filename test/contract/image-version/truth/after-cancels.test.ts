/** What a canceled operation has asked of a version is in force no more: its promotion rule, its tags, its words on latest. */
import { describe, expect, test } from "vitest";
import type { OperationRecord } from "../../../../src/operation/records.js";
import type { InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { eventsOf } from "../drift/support.js";
import {
  byHand,
  cancel,
  ended,
  inAzure,
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
  regionNames,
  showAs,
  shownIn,
} from "./support.js";

const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];
const THREE_REGIONS = [...TWO_REGIONS, { name: "eastus" }];
const OUT = { publishing: { excludeFromLatest: true } };
const IN_WORDS = { publishing: { excludeFromLatest: false } };
const RULE = { sigil: { promotion: { when: "allRegionsReady" } } } as const;
const LATER_MS = 1_200_000;

let world: InProcess;
let id: string;
inOneWorld({ replicationMs: 600_000, spread: 0 }, (given, versionId) => {
  world = given;
  id = versionId;
});

const tagsOf = async (): Promise<object> =>
  (await shownIn(world, id)).tags ?? {};

const putFault = (fault: object): unknown =>
  world.simulator.control.addFault({
    method: "PUT",
    path: `${id}\\?`,
    ...fault,
  });

const refuse = (): unknown =>
  putFault({
    status: 400,
    body: { error: { code: "InvalidParameter", message: "No." } },
  });

/** Works until so many PUTs were sent. */
async function untilSent(count: number): Promise<void> {
  for (let tries = 0; tries < 2_000 && puts(world) < count; tries += 1) {
    await world.runDue();
    if (puts(world) < count) world.clock.advance(1_000);
  }
  expect(puts(world)).toBe(count);
}

/** Works until the region was taken away from the version, to be added back. */
async function untilAway(region: string): Promise<void> {
  for (let tries = 0; tries < 4_000; tries += 1) {
    await world.runDue();
    const shown = await inAzure(world, id);
    const { repairs } = (await world.read(id)).record;
    if (
      repairs[region]?.removed !== undefined &&
      shown !== undefined &&
      !regionNames(shown).includes(region)
    )
      return;
    world.clock.advance(2_000);
  }
  expect.fail(`${region} is never taken away`);
}

const failRegion = (region: string): Promise<void> =>
  world.simulator.control.failRegion({ versionId: id, region });

async function isOver(one: OperationRecord): Promise<OperationRecord> {
  const [over = expect.fail("it does not end")] = await ended(world, [one]);
  return over;
}

describe("the promotion rule of a canceled operation promotes nothing", () => {
  test("of a creation, whoever changes a tag afterwards", async () => {
    const creation = operationIn(
      await put(world, id, plain(TWO_REGIONS, RULE)),
    );
    await pass(world, 30_000);
    await cancel(world, creation);
    expect((await isOver(creation)).history.at(-1)?.message).toContain(
      "excluded from latest: promote it",
    );
    await isOver(operationIn(await patch(world, id, { tags: { a: "1" } })));
    await pass(world, LATER_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("of a creation beside which another's tag is queued", async () => {
    const creation = operationIn(
      await put(world, id, plain(TWO_REGIONS, RULE)),
    );
    await pass(world, 30_000);
    const tag = operationIn(await patch(world, id, { tags: { a: "1" } }));
    await cancel(world, creation);
    await ended(world, [creation, tag]);
    await pass(world, LATER_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test("of an update that removes a region, while that is brought to its end", async () => {
    await made(world, id, plain(THREE_REGIONS, OUT));
    const update = operationIn(
      await put(world, id, plain(TWO_REGIONS, { ...OUT, ...RULE }), {
        removeRegions: ["eastus"],
      }),
    );
    await untilSent(1);
    await cancel(world, update);
    expect(await isOver(update)).toMatchObject({ status: "Canceled" });
    await pass(world, LATER_MS);
    expect(await isExcluded(world, id)).toBe(true);
  });

  test.each([
    ["is canceled", "Canceled"],
    ["fails, for its region cannot be added back", "Failed"],
  ])("of an update that %s while a region is away", async (_, status) => {
    await made(world, id, plain(TWO_REGIONS, OUT));
    await failRegion("eastus");
    const update = operationIn(
      await put(world, id, plain(THREE_REGIONS, { ...OUT, ...RULE })),
    );
    await untilAway("eastus");
    if (status === "Canceled") await cancel(world, update);
    else refuse();
    expect(await isOver(update)).toMatchObject({ status });
    expect(await isExcluded(world, id)).toBe(true);
  });

  test.each([
    ["was sent", false],
    ["never reached Azure", true],
  ])(
    "of an update that %s, whoever changes a tag afterwards",
    async (_, isLost) => {
      await made(world, id, plain(TWO_REGIONS, OUT));
      if (isLost) putFault({ action: "reset" });
      const update = operationIn(
        await put(world, id, plain(THREE_REGIONS, { ...OUT, ...RULE })),
      );
      await world.runDue();
      await cancel(world, update);
      await pass(world, LATER_MS);
      await isOver(operationIn(await patch(world, id, { tags: { a: "1" } })));
      await pass(world, LATER_MS);
      expect(await isExcluded(world, id)).toBe(true);
    },
  );

  test("but the same PUT asks for it anew", async () => {
    await made(world, id, plain(TWO_REGIONS, OUT));
    const body = plain(THREE_REGIONS, RULE);
    const update = operationIn(await put(world, id, body));
    await pass(world, 60_000);
    await cancel(world, update);
    await pass(world, LATER_MS);
    expect(await putThrough(world, id, body)).toMatchObject({
      status: "Succeeded",
    });
    expect(await isExcluded(world, id)).toBe(false);
  });
});

describe("a creation that is canceled beside another", () => {
  test.each([
    ["the same again", { z: "1" }],
    ["another tag as well", { y: "2" }],
  ])(
    "is in latest once a PUT says that in words, and %s",
    async (_, tags: Record<string, string>) => {
      const creation = operationIn(
        await put(world, id, plain(TWO_REGIONS, IN_WORDS)),
      );
      const beside = operationIn(
        await put(world, id, plain(TWO_REGIONS, { tags: { z: "1" } })),
      );
      await pass(world, 20_000);
      await cancel(world, creation);
      await ended(world, [creation, beside]);
      expect(await isExcluded(world, id)).toBe(true);
      expect(
        await putThrough(world, id, plain(TWO_REGIONS, { ...IN_WORDS, tags })),
      ).toMatchObject({ status: "Succeeded" });
      expect(await isExcluded(world, id)).toBe(false);
    },
  );

  test.each([
    ["begun", THREE_REGIONS],
    ["queued", TWO_REGIONS],
  ])(
    "excludes nothing where Azure has refused it, and it is %s now",
    async (_, regions) => {
      refuse();
      const tags = { a: "1" };
      const first = operationIn(
        await put(world, id, plain(TWO_REGIONS, { tags })),
      );
      const second = operationIn(
        await put(world, id, plain(regions, { tags: { ...tags, b: "1" } })),
      );
      if (regions === THREE_REGIONS) await ended(world, [first]);
      await pass(world, 30_000);
      await cancel(world, second);
      await ended(world, [first, second]);
      expect(await operation(world, first)).toMatchObject({
        status: "Succeeded",
      });
      expect(await isExcluded(world, id)).toBe(false);
    },
  );
});

test("whoever says in words of a canceled creation's version what it shall be says something new, whichever it is", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 30_000);
  await cancel(world, creation);
  await isOver(creation);
  await isOver(await byHand.promote(world, id));
  expect(await isExcluded(world, id)).toBe(false);
  await putThrough(world, id, plain(TWO_REGIONS, OUT));
  expect(await isExcluded(world, id)).toBe(true);
});

test("a creation that is canceled while a region is away is excluded, though that cannot be added back", async () => {
  await failRegion("eastus2");
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await untilAway("eastus2");
  await cancel(world, creation);
  refuse();
  expect(await isOver(creation)).toMatchObject({ status: "Canceled" });
  expect(await isExcluded(world, id)).toBe(true);
});

test("a promotion that was to include a canceled creation's version ends Canceled where that is deleted first", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 30_000);
  const promotion = await byHand.promote(world, id);
  await cancel(world, creation);
  await cancel(world, promotion);
  const deletion = await byHand.remove(world, id);
  expect(await ended(world, [creation, promotion, deletion])).toMatchObject([
    { status: "Canceled" },
    { status: "Canceled" },
    { status: "Succeeded" },
  ]);
});

describe("a tag of a canceled operation is taken away by a body without it", () => {
  const amended = plain(TWO_REGIONS, { tags: { a: "1", b: "1" } });
  const isTakenAway = async (): Promise<void> => {
    await pass(world, LATER_MS);
    await putThrough(world, id, plain(TWO_REGIONS));
    expect(await tagsOf()).toEqual({});
  };

  test.each([
    ["is canceled, too", false],
    ["is refused by Azure", true],
  ])("though one behind it asks for the same, and %s", async (_, isRefused) => {
    const creation = operationIn(
      await put(world, id, plain(TWO_REGIONS, { tags: { a: "1" } })),
    );
    await pass(world, 20_000);
    const behind = operationIn(await put(world, id, amended));
    await cancel(world, creation);
    for (let tries = 0; tries < 240; tries += 1) {
      if ((await isExcluded(world, id)) === true) break;
      await pass(world, 5_000);
    }
    if (isRefused) refuse();
    else await cancel(world, behind);
    await ended(world, [creation, behind]);
    await isTakenAway();
  });

  test("also where it has removed a region besides", async () => {
    await made(world, id, plain(THREE_REGIONS));
    const update = operationIn(
      await put(world, id, plain(TWO_REGIONS, { tags: { a: "1" } }), {
        removeRegions: ["eastus"],
      }),
    );
    await untilSent(1);
    await cancel(world, update);
    const behind = operationIn(await put(world, id, amended));
    await untilSent(2);
    await cancel(world, behind);
    await ended(world, [update, behind]);
    await isTakenAway();
  });
});

test("a region that a lost, canceled update has asked for is others' where they add it", async () => {
  await made(world, id, plain(TWO_REGIONS));
  putFault({ action: "reset" });
  const east = { name: "eastus", regionalReplicaCount: 1 };
  const update = operationIn(
    await put(world, id, plain([...TWO_REGIONS, east])),
  );
  await world.runDue();
  await cancel(world, update);
  await pass(world, LATER_MS);
  await isOver(operationIn(await patch(world, id, { tags: { a: "1" } })));
  await world.simulator.control.editVersion({
    versionId: id,
    properties: {
      publishingProfile: {
        targetRegions: [...TWO_REGIONS, { ...east, regionalReplicaCount: 3 }],
      },
    },
  });
  await pass(world, LATER_MS);
  await putThrough(world, id, plain(THREE_REGIONS, { tags: { a: "2" } }));
  expect(
    (await shownIn(world, id)).properties.publishingProfile.targetRegions[2],
  ).toMatchObject({
    name: expect.stringMatching(/east ?us$/iu) as string,
    regionalReplicaCount: 3,
  });
});

describe("a region whose removal was sent before it is canceled is told to be gone", () => {
  async function removal(): Promise<OperationRecord> {
    await made(world, id, plain(THREE_REGIONS));
    await world.takeEvents();
    return operationIn(
      await patch(world, id, {}, { removeRegions: ["eastus"] }),
    );
  }
  async function isTold(update: OperationRecord): Promise<void> {
    const last = await isOver(update);
    expect(last).toMatchObject({ status: "Canceled" });
    expect(last?.history.at(-1)?.message).toContain("had removed eastus");
    expect(
      (await eventsOf(world, id)).filter(
        ({ type }) => type === "Sigil.ImageVersion.RegionRemoved",
      ),
    ).toMatchObject([{ data: { operationId: update.id, region: "eastus" } }]);
    expect(regionNames(await shownIn(world, id))).not.toContain("eastus");
  }

  test("where Azure has taken it", async () => {
    const update = await removal();
    await untilSent(1);
    await cancel(world, update);
    await isTold(update);
  });

  test("where there was no answer", async () => {
    const update = await removal();
    putFault({ times: 1, action: "reset-after-processing" });
    await untilSent(1);
    await cancel(world, update);
    await isTold(update);
  });

  test("where there was no answer, and replicas are behind for minutes", async () => {
    const update = await removal();
    const before = await shownIn(world, id);
    putFault({ times: 1, action: "reset-after-processing" });
    await untilSent(1);
    await cancel(world, update);
    showAs(world, id, before, { times: null });
    await pass(world, 400_000);
    expect((await operation(world, update)).status).toBe("Running");
    world.simulator.control.clearFaults();
    await isTold(update);
  });

  test("nor is it told where Azure has it ten minutes later", async () => {
    const update = await removal();
    putFault({ times: 1, action: "reset" });
    await untilSent(1);
    await cancel(world, update);
    const last = await isOver(update);
    expect(last).toMatchObject({ status: "Canceled" });
    expect(last?.history.at(-1)?.message).not.toContain("had removed");
    expect(regionNames(await shownIn(world, id))).toContain("eastus");
  });

  test("beside another", async () => {
    const update = await removal();
    const other = operationIn(await patch(world, id, { tags: { b: "1" } }));
    await untilSent(1);
    await cancel(world, update);
    await isTold(update);
    expect(await isOver(other)).toMatchObject({ status: "Succeeded" });
  });
});
