/**
 * The parents of a version: those that Azure's sources show, and those that requests declare. Pure.
 */
import { omit } from "../../objects.js";
import type { ImageVersionView } from "../contract.js";
import { declaredIn, type Fields } from "../properties/fields.js";
import type { Parentage } from "../resources.js";
import { sigilFieldsToBe } from "../state/fold.js";
import type { RevokedParent } from "./conditions.js";
import type { ImageVersionRecord } from "../state/record.js";

type Sigil = ImageVersionView["sigil"];
type Known = Pick<ImageVersionRecord, "declaredTimes"> & {
  readonly parentage?: Omit<Parentage, "time"> & Partial<Pick<Parentage, "time">>;
};

export interface KnownParent {
  readonly id: string;
  readonly how: "Seen" | "Declared";
  /**
   * When Sigil saw it, or it was first declared: RFC 3339; absent: a request is still to declare
   * it.
   */
  readonly time?: string | undefined;
}

/** Omits both members if nothing is known, which is not "none". */
export function viewParents(
  known: Known | undefined,
  own: Fields | undefined,
  inherited: readonly RevokedParent[] = [],
): Pick<Sigil, "parents" | "parentsUnknown"> {
  const parents = parentsIn(known ?? {}, own).map(({ id, how }) => {
    const revoked = inherited.find((one) => one.id.toLowerCase() === id.toLowerCase());
    return { id, how, ...(revoked && { revocation: omit(revoked, "id") }) };
  });
  const { endsAt = [] } = known?.parentage ?? {};
  return {
    ...(parents.length > 0 && { parents }),
    ...(endsAt.length > 0 && { parentsUnknown: [...endsAt] }),
  };
}

export function parentsOf(record: ImageVersionRecord): readonly KnownParent[] {
  return parentsIn(record, sigilFieldsToBe(record));
}

/** Each once; a parent that is both seen and declared counts as seen. */
function parentsIn(
  { parentage, declaredTimes = {} }: Known,
  own: Fields | undefined,
): readonly KnownParent[] {
  const seen = (parentage?.ids ?? []).map((id): KnownParent => {
    return { id, how: "Seen", time: parentage?.time };
  });
  const isSeen = (id: string): boolean =>
    seen.some((one) => one.id.toLowerCase() === id.toLowerCase());
  const declared = declaredIn(own).flatMap(([field, id]): readonly KnownParent[] =>
    isSeen(id) ? [] : [{ id, how: "Declared", time: declaredTimes[field] }],
  );
  return [...seen, ...declared];
}
