/** Many plans at once under Azure Resource Manager's own limits. Time is virtual. */
import { expect, onTestFinished, test } from "vitest";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { idOf, startInProcess } from "../../support/dependencies.js";
import { largeWorld } from "../../support/requests.js";

const PLANS = 100;

test("a hundred plans at once read each fact once, and each its version, and say how old the facts are", async () => {
  const { world: azure, request: body, versionId } = largeWorld(10, 0);
  const world = await startInProcess({
    world: azure,
    enforceRateLimits: true,
  });
  onTestFinished(() => world.close());
  const { control } = world.simulator;
  const instance = world.instance();
  const plans = () =>
    Promise.all(
      Array.from({ length: PLANS }, (_, i) =>
        planImageVersion(instance, { id: idOf(versionId(`1.0.${i}`)), body }),
      ),
    );
  const readTime = world.deps.now().toISOString();
  for (const { findings, lookedTime } of await plans()) {
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(lookedTime).toBe(readTime);
  }
  const versions = control.countRequests({
    path: "/images/LargeImage/versions/",
  });
  expect(versions).toBe(PLANS);
  // The registration, the regions, the gallery, the definition, the source, a list of the sets in pages, a key for each set.
  expect(control.requests().length - versions).toBeLessThanOrEqual(30);
  expect(control.countRequests({ status: 429 })).toBe(0);

  control.clearRequests();
  world.clock.advance(14_999);
  for (const { lookedTime } of await plans()) expect(lookedTime).toBe(readTime);
  expect(control.requests()).toHaveLength(PLANS);

  world.clock.advance(60_000); // Azure's limits are whole again.
  const anew = await planImageVersion(instance, {
    id: idOf(versionId("1.0.0")),
    body,
  });
  expect(anew.lookedTime).toBe(world.deps.now().toISOString());
});
