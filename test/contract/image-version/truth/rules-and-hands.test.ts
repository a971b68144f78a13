/** Promotion rules, and what somebody asks by hand and takes back: each holds as long as nobody has asked otherwise since. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { cancelOperation } from "../../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import {
  startInProcess,
  type InProcess,
} from "../../../support/dependencies.js";
import {
  BY,
  byHand,
  ended,
  made,
  nextVersionId,
  operation,
  operationIn,
  outside,
  pass,
  plain,
  put,
  shownIn,
} from "./support.js";

const TWO_REGIONS = [{ name: "westus" }, { name: "eastus2" }];
const THREE_REGIONS = [...TWO_REGIONS, { name: "eastus" }];
const RULE = { promotion: { when: "allRegionsReady" } } as const;

let world: InProcess;
let id: string;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 600_000, spread: 0 });
});
afterAll(() => world.close());
beforeEach(async () => {
  id = nextVersionId();
  await world.takeEvents();
});

const isExcluded = async (): Promise<boolean | undefined> =>
  (await shownIn(world, id)).properties.publishingProfile.excludeFromLatest;

const takeBack = (one: OperationRecord): Promise<OperationRecord> =>
  cancelOperation(world.deps, one.id, BY.requestedBy);

test.each(["promote", "demote"] as const)(
  "a rule still holds once a request to %s, which was not sent, is canceled",
  async (does) => {
    const creation = operationIn(
      await put(world, id, plain(TWO_REGIONS, { sigil: RULE })),
    );
    await pass(world, 60_000);
    const decided = await byHand[does](world, id);
    await pass(world, 60_000);
    expect(await takeBack(decided)).toMatchObject({ status: "Canceled" });
    expect(await isExcluded()).toBe(true);
    expect(await ended(world, [creation])).toMatchObject([
      { status: "Succeeded" },
    ]);
    expect(await isExcluded()).toBe(false);
  },
);

test("a rule promotes no more while somebody's demotion waits", async () => {
  const creation = operationIn(
    await put(world, id, plain(TWO_REGIONS, { sigil: RULE })),
  );
  await pass(world, 60_000);
  const demotion = await byHand.demote(world, id);
  expect(await ended(world, [creation, demotion])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  await pass(world, 3_600_000);
  expect(await isExcluded()).toBe(true);
});

test("what waits behind a demotion, and contradicts it, goes on once that is canceled", async () => {
  await made(
    world,
    id,
    plain(TWO_REGIONS, { publishing: { excludeFromLatest: true } }),
  );
  const update = operationIn(await put(world, id, plain(THREE_REGIONS)));
  await pass(world, 60_000);
  const including = operationIn(
    await put(
      world,
      id,
      plain(THREE_REGIONS, { publishing: { excludeFromLatest: false } }),
    ),
  );
  const demotion = await byHand.demote(world, id);
  await pass(world, 60_000);
  expect(await operation(world, including)).toMatchObject({
    status: "NotStarted",
  });
  await takeBack(demotion);
  expect(await ended(world, [update, including])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect(await isExcluded()).toBe(false);
});

test("and ends Superseded once Azure shows the demotion", async () => {
  await made(world, id, plain(TWO_REGIONS));
  const update = operationIn(await put(world, id, plain(THREE_REGIONS)));
  await pass(world, 60_000);
  const promotion = await byHand.promote(world, id);
  const demotion = await byHand.demote(world, id);
  const [, overtaken, last] = await ended(world, [update, promotion, demotion]);
  expect(overtaken).toMatchObject({
    status: "Failed",
    error: { code: "Superseded" },
  });
  expect(last).toMatchObject({ status: "Succeeded" });
  expect(await isExcluded()).toBe(true);
});

test("a rule that waits behind a demotion still holds once that is canceled", async () => {
  await made(
    world,
    id,
    plain(TWO_REGIONS, { publishing: { excludeFromLatest: true } }),
  );
  const update = operationIn(await put(world, id, plain(THREE_REGIONS)));
  await pass(world, 60_000);
  const ruled = operationIn(
    await put(world, id, plain(THREE_REGIONS, { sigil: RULE })),
  );
  const demotion = await byHand.demote(world, id);
  await takeBack(demotion);
  expect(await ended(world, [update, ruled])).toMatchObject([
    { status: "Succeeded" },
    { status: "Succeeded" },
  ]);
  expect(await isExcluded()).toBe(false);
});

test("a creation and then the request that would have included its version are canceled: it is excluded", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  const including = operationIn(
    await put(
      world,
      id,
      plain(THREE_REGIONS, { publishing: { excludeFromLatest: false } }),
    ),
  );
  await takeBack(creation);
  await takeBack(including);
  expect(await ended(world, [creation, including])).toMatchObject([
    { status: "Canceled" },
    { status: "Canceled" },
  ]);
  expect(await isExcluded()).toBe(true);
});

test("the version of a canceled creation is in latest no sooner than another's rule holds", async () => {
  const creation = operationIn(await put(world, id, plain(TWO_REGIONS)));
  await pass(world, 60_000);
  const ruled = operationIn(
    await put(world, id, plain(THREE_REGIONS, { sigil: RULE })),
  );
  await takeBack(creation);
  expect(await ended(world, [creation])).toMatchObject([
    { status: "Canceled" },
  ]);
  expect(await isExcluded()).toBe(true);
  expect(await ended(world, [ruled])).toMatchObject([{ status: "Succeeded" }]);
  expect(await isExcluded()).toBe(false);
});

test("a rule waits for every region that Azure has of the version, whoever added it", async () => {
  await made(
    world,
    id,
    plain([{ name: "westus" }], { publishing: { excludeFromLatest: true } }),
  );
  await world.simulator.control.setSucceededWhen("homeRegion");
  await world.simulator.control.stallRegion({
    versionId: id,
    region: "eastus2",
    atProgress: 20,
  });
  await outside(world, "PATCH", id, {
    properties: {
      publishingProfile: {
        targetRegions: [{ name: "westus" }, { name: "eastus2" }],
        excludeFromLatest: true,
      },
    },
  });
  const ruled = operationIn(
    await put(world, id, plain([{ name: "westus" }], { sigil: RULE })),
  );
  await pass(world, 600_000);
  expect(await operation(world, ruled)).toMatchObject({
    status: "Running",
    waitReason: expect.stringContaining("eastus2") as string,
  });
  expect(await isExcluded()).toBe(true);
  await world.simulator.control.resumeRegion({
    versionId: id,
    region: "eastus2",
  });
  expect(await ended(world, [ruled])).toMatchObject([{ status: "Succeeded" }]);
  await world.simulator.control.setSucceededWhen("everyRegion");
  expect(await isExcluded()).toBe(false);
});
