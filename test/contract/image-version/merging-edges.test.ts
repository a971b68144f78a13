import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { demoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { retryImageVersion } from "../../../src/image-version/commands/retry.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import { getImageVersion } from "../../../src/image-version/queries/get.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { latestIn } from "../../../src/image-version/latest/flags.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { isFinal } from "../../../src/image-version/state/states.js";
import { imageIdOf } from "../../../src/resource-id.js";
import {
  commandOf,
  idOf,
  request,
  startInProcess,
  type InProcess,
} from "../../support/dependencies.js";
import {
  A,
  B,
  body,
  C,
  HOME,
  inAzure,
  large,
  made,
  names,
  operationOf,
  regionsInAzure,
} from "../../support/merging.js";
import { BY } from "./truth/support.js";

let world: InProcess;
let id: string;
beforeEach(async () => {
  world = await startInProcess({
    world: large.world,
    replicationMs: 60_000,
    pace: { repairAttempts: 0 },
  });
  id = large.versionId("1.0.0");
});
afterEach(() => world.close());

const ask = (
  wanted: ImageVersionRequest,
  more: Parameters<typeof request>[3] = {},
): Promise<OperationRecord> => request(world.deps, id, wanted, more);

const cancel = ({ id: operationId }: OperationRecord) =>
  cancelOperation(world.deps, operationId, BY.requestedBy);

test("requests that are done together end, though Azure refuses to repair a region of one of them", async () => {
  await made(world, id);
  const operations = [await ask(body([HOME, A])), await ask(body([HOME, B]))];
  await world.runDue();
  await world.simulator.control.failRegion({ versionId: id, region: B.name });
  world.simulator.control.addFault({
    method: "PUT",
    path: `/versions/${idOf(id).versionName}`,
    status: 400,
    body: { error: { code: "InvalidParameter", message: "Not this." } },
  });
  const repairing: Dependencies = {
    ...world.deps,
    pace: { ...world.deps.pace, repairAttempts: 1, repairDelayMs: 1_000 },
  };
  for (let looks = 0; looks < 100; looks += 1) {
    for (const message of await world.takeDue()) await world.handle(message, repairing);
    if (isFinal((await world.read(id)).record.state)) break;
    world.clock.advance(120_000);
  }
  expect(world.simulator.control.faults()).toEqual([expect.objectContaining({ met: 1 })]);
  expect(isFinal((await world.read(id)).record.state)).toBe(true);
  // Each by its own regions: that another's has failed is not the first one's affair.
  expect(await Promise.all(operations.map((one) => operationOf(world, one)))).toMatchObject([
    { status: "Succeeded" },
    {
      status: "Failed",
      error: {
        code: "ReplicationFailed",
        errors: expect.arrayContaining([
          expect.objectContaining({ code: "ResourceManagerRefused" }),
        ]) as unknown,
      },
    },
  ]);
});

test("a request that waits lets another that came at once have its number, and is found by its Idempotency-Key still", async () => {
  await made(world, id);
  const { idempotencyKeys } = world.deps;
  let other: OperationRecord | undefined;
  const deps: Dependencies = {
    ...world.deps,
    idempotencyKeys: {
      ...idempotencyKeys,
      async claim(...args) {
        const claim = await idempotencyKeys.claim(...args);
        other ??= await ask(body([HOME, B]));
        return claim;
      },
    },
  };
  const idempotencyKey = `key-${id}`;
  const wanted = body([HOME, A]);
  const first = await request(deps, id, wanted, { idempotencyKey });
  expect(first.id).not.toBe(other?.id);
  await world.finish(id);
  await ask(body([HOME, A, B, C]));
  await world.finish(id);
  expect(await ask(wanted, { idempotencyKey })).toMatchObject({
    id: first.id,
    status: "Succeeded",
  });
});

test("the removal that runs is what it is when it is asked for again, and in its plan", async () => {
  await made(world, id, [HOME, A]);
  const removal = { removeRegions: [A.name] };
  const first = await ask(body([HOME]), removal);
  await world.runDue();
  expect((await ask(body([HOME]), removal)).id).toBe(first.id);
  const { findings } = await planImageVersion(world.deps, {
    id: idOf(id),
    body: body([HOME]),
    ...removal,
  });
  expect(findings).toMatchObject([{ code: "AlreadyRequested", severity: "info" }]);
  await world.finish(id);
});

test("a retry does not carry out a removal that was canceled", async () => {
  await made(world, id, [HOME, A]);
  await world.simulator.control.failRegion({ versionId: id, region: B.name });
  await ask(body([HOME, A, B]));
  expect(await world.finish(id)).toMatchObject({ status: "Failed" });
  await cancel(await ask(body([HOME, B]), { removeRegions: [A.name] }));
  await retryImageVersion(world.deps, { id: idOf(id), ...BY });
  expect(await world.finish(id)).toMatchObject({
    kind: "RetryImageVersion",
    status: "Succeeded",
  });
  expect(await regionsInAzure(world, id)).toEqual(names(HOME, A, B));
});

describe("of what latest means", () => {
  const demote = () => demoteImageVersion(world.deps, { id: idOf(id), ...BY });

  test("a demoted version stays demoted when the PUT that made it is sent again", async () => {
    const wanted = body([HOME, A], {
      sigil: { promotion: { when: "allRegionsReady" } },
    });
    await ask(wanted);
    await world.finish(id);
    expect(latestIn(await inAzure(world, id))).not.toEqual([]);
    await demote();
    await world.finish(id);
    expect(await putImageVersion(world.deps, commandOf(id, wanted))).toMatchObject({
      kind: "unchanged",
    });
    expect(latestIn(await inAzure(world, id))).toEqual([]);
  });

  test("a promoted version to which a region could not be added is still the latest, and what a rollback demotes", async () => {
    await made(world, id);
    const newer = large.versionId("1.0.1");
    await made(world, newer);
    await world.simulator.control.failRegion({
      versionId: newer,
      region: A.name,
    });
    await request(world.deps, newer, body([HOME, A]));
    expect(await world.finish(newer)).toMatchObject({ status: "Failed" });
    for (const [versionId, latest] of [
      [newer, true],
      [id, false],
    ] as const)
      expect(await getImageVersion(world.deps, idOf(versionId))).toMatchObject({
        latest,
      });
    const rolledBack = await rollBackImage(world.deps, {
      image: idOf(id),
      to: idOf(id).versionName,
      ...BY,
    });
    expect(rolledBack).toMatchObject({
      kind: "RollBackImage",
      detail: {
        from: idOf(newer).versionName,
        to: idOf(id).versionName,
      },
    });
    await world.finish(imageIdOf(idOf(id)));
    expect(latestIn(await inAzure(world, newer))).toEqual([]);
    expect(await getImageVersion(world.deps, idOf(id))).toMatchObject({
      latest: true,
    });
  });
});
