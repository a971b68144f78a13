/**
 * What a PUT of an existing version contains but does not change, and how to request the change.
 * Pure.
 */
import type { ImageVersionRequest } from "../contract.js";
import { exclusionIn, shownFields } from "../latest/flags.js";
import { fieldsOf, pointerTo, regionsIn } from "../properties/fields.js";
import { END_OF_LIFE_DATE, EXCLUDE_FROM_LATEST, PROMOTION } from "../properties/table.js";
import type { RuleFinding } from "../rules/rule.js";

/** Flags of latest in the body that differ from Azure's. */
export function stayingFlags(
  body: ImageVersionRequest,
  resource: ImageVersionRequest,
): readonly RuleFinding[] {
  const fields = shownFields(resource);
  const says = fieldsOf(body);
  const found = regionsIn(says).flatMap((region) => {
    const flag = exclusionIn(region);
    const field = flag in says ? flag : EXCLUDE_FROM_LATEST;
    const own = says[field];
    const shown = fields[flag];
    return own === undefined || shown === undefined || own === shown
      ? []
      : [{ region, own, field }];
  });
  return [false, true].flatMap((says): RuleFinding[] => {
    const those = found.filter(({ own }) => own === says);
    const [first] = those;
    if (first === undefined) return [];
    const names = those.map(({ region }) => region).join(", ");
    return [
      {
        rule: says ? "stays-included" : "stays-excluded",
        code: says ? "StaysIncluded" : "StaysExcluded",
        severity: "warning",
        pointer: pointerTo(body, first.field),
        message: `The version is ${says ? "in" : "held back from"} latest in ${names}, and stays so: a PUT of a version that is there does not say where it is in latest.`,
        remediation: says
          ? "To take it out of latest, demote it (POST …/demote), or send a PATCH with excludeFromLatest true."
          : "To make it the latest, promote it (POST …/promote), or send a PATCH with excludeFromLatest false.",
      },
    ];
  });
}

export function ruleStays(): RuleFinding {
  return {
    rule: "rule-stays",
    code: "RuleStays",
    severity: "warning",
    pointer: PROMOTION,
    message:
      "The promotion rule of the version stays as it is: a PUT of a version that is there does not change it.",
    remediation: 'To change the rule, send a PATCH with {"sigil": {"promotion": …}}.',
  };
}

export function endOfLifeStays(
  body: ImageVersionRequest,
  shown = "open",
  said: string,
): RuleFinding {
  return {
    rule: "end-of-life-stays",
    code: "EndOfLifeStays",
    severity: "warning",
    pointer: pointerTo(body, END_OF_LIFE_DATE),
    message: `The end of life of the version stays ${shown}: a PUT does not bring it forward, because retention deletes by it.`,
    remediation: `To bring it forward, send a PATCH with {"properties": {"publishingProfile": {"endOfLifeDate": "${said}"}}}.`,
  };
}
