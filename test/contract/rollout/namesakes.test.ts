/** A person may be called as a policy of Sigil's is. */
import { expect, test } from "vitest";
import {
  demoteImageVersion,
  promoteImageVersion,
} from "../../../src/image-version/commands/promote.js";
import { OPERATOR, WAVES, rollouts, useRollouts } from "./support.js";

useRollouts();

/** By display name; a token may have no ids, and an event's source has none. */
const NAMESAKE = { ...OPERATOR, requestedBy: { name: "rollout" } };

const types = async () => (await rollouts.takeEvents()).map(({ type }) => type.split(".").at(-1));

test("a promotion by a person called rollout is a person's: their promotion passes no gate, their demotion takes nothing back", async () => {
  await rollouts.publish(WAVES);
  await promoteImageVersion(rollouts.world.deps, NAMESAKE);
  await rollouts.pass(3);
  expect(await rollouts.latestIn()).toEqual(["westus"]);

  await demoteImageVersion(rollouts.world.deps, NAMESAKE);
  await rollouts.pass(3);
  expect(await rollouts.latestIn()).toEqual([]);
  expect(await types()).not.toContain("RolledBack");
});
