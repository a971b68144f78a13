import { ServiceError } from "../errors.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  type ImageVersionId,
} from "../resource-id.js";
import type { TestPlan } from "./contract.js";
import { hindranceIn, planMachines } from "./plan-machines.js";
import type { TestDependencies } from "./ports.js";
import { costOf } from "./prices.js";
import { ATTEMPTS, longestMs } from "./region.js";
import { mayBeTested, mustMakeMachines } from "./test-image-version.js";

/**
 * What a test would create, for how long and at what cost. Creates nothing. Throws the refusals of
 * `testImageVersion`.
 */
export async function planTest(
  deps: TestDependencies,
  { id, regions: asked }: { readonly id: ImageVersionId; readonly regions?: readonly string[] },
): Promise<TestPlan> {
  mustMakeMachines(deps);
  const { profile, regions } = await mayBeTested(deps, id, asked?.map(canonicalRegion));
  const planned = await planMachines(deps, id, profile, regions);
  if (planned === undefined)
    throw new ServiceError(
      "NotFound",
      `Azure has no version ${formatImageVersionId(id)}, or no image definition ${imageIdOf(id)}.`,
    );
  const atMostMinutes = longestMs(profile) / 60_000;
  return {
    attempts: ATTEMPTS,
    regions: await Promise.all(
      planned.plans.map(async (machine) => {
        const { region, size: machineSize, disks } = machine;
        const hindrance = await hindranceIn(deps, profile, region);
        return {
          name: region,
          machineSize,
          resourceGroupName: machine.resourceGroupName,
          subnetId: machine.subnetId,
          disks: disks.map(({ lun, diskEncryptionSetId }) => ({
            ...(lun !== undefined && { lun }),
            ...(diskEncryptionSetId !== undefined && { diskEncryptionSetId }),
          })),
          atMostMinutes,
          ...(hindrance && { hindrance }),
          cost: costOf(deps.prices, { region, machineSize }, ATTEMPTS, atMostMinutes),
        };
      }),
    ),
  };
}
