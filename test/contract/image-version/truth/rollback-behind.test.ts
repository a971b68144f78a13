/** A rollback, while Azure answers from before a demotion that Sigil has just done: that counts more. */
import { beforeEach, expect, test } from "vitest";
import {
  planRollback,
  rollBackImage,
} from "../../../../src/image-version/rollback/roll-back.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import {
  BY,
  byHand,
  ended,
  isExcluded,
  listOf,
  made,
  newDefinition,
  operation,
  pass,
  plain,
  showAs,
  shownIn,
  stateOf,
  until,
  type Shown,
} from "./support.js";

const MINUTE_MS = 60_000;
const NUMBERS = ["0.9.0", "1.0.0", "2.0.0"];
const REGIONS = ["eastus2", "westus"];

let world: InProcess;
let image: string;
let before: {
  readonly list: unknown;
  readonly looks: ReadonlyMap<string, Shown>;
};
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});
beforeEach(async () => {
  image = await newDefinition(world);
  for (const number of NUMBERS) await made(world, at(number), plain());
  await pass(world, 120 * MINUTE_MS);
  await remember();
});

const at = (number: string): string => `${image}/versions/${number}`;
const commandTo = (to?: string) => ({
  ...BY,
  image: idOf(at("1.0.0")),
  ...(to !== undefined && { to }),
});
const rollBack = (to?: string): Promise<OperationRecord> =>
  rollBackImage(world.deps, commandTo(to));

async function remember(): Promise<void> {
  const looks = new Map<string, Shown>();
  for (const number of NUMBERS)
    looks.set(number, await shownIn(world, at(number)));
  before = { looks, list: await listOf(world, image) };
}

/** So many reads of each kind show what was so when it was remembered. */
function behind(times: number | null): void {
  for (const [number, look] of before.looks)
    showAs(world, at(number), look, { times });
  world.simulator.control.addFault({
    path: `${image}/versions\\?`,
    method: "GET",
    status: 200,
    body: before.list,
    times,
  });
}

async function demoted(number: string): Promise<void> {
  await ended(world, [await byHand.demote(world, at(number))]);
  world.simulator.control.clearFaults();
}

const latestIs = (from: string, to: string) => ({
  status: "Succeeded",
  rollback: { from, to, regions: REGIONS.map((name) => ({ name, from, to })) },
});

test("once the latest is demoted, reads from before that keep it waiting, and it ends by what is so", async () => {
  const accepted = await rollBack("1.0.0");
  await until(
    world,
    async () =>
      (await isExcluded(world, at("2.0.0"))) &&
      (await stateOf(world, at("2.0.0"))) === "Succeeded",
    1_000,
  );
  behind(null);
  await pass(world, 5 * MINUTE_MS);
  expect(await operation(world, accepted)).not.toHaveProperty("endTime");
  world.simulator.control.clearFaults();
  expect(await ended(world, [accepted])).toMatchObject([
    latestIs("2.0.0", "1.0.0"),
  ]);
});

test.each([
  ["by the reads of the request alone", 1],
  ["by those of minutes", null],
])(
  "a target that was demoted is promoted, though it is included %s",
  async (_, times) => {
    await demoted("1.0.0");
    behind(times);
    const accepted = await rollBack("1.0.0");
    await pass(world, 2 * MINUTE_MS);
    world.simulator.control.clearFaults();
    expect(await ended(world, [accepted])).toMatchObject([
      latestIs("2.0.0", "1.0.0"),
    ]);
    expect(await isExcluded(world, at("1.0.0"))).toBe(false);
    expect(await isExcluded(world, at("2.0.0"))).toBe(true);
  },
);

test("it leads away from what is the latest since the demotion", async () => {
  await demoted("2.0.0");
  behind(1);
  expect(await planRollback(world.deps, commandTo())).toMatchObject({
    from: "1.0.0",
    to: "0.9.0",
  });
  behind(1);
  const accepted = await rollBack();
  world.simulator.control.clearFaults();
  expect(await ended(world, [accepted])).toMatchObject([
    latestIs("1.0.0", "0.9.0"),
  ]);
});

test("the last one does not stand for one to a version that was demoted since", async () => {
  const first = await rollBack("1.0.0");
  await ended(world, [first]);
  await pass(world, 120 * MINUTE_MS);
  await remember();
  await demoted("1.0.0");
  behind(1);
  const second = await rollBack("1.0.0");
  expect(second.id).not.toBe(first.id);
  world.simulator.control.clearFaults();
  expect(await ended(world, [second])).toMatchObject([
    latestIs("0.9.0", "1.0.0"),
  ]);
  expect(await isExcluded(world, at("1.0.0"))).toBe(false);
});

test("what others have promoted again a moment after its demotion is demoted once more", async () => {
  await demoted("2.0.0");
  await world.simulator.control.editVersion({
    versionId: at("2.0.0"),
    properties: { publishingProfile: { excludeFromLatest: false } },
  });
  const accepted = await rollBack("1.0.0");
  expect(await ended(world, [accepted])).toMatchObject([
    { status: "Succeeded", rollback: { from: "1.0.0", to: "1.0.0" } },
  ]);
  expect(await isExcluded(world, at("2.0.0"))).toBe(true);
});
