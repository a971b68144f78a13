import { findUsers, needsVersion, usersOf } from "../image-use/look.js";
import { namesOf, namesOfEvery } from "../image-use/names.js";
import { inUse, isGuarded, unknownIn, type Dependencies } from "../image-version/index.js";
import { galleryIdOf, parseImageVersionId, type ImageVersionId } from "../resource-id.js";
import type { Decision } from "./decide.js";

/**
 * The decisions, except that a guarded version that is or may be in use is kept. A version that a
 * policy deletes is not the latest anywhere, so it is used only by its number. One query covers all
 * versions of the image definition, so versions in use do not hold up the others.
 */
export async function withoutNeeded(
  deps: Dependencies,
  decisions: readonly Decision[],
): Promise<readonly Decision[]> {
  const first = decisions.find(({ deletes }) => deletes);
  if (first === undefined || !isGuarded(deps)) return decisions;
  const one = idOf(first.version.id);
  const gallery = (await deps.resources.getGallery(galleryIdOf(one))) ?? {};
  const use = await findUsers(deps, one.subscriptionId, namesOfEvery(one, gallery));
  const [unknown] = unknownIn(use, false, "");
  return decisions.map((decision) => {
    if (!decision.deletes) return decision;
    const id = idOf(decision.version.id);
    const needing = usersOf(use, namesOf(id, gallery), []).filter(needsVersion);
    if (needing.length > 0) return kept(decision, "InUse", inUse(id, needing));
    return unknown === undefined ? decision : kept(decision, "UseUnknown", unknown.message);
  });
}

function kept(decision: Decision, code: "InUse" | "UseUnknown", reason: string): Decision {
  return { ...decision, deletes: false, code, reason };
}

function idOf(versionId: string): ImageVersionId {
  const id = parseImageVersionId(versionId);
  if (id === undefined) throw new TypeError(`${versionId} is no image version's id`);
  return id;
}
