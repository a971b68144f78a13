/** A rollback, or a GET, reads a list of Azure that is behind what Sigil has written in the last minutes. */
import { beforeEach, expect, test } from "vitest";
import { rollBackImage } from "../../../../src/image-version/rollback/roll-back.js";
import type { OperationRecord } from "../../../../src/operation/records.js";
import { keyOf } from "../../../../src/resource-id.js";
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
  pass,
  plain,
  seen,
} from "./support.js";

const MINUTE_MS = 60_000;
const BODY = plain();
const EXCLUDED = plain(undefined, { publishing: { excludeFromLatest: true } });

let world: InProcess;
let image: string;
inOneWorld({ replicationMs: 60_000, spread: 0 }, (given) => {
  world = given;
});
beforeEach(async () => {
  image = await newDefinition(world);
});
const at = (number: string): string => `${image}/versions/${number}`;
const exclusions = (...numbers: readonly string[]): Promise<boolean[]> =>
  Promise.all(numbers.map((number) => isExcluded(world, at(number))));

const rollBack = (to?: string): Promise<OperationRecord> =>
  rollBackImage(world.deps, {
    ...BY,
    image: idOf(at("1.0.0")),
    ...(to !== undefined && { to }),
  });
const listsShow = (body: unknown, times: number | null): unknown =>
  world.simulator.control.addFault({
    path: `${image}/versions\\?`,
    method: "GET",
    status: 200,
    body,
    times,
  });

/** Of 1.0.2, which has become the latest since the list, and is the bad one. */
async function rolledBackFromTheNewest(list: unknown): Promise<void> {
  listsShow(list, 1);
  const accepted = await rollBack();
  expect(accepted.rollback).toMatchObject({ from: "1.0.2", to: "1.0.1" });
  expect(await ended(world, [accepted])).toMatchObject([
    { status: "Succeeded" },
  ]);
  expect(await exclusions("1.0.0", "1.0.1", "1.0.2")).toEqual([
    false,
    false,
    true,
  ]);
}

test("a version that was promoted since is what it goes from", async () => {
  await made(world, at("1.0.0"), BODY);
  await made(world, at("1.0.1"), BODY);
  await made(world, at("1.0.2"), EXCLUDED);
  await pass(world, 30 * MINUTE_MS);
  const before = await listOf(world, image);
  await ended(world, [await byHand.promote(world, at("1.0.2"))]);
  await pass(world, MINUTE_MS);
  await rolledBackFromTheNewest(before);
});

test("a version that was created since, and is ready, is what it goes from", async () => {
  await made(world, at("1.0.0"), BODY);
  await made(world, at("1.0.1"), BODY);
  await pass(world, 30 * MINUTE_MS);
  const before = await listOf(world, image);
  await made(world, at("1.0.2"), BODY);
  await rolledBackFromTheNewest(before);
});

test("behind its own promotion and demotion for minutes, it is done where Azure has all that it promised", async () => {
  await made(world, at("1.0.0"), EXCLUDED);
  await made(world, at("1.0.1"), BODY);
  await pass(world, 30 * MINUTE_MS);
  const before = await listOf(world, image);
  const accepted = await rollBack("1.0.0");
  listsShow(before, null);
  const startedMs = world.clock.now();
  const [end] = await ended(world, [accepted], () => {
    if (world.clock.now() - startedMs > 9 * MINUTE_MS)
      world.simulator.control.clearFaults();
    return Promise.resolve();
  });
  expect(end).toMatchObject({
    status: "Succeeded",
    rollback: {
      regions: [
        { name: "eastus2", from: "1.0.1", to: "1.0.0" },
        { name: "westus", from: "1.0.1", to: "1.0.0" },
      ],
    },
  });
  expect(await exclusions("1.0.0", "1.0.1")).toEqual([false, true]);
});

test("a target that the portal excludes again is never taken for the latest, nor is the latest demoted for it", async () => {
  await made(world, at("1.0.0"), EXCLUDED);
  await made(world, at("1.0.1"), BODY);
  await made(world, at("1.0.2"), BODY);
  await pass(world, 30 * MINUTE_MS);
  const accepted = await rollBack("1.0.0");
  let isExcludedAgain = false;
  const [end] = await ended(world, [accepted], async () => {
    const { record } = (await world.deps.rollbacks.read(keyOf(image))) ?? {};
    if (isExcludedAgain || record?.done !== 1) return;
    isExcludedAgain = true;
    await world.simulator.control.editVersion({
      versionId: at("1.0.0"),
      properties: { publishingProfile: { excludeFromLatest: true } },
    });
  });
  expect(isExcludedAgain).toBe(true);
  expect(end).toMatchObject({
    status: "Failed",
    error: {
      message: expect.stringContaining(
        "1.0.0 was excluded from latest by another request.",
      ) as string,
    },
  });
  expect(await exclusions("1.0.0", "1.0.1", "1.0.2")).toEqual([
    true,
    true,
    false,
  ]);
});

test("GET of a version that was demoted since does not say that it is the latest", async () => {
  await made(world, at("1.0.0"), BODY);
  await pass(world, 30 * MINUTE_MS);
  const before = await listOf(world, image);
  await ended(world, [await byHand.demote(world, at("1.0.0"))]);
  await pass(world, MINUTE_MS);
  listsShow(before, null);
  expect((await seen(world, at("1.0.0"))).sigil).toMatchObject({
    latest: false,
    latestIn: [],
  });
});
