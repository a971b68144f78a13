/** One world for the tests of a file. */
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import {
  startInProcess,
  type InProcess,
  type InProcessOptions,
} from "./dependencies.js";
import { seedVersionId } from "./requests.js";

/**
 * Numbers of versions that no other test of the file has; the same in each run, since replication goes by them. The second
 * is the higher one, though as a text it is the lower.
 */
let versions = 0;
export function nextVersionId(): string {
  versions += 1;
  return seedVersionId(`7.${8 + versions}.0`);
}

/**
 * One world for the tests of a file, each with a version of its own and without what happened before it; after each,
 * Azure behaves as it does at first. `each` is given both before each test.
 */
export function inOneWorld(
  options: InProcessOptions,
  each: (world: InProcess, versionId: string) => void,
): void {
  let world: InProcess;
  beforeAll(async () => {
    versions = 0;
    world = await startInProcess({ callMs: 5, ...options });
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    each(world, nextVersionId());
    await world.takeEvents();
    world.simulator.control.clearRequests();
  });
  afterEach(async () => {
    const { control } = world.simulator;
    control.clearFaults();
    await control.setLag({ ms: 0 });
    await control.setPageSize(null);
    await control.setPolicy(null);
    await control.setOmission({});
    await control.setFailureMode({ when: "allSettled" });
    await control.setSucceededWhen("everyRegion");
  });
}
