/** What tests have found of a version, region by region, and what that says of a gate. Pure. */
import type { ImageVersionRequest } from "../image-version/index.js";
import type { Requester } from "../operation/records.js";
import { canonicalRegion } from "../resource-id.js";

export type Outcome = "passed" | "failed" | "inconclusive";

/** What one test has found in one region. */
export interface TestResult {
  /** Of the test. What begins with `azure/` is Azure's own validation, with `sigil/` Sigil's: nobody else may report those. */
  readonly name: string;
  /** Canonical region. */
  readonly region: string;
  /** Inconclusive: it says nothing of the image, as where there was no capacity to try. */
  readonly result: Outcome;
  /** RFC 3339, UTC: when it was found. */
  readonly time: string;
  readonly link?: string;
  readonly message?: string;
  readonly reportedBy: Requester;
}

/** The test by a machine that Sigil makes. */
export const MACHINE_TEST = "sigil/machine";

/** A person's word that the version passes all the same, whatever its tests say, with the reason as its message. */
export const APPROVAL = "sigil/approval";

/** Of one test in one region: the last of each reporter. What is inconclusive counts only where it has found nothing else. */
export function counting<R extends TestResult>(results: readonly R[]): readonly R[] {
  return results.filter(
    (one) =>
      !results.some(
        (other) =>
          other.name === one.name &&
          other.region === one.region &&
          isSame(other.reportedBy, one.reportedBy) &&
          outweighs(other, one),
      ),
  );
}

/** One reporter, by whatever name. */
export function isSame(one: Requester, other: Requester): boolean {
  return (["policy", "source", "appId", "objectId"] as const).every(
    (member) => one[member] === other[member],
  );
}

function outweighs(other: TestResult, one: TestResult): boolean {
  const isConclusive = ({ result }: TestResult): boolean => result !== "inconclusive";
  if (isConclusive(other) !== isConclusive(one)) return isConclusive(other);
  const laterMs = Date.parse(other.time) - Date.parse(one.time);
  return laterMs > 0 || (laterMs === 0 && other.result === "failed" && one.result !== "failed");
}

export interface GateTerms {
  /** Canonical regions. */
  readonly regions: readonly string[];
  /** Tests, each of which has to pass in each of the regions. */
  readonly names: readonly string[];
}

export interface Gate {
  readonly state: "passed" | "failed" | "waiting";
  /** What keeps it closed for good. */
  readonly failed: readonly TestResult[];
  /** What it waits for: no result yet, or one that says nothing. */
  readonly missing: readonly {
    readonly region: string;
    readonly name: string;
    readonly result?: "inconclusive";
  }[];
}

/**
 * A gate is open once each test has passed in each region, and closed by a single failure of any reporter. Results of other tests and
 * regions say nothing of it. `results`: those that count.
 */
export function gateOf(results: readonly TestResult[], { regions, names }: GateTerms): Gate {
  const failed: TestResult[] = [];
  const missing: Gate["missing"][number][] = [];
  for (const region of regions)
    for (const name of names) {
      const found = results.filter((one) => one.region === region && one.name === name);
      const [failure] = found.filter(({ result }) => result === "failed");
      if (failure !== undefined) failed.push(failure);
      else if (!found.some(({ result }) => result === "passed"))
        missing.push({
          region,
          name,
          ...(found.length > 0 && { result: "inconclusive" as const }),
        });
    }
  return {
    state: failed.length > 0 ? "failed" : missing.length > 0 ? "waiting" : "passed",
    failed,
    missing,
  };
}

/** As ARM shows them, read-only: of the version as a whole. */
interface ExecutedValidation {
  readonly type?: string;
  readonly status?: string;
  readonly executionTime?: string;
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  succeeded: "passed",
  failed: "failed",
};

/** What Azure has validated by itself, as results of each of the version's regions. */
export function azureResults(
  { properties }: ImageVersionRequest,
  publishedDate: string,
): readonly TestResult[] {
  const { validationsProfile, publishingProfile } = properties as {
    readonly validationsProfile?: {
      readonly executedValidations?: readonly ExecutedValidation[];
    } | null;
  } & ImageVersionRequest["properties"];
  const regions = (publishingProfile?.targetRegions ?? []).map(({ name }) => canonicalRegion(name));
  return (validationsProfile?.executedValidations ?? []).flatMap(
    ({ type = "validation", status = "", executionTime }) =>
      regions.map((region) => ({
        name: `azure/${type}`,
        region,
        result: OUTCOMES[status.toLowerCase()] ?? "inconclusive",
        time: executionTime ?? publishedDate,
        reportedBy: { policy: "azure" as const },
      })),
  );
}
