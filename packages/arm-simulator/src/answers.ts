/**
 * A new world's answers to questions that Microsoft's documents leave open: eight guesses, each
 * with its default. A report of infra/verify.mjs (in Sigil's repository), which asks Azure,
 * replaces them.
 */
import {
  checkMembers,
  MILLISECONDS,
  oneOf,
  optional,
  TEXT,
  type Rule,
} from "./control-argument.js";
import { isObject } from "./json-shape.js";
import type { Answers, SimulatorState } from "./state.js";

interface Guess<Value> {
  readonly default: Value;
  readonly accepts: Rule;
  readonly says: string;
  /** Of learn.microsoft.com: what leaves it open. */
  readonly page: string;
}

const GALLERY = "azure/virtual-machines/azure-compute-gallery";
const VERSIONS = "rest/api/compute/gallery-image-versions/create-or-update";
const SOFT_DELETE = "azure/virtual-machines/soft-delete-gallery";

const OMISSION = { mode: oneOf("clear", "keep"), excludeFromLatest: oneOf("false", "keep") };

export const ANSWERS: { readonly [Name in keyof Answers]: Guess<Answers[Name]> } = {
  exclusionReading: {
    default: "regionFirst",
    accepts: oneOf("regionFirst", "either"),
    says: "Whether a version is the latest in a region goes by the region's flag, where it has one, or either flag excludes it",
    page: GALLERY,
  },
  latestWhereNotReady: {
    // The version is replicated to the region, or it is not there: what Microsoft's pages say, and Sigil counts on.
    default: "below",
    accepts: oneOf("below", "itself", "none"),
    says: "Where the highest version is not Completed, latest is the highest that is, that version itself, or nothing",
    page: GALLERY,
  },
  failsWhen: {
    default: "allSettled",
    accepts: oneOf("firstRegion", "allSettled"),
    says: "An operation fails with its first failed region, or when no region replicates any more",
    page: VERSIONS,
  },
  omission: {
    default: { mode: "clear", excludeFromLatest: "false" },
    accepts: {
      accepts: (value) =>
        isObject(value) &&
        Object.keys(value).every((name) => name in OMISSION) &&
        Object.entries(OMISSION).every(([name, rule]) => rule.accepts(value[name])),
      expected: 'an object: "mode" is "clear" or "keep", "excludeFromLatest" is "false" or "keep"',
    },
    says: "What an update leaves out is cleared or kept; excludeFromLatest by itself",
    page: VERSIONS,
  },
  deleteWhilePut: {
    default: "accepted",
    accepts: oneOf("accepted", "conflict"),
    says: "A DELETE while a PUT runs ends that, or is 409 Conflict",
    page: VERSIONS,
  },
  readLagMs: {
    default: 0,
    accepts: MILLISECONDS,
    says: "For so long after a write GET and LIST show what was before, in milliseconds",
    page: VERSIONS,
  },
  dateAfterRestore: {
    default: "kept",
    accepts: oneOf("kept", "new"),
    says: "A restored version has the publishedDate that it had, or a new one",
    page: SOFT_DELETE,
  },
  failedSoftDelete: {
    default: "Conflict",
    accepts: TEXT,
    says: "The code that refuses the soft deletion of a Failed version",
    page: SOFT_DELETE,
  },
};

/** Throws a TypeError that says what is right. */
export function withDefaults(given: unknown): Answers {
  const rules = Object.entries(ANSWERS).map(([name, { accepts }]) => [name, optional(accepts)]);
  checkMembers("answers", given, Object.fromEntries(rules) as Record<string, Rule>);
  const defaults = Object.entries(ANSWERS).map(([name, guess]) => [name, guess.default]);
  return { ...Object.fromEntries(defaults), ...(given as Partial<Answers>) } as Answers;
}

/** The answers of a report of infra/verify.mjs, if the file is one. */
export function answersIn(file: unknown): Answers {
  return withDefaults(isObject(file) && "choices" in file ? file["choices"] : file);
}

/** As a new world begins with them. */
export function answersInState({ readLagMs, ...answers }: Answers) {
  return {
    ...answers,
    lag: { ms: readLagMs, byVersion: {}, nextReads: {}, writes: {} },
  } satisfies Partial<SimulatorState>;
}

/** For `--help`. */
export function answersAsText(): string {
  return Object.entries(ANSWERS)
    .map(
      ([name, guess]) =>
        `  ${name} (default ${JSON.stringify(guess.default)})\n      ${guess.says}.\n      It must be ${guess.accepts.expected}. https://learn.microsoft.com/${guess.page}`,
    )
    .join("\n");
}
