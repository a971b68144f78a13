/**
 * A hundred plans at once under Azure Resource Manager's own limits: how many are answered, by how many reads:
 * `npm run bench -- test/bench/plan-burst.bench.ts`. Counts, which do not depend on the machine.
 */
import { afterAll, bench } from "vitest";
import { planImageVersion } from "../../src/image-version/commands/plan.js";
import { idOf, startInProcess } from "../support/dependencies.js";
import { largeWorld } from "../support/requests.js";
import { report } from "./figures.js";

const PLANS = 100;
const { world: azure, request: body, versionId } = largeWorld(10, 0);
const world = await startInProcess({ world: azure, enforceRateLimits: true });
const { control } = world.simulator;
const instance = world.instance();

afterAll(() => world.close());

bench(
  "a hundred plans at once",
  async () => {
    const plans = await Promise.allSettled(
      Array.from({ length: PLANS }, (_, i) =>
        planImageVersion(instance, { id: idOf(versionId(`1.0.${i}`)), body }),
      ),
    );
    const versions = control.countRequests({
      path: "/images/LargeImage/versions/",
    });
    report("A hundred plans at once", [
      {
        name: "answered",
        value: plans.filter(({ status }) => status === "fulfilled").length,
        digits: 0,
        atLeast: PLANS,
      },
      { name: "reads of versions", value: versions, digits: 0, atMost: PLANS },
      {
        name: "other reads",
        value: control.requests().length - versions,
        digits: 0,
        atMost: 30,
      },
      {
        name: "refused by Azure (429)",
        value: control.countRequests({ status: 429 }),
        digits: 0,
        atMost: 0,
      },
    ]);
  },
  { iterations: 1, time: 0, warmupIterations: 0, warmupTime: 0 },
);
