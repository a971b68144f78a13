/**
 * Random stories of two versions: requests that meet each other, others who change Azure, replicas that are behind, lost answers,
 * refusals, processes that die. `SIGIL_MODEL_RUNS` and `SIGIL_MODEL_SEED` (a number, or `random`) make another or a longer run;
 * a story that fails is printed with its seed and all that happened.
 */
import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn } from "@sigil-local/arm-simulator/world";
import { startInProcess, type InProcess } from "../support/dependencies.js";
import { seedResource } from "../support/requests.js";
import { story, type Story } from "./steps.js";
import { Play } from "./world.js";

const { SIGIL_MODEL_RUNS = "30", SIGIL_MODEL_SEED = "20260101" } = process.env;
const RUNS = Number(SIGIL_MODEL_RUNS);
const SEED = SIGIL_MODEL_SEED === "random" ? Date.now() % 1_000_000 : Number(SIGIL_MODEL_SEED);

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess({ replicationMs: 240_000, useDelayMs: 60_000 });
});
afterAll(() => world.close());

let definitions = 0;
async function run(told: Story): Promise<void> {
  definitions += 1;
  const name = `Model${definitions}`;
  const { control } = world.simulator;
  control.clearFaults();
  await control.setLag({ ms: told.lagMs });
  await control.putResource(
    resourcesIn(LOCAL_SUBSCRIPTION_ID, "MyResourceGroup").imageDefinition(
      "MyGallery",
      name,
      "westus",
    ),
  );
  await world.takeDue();
  const image = seedResource(`galleries/MyGallery/images/${name}`);
  const play = new Play(
    world,
    ["1.0.0", "1.1.0"].map((one) => `${image}/versions/${one}`),
    told,
  );
  try {
    await play.play(told);
  } catch (error) {
    throw new Error(`${String(error)}\n${play.lines.join("\n")}`, {
      cause: error,
    });
  }
}

test(
  "what a user is promised holds in every story",
  { timeout: 60_000 + RUNS * 10_000 },
  async () => {
    await fc.assert(fc.asyncProperty(story, run), {
      numRuns: RUNS,
      seed: SEED,
      endOnFailure: process.env["SIGIL_MODEL_SHRINK"] === undefined,
    });
  },
);
