import type { CloudEvent } from "../../../../src/events/cloud-event.js";
import type { Dependencies } from "../../../../src/image-version/ports.js";
import { runDrift, type DriftRun } from "../../../../src/drift/run-drift.js";
import { imageIdOf } from "../../../../src/resource-id.js";
import { idOf, type InProcess } from "../../../support/dependencies.js";

export const MINUTE_MS = 60_000;

/** What the timer does, until it has looked at everything. */
export async function look(
  world: InProcess,
  deps: Dependencies = world.deps,
): Promise<readonly DriftRun[]> {
  const runs: DriftRun[] = [];
  do runs.push(await runDrift(deps));
  while (runs.at(-1)?.unfinished === true && runs.length < 500);
  return runs;
}

/** A replica of ARM that shows the version and its list from now on as they are now. */
export async function standingStill(
  { deps }: InProcess,
  versionId: string,
): Promise<Dependencies> {
  const { resourceManager } = deps;
  const id = idOf(versionId);
  const shown = await resourceManager.getImageVersion(id);
  const listed = await resourceManager.listImageVersions(imageIdOf(id));
  return {
    ...deps,
    resourceManager: {
      ...resourceManager,
      getImageVersion: () => Promise.resolve(shown),
      listImageVersions: () => Promise.resolve(listed),
    },
  };
}

/** Events of a version since the last call, without their common prefix. */
export async function told(
  world: InProcess,
  versionId: string,
): Promise<readonly string[]> {
  return (await eventsOf(world, versionId)).map(({ type }) =>
    type.replace("Sigil.ImageVersion.", ""),
  );
}

/** Each once, as duplicate detection leaves them. */
export async function eventsOf(
  world: InProcess,
  versionId: string,
): Promise<readonly CloudEvent[]> {
  const own = (await world.takeEvents()).filter(
    ({ subject }) => subject === versionId,
  );
  return own.filter(({ id }, i) => own.findIndex((one) => one.id === id) === i);
}
