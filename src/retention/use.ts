import { findUsers, needsVersion, usersOf } from "../image-use/look.js";
import { namesOf } from "../image-use/names.js";
import type { Dependencies } from "../image-version/ports.js";
import { inUse, isGuarded, unknownIn } from "../image-version/preflight/use.js";
import {
  galleryIdOf,
  parseImageVersionId,
  type ImageVersionId,
} from "../resource-id.js";
import type { Decision } from "./decide.js";

/** Of one evaluation; the others are asked of when these are gone. */
const MOST_ASKED = 100;

/**
 * The same decisions, where versions are guarded without the deletion of what is needed, or may be. What a policy deletes is the
 * latest nowhere: it is used by its number alone.
 */
export async function withoutNeeded(
  deps: Dependencies,
  decisions: readonly Decision[],
): Promise<readonly Decision[]> {
  const asked = new Map<Decision, ImageVersionId>();
  for (const decision of decisions) {
    const id = parseImageVersionId(decision.version.id);
    if (decision.deletes && id !== undefined && asked.size < MOST_ASKED)
      asked.set(decision, id);
  }
  const [first, ...others] = asked.values();
  if (first === undefined || !isGuarded(deps)) return decisions;
  const gallery = (await deps.resources.getGallery(galleryIdOf(first))) ?? {};
  const use = await findUsers(
    deps,
    first.subscriptionId,
    namesOf([first, ...others], gallery),
  );
  const [unknown] = unknownIn(use, false, "");
  return decisions.map((decision) => {
    if (!decision.deletes) return decision;
    const kept = (code: "InUse" | "UseUnknown", reason: string): Decision => ({
      ...decision,
      deletes: false,
      code,
      reason,
    });
    const id = asked.get(decision);
    if (id === undefined)
      return kept(
        "UseUnknown",
        `Who uses it is asked once the first ${MOST_ASKED} are deleted.`,
      );
    const needing = usersOf(use, namesOf([id], gallery), []).filter(
      needsVersion,
    );
    if (needing.length > 0) return kept("InUse", inUse(id, needing));
    return unknown === undefined
      ? decision
      : kept("UseUnknown", unknown.message);
  });
}
