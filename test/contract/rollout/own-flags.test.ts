/** A region that the body of a creation holds back: a rule that promotes the version leaves it so, a person's promotion of it does not. */
import { expect, test } from "vitest";
import { promoteImageVersion } from "../../../src/image-version/commands/promote.js";
import type { ImageVersionRequest } from "../../../src/image-version/contract.js";
import { request } from "../../support/dependencies.js";
import {
  HELD,
  OPERATOR,
  TESTED,
  isIn,
  ruled,
  targetsOf,
  withTargets,
  rollouts,
  useRollouts,
} from "./support.js";

useRollouts();

function holdingBackWestus(rule: object): ImageVersionRequest {
  const body = ruled(rule);
  return withTargets(
    body,
    targetsOf(body).map((region) =>
      isIn("westus")(region) ? { ...region, excludeFromLatest: true } : region,
    ),
  );
}

test.each([
  ["tested", TESTED, []],
  ["allRegionsReady", { when: "allRegionsReady" }, ["eastus2"]],
])("under the rule %s", async (_, rule, onceReady) => {
  const { deps } = rollouts.world;
  await request(deps, HELD, holdingBackWestus(rule));
  await rollouts.world.finish(HELD);
  expect(await rollouts.latestIn()).toEqual(onceReady);
  await rollouts.report({});
  await rollouts.report({ region: "eastus2" });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["eastus2"]);
  await promoteImageVersion(deps, { ...OPERATOR, regions: ["West US"] });
  await rollouts.pass(5);
  expect(await rollouts.latestIn()).toEqual(["westus", "eastus2"]);
});
