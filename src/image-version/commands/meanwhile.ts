/**
 * What a request says against those that were accepted before it and are not done yet. Pure. A caller who repeats what was
 * applied need not know of them: what is merely repeated, or left out, gives way to what another sets, and the answer says
 * so. Invariant: a body that says nothing else is one that takes back what another sets; it is refused.
 */
import type { ImageVersionRequest } from "../contract.js";
import { contradicts } from "../properties/changes.js";
import {
  comparableAt,
  nameIn,
  placeOf,
  propertyOf,
  sameAt,
  valueAt,
  type Fields,
} from "../properties/fields.js";
import {
  combined,
  conflictsBetween,
  type Asked,
  type Conflict,
} from "../properties/patch.js";
import type { RuleFinding } from "../rules/rule.js";
import type { VersionRequest } from "../state/record.js";

export interface Meanwhile {
  /** The request is refused for these. */
  readonly conflicts: readonly Conflict[];
  /** In these it gives way. */
  readonly yields: readonly Conflict[];
}

/**
 * `whole` is the body of a PUT that does not say which version its caller has seen; absent: only changes are asked. `cleared`
 * are the parents of what a patch takes away as a whole.
 */
export function meanwhile(
  others: readonly VersionRequest[],
  asked: Asked,
  whole: Fields | undefined,
  cleared: readonly string[] = [],
): Meanwhile {
  const conflicts = others.flatMap((other) => [
    ...conflictsBetween(other, asked),
    ...Object.entries(other.changes)
      .filter(
        ([field, theirs]) =>
          theirs !== null &&
          asked.changes[field] === undefined &&
          cleared.some((parent) => field.startsWith(`${parent}/`)),
      )
      .map(([field, theirs]): Conflict => ({ field, theirs, ours: null })),
  ]);
  if (conflicts.length > 0 || whole === undefined)
    return { conflicts, yields: [] };
  // What is decided by hand is no property of a body.
  const set = combined(
    others.flatMap(({ byHand, changes }) =>
      byHand === true ? [] : [{ changes, repeats: {} }],
    ),
    undefined,
  );
  const yields = Object.entries(set).flatMap(([field, theirs]): Conflict[] => {
    if (nameIn(asked.changes, field) !== undefined) return [];
    const ours = valueAt(whole, field);
    if (ours === undefined)
      return theirs !== null &&
        placeOf(field) === undefined &&
        propertyOf(field).omitted === "cleared"
        ? [{ field, theirs, ours: null }]
        : [];
    return sameAt(field, theirs ?? undefined, ours)
      ? []
      : [{ field, theirs, ours }];
  });
  const isNews = Object.entries(asked.changes).some(([field, value]) => {
    const name = nameIn(set, field);
    return (
      name === undefined ||
      comparableAt(field, set[name]) !== comparableAt(field, value)
    );
  });
  // What az restates with every body is no wish.
  const isWish = yields.some(
    ({ field }) => propertyOf(field).restated !== true,
  );
  return !isNews && isWish
    ? { conflicts: yields, yields: [] }
    : { conflicts: [], yields };
}

/** What an accepted request is told of that. */
export function yielding(
  yields: readonly Conflict[],
  body: ImageVersionRequest,
): readonly RuleFinding[] {
  return yields.map((conflict) => {
    const { pointer, message } = contradicts(conflict, body);
    return {
      rule: "gives-way",
      code: "GivesWay",
      pointer,
      message: `${message} The other was accepted before: it stays.`,
      severity: "warning",
      remediation:
        "To change it, send this request again with If-Match once the other has ended.",
    };
  });
}
