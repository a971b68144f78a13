/**
 * Decides what happens to a version that is excluded from latest until its tests pass. Pure.
 * Invariants:
 *  1. It is promoted only if each test passed in each region of its gate, and it is ready there.
 *  2. A failed result blocks it until a later result of the same test passes. An inconclusive
 *     result changes nothing.
 *  3. Nothing happens while an operation on the version runs, because it may change what was
 *     tested.
 *  4. Sigil starts the test by a machine at most three times, then waits for a person.
 *  5. With waves, a failure in any wave's regions stops the next wave. If the rule says so, the
 *     waves that have the version lose it.
 *  6. If Azure refused what a rule started, or a person canceled it, only a person starts it again.
 */
import {
  gateOf,
  MACHINE_TEST,
  type Gate,
  type GateTerms,
  type TestResult,
} from "../test-results/results.js";

/** What Sigil knows of a version with such a rule. */
export interface Situation {
  /** The gate's regions, canonical. */
  readonly regions: readonly string[];
  /** The gate's tests. */
  readonly names: readonly string[];
  /** Results, without failures that a person overruled by a later promotion. */
  readonly results: readonly TestResult[];
  /** The operation that runs on the version. */
  readonly operationId?: string | undefined;
  /** Others changed in Azure where the version is in latest. */
  readonly isPaused?: boolean;
  /** Regions of the gate in which the version cannot be used. */
  readonly unready: readonly string[];
  /** Those of them to which replication failed. */
  readonly lost?: readonly string[];
  readonly tests: MachineTests;
  /** What is wrong with its keys, if that breaks something. */
  readonly brokenKeys?: string | undefined;
  /**
   * Why the last operation that the rule started failed, if nobody promoted or demoted the version
   * since.
   */
  readonly refusal?:
    | {
        readonly of: "promotion" | "exclusion";
        readonly message: string;
      }
    | undefined;
  /** The next wave, whose regions and tests are in the gate; absent: a rule without waves. */
  readonly wave?: WaveSituation | undefined;
}

export interface WaveSituation {
  /** From 1. */
  readonly number: number;
  /** The gates of all waves. */
  readonly gates: readonly GateTerms[];
  /** A failure excludes the version again where it is in latest. */
  readonly rollsBack: boolean;
  /** Only a person promotes the version. */
  readonly isManual?: boolean;
  /** RFC 3339. */
  readonly notBefore?: string;
}

/** The tests by machines that Sigil started itself. */
export interface MachineTests {
  /** The operation of any test by machines that runs. */
  readonly runningId?: string | undefined;
  readonly begun: number;
  /** When the last one ended, RFC 3339. */
  readonly endTime?: string | undefined;
  /** A person canceled the last test that Sigil started. */
  readonly isCanceled?: boolean;
  /** Why no test can start. */
  readonly hindrance?: string | undefined;
}

/** The next step, and its description. */
type Step = {
  /** The state in the API. */
  readonly state: "Waiting" | "NeedsAttention" | "Halted";
  readonly message: string;
  /** RFC 3339. */
  readonly nextAttemptTime?: string;
  /** Only a person's promotion is missing. */
  readonly waitsForGo?: true;
} & (
  | { readonly kind: "wait" | "halt" | "promote" | "rollBack" }
  /** Test by machines, in these regions. */
  | { readonly kind: "test"; readonly regions: readonly string[] }
);

export type Decision = Step & {
  readonly gate: Gate;
  /** The wave that the decision is about. */
  readonly wave?: number | undefined;
};

const MOST_TESTS = 3;
const NEXT_TEST_MS = 30 * 60_000;

export function decide(situation: Situation, now: Date): Decision {
  const gate = gateIn(situation);
  const step = next(situation, gate, now);
  return { ...step, gate, wave: situation.wave?.number };
}

function next(situation: Situation, gate: Gate, now: Date): Step {
  const { operationId } = situation;
  if (situation.isPaused === true)
    return attention(
      `Its rule is paused, because latest was changed outside Sigil. To resume, promote it (POST …/promote), or demote it.`,
    );
  if (gate.state === "failed") return haltBy(situation, gate);
  // Invariant 3.
  if (operationId !== undefined) return wait(`Operation ${operationId} on the version is running.`);
  return (
    whyUnusable(situation) ??
    (gate.state === "passed" ? promoteOnce(situation, now) : waitForTests(situation, gate, now))
  );
}

function wait(message: string): Step {
  return { kind: "wait", state: "Waiting", message };
}

function attention(message: string): Step {
  return { kind: "wait", state: "NeedsAttention", message };
}

/** Invariant 1. */
function whyUnusable({ regions, unready, lost = [] }: Situation): Step | undefined {
  if (regions.length === 0)
    return attention(
      "The version is not in any region of its rule. Change the rule, or promote the version by hand.",
    );
  if (lost.length > 0)
    return attention(
      `Its replication to ${lost.join(", ")} failed. Retry it there, or promote the version by hand.`,
    );
  return unready.length > 0
    ? wait(`The version is not usable in ${unready.join(", ")} yet.`)
    : undefined;
}

/** Every test passed: promotes unless something else blocks it. */
function promoteOnce({ regions, wave, refusal, brokenKeys }: Situation, now: Date): Step {
  const { isManual, notBefore = "" } = wave ?? {};
  const there = regions.join(", ");
  if (isManual === true)
    return {
      ...wait(`It waits for a person to promote it in ${there}.`),
      waitsForGo: true,
    };
  // Invariant 6.
  if (refusal?.of === "promotion")
    return attention(
      `Every test passed, but its promotion failed: ${refusal.message} Promote it by hand.`,
    );
  if (Date.parse(notBefore) > now.getTime())
    return {
      ...wait(`Its turn in ${there} has not come yet.`),
      nextAttemptTime: notBefore,
    };
  if (brokenKeys !== undefined)
    return attention(
      `Every test passed. Sigil promotes the version once its keys work: ${brokenKeys}`,
    );
  return { ...wait("Every test passed, so Sigil promotes it."), kind: "promote" };
}

/** Invariant 2. */
function haltBy({ operationId, refusal, wave }: Situation, { failed }: Gate): Step {
  const failures = failed.map(({ name, region }) => `${name} failed in ${region}`).join(", ");
  const halted = (kind: "halt" | "rollBack", consequence: string): Step => ({
    // Invariant 3: a promotion counts once Azure has it and its operation ended.
    kind: operationId === undefined ? kind : "wait",
    state: "Halted",
    message: `${failures}. ${consequence}`,
  });
  if (wave?.rollsBack !== true)
    return halted(
      "halt",
      `The version is not promoted${wave === undefined ? "" : " further"}, unless a later result passes.`,
    );
  return refusal?.of === "exclusion" // Invariant 6.
    ? halted(
        "halt",
        `Sigil could not exclude the version from latest: ${refusal.message} Demote it by hand.`,
      )
    : halted(
        "rollBack",
        "Sigil excludes the version from latest again, except where no other would be the latest.",
      );
}

/** The state of the next wave's gate. It is failed if a test of any wave failed. Invariant 5. */
function gateIn({ regions, names, results, wave }: Situation): Gate {
  const gate = gateOf(results, { regions, names });
  const failed = (wave?.gates ?? []).flatMap((terms) => gateOf(results, terms).failed);
  return failed.length === 0 ? gate : { ...gate, state: "failed", failed };
}

function waitForTests({ tests }: Situation, { missing }: Gate, now: Date): Step {
  const waits = `It waits for ${missing
    .map(({ name, region }) => `${name} in ${region}`)
    .join(", ")}.`;
  const regions = missing.filter(({ name }) => name === MACHINE_TEST).map(({ region }) => region);
  if (regions.length === 0) return wait(waits);
  const { runningId, begun, endTime = "", hindrance, isCanceled } = tests;
  if (runningId !== undefined) return wait(`${waits} Operation ${runningId} tests the version.`);
  if (isCanceled === true)
    return attention(`${waits} The test was canceled. Test or promote the version by hand.`);
  if (hindrance !== undefined) return attention(`${waits} ${hindrance}`);
  // Invariant 4.
  if (begun >= MOST_TESTS)
    return attention(
      `${waits} Tests by machines were inconclusive ${begun} times. Fix the cause and test it by hand, or promote it by hand.`,
    );
  // NaN if no test has ended.
  const dueMs = Date.parse(endTime) + NEXT_TEST_MS * 2 ** (begun - 1);
  if (begun > 0 && now.getTime() < dueMs)
    return {
      ...wait(`${waits} Sigil tests it again.`),
      nextAttemptTime: new Date(dueMs).toISOString(),
    };
  return {
    ...wait(`${waits} Sigil starts a test by machines.`),
    kind: "test",
    regions,
  };
}
