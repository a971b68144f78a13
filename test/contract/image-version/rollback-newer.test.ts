/** A rollback, and a newer version that Azure still replicates. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import { planRollback, rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import {
  commandOf as putCommandOf,
  idOf,
  startInProcess,
  type InProcess,
} from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";
import { body, commandOf, define, inAzure, shown, versionId } from "./rollbacks.js";
import { BY, ended, operationIn, pass } from "./truth/support.js";
import { naming } from "../../support/naming.js";

let world: InProcess;
let image: string;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 3_600_000, spread: 0 });
});
afterAll(() => world.close());

async function replicating(more: object) {
  image = await define(world);
  await inAzure(world, { "1.0.0": {}, "1.0.1": {} }, image);
  await pass(world, 7_200_000);
  const request = { ...body(), ...more };
  const answer = await putImageVersion(
    world.deps,
    putCommandOf(versionId("1.0.2", image), request),
  );
  await pass(world, 900_000);
  return operationIn(answer);
}

test("one that its promotion rule will include in latest is a warning: it undoes the rollback", async () => {
  const creation = await replicating({
    sigil: { promotion: { when: "allRegionsReady" } },
  });
  const warnings = [
    {
      code: "PromotionPending",
      message: expect.stringMatching(/^1\.0\.2 .*instead of 1\.0\.0/u) as string,
    },
  ];
  const target = commandOf(undefined, image);
  expect(await planRollback(world.deps, target)).toMatchObject({ warnings });
  const rollback = await rollBackImage(world.deps, target);
  expect(rollback).toMatchObject({ warnings });
  const [end] = await ended(world, [rollback]);
  expect(end).toMatchObject({ status: "Succeeded", warnings });
  await ended(world, [creation]);
  await world.finish(versionId("1.0.2", image));
  expect(await shown(world, image)).toContain("1.0.2 latest");
});

test("one that is to be promoted by hand is none", async () => {
  await replicating({ sigil: { promotion: { when: "manual" } } });
  const plan = await planRollback(world.deps, commandOf(undefined, image));
  expect(plan).not.toHaveProperty("warnings");
});

test("without a rule it is refused meanwhile", async () => {
  await replicating({});
  expect(await refusal(rollBackImage(world.deps, commandOf(undefined, image)))).toMatchObject({
    code: "RollbackRefused",
  });
});

test("repeated while what it has demoted is being promoted, it is refused and names that", async () => {
  image = await define(world);
  await inAzure(world, { "1.0.0": {}, "1.0.1": {} }, image);
  await pass(world, 7_200_000);
  const target = commandOf("1.0.0", image);
  await ended(world, [await rollBackImage(world.deps, target)]);
  const promotion = await promoteImageVersion(world.deps, {
    id: idOf(versionId("1.0.1", image)),
    ...BY,
  });
  expect(await refusal(rollBackImage(world.deps, target))).toMatchObject({
    message: naming(["1.0.1"]) as string,
  });
  await ended(world, [promotion]);
});

test("numbers are compared as numbers: from 1.10.0 it leads to 1.9.0", async () => {
  image = await define(world);
  await inAzure(world, { "1.2.0": {}, "1.9.0": {}, "1.10.0": {} }, image);
  await pass(world, 7_200_000);
  const plan = await planRollback(world.deps, commandOf(undefined, image));
  expect(plan).toMatchObject({
    from: "1.10.0",
    to: "1.9.0",
  });
});
