import { pointerTo, sameAt } from "../../properties/fields.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../../properties/table.js";
import { canonicalRegion } from "../../../resource-id.js";
import type { ImageVersionRequest, PromotionRule } from "../../contract.js";
import { targetRegionsOf } from "../../properties/canonical-form.js";
import type { Change } from "../../preflight/facts.js";
import { isExcluded } from "../../resources.js";
import { exclusionIn, wavesOf } from "../../state/waves.js";
import type { Breach, ChangeRule } from "../rule.js";

export const staysExcluded: ChangeRule = {
  name: "stays-excluded",
  code: "StaysExcluded",
  severity: "warning",
  basis: {
    own: "Tools say false in every body: it promotes nothing that a person or a rule has held back.",
  },
  summary:
    "A request that says false of a version which is excluded from latest, or of a region which its own flag excludes, includes it only where an earlier one has said true; and one that repeats a rule which somebody has overridden by hand has nothing promoted.",
  check: ({ request, change }) => {
    if (change === undefined || change.held === true) return [];
    const breaches = isExcluded(change.observed)
      ? ofVersion(request, change)
      : [];
    return breaches.length > 0 ? breaches : ofRegions(request, change);
  },
};

function ofVersion(
  request: ImageVersionRequest,
  { observed, patch, lastApplied }: Change,
): readonly Breach[] {
  if (patch[EXCLUDE_FROM_LATEST] === false) return [];
  const own = targetRegionsOf(observed)
    .filter(({ excludeFromLatest }) => excludeFromLatest === false)
    .map(({ name }) => canonicalRegion(name));
  const stays = `The version is excluded from latest${own.length > 0 ? `, but in ${own.join(", ")} by the region's own flag` : ""}, and stays so`;
  if (request.properties.publishingProfile?.excludeFromLatest === false)
    return [
      {
        pointer: pointerTo(request, EXCLUDE_FROM_LATEST),
        message: `${stays}: tools repeat excludeFromLatest false in every body, and who holds a version back is not overruled by that.`,
        remediation: "To include it in latest, promote it: POST …/promote.",
      },
    ];
  const rule = request.sigil?.promotion;
  return rule !== undefined && sameAt(PROMOTION, lastApplied?.[PROMOTION], rule)
    ? [
        {
          pointer: PROMOTION,
          message: `${stays}: somebody has promoted or excluded it by hand since the rule was asked for, and that overrides the rule.`,
          remediation:
            "To include it in latest, promote it: POST …/promote. To have the rule decide again, send the body without it, and then with it.",
        },
      ]
    : [];
}

/** Waves say themselves when a region has its turn. */
function ofRegions(
  request: ImageVersionRequest,
  { observed, patch, lastApplied }: Change,
): readonly Breach[] {
  const before = lastApplied?.[PROMOTION] as PromotionRule | undefined;
  if ([before, request.sigil?.promotion].some((rule) => wavesOf(rule)))
    return [];
  const excluded = targetRegionsOf(observed)
    .filter(({ excludeFromLatest }) => excludeFromLatest === true)
    .map(({ name }) => canonicalRegion(name));
  return targetRegionsOf(request)
    .map(({ name, excludeFromLatest }) => ({
      region: canonicalRegion(name),
      isSaid: excludeFromLatest === false,
    }))
    .filter(
      ({ region, isSaid }) =>
        isSaid && excluded.includes(region) && !(exclusionIn(region) in patch),
    )
    .map(({ region }) => ({
      pointer: pointerTo(request, exclusionIn(region)),
      message: `The version is excluded from latest in ${region} by the region's own flag, and stays so: tools repeat excludeFromLatest false in every body, and who holds a version back is not overruled by that.`,
      remediation: `To include it in latest there, PATCH the target regions with excludeFromLatest false of ${region}.`,
    }));
}
