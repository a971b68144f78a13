import type { CloudEvent } from "../../../../src/events/cloud-event.js";
import type { Dependencies } from "../../../../src/image-version/ports.js";
import { runDrift, type DriftRun } from "../../../../src/drift/run-drift.js";
import type { InProcess } from "../../../support/dependencies.js";

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

/** Events of a version since the last call, without their common prefix. */
export async function told(world: InProcess, versionId: string): Promise<readonly string[]> {
  return (await eventsOf(world, versionId)).map(({ type }) =>
    type.replace("Sigil.ImageVersion.", ""),
  );
}

/** Each once, as duplicate detection leaves them. */
export async function eventsOf(
  world: InProcess,
  versionId: string,
): Promise<readonly CloudEvent[]> {
  const own = (await world.takeEvents()).filter(({ subject }) => subject === versionId);
  return own.filter(({ id }, i) => own.findIndex((one) => one.id === id) === i);
}
