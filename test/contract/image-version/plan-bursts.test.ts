/** Many plans at once under Azure Resource Manager's own limits. Time is virtual. */
import { expect, onTestFinished, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { resourcesIn, withKeys } from "@sigil-local/arm-simulator/world";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
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
  for (const { findings, seenTime } of await plans()) {
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(seenTime).toBe(readTime);
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
  for (const { seenTime } of await plans()) expect(seenTime).toBe(readTime);
  expect(control.requests()).toHaveLength(PLANS);

  world.clock.advance(60_000); // Azure's limits are whole again.
  const anew = await planImageVersion(instance, {
    id: idOf(versionId("1.0.0")),
    body,
  });
  expect(anew.seenTime).toBe(world.deps.now().toISOString());
});

/** Each of ten regions' disks has a key of the team's own. */
const TEAMS = 50;

test("a hundred plans of fifty teams at once are all answered, 95 of them within half a minute", async () => {
  const { world: azure, request: body, versionId } = largeWorld(10, 0);
  const groupOf = (i: number) => `Team${i % TEAMS}`;
  const sets = azure.resources.filter(({ type }) => type.endsWith("/diskEncryptionSets"));
  const ofTeams = Array.from({ length: TEAMS }, (_, i) => {
    const of = resourcesIn(LOCAL_SUBSCRIPTION_ID, groupOf(i));
    return withKeys([
      of.group(body.location),
      ...sets.map(({ name, location = "" }) => of.diskEncryptionSet(name, location)),
    ]);
  });
  const world = await startInProcess({
    world: { ...azure, resources: [...azure.resources, ...ofTeams.flat()] },
    enforceRateLimits: true,
  });
  onTestFinished(() => world.close());
  const instance = world.instance();
  const beganMs = world.clock.now();
  const answers = await Promise.allSettled(
    Array.from({ length: PLANS }, async (_, i) => {
      const { findings } = await planImageVersion(instance, {
        id: idOf(versionId(`1.0.${i}`)),
        body: inGroup(body, groupOf(i)),
      });
      const errors = findings.filter(({ severity }) => severity === "error");
      expect(errors).toEqual([]);
      return (world.clock.now() - beganMs) / 1_000;
    }),
  );
  const failed = answers.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
  expect(failed).toEqual([]);
  const seconds = answers
    .flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))
    .sort((one, other) => one - other);
  expect(seconds[0.95 * PLANS - 1]).toBeLessThanOrEqual(30);
  expect(world.simulator.control.countRequests({ status: 429 })).toBe(0);
});

/** The same, with the disk encryption sets of another resource group. */
function inGroup(body: ImageVersionRequest, group: string): ImageVersionRequest {
  return JSON.parse(
    JSON.stringify(body).replaceAll(
      /\/resourceGroups\/[^/]+(?=\/providers\/Microsoft.Compute\/diskEncryptionSets\/)/gu,
      `/resourceGroups/${group}`,
    ),
  ) as ImageVersionRequest;
}
