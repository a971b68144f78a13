import {
  testedRow,
  type ImageVersionView,
  type KnownImageVersion,
} from "../image-version/index.js";
import type { RolloutDependencies } from "./ports.js";
import { decisionOn } from "./situation.js";

export type RolloutView = NonNullable<ImageVersionView["sigil"]["rollout"]>;

/**
 * How far a version is that is held back until its tests have passed; undefined for any other. Nobody looks after one that a failure
 * has halted: where others have lifted that in Azure since, who reads it lists it to be looked after.
 */
export async function getRollout(
  deps: RolloutDependencies,
  { id, record, look }: KnownImageVersion,
): Promise<RolloutView | undefined> {
  if (record === undefined || look === undefined) return undefined;
  const found = await decisionOn(deps, id, record, look);
  if (found === undefined) return undefined;
  const { state, message, nextAttemptTime, gate, wave } = found.decision;
  if (state !== "Halted" && record.rollout?.failedTime !== undefined)
    await deps.imageVersions.index.put([testedRow(record.resourceId)]);
  return {
    state,
    message,
    ...(wave !== undefined && { wave }),
    ...(nextAttemptTime !== undefined && { nextAttemptTime }),
    ...(gate.failed.length > 0 && { failed: [...gate.failed] }),
    ...(gate.missing.length > 0 && { missing: [...gate.missing] }),
  };
}
