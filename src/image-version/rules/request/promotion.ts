import { targetRegionsOf } from "../../properties/canonical-form.js";
import { regionOfFlag } from "../../latest/flags.js";
import { fieldsOf, pointerTo, sameAt } from "../../properties/fields.js";
import { PROMOTION } from "../../properties/table.js";
import type { ImageVersionRequest, PromotionRule } from "../../contract.js";
import { canonicalRegion } from "../../../resource-id.js";

import type { Breach, RequestRule } from "../rule.js";

const REGIONS = "/sigil/promotion/regions";

export const promotion: RequestRule = {
  name: "promotion",
  code: "InvalidPromotion",
  severity: "error",
  basis: { own: "It is Sigil's own property." },
  summary:
    "A promotion rule names regions and tests only if it waits for them; waves name each target region of a new version once.",
  check: ({ request, change }) => {
    const rule = request.sigil?.promotion;
    if (rule === undefined) return [];
    const targets = [
      ...targetRegionsOf(request),
      ...(change === undefined ? [] : targetRegionsOf(change.observed)),
    ].map(({ name }) => name);
    const given = rule.regions ?? [];
    // A repeated rule is not refused because others added or removed regions since.
    const isKept = change !== undefined && sameAt(PROMOTION, change.lastApplied?.[PROMOTION], rule);
    const mustBeInWaves = isKept ? regionsAdded(request, change.observed) : targets;
    return [
      ...unnamed(rule.when, given),
      ...untested(rule),
      ...unwaved(rule),
      ...inWaves(rule, targets, mustBeInWaves, isKept),
      ...(wavesOf(rule) === undefined || change !== undefined ? [] : flagsBesideWaves(request)),
      ...(namesRegions(rule.when) ? given : []).flatMap((name, i) =>
        isKept || targets.includes(name)
          ? []
          : [
              {
                pointer: `${REGIONS}/${i}`,
                message: `"${name}" is not a target region; the request has ${targets.join(", ")}.`,
                remediation: "Name only target regions of the request, or add this one to them.",
              },
            ],
      ),
    ];
  },
};

function wavesOf({ when, waves }: PromotionRule) {
  return when === "waves" ? (waves ?? []) : undefined;
}

/** Whether the rule waits for the regions that it names. */
function namesRegions(when: string): boolean {
  return when === "regions" || when === "tested";
}

function unwaved({ when, waves, onFailure }: PromotionRule): Breach[] {
  const breach = (member: string): Breach => ({
    pointer: `/sigil/promotion/${member}`,
    message: `The rule "${when}" has no waves.`,
    remediation: `Leave ${member} out, or set "when": "waves".`,
  });
  if (when !== "waves")
    return [
      ...(waves === undefined ? [] : [breach("waves")]),
      ...(onFailure === undefined ? [] : [breach("onFailure")]),
    ];
  return waves === undefined
    ? [
        {
          pointer: "/sigil/promotion",
          message: 'The rule "waves" lists no waves.',
          remediation: "Add waves, each with the regions to promote together.",
        },
      ]
    : [];
}

function regionsAdded(
  request: ImageVersionRequest,
  observed: ImageVersionRequest,
): readonly string[] {
  const there = targetRegionsOf(observed).map(({ name }) => name);
  return targetRegionsOf(request)
    .map(({ name }) => name)
    .filter((name) => !there.includes(name));
}

/**
 * Each target region is in one wave. `isKept`: regions that the version no longer has are not
 * reported.
 */
function inWaves(
  rule: PromotionRule,
  targets: readonly string[],
  mustBeInWaves: readonly string[],
  isKept: boolean,
): Breach[] {
  const waves = wavesOf(rule) ?? [];
  if (waves.length === 0) return [];
  const named = waves.flatMap(({ regions }, wave) =>
    regions.map((name, i) => ({
      name: canonicalRegion(name),
      pointer: `/sigil/promotion/waves/${wave}/regions/${i}`,
    })),
  );
  const first = (name: string) => named.find((one) => one.name === name);
  const breaches = named.flatMap((one): Breach[] =>
    !isKept && !targets.includes(one.name)
      ? [
          {
            pointer: one.pointer,
            message: `"${one.name}" is not a target region; the request has ${targets.join(", ")}.`,
            remediation: "Name only target regions of the request.",
          },
        ]
      : first(one.name) === one
        ? []
        : [
            {
              pointer: one.pointer,
              message: `"${one.name}" is in two waves.`,
              remediation: "Name each region once.",
            },
          ],
  );
  const without = [...new Set(mustBeInWaves)].filter((name) => first(name) === undefined);
  return without.length === 0
    ? breaches
    : [
        ...breaches,
        {
          pointer: "/sigil/promotion/waves",
          message: `${without.join(", ")} ${without.length === 1 ? "is" : "are"} in no wave.`,
          remediation:
            "Name each target region in one wave; or leave out sigil.promotion, which ends the waves.",
        },
      ];
}

function flagsBesideWaves(request: ImageVersionRequest): Breach[] {
  return Object.keys(fieldsOf(request))
    .filter((field) => regionOfFlag(field) !== undefined)
    .map((field) => ({
      pointer: pointerTo(request, field),
      message: "The waves say which regions are excluded from latest.",
      remediation: "Leave excludeFromLatest out.",
    }));
}

function untested({ when, results }: PromotionRule): Breach[] {
  return when === "tested" || results === undefined
    ? []
    : [
        {
          pointer: "/sigil/promotion/results",
          message: `The rule "${when}" waits for no test.`,
          remediation: 'Leave results out, or set "when": "tested".',
        },
      ];
}

function unnamed(when: string, regions: readonly string[]): Breach[] {
  if (when === "regions" && regions.length === 0)
    return [
      {
        pointer: "/sigil/promotion",
        message: 'The rule "regions" names no region to wait for.',
        remediation: "Add regions: those that must be ready first.",
      },
    ];
  if (!namesRegions(when) && regions.length > 0)
    return [
      {
        pointer: REGIONS,
        message: `The rule "${when}" waits for no named region.`,
        remediation: 'Leave regions out, or set "when": "regions".',
      },
    ];
  return [];
}
