import { expect } from "vitest";
import { canonicalRegion } from "../../src/resource-id.js";
import type { UnconnectedSimulator } from "@sigil-local/arm-simulator";

/**
 * The number of the version that a virtual machine gets in a region that names the definition alone, asked of the simulator in both
 * readings of the flags: one on which the answer depends is never to be.
 */
export async function latestIn(
  { control }: Pick<UnconnectedSimulator, "control">,
  imageId: string,
  region: string,
): Promise<string | null> {
  const of = { imageId, region: canonicalRegion(region) };
  await control.setExclusionReading("either");
  const either = control.latest(of);
  await control.setExclusionReading("regionFirst");
  const regionFirst = control.latest(of);
  expect(either, `the latest in ${region}, in both readings`).toBe(regionFirst);
  return regionFirst;
}
