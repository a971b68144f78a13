import { afterEach, beforeAll, beforeEach } from "vitest";
import { startInProcess, type InProcess, type InProcessOptions } from "./dependencies.js";
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

const definitions = new WeakMap<InProcess, number>();
/** A number for an image definition that no other of that world has. */
export function nextDefinition(world: InProcess): number {
  const number = (definitions.get(world) ?? 0) + 1;
  definitions.set(world, number);
  return number;
}

/**
 * A world for each test, and the number of a version in it. A world costs a millisecond: one for all the tests of a file costs
 * more, since all that looks around in it looks at what the tests before have left.
 */
export function inOwnWorld(
  options: InProcessOptions,
  each: (world: InProcess, versionId: string) => void,
): void {
  let world: InProcess;
  beforeAll(() => {
    versions = 0;
  });
  beforeEach(async () => {
    world = await startInProcess({ callMs: 5, ...options });
    each(world, nextVersionId());
  });
  afterEach(() => world.close());
}
