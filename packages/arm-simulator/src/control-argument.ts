import { isObject } from "./json-shape.js";
import { findRegion } from "./regions.js";
import { parseComputeId } from "./resource-id.js";

/** The rule for one member of a control's argument. */
export interface Rule {
  readonly accepts: (value: unknown) => boolean;
  /** Completes "must be …". */
  readonly expected: string;
  readonly optional?: boolean;
}

export const TEXT: Rule = {
  accepts: (value) => typeof value === "string" && value !== "",
  expected: "a string that is not empty",
};

/** A regular expression's source. */
export const PATTERN: Rule = {
  accepts: (value) => {
    try {
      // eslint-disable-next-line require-unicode-regexp -- the caller's own pattern: with the flag, some that are valid are not
      return typeof value === "string" && RegExp(value) instanceof RegExp;
    } catch {
      return false;
    }
  },
  expected: "a regular expression",
};

export const ANYTHING: Rule = {
  accepts: () => true,
  expected: "anything",
};

export const OBJECT: Rule = { accepts: isObject, expected: "a JSON object" };

/** Values may be null: that removes one. */
export const TAG_CHANGES: Rule = {
  accepts: (value) =>
    isObject(value) && Object.values(value).every((tag) => tag === null || typeof tag === "string"),
  expected: "a JSON object of strings, or null for a tag to remove",
};

export const TAGS: Rule = {
  accepts: (value) =>
    isObject(value) && Object.values(value).every((tag) => typeof tag === "string"),
  expected: "a JSON object of strings",
};

export const MILLISECONDS: Rule = {
  accepts: (value) => Number.isFinite(value) && (value as number) >= 0,
  expected: "a number of milliseconds, 0 or more",
};

export const SPEED: Rule = {
  accepts: (value) => Number.isFinite(value) && (value as number) >= 0,
  expected: "a number, 0 or more",
};

export const INTEGER_OR_NULL: Rule = {
  accepts: (value) => value === null || (Number.isSafeInteger(value) && (value as number) >= 1),
  expected: "an integer, 1 or more, or null",
};

/** As Resource Manager returns it. */
export const RESOURCE: Rule = {
  accepts: (value) =>
    isObject(value) && ["id", "name", "type"].every((member) => TEXT.accepts(value[member])),
  expected: "a JSON object with at least the strings id, name and type",
};

export const REGION: Rule = {
  accepts: (value) => typeof value === "string" && findRegion(value) !== undefined,
  expected: "a region, as 'westus' or 'West US'",
};

export const REGIONS: Rule = {
  accepts: (value) => Array.isArray(value) && value.every(REGION.accepts),
  expected: "a list of regions, as 'westus' or 'West US'",
};

export const VERSION_ID: Rule = {
  accepts: (value) =>
    typeof value === "string" &&
    parseComputeId(value)?.type.toLowerCase() === "galleries/images/versions",
  expected:
    "the resource id of an image version, as '/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/galleries/…/images/…/versions/1.0.0'",
};

export function integer(least: number, most = Number.MAX_SAFE_INTEGER): Rule {
  return {
    accepts: (value) =>
      Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
    expected:
      most === Number.MAX_SAFE_INTEGER
        ? `an integer, ${least} or more`
        : `an integer from ${least} to ${most}`,
  };
}

export function oneOf(...values: readonly string[]): Rule {
  return {
    accepts: (value) => values.some((known) => known === value),
    expected: `one of ${values.map((value) => `"${value}"`).join(", ")}`,
  };
}

export function optional(rule: Rule): Rule {
  return { ...rule, optional: true };
}

/** Throws a TypeError that says what is right. */
export function checkMembers(
  method: string,
  argument: unknown,
  rules: Readonly<Record<string, Rule>>,
): void {
  const names = Object.keys(rules).join(", ");
  if (!isObject(argument))
    throw new TypeError(`The argument of ${method} must be a JSON object with: ${names}.`);
  const unknown = Object.keys(argument).find((name) => !(name in rules));
  if (unknown !== undefined)
    throw new TypeError(`The argument of ${method} has no member '${unknown}'. It has: ${names}.`);
  for (const [name, { accepts, expected, optional: absent }] of Object.entries(rules)) {
    const value = argument[name];
    if (value === undefined && absent === true) continue;
    if (!accepts(value)) throw new TypeError(`'${name}' of ${method} must be ${expected}.`);
  }
}
