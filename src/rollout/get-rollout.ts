import type { ImageVersionView, KnownImageVersion } from "../image-version/index.js";
import type { RolloutDependencies } from "./ports.js";
import { decisionOn } from "./situation.js";

type RolloutView = NonNullable<ImageVersionView["sigil"]["rollout"]>;

/**
 * The rollout of a version that is excluded from latest until its tests pass; undefined for any
 * other.
 */
export async function getRollout(
  deps: RolloutDependencies,
  { id, record, look }: KnownImageVersion,
): Promise<RolloutView | undefined> {
  if (record === undefined || look === undefined) return undefined;
  const found = await decisionOn(deps, id, record, look, "show");
  if (found === undefined) return undefined;
  const { state, message, nextAttemptTime, waitsForGo, gate, wave } = found.decision;
  return {
    state,
    message,
    ...(wave !== undefined && { wave }),
    ...(waitsForGo === true && { waitsForGo }),
    ...(nextAttemptTime !== undefined && { nextAttemptTime }),
    ...(gate.failed.length > 0 && { failed: [...gate.failed] }),
    ...(gate.missing.length > 0 && { missing: [...gate.missing] }),
  };
}
