/** The test results of a version by region, and what they mean for a gate. Pure. */
import type { ImageVersionRequest } from "../image-version/index.js";
import type { Requester } from "../operation/records.js";
import { canonicalRegion } from "../resource-id.js";

export type Outcome = "passed" | "failed" | "inconclusive";

/** The result of one test in one region. */
export interface TestResult {
  /**
   * The test's name. Only Azure's own validations begin with `azure/`, and only Sigil's tests with
   * `sigil/`; nobody else may report those.
   */
  readonly name: string;
  /** Canonical region. */
  readonly region: string;
  /** `inconclusive` says nothing about the image, for example if there was no capacity to try. */
  readonly result: Outcome;
  /** When it was found; RFC 3339, UTC. */
  readonly time: string;
  readonly link?: string;
  readonly message?: string;
  readonly reportedBy: Requester;
}

/** The test on a virtual machine that Sigil creates. */
export const MACHINE_TEST = "sigil/machine";

/** A person's approval of the version regardless of its tests. Its message is the reason. */
export const APPROVAL = "sigil/approval";

/**
 * The latest result of each reporter for each test and region. An inconclusive one counts only if
 * the reporter found nothing conclusive.
 */
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

/** Whether both are the same reporter, whatever their names. */
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
  /** Tests that must pass in every region. */
  readonly names: readonly string[];
}

export interface Gate {
  readonly state: "passed" | "failed" | "waiting";
  /** Failures. They keep the gate closed until the reporter reports another result. */
  readonly failed: readonly TestResult[];
  /** What it is waiting for: a test with no result, or only inconclusive ones. */
  readonly missing: readonly {
    readonly region: string;
    readonly name: string;
    readonly result?: "inconclusive";
  }[];
}

/**
 * A gate opens when every test has passed in every region; one failure from any reporter closes it.
 * Other tests and regions do not matter. `results`: only those that count.
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

/** A validation of the whole version, as ARM returns it; read-only. */
interface ExecutedValidation {
  readonly type?: string;
  readonly status?: string;
  readonly executionTime?: string;
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  succeeded: "passed",
  failed: "failed",
};

/** Azure's own validations, as one result for each region of the version. */
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
