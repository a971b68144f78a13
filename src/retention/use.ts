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

/** In one question. */
const MOST_ASKED = 100;
/** Of one evaluation. */
const MOST_QUESTIONS = 10;

/**
 * The same decisions, where versions are guarded without the deletion of what is needed, or may be. What a policy deletes is the
 * latest nowhere: it is used by its number alone. Further versions are asked of where all that were asked of before are kept: those
 * that are in use hold up no others.
 */
export async function withoutNeeded(
  deps: Dependencies,
  decisions: readonly Decision[],
): Promise<readonly Decision[]> {
  const deleted = decisions.filter(({ deletes }) => deletes);
  if (deleted.length === 0 || !isGuarded(deps)) return decisions;
  const judged = new Map<Decision, Decision>();
  for (let i = 0; i < MOST_QUESTIONS; i += 1) {
    const asked = deleted.slice(judged.size, judged.size + MOST_ASKED);
    const { answers, isKnown } = await asking(deps, asked);
    asked.forEach((decision, at) =>
      judged.set(decision, answers[at] ?? decision),
    );
    if (
      !isKnown ||
      judged.size === deleted.length ||
      answers.some(({ deletes }) => deletes)
    )
      break;
  }
  return decisions.map((decision) =>
    decision.deletes
      ? (judged.get(decision) ??
        kept(
          decision,
          "UseUnknown",
          `Who uses it is asked once one of the ${judged.size} before it is deleted.`,
        ))
      : decision,
  );
}

function kept(
  decision: Decision,
  code: "InUse" | "UseUnknown",
  reason: string,
): Decision {
  return { ...decision, deletes: false, code, reason };
}

/** One question to Resource Graph. `isKnown`: false where something could not be seen. */
async function asking(
  deps: Dependencies,
  decisions: readonly Decision[],
): Promise<{
  readonly answers: readonly Decision[];
  readonly isKnown: boolean;
}> {
  const ids = decisions.map(({ version: { id } }) => idOf(id));
  const [first, ...others] = ids;
  if (first === undefined) return { answers: [], isKnown: true };
  const gallery = (await deps.resources.getGallery(galleryIdOf(first))) ?? {};
  const use = await findUsers(
    deps,
    first.subscriptionId,
    namesOf([first, ...others], gallery),
  );
  const [unknown] = unknownIn(use, false, "");
  const answers = decisions.map((decision) => {
    const id = idOf(decision.version.id);
    const needing = usersOf(use, namesOf([id], gallery), []).filter(
      needsVersion,
    );
    if (needing.length > 0) return kept(decision, "InUse", inUse(id, needing));
    return unknown === undefined
      ? decision
      : kept(decision, "UseUnknown", unknown.message);
  });
  return { answers, isKnown: unknown === undefined };
}

function idOf(versionId: string): ImageVersionId {
  const id = parseImageVersionId(versionId);
  if (id === undefined)
    throw new TypeError(`${versionId} is no image version's id`);
  return id;
}
