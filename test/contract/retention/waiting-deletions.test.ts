/** A deletion that waits is judged again before its DELETE. */
import { describe, expect, test } from "vitest";
import type { ImageVersionId } from "../../../src/resource-id.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import type { RetentionDependencies } from "../../../src/retention/ports.js";
import { deleteRetentionPolicy } from "../../../src/retention/retention-policy.js";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { deleteImageVersion } from "../../../src/image-version/commands/delete.js";
import { patchImageVersion } from "../../../src/image-version/commands/put.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { refusal } from "../../support/refusal.js";
import { BY } from "../image-version/truth/support.js";
import { KEEP_1, inRetention } from "./support.js";
import { naming } from "../../support/naming.js";

let world: InProcess;
let deps: RetentionDependencies;
let guarded: RetentionDependencies;
let image: string;
const { versionId, make, enforce, run, dryRun, inAzure, latest, drive, waiting, ends } =
  inRetention((given) => {
    ({ world, deps, guarded, image } = given);
  });

describe("where versions are guarded, a deletion that waits is judged again before its DELETE", () => {
  test.each([
    [
      "demotes",
      () =>
        demoteImageVersion(world.deps, {
          id: idOf(versionId("3.0.0")),
          ...BY,
        }),
    ],
    ["deletes in Azure", () => world.simulator.control.removeResource(versionId("3.0.0"))],
    [
      "excludes in Azure",
      () =>
        world.simulator.control.editVersion({
          versionId: versionId("3.0.0"),
          properties: { publishingProfile: { excludeFromLatest: true } },
        }),
    ],
  ])("where somebody %s the latest, the next is kept", async (_, act) => {
    const deletions = await waiting();
    await act();
    await drive(30);
    expect(await ends(deletions)).toEqual(["Succeeded", "KeptByRetention"]);
    expect(await latest()).toBe("2.0.0");
    const kept = (await world.deps.store.readOperation(deletions[1] ?? ""))?.operation;
    expect(kept?.error?.message).toContain("The latest: virtual machines");
    expect(await dryRun()).toMatchObject({ "2.0.0": "Latest" });
  });

  test("where a rollback leads to it, it is in latest at once", async () => {
    const deletions = await waiting();
    const accepted = { image: idOf(versionId("2.0.0")), to: "2.0.0" };
    const { id } = await rollBackImage(world.deps, { ...accepted, ...BY });
    await drive(5);
    expect((await world.deps.rollbacks.readOperation(id))?.operation).toMatchObject({
      status: "Succeeded",
    });
    expect(await latest()).toBe("2.0.0");
    await drive(20);
    expect(await ends(deletions)).toEqual(["Succeeded", "Canceled"]);
    expect(await inAzure()).toEqual(["2.0.0", "3.0.0"]);
  });

  const asked = (patch: object) =>
    patchImageVersion(world.deps, {
      id: idOf(versionId("1.0.0")),
      patch,
      validate: () => [],
      ...BY,
    });
  const protection = { sigil: { protected: true } };
  const endOfLife = {
    properties: {
      publishingProfile: { endOfLifeDate: "2090-01-01T00:00:00Z" },
    },
  };

  describe.each([
    ["protects it", protection, "It is protected from deletion"],
    ["puts off its end of life", endOfLife, "Its end of life is in the"],
  ])("where somebody %s", (_, patch, why) => {
    test("while it waits, it is kept, and in latest as it was", async () => {
      const deletions = await waiting();
      const answer = await asked(patch);
      await drive(20);
      expect((await world.deps.store.readOperation(deletions[0] ?? ""))?.operation).toMatchObject({
        error: {
          code: "KeptByRetention",
          message: expect.stringContaining(why) as string,
        },
      });
      if (answer.kind !== "accepted") throw new Error("it was not accepted");
      expect(await ends([answer.operation.id])).toEqual(["Succeeded"]);
      expect(await inAzure()).toEqual(["1.0.0", "3.0.0"]);
      await world.simulator.control.removeResource(versionId("3.0.0"));
      expect(await latest()).toBe("1.0.0");
    });

    test("while it is being excluded, it is kept", async () => {
      await make(["1.0.0", "2.0.0"]);
      await enforce(KEEP_1);
      const { deletions } = await run(guarded);
      for (const message of await world.takeDue()) await world.handle(message);
      await asked(patch);
      await drive(20);
      expect(await ends(deletions)).toEqual(["KeptByRetention"]);
      expect(await inAzure()).toEqual(["1.0.0", "2.0.0"]);
    });
  });

  test("where what is asked would not have it kept, the refusal says what would", async () => {
    await waiting();
    const refused = {
      code: "ImageVersionConflict",
      message: expect.stringContaining('{"protected": true}') as string,
    };
    expect(await refusal(asked({ tags: { a: "1" } }))).toMatchObject(refused);
  });

  test("where it was protected, nobody else deletes it", async () => {
    const deletions = await waiting();
    await asked(protection);
    const id = idOf(versionId("1.0.0"));
    expect(await refusal(deleteImageVersion(world.deps, { id, ...BY }))).toMatchObject({
      code: "ImageVersionProtected",
    });
    await drive(20);
    expect((await ends(deletions))[0]).toBe("KeptByRetention");
  });

  test("where the policy is taken away, all are kept", async () => {
    const deletions = await waiting();
    await deleteRetentionPolicy(deps, image);
    await drive(20);
    expect(await ends(deletions)).toEqual(["KeptByRetention", "KeptByRetention"]);
    expect(await inAzure()).toEqual(["1.0.0", "2.0.0", "3.0.0"]);
  });

  test("a person who asks for it, too, is told which operation that is", async () => {
    const [deletion = ""] = await waiting();
    const removed = refusal(
      deleteImageVersion(guarded.imageVersions, {
        id: idOf(versionId("1.0.0")),
        ...BY,
      }),
    );
    expect(await removed).toMatchObject({
      code: "ImageVersionConflict",
      message: expect.stringContaining("its retention policy") as string,
      fields: { existingOperationId: deletion },
    });
    await drive(20);
    expect((await ends([deletion]))[0]).toBe("Succeeded");
  });

  /** Takes the steps that are due. Within the first that asks what `asking` names, once that is answered, `act`. */
  async function within(
    asking: "a look" | "the policy" | "who uses it",
    act: () => Promise<unknown>,
  ): Promise<void> {
    let isDone = false;
    const after =
      <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        const answer = await ask(...args);
        if (!isDone) {
          isDone = true;
          await act();
        }
        return answer;
      };
    const { resourceManager, imageUsers, objections } = world.deps;
    const asked = {
      "a look": {
        resourceManager: {
          ...resourceManager,
          getImageVersion: after((of: ImageVersionId) => resourceManager.getImageVersion(of)),
        },
      },
      "the policy": {
        objections: after((...of: Parameters<typeof objections>) => objections(...of)),
      },
      "who uses it": {
        imageUsers: {
          ...imageUsers,
          listScaleSets: after((...of: Parameters<typeof imageUsers.listScaleSets>) =>
            imageUsers.listScaleSets(...of),
          ),
        },
      },
    }[asking];
    const handled = await world.takeDue();
    for (const message of handled)
      await world.handle(message, {
        ...world.deps,
        consumerSubscriptions: [LOCAL_SUBSCRIPTION_ID],
        ...asked,
      });
    expect(isDone).toBe(true);
  }

  test.each(["a look", "the policy", "who uses it"] as const)(
    "where a rollback to it is accepted while its last step asks for %s, it is kept",
    async (asking) => {
      const deletions = await waiting();
      world.clock.advance(900_000);
      let rollback = "";
      await within(asking, async () => {
        const accepted = { image: idOf(versionId("1.0.0")), to: "1.0.0" };
        rollback = (await rollBackImage(world.deps, { ...accepted, ...BY })).id;
      });
      await drive(20);
      expect((await world.deps.rollbacks.readOperation(rollback))?.operation).toMatchObject({
        status: "Succeeded",
      });
      expect((await ends(deletions))[0]).toBe("KeptByRetention");
      expect(await latest()).toBe("1.0.0");
    },
  );

  test("and a person's promotion cancels it", async () => {
    const [deletion = ""] = await waiting();
    await promoteImageVersion(world.deps, {
      id: idOf(versionId("1.0.0")),
      ...BY,
    });
    await drive(20);
    expect(await ends([deletion])).toEqual(["Canceled"]);
    expect(await inAzure()).toEqual(["1.0.0", "3.0.0"]);
    await world.simulator.control.removeResource(versionId("3.0.0"));
    expect(await latest()).toBe("1.0.0");
  });

  test("and a rollback without a target names none of those", async () => {
    const deletions = await waiting();
    const error = await refusal(
      rollBackImage(world.deps, { image: idOf(versionId("2.0.0")), ...BY }),
    );
    expect(error.code).toBe("RollbackRefused");
    expect(error.message).not.toContain('{"to"');
    expect(error.message).toEqual(naming([deletions[0] ?? "", "1.0.0"]));
    await drive(20);
  });
});
