/**
 * Image versions against a model: random calls, crashes, messages that come twice, late, in any order, or beside each
 * other, ARM's faults, replicas that are behind, policies, and others who change the versions with ARM directly. The oracle
 * reads the simulator's truth: who changed what, and what each GET has shown. Each run ends at rest. Invariants, cited
 * where they are judged:
 *  1. Whoever is answered an operation finds it; each ends, is told so once, and is listed as it is. ARM is at rest.
 *  2. Sigil creates, deletes and takes away only what a request asks for, and no version twice. A region that is taken away
 *     for its repair has failed, and is added back; ARM is not left allowed to remove regions.
 *  3. A write is stored as intended before, with a message on its way that looks after it, is sent once for that step, after
 *     a look of that very process, and not to a version that was shown busy.
 *  4. A read shows what ARM showed at the time that it says; at rest, what ARM has. A PUT is answered as ARM's state says.
 *  5. A write changes nothing of what was shown but what an open operation asks: what others have held back, edited or
 *     added stays. An ETag that is past accepts nothing. What excludes a version from latest does so in each region.
 *  7. An event's id is of one operation, comes once, and always with the same content.
 *  8. A region is told Completed at the look that shows it so, by one operation of the version for all that succeed for it;
 *     the last word on a region is what the operation ends with.
 *  9. Succeeded: at one look within its time ARM at rest showed all that the operation asked, and its regions were ready at
 *     its end. Failed: the reason is one that the run has had.
 *
 * The runs are the same for everybody, so that nobody's change fails for what it did not touch; `npm run model` takes others.
 * SIGIL_MODEL_SEED and SIGIL_MODEL_PATH, which a failing run prints, run it again; SIGIL_MODEL_RUNS is how many.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { judge } from "./end-judge.js";
import { comeToRest } from "./rest.js";
import type { ArmSettings } from "./arm.js";
import { settings, steps, type Step } from "./steps.js";
import { take } from "./taking.js";
import { createWorld } from "./world.js";

const RUNS = Number(process.env["SIGIL_MODEL_RUNS"] ?? 100);
const SEED = process.env["SIGIL_MODEL_SEED"] ?? "1";
const PATH = process.env["SIGIL_MODEL_PATH"];

it("brings ARM, the stored state and the events to agree, whatever happens", async () => {
  const result = await fc.check(
    fc.asyncProperty(settings, steps, async (azure, taken) => {
      const { breaches, trace } = await runOf(azure, taken);
      if (breaches.length > 0)
        throw new Error(`${breaches.join("\n")}\n\n${trace}`);
    }),
    {
      numRuns: RUNS,
      ...(SEED !== "random" && { seed: Number(SEED) }),
      ...(PATH !== undefined && { path: PATH }),
      interruptAfterTimeLimit: 600_000,
    },
  );
  if (result.failed)
    expect.fail(
      `SIGIL_MODEL_SEED=${result.seed} SIGIL_MODEL_PATH=${result.counterexamplePath} fails at run ${result.numRuns}, shrunk ${result.numShrinks} times\n${(result.errorInstance as Error | null)?.message}`,
    );
}, 600_000);

async function runOf(
  azure: ArmSettings,
  taken: readonly Step[],
): Promise<{ breaches: readonly string[]; trace: string }> {
  const world = await createWorld(azure);
  for (const step of taken) {
    await take(world, step);
    if (world.breaches.length > 0) break;
  }
  if (world.breaches.length === 0) await comeToRest(world);
  if (world.breaches.length === 0) judge(world);
  return { breaches: world.breaches, trace: world.trace() };
}
