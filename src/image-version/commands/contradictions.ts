/** Contradictions between a request and the open requests accepted before it. Pure. */
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { addedBy, pointerTo, regionField, regionOf } from "../properties/fields.js";
import { clearedBy, conflictsBetween, type Conflict, type Patch } from "../properties/patch.js";
import { PROMOTION } from "../properties/table.js";
import type { RuleFinding } from "../rules/rule.js";
import { openRequests, ruleInForce } from "../state/fold.js";
import type { ImageVersionRecord, VersionRequest } from "../state/record.js";
import type { Compared } from "./compared.js";

/**
 * With the operation of each contradiction. `mergePatch`: as sent, because it may clear an object
 * as a whole.
 */
export function contradictionsOf(
  record: ImageVersionRecord,
  patch: Patch,
  mergePatch: unknown,
): readonly (Conflict & { readonly operationId: string })[] {
  const cleared = clearedBy(mergePatch);
  return openRequests(record).flatMap(([operationId, other]) => {
    const asked = standing(other);
    const taken = Object.entries(asked).filter(
      ([field, theirs]) =>
        theirs !== null &&
        patch[field] === undefined &&
        cleared.some((parent) => field.startsWith(`${parent}/`)),
    );
    return [
      ...conflictsBetween(asked, patch),
      ...taken.map(([field, theirs]) => ({ field, theirs, ours: null })),
    ].map((one) => ({ ...one, operationId }));
  });
}

/** Once a request is applied, only removing or changing its regions contradicts it. */
function standing({ patch, appliedTime }: VersionRequest): Patch {
  return appliedTime === undefined
    ? patch
    : Object.fromEntries(
        Object.entries(patch).filter(
          ([field, value]) => regionOf(field) !== undefined && value !== null,
        ),
      );
}

/**
 * Regions that a request adds to a version whose waves are in force, and that are in no wave: they
 * would be in latest before their turn, or never.
 */
export function inNoWave(
  body: ImageVersionRequest,
  { record, patch }: Compared,
): readonly RuleFinding[] {
  const rule = record && ruleInForce(record);
  if (rule?.when !== "waves" || patch[PROMOTION] != null) return [];
  const named = (rule.waves ?? []).flatMap(({ regions }) => regions.map(canonicalRegion));
  return addedBy(patch)
    .filter((region) => !named.includes(region))
    .map((region) => ({
      rule: "in-no-wave",
      code: "InNoWave",
      severity: "error",
      pointer: pointerTo(body, regionField(region)),
      message: `"${region}" is in no wave of the version's promotion rule.`,
      remediation: "Add it once all waves have the version, or change the rule with a PATCH first.",
    }));
}
