/** A rollback and the deletion of its target that come at the same time: one of them gives way. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Dependencies } from "../../../src/image-version/ports.js";
import { keyOf } from "../../../src/resource-id.js";
import { rollBackImage } from "../../../src/image-version/rollback/roll-back.js";
import { idOf, type InProcess } from "../../support/dependencies.js";
import { BY } from "../image-version/truth/support.js";
import { KEEP_1, inRetention } from "./support.js";

let world: InProcess;
let image: string;
const { versionId, make, enforce, run, latest, drive, waiting, ends } = inRetention((given) => {
  ({ world, image } = given);
});

describe.each(["waits", "is not accepted yet"] as const)(
  "where versions are guarded, a rollback that is planned while the deletion of its target %s",
  (deletion) => {
    let deletions: readonly string[];
    beforeEach(async () => {
      if (deletion === "waits") {
        deletions = await waiting();
        world.clock.advance(900_000);
        return;
      }
      await make(["1.0.0", "2.0.0", "3.0.0"]);
      await enforce(KEEP_1);
    });

    /** All that is left of the deletion, until Azure has taken the DELETE. */
    async function sendsDelete(): Promise<void> {
      if (deletion !== "waits") ({ deletions } = await run());
      for (const message of await world.takeDue()) await world.handle(message);
    }
    /** Dependencies of whoever accepts the rollback, with what happens around its being stored. */
    function storing({
      before = () => Promise.resolve(),
      after = () => Promise.resolve(),
    }: Partial<Record<"before" | "after", () => Promise<unknown>>>): Dependencies {
      const { rollbacks } = world.deps;
      let isDone = false;
      return {
        ...world.deps,
        rollbacks: {
          ...rollbacks,
          async commit(...of: Parameters<typeof rollbacks.commit>) {
            if (isDone) return rollbacks.commit(...of);
            isDone = true;
            await before();
            const stored = await rollbacks.commit(...of);
            await after();
            return stored;
          },
        },
      };
    }
    const rolledBack = (given: Dependencies) =>
      rollBackImage(given, {
        image: idOf(versionId("1.0.0")),
        to: "1.0.0",
        ...BY,
      });
    const rollback = async () => {
      const stored = await world.deps.rollbacks.read(keyOf(image));
      return (await ends(stored ? [stored.operation.id] : [])).join("");
    };

    test("fails where it is stored once the DELETE is sent", async () => {
      await rolledBack(storing({ before: sendsDelete }));
      await drive(20);
      expect(await rollback()).toBe("ImageVersionGone");
      expect(await ends(deletions)).toEqual(["Succeeded", "Succeeded"]);
      expect(await latest()).toBe("3.0.0");
    });

    test("keeps it where it is stored before that", async () => {
      const { status } = await rolledBack(storing({ after: sendsDelete }));
      expect(status).toBe("NotStarted");
      await drive(20);
      expect(await rollback()).toBe("Succeeded");
      expect(await latest()).toBe("1.0.0");
    });
  },
);
