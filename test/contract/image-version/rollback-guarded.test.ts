/** A rollback beside a deletion that excludes a version from latest for the while alone. */
import { describe, expect, test } from "vitest";
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { cancelOperation } from "../../../src/operation/canceling.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { CONSUMER, putUser } from "../../support/image-users.js";
import { refusal } from "../../support/refusal.js";
import { BY, HELD_BACK, inOwnWorld } from "./rollbacks.js";

const DELAY_MS = 900_000;

let world: InProcess;
let image: string;
const { versionId, inAzure, shown, puts, rollBack, plan, operationOf } = inOwnWorld(
  (given, definition) => {
    world = given;
    image = definition;
  },
  { consumerSubscriptions: [CONSUMER] },
);

const remove = (number = "3.0.0"): Promise<OperationRecord> =>
  deleteImageVersion(world.deps, { id: idOf(versionId(number)), ...BY });

/** Runs on until the delay of the deletion is being waited out. */
async function untilExcluded(number = "3.0.0"): Promise<void> {
  for (let i = 0; i < 50; i += 1) {
    await world.runDue();
    const { record } = await world.read(versionId(number));
    if (
      Object.values(record.requests).some(
        ({ guarded, appliedTime }) => guarded === true && appliedTime !== undefined,
      )
    )
      return;
    world.clock.advance(15_000);
  }
  throw new Error("it is not excluded");
}

/** Each way for the deletion to come to nothing. */
const ENDS = {
  "found in use": async () => {
    await putUser(world, "virtualMachineScaleSets", "front", versionId("3.0.0"));
  },
  canceled: async ({ id }: OperationRecord) => {
    await cancelOperation(world.deps, id, BY.requestedBy);
  },
  "refused by Azure": () => {
    world.simulator.control.addFault({
      method: "DELETE",
      path: versionId("3.0.0"),
      status: 409,
      body: { error: { code: "ScopeLocked", message: "Locked." } },
    });
    return Promise.resolve();
  },
} as const;

describe("a version whose guarded deletion waits", () => {
  test.each(Object.entries(ENDS))(
    "stays out of latest after a rollback, though its deletion is %s",
    async (_, end) => {
      await inAzure({ "1.0.0": {}, "2.0.0": {}, "3.0.0": {} });
      const deletion = await remove();
      await untilExcluded();
      expect(await plan("1.0.0")).toMatchObject({
        from: "2.0.0",
        to: "1.0.0",
        regions: [{ name: "westus", from: "2.0.0", to: "1.0.0" }],
        warnings: [
          {
            code: "PromotionPending",
            message: expect.stringMatching(/^3\.0\.0 .*demoted/u) as string,
          },
        ],
      });
      const rollback = await rollBack("1.0.0");
      const acceptedMs = world.clock.now();
      expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
      // It waits for no guard.
      expect(world.clock.now() - acceptedMs).toBeLessThan(DELAY_MS / 2);
      await end(deletion);
      await world.finish(versionId("3.0.0"));
      expect((await operationOf(deletion)).status).not.toBe("Succeeded");
      expect(await shown()).toEqual(["1.0.0 latest", "2.0.0 held back", "3.0.0 held back"]);
      expect((await rollBack("1.0.0")).id).toBe(rollback.id);
    },
  );

  test("that is deleted in the end leaves the rollback as it was", async () => {
    await inAzure({ "1.0.0": {}, "2.0.0": {}, "3.0.0": {} });
    const deletion = await remove();
    await untilExcluded();
    await rollBack("1.0.0");
    expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
    await world.finish(versionId("3.0.0"));
    expect((await operationOf(deletion)).status).toBe("Succeeded");
    expect(await shown()).toEqual(["1.0.0 latest", "2.0.0 held back"]);
  });

  test("is no reason to refuse as needless a rollback to what is the latest meanwhile", async () => {
    await inAzure({ "1.0.0": {}, "3.0.0": {} });
    const deletion = await remove();
    await untilExcluded();
    expect(await plan("1.0.0")).toMatchObject({
      from: "1.0.0",
      to: "1.0.0",
      regions: [{ name: "westus", from: "1.0.0", to: "1.0.0" }],
    });
    const rollback = await rollBack("1.0.0");
    const ended = await world.finish(image);
    expect(ended).toMatchObject({ id: rollback.id, status: "Succeeded" });
    expect(ended.history.at(-1)?.message).toBe(
      "1.0.0 is the latest. The latest is now 1.0.0 in westus.",
    );
    // Repeated, it changes nothing more: by the same words, and by a plan.
    const before = puts();
    expect((await rollBack("1.0.0")).id).toBe(rollback.id);
    expect((await plan("1.0.0")).warnings).toMatchObject([{ code: "AlreadyRequested" }]);
    await ENDS["found in use"]();
    await world.finish(versionId("3.0.0"));
    expect((await operationOf(deletion)).status).toBe("Failed");
    expect(await shown()).toEqual(["1.0.0 latest", "3.0.0 held back"]);
    expect(puts()).toBe(before);
  });

  test("is demoted though a rollback of before has led to the same version", async () => {
    await inAzure({ "1.0.0": {}, "3.0.0": {} });
    const first = await rollBack("1.0.0");
    await world.finish(image);
    await promoteImageVersion(world.deps, {
      id: idOf(versionId("3.0.0")),
      ...BY,
    });
    await world.finish(versionId("3.0.0"));
    await remove();
    await untilExcluded();
    expect((await rollBack("1.0.0")).id).not.toBe(first.id);
    await world.finish(image);
    await ENDS["found in use"]();
    await world.finish(versionId("3.0.0"));
    expect(await shown()).toEqual(["1.0.0 latest", "3.0.0 held back"]);
  });

  test("is named where nothing else is in latest", async () => {
    await inAzure({ "1.0.0": HELD_BACK, "3.0.0": {} });
    await remove();
    await untilExcluded();
    expect(await refusal(rollBack("1.0.0"))).toMatchObject({
      code: "RollbackRefused",
      message: expect.stringContaining("3.0.0 returns to latest") as string,
    });
    await world.finish(versionId("3.0.0"));
  });

  test("and was excluded before is nothing to roll back from", async () => {
    await inAzure({ "1.0.0": {}, "3.0.0": HELD_BACK });
    await remove();
    await untilExcluded();
    expect(await refusal(rollBack("1.0.0"))).toMatchObject({
      code: "RollbackRefused",
    });
    await world.finish(versionId("3.0.0"));
  });
});

test.each(["at once", "while it waits"])(
  "a rollback to what somebody deletes is refused %s, and says what to do",
  async (when) => {
    await inAzure({ "1.0.0": {}, "2.0.0": {}, "3.0.0": {} });
    const deletion = await remove("2.0.0");
    if (when === "while it waits") await untilExcluded("2.0.0");
    const error = await refusal(rollBack("2.0.0"));
    expect(error).toMatchObject({
      code: "RollbackRefused",
      fields: { existingOperationId: deletion.id },
    });
    expect(error.message).toContain(`/api/operations/${deletion.id}/cancel`);
    expect(await plan()).toMatchObject({ to: "1.0.0" });
    await ENDS.canceled(deletion);
    await world.finish(versionId("2.0.0"));
    await rollBack("2.0.0");
    expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
  },
);

test("a version whose deletion is asked for while a rollback runs stays out of latest", async () => {
  await inAzure({ "1.0.0": HELD_BACK, "3.0.0": {} });
  await rollBack("1.0.0");
  const deletion = await remove();
  const acceptedMs = world.clock.now();
  expect(await world.finish(image)).toMatchObject({ status: "Succeeded" });
  expect(world.clock.now() - acceptedMs).toBeLessThan(DELAY_MS);
  await ENDS.canceled(deletion);
  await world.finish(versionId("3.0.0"));
  expect(await shown()).toEqual(["1.0.0 latest", "3.0.0 held back"]);
});
