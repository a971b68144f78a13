/** The parents of a version, as a GET and a plan show them. Pure. */
import type { ImageVersionView } from "../contract.js";
import { declaredIn, type Fields } from "../properties/fields.js";
import type { Parentage } from "../resources.js";
import { sigilFieldsToBe } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";

type Sigil = ImageVersionView["sigil"];

/** Omits both members if nothing is known, which is not "none". A parent that is seen and declared appears twice. */
export function viewParents(
  parentage: Pick<Parentage, "ids" | "endsAt"> | undefined,
  own: Fields | undefined,
): Pick<Sigil, "parents" | "parentsUnknown"> {
  const { ids = [], endsAt = [] } = parentage ?? {};
  const parents = [
    ...ids.map((id) => ({ id, how: "Seen" as const })),
    ...declaredIn(own).map((id) => ({ id, how: "Declared" as const })),
  ];
  return {
    ...(parents.length > 0 && { parents }),
    ...(endsAt.length > 0 && { parentsUnknown: [...endsAt] }),
  };
}

/** The seen and the declared parents, each once. */
export function parentsOf(record: ImageVersionRecord): readonly string[] {
  const { parents = [] } = viewParents(record.parentage, sigilFieldsToBe(record));
  return [...new Map(parents.map(({ id }) => [id.toLowerCase(), id])).values()];
}
