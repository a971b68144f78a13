/** A rollback, while answers of Azure are from before a version was made: it is not gone by them. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  planRollback,
  rollBackImage,
} from "../../../../src/image-version/rollback/roll-back.js";
import { cancelOperation } from "../../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";
import { inOneWorld } from "../../../support/one-world.js";
import { refusal } from "../../../support/refusal.js";
import {
  BY,
  ended,
  etagOf,
  faultOn,
  isExcluded,
  listOf,
  made,
  newDefinition,
  operation,
  operationIn,
  outside,
  pass,
  patch,
  plain,
  put,
  showAs,
  shownIn,
  type Shown,
} from "./support.js";

const MINUTE_MS = 60_000;
const REGIONS = ["eastus2", "westus"];

let world: InProcess;
let image: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});
beforeEach(async () => {
  image = await newDefinition(world);
});

const at = (number: string): string => `${image}/versions/${number}`;
const commandTo = (to?: string) => ({
  ...BY,
  image: idOf(at("1.0.0")),
  ...(to !== undefined && { to }),
});
const rollBack = (to?: string): Promise<OperationRecord> =>
  rollBackImage(world.deps, commandTo(to));
const planned = {
  from: "2.0.0",
  to: "1.0.0",
  regions: REGIONS.map((name) => ({ name, from: "2.0.0", to: "1.0.0" })),
};
const latestIs = (to: string) => ({
  rollback: { regions: REGIONS.map((name) => ({ name, from: "2.0.0", to })) },
});

/** GETs of the version, so many, are from before it was made. */
const unseen = (number: string, times: number | null): unknown =>
  faultOn(world, at(number), { method: "GET", status: 404, times });

async function leadsTo100(accepted: OperationRecord): Promise<void> {
  expect(await ended(world, [accepted])).toMatchObject([
    { status: "Succeeded", ...latestIs("1.0.0") },
  ]);
  expect(await isExcluded(world, at("1.0.0"))).toBe(false);
  expect(await isExcluded(world, at("2.0.0"))).toBe(true);
}

describe("of a version that was published a minute ago", () => {
  let before: unknown;
  let creating: { readonly look: Shown; readonly list: unknown };
  beforeEach(async () => {
    await made(world, at("1.0.0"), plain());
    await pass(world, 120 * MINUTE_MS);
    before = await listOf(world, image);
    const accepted = operationIn(await put(world, at("2.0.0"), plain()));
    await world.runDue();
    creating = {
      look: await shownIn(world, at("2.0.0")),
      list: await listOf(world, image),
    };
    expect(await ended(world, [accepted])).toMatchObject([
      { status: "Succeeded" },
    ]);
  });
  const listed = (body: unknown, times: number | null): unknown =>
    world.simulator.control.addFault({
      path: `${image}/versions\\?`,
      method: "GET",
      status: 200,
      body,
      times,
    });

  test.each([
    ["a GET", false],
    ["a GET and the list", true],
  ])("%s from before it refuses nothing", async (_, isListBehind) => {
    const behind = () => {
      unseen("2.0.0", 1);
      if (isListBehind) listed(before, 1);
    };
    behind();
    expect(await planRollback(world.deps, commandTo("1.0.0"))).toEqual(planned);
    behind();
    await leadsTo100(await rollBack("1.0.0"));
  });

  test("GETs and lists from before it keep what it is to be demoted by waiting", async () => {
    const accepted = await rollBack("1.0.0");
    unseen("2.0.0", null);
    listed(before, null);
    await pass(world, 5 * MINUTE_MS);
    expect(await operation(world, accepted)).not.toHaveProperty("endTime");
    world.simulator.control.clearFaults();
    await leadsTo100(accepted);
  });

  test.each(["GETs", "lists", "both"])(
    "%s of while it was created refuse nothing",
    async (what) => {
      if (what !== "lists") showAs(world, at("2.0.0"), creating.look);
      if (what !== "GETs") listed(creating.list, 1);
      await leadsTo100(await rollBack("1.0.0"));
    },
  );

  test("one of while it was created, met by an operation on it, takes nothing back of a canceled one", async () => {
    const update = await patch(world, at("2.0.0"), { tags: { a: "1" } });
    const accepted = await rollBack("1.0.0");
    showAs(world, at("2.0.0"), creating.look, { times: null });
    await world.runDue();
    await cancelOperation(world.deps, accepted.id, BY.requestedBy);
    await world.runDue();
    const end = await operation(world, accepted);
    expect(end).toMatchObject({ status: "Canceled", ...latestIs("2.0.0") });
    expect(end.history.at(-1)?.message).toContain("That is not certain");
    world.simulator.control.clearFaults();
    expect(await ended(world, [operationIn(update)])).toMatchObject([
      { status: "Succeeded" },
    ]);
  });

  test("with its ETag it is to be sent again", async () => {
    const ifMatch = (await etagOf(world, at("2.0.0"))) ?? expect.fail();
    const send = () => rollBackImage(world.deps, { ...commandTo(), ifMatch });
    unseen("2.0.0", 2);
    expect(await refusal(send())).toMatchObject({
      code: "StateConflict",
      retryable: true,
    });
    await leadsTo100(await send());
  });
});

test("of a version that others have made one 404 refuses nothing", async () => {
  await outside(world, "PUT", at("1.0.0"), plain());
  await outside(world, "PUT", at("2.0.0"), plain());
  await pass(world, 120 * MINUTE_MS);
  unseen("2.0.0", 1);
  await leadsTo100(await rollBack());
});

describe("once it is accepted, of versions that were made minutes ago", () => {
  let accepted: OperationRecord;
  beforeEach(async () => {
    await made(world, at("1.0.0"), plain());
    await made(world, at("2.0.0"), plain());
    await pass(world, MINUTE_MS);
    accepted = await rollBack("1.0.0");
  });

  test("GETs from before them keep it waiting, and no more", async () => {
    unseen("1.0.0", null);
    unseen("2.0.0", null);
    await pass(world, 5 * MINUTE_MS);
    expect(await operation(world, accepted)).toMatchObject({
      waitReason: expect.stringContaining("1.0.0") as string,
      rollback: planned,
    });
    world.simulator.control.clearFaults();
    await leadsTo100(accepted);
  });

  test("GETs from before them do not keep its cancel waiting, and it says that it is not certain", async () => {
    unseen("2.0.0", null);
    await cancelOperation(world.deps, accepted.id, BY.requestedBy);
    await world.runDue();
    const end = await operation(world, accepted);
    expect(end).toMatchObject({ status: "Canceled", ...latestIs("2.0.0") });
    expect(end.history.at(-1)?.message).toContain(
      "The latest is now 2.0.0 in eastus2, westus. That is not certain: Azure shows 2.0.0 as before",
    );
  });

  test("it ends as one whose target is gone once no answer can be from before", async () => {
    await outside(world, "DELETE", at("1.0.0"));
    const [end] = await ended(world, [accepted]);
    expect(end).toMatchObject({
      status: "Failed",
      error: { code: "ImageVersionGone" },
      ...latestIs("2.0.0"),
    });
    expect(
      Date.parse(end?.endTime ?? "") - Date.parse(accepted.createdTime),
    ).toBeLessThan(15 * MINUTE_MS);
  });
});
