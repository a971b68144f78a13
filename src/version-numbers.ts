import { ServiceError } from "./errors.js";

/** The part of the highest number that grows; the parts after it restart at 0. */
export type Increment = (typeof PARTS)[number];

const PARTS = ["major", "minor", "patch"] as const;
const FIRST = "1.0.0";
/** In Azure, each part is a signed 32-bit number. */
const LARGEST_PART = 2 ** 31 - 1;
const NUMBER = /^\d+\.\d+\.\d+$/u;

/**
 * The number after the highest; 1.0.0 if there is none. Throws ServiceError ImageVersionConflict if
 * that part cannot grow.
 */
export function nextVersionNumber(highest: string | undefined, increment: Increment): string {
  if (highest === undefined) return FIRST;
  const at = PARTS.indexOf(increment);
  const next = partsOf(highest).map((part, i) => (i < at ? part : i === at ? part + 1 : 0));
  if ((next[at] ?? 0) > LARGEST_PART) throw exhausted(highest, increment);
  return next.join(".");
}

/**
 * The highest by number, not by text; undefined: there is none. Ignores anything that is no version
 * number.
 */
export function highestVersionNumber(names: readonly (string | undefined)[]): string | undefined {
  return names
    .filter((name) => name !== undefined && NUMBER.test(name))
    .reduce<string | undefined>(
      (highest, name) =>
        highest === undefined || compareVersionNumbers(name ?? "", highest) > 0 ? name : highest,
      undefined,
    );
}

/** Negative if `a` is lower, 0 if both are equal. */
export function compareVersionNumbers(a: string, b: string): number {
  const others = partsOf(b);
  return (
    partsOf(a)
      .map((part, i) => part - (others[i] ?? 0))
      .find((part) => part !== 0) ?? 0
  );
}

function partsOf(number: string): readonly number[] {
  return number.split(".").map(Number);
}

function exhausted(highest: string, increment: Increment): ServiceError {
  const larger = PARTS[PARTS.indexOf(increment) - 1];
  const remediation =
    larger === undefined ? "Publish to another image definition." : `Use increment=${larger}.`;
  return new ServiceError(
    "ImageVersionConflict",
    `No ${increment} number is left above ${highest}, the highest version. ${remediation}`,
    {
      findings: [
        {
          code: "VersionNumbersExhausted",
          pointer: "/query/increment",
          message: `The ${increment} part of ${highest} cannot be increased: ${LARGEST_PART} is the largest.`,
          remediation,
        },
      ],
    },
  );
}
