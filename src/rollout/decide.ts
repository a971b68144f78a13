/**
 * What becomes of a version that is held back until its tests have passed. Pure. Invariants:
 *  1. It is promoted only where each test has passed in each region of its gate, and it is ready there.
 *  2. A failed result holds it back, until a later result of the same test passes. What is inconclusive says nothing of it.
 *  3. Nothing is done while an operation on the version is under way: it may change what was tested.
 *  4. Sigil begins the test by a machine at most three times; then it waits for a person.
 *  5. In waves, what has failed in any wave's regions begins no further one; where the rule says so, those that had it lose it.
 *  6. What a rule has begun and Azure has refused, or a person canceled, is not begun again: a person decides.
 */
import {
  gateOf,
  MACHINE_TEST,
  type Gate,
  type GateTerms,
  type TestResult,
} from "../test-results/results.js";

/** What is known of a version under such a rule. */
export interface Situation {
  /** Canonical; of the gate. */
  readonly regions: readonly string[];
  /** Tests of the gate. */
  readonly names: readonly string[];
  /** But for failures in spite of which a person has promoted the version since. */
  readonly results: readonly TestResult[];
  /** The operation on the version that is under way. */
  readonly operationId?: string | undefined;
  /** Somebody has changed in Azure where the version is in latest. */
  readonly isPaused?: boolean;
  /** Regions of the gate in which the version is not usable. */
  readonly unready: readonly string[];
  /** Those of them to which its replication has failed. */
  readonly lost?: readonly string[];
  readonly tests: MachineTests;
  /** What is wrong with its keys, where something breaks by it. */
  readonly brokenKeys?: string | undefined;
  /** Why what the rule has begun last has come to nothing, where nobody has promoted or demoted it since. */
  readonly refusal?:
    | {
        readonly of: "promotion" | "exclusion";
        readonly message: string;
      }
    | undefined;
  /** The next one, whose regions and tests the gate has; absent where the rule has none. */
  readonly wave?: WaveSituation | undefined;
}

export interface WaveSituation {
  /** From 1. */
  readonly number: number;
  /** Of all waves. */
  readonly gates: readonly GateTerms[];
  /** A failure excludes it again where it is in latest. */
  readonly rollsBack: boolean;
  /** A person promotes it. */
  readonly isManual?: boolean;
  /** RFC 3339. */
  readonly notBefore?: string;
}

/** The tests by machines that Sigil has begun by itself. */
export interface MachineTests {
  /** Of any test by machines that runs. */
  readonly runningId?: string | undefined;
  readonly begun: number;
  /** RFC 3339; of the last that ended. */
  readonly endTime?: string | undefined;
  /** A person has canceled the last one, which Sigil had begun. */
  readonly isCanceled?: boolean;
  /** Why none can be begun. */
  readonly hindrance?: string | undefined;
}

/** What is to be done, and how that is said. */
type Step = {
  /** Of the API: how far it is. */
  readonly state: "Waiting" | "NeedsAttention" | "Halted";
  readonly message: string;
  /** RFC 3339. */
  readonly nextAttemptTime?: string;
  /** Nothing is lacking but somebody's promotion. */
  readonly waitsForGo?: true;
} & (
  | { readonly kind: "wait" | "halt" | "promote" | "rollBack" }
  /** By machines, in these regions. */
  | { readonly kind: "test"; readonly regions: readonly string[] }
);

export type Decision = Step & {
  readonly gate: Gate;
  /** The wave that is waited for. */
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

/** Every test has passed. */
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
    // Invariant 3: a promotion that Azure has counts once it is done.
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

/** Of the next wave, and failed where a test of any wave has. Invariant 5. */
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
  // Where none has ended that is no number.
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
