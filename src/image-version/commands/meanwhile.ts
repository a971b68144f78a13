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
  regionField,
  regionsIn,
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
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../properties/table.js";
import { canonicalRegion } from "../../resource-id.js";
import type { VersionRequest } from "../state/record.js";
import { ruleAskedBy } from "../state/wanted.js";
import { wavesOf } from "../state/waves.js";

/** With the operation that the other request is of. */
export type Contradiction = Conflict & { readonly operationId: string };

export interface Meanwhile {
  /** The request is refused for these. */
  readonly conflicts: readonly Contradiction[];
  /** In these it gives way. */
  readonly yields: readonly Contradiction[];
}

export interface Around {
  /** The body of a PUT that does not say which version its caller has seen; absent: only changes are asked. */
  readonly whole?: Fields | undefined;
  /** The parents of what a patch takes away as a whole. */
  readonly cleared?: readonly string[];
  /** Azure has the version in latest. */
  readonly included?: boolean;
}

/** `others` by operation id, in the order in which they were accepted. */
export function meanwhile(
  others: readonly (readonly [string, VersionRequest])[],
  asked: Asked,
  { whole, cleared = [], included = false }: Around,
): Meanwhile {
  const conflicts = others.flatMap(([operationId, other]) =>
    [
      ...conflictsBetween(other, asked),
      ...Object.entries(other.changes)
        .filter(
          ([field, theirs]) =>
            theirs !== null &&
            asked.changes[field] === undefined &&
            cleared.some((parent) => field.startsWith(`${parent}/`)),
        )
        .map(([field, theirs]): Conflict => ({ field, theirs, ours: null })),
      ...inNoWave(other, asked),
    ].map((conflict): Contradiction => ({ ...conflict, operationId })),
  );
  if (conflicts.length > 0 || whole === undefined)
    return { conflicts, yields: [] };
  const set = combined(
    others.map(([, { changes }]) => ({ changes, repeats: {} })),
    undefined,
  );
  const named = new Set(Object.keys(whole).map(placeOf));
  // Who has set it last.
  const setBy = (field: string): string =>
    others.findLast(
      ([, { changes }]) => nameIn(changes, field) !== undefined,
    )?.[0] ?? "";
  const differing = Object.entries(set).flatMap(
    ([field, theirs]): Conflict[] => {
      if (nameIn(asked.changes, field) !== undefined) return [];
      const ours = valueAt(whole, field);
      if (ours === undefined)
        return theirs !== null &&
          // Of a region that it does not name, nothing is left out.
          (placeOf(field) === undefined || named.has(placeOf(field))) &&
          propertyOf(field).omitted === "cleared" &&
          !sameAt(field, theirs, undefined)
          ? [{ field, theirs, ours: null }]
          : [];
      return sameAt(field, theirs ?? undefined, ours)
        ? []
        : [{ field, theirs, ours }];
    },
  );
  const yields = differing.map((one): Contradiction => ({
    ...one,
    operationId: setBy(one.field),
  }));
  // What az restates with every body promotes nothing that a rule holds back.
  const ruled = others.findLast(
    ([, other]) => ruleAskedBy(other) !== undefined,
  );
  if (
    !included &&
    asked.changes[EXCLUDE_FROM_LATEST] === false &&
    asked.changes[PROMOTION] == null &&
    ruled !== undefined
  )
    yields.push({
      field: EXCLUDE_FROM_LATEST,
      theirs: true,
      ours: false,
      operationId: ruled[0],
    });
  const isNews = Object.entries(asked.changes).some(([field, value]) => {
    if (yields.some((one) => one.field === field)) return false;
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

/** A region that is added beside waves which do not have it would be in latest before its turn, or never. */
function inNoWave(other: VersionRequest, { changes }: Asked): Conflict[] {
  const waves = wavesOf(ruleAskedBy(other));
  if (waves === undefined || changes[PROMOTION] != null) return [];
  const regions = waves.flatMap((wave) => wave.regions.map(canonicalRegion));
  return regionsIn(changes)
    .filter(
      (region) =>
        changes[`${regionField(region)}/name`] != null &&
        !regions.includes(region),
    )
    .map((region) => ({
      field: regionField(region),
      theirs: null,
      ours: region,
      why: "it is in no wave of the other request's promotion rule. Add it with a rule of its own, or once all waves have the version",
    }));
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
