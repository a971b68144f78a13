/**
 * The state machine of image versions against a model: random calls, crashes, messages that come twice, late, in any
 * order, or beside each other, and ARM's faults. Each run ends at rest, and there ARM, the stored state, the listings
 * and the events agree. Invariants, cited where they are judged:
 *  1. Whoever was answered an operation finds it; each that was accepted ends, and its stored status, its one last event
 *     and the listings say the same; nothing is left open, and nothing untold.
 *  2. A request is accepted, refused, or known for the same as an earlier one, as the oracle says.
 *  3. What changes ARM's version was stored before as intended, with a message on its way that looks after it, and is sent
 *     once for that step.
 *  4. A version is created once in its life: no create request reaches a version that is made.
 *  5. Nothing is sent unseen, or to a version that was seen to be busy.
 *  6. Every update carries every region with all its keys; left out is only what somebody let go, or what has failed.
 *  7. An event's id is of one operation, comes once, and always with the same content.
 *  8. A region is told Completed when ARM has shown it so, and is told so by whatever operation succeeds for it.
 *  9. When the last operation has Succeeded, ARM has the version as asked: every region with its keys and its replicas,
 *     Completed; others' regions; the safety profile closed. A deleted version is gone.
 * 10. The stored request is what the accepted requests, in their order, come to.
 * 11. What ARM took and did not do is not sent again: the operation says so.
 *
 * The runs are the same for everybody, so that nobody's change fails for what it did not touch; `npm run model` takes others.
 * SIGIL_MODEL_SEED and SIGIL_MODEL_PATH, which a failing run prints, run it again; SIGIL_MODEL_RUNS is how many.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { judge } from "./agreement.js";
import { comeToRest } from "./rest.js";
import type { AzureSettings } from "./azure.js";
import { steps, type Step } from "./steps.js";
import { take } from "./taking.js";
import { createWorld } from "./world.js";

const RUNS = Number(process.env["SIGIL_MODEL_RUNS"] ?? 500);
const SEED = process.env["SIGIL_MODEL_SEED"] ?? "1";
const PATH = process.env["SIGIL_MODEL_PATH"];

const settings: fc.Arbitrary<AzureSettings> = fc.record({
  seed: fc.nat({ max: 99 }),
  early: fc.boolean(),
  behind: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
});

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
  azure: AzureSettings,
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
