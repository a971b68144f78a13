/** Gathers what a promotion rule needs to know of a version. */
import {
  latestIn,
  brokenIn,
  brokenKeys,
  regionsOf,
  isUnderWay,
  areReady,
  hasFailed,
  isPaused,
  ruleInForce,
  isFinal,
  nextWave,
  type Look,
  type ImageVersionRecord,
  type PromotionRule,
} from "../image-version/index.js";
import type { KeyUse } from "../keys/memory.js";
import { testsOf as regionTestsOf } from "../machine-test/region-record.js";
import { testKeyOf } from "../machine-test/record.js";
import { hasEnded } from "../operation/kinds.js";
import { operationIdOf, type OperationRecord } from "../operation/records.js";
import { formatImageVersionId, imageIdOf, type ImageVersionId } from "../resource-id.js";
import { resultsOf } from "../test-results/get.js";
import { counting, type TestResult } from "../test-results/results.js";
import {
  decide,
  type Decision,
  type MachineTests,
  type Situation,
  type WaveSituation,
} from "./decide.js";
import { gatesOf, promotedWaves, wavesOf, waveTimes } from "./gates.js";
import { hindranceIn } from "./hindrance.js";
import type { RolloutDependencies } from "./ports.js";
import { isByRollout, lastOfLatest, operationsBack } from "./last-operations.js";

/** The record without open requests from a rule. */
export function withoutMachines(record: ImageVersionRecord): ImageVersionRecord {
  return {
    ...record,
    requests: Object.fromEntries(
      Object.entries(record.requests).filter(([, { machine }]) => machine !== true),
    ),
  };
}

export interface Found {
  readonly decision: Decision;
  /** The regions in which it joins latest; absent: all. */
  readonly regions?: readonly string[] | undefined;
}

/**
 * The decision on a version; undefined if no rule applies. Its keys are checked only if nothing
 * else blocks it.
 */
export async function decisionOn(
  deps: RolloutDependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  look: Look,
  use: KeyUse = "act",
): Promise<Found | undefined> {
  const rule = ruleInForce(record);
  if (rule === undefined || rule.when === "manual") return undefined;
  const { objections, now } = deps.imageVersions;
  const situation = await situationOf(deps, id, rule, record, look);
  const free = decide(situation, now());
  const broken =
    free.kind === "promote" ? await brokenKeys(deps.imageVersions, id, look, record, use) : [];
  const decision =
    broken.length > 0 ? decide({ ...situation, brokenKeys: brokenIn(broken) }, now()) : free;
  const regions = nextWave(wavesOf(rule, look, record), look)?.regions;
  if (decision.kind !== "promote") return { decision, regions };
  // Another gate may block what the version's own rule allows.
  const included = latestIn(look.resource);
  const entered = (regions ?? regionsOf(look.resource)).filter((name) => !included.includes(name));
  const deed = { kind: "enterLatest", regions: entered } as const;
  const [first] = await objections(id, deed);
  return first === undefined
    ? { decision, regions }
    : { decision: { ...decision, kind: "wait", message: first.message } };
}

async function situationOf(
  deps: RolloutDependencies,
  id: ImageVersionId,
  rule: PromotionRule,
  record: ImageVersionRecord,
  look: Look,
): Promise<Situation> {
  const targets = regionsOf(look.resource);
  const waves = wavesOf(rule, look, record);
  const promoted = promotedWaves(waves, look);
  const gates = rule.when === "waves" ? waves : gatesOf(rule, targets);
  const { regions, names } = gates[promoted] ?? {
    regions: targets,
    names: [],
  };
  const [results, tests, last] = await Promise.all([
    resultsOf(deps.results, formatImageVersionId(id), look, record),
    testsOf(deps, id, regions, look),
    lastOfLatest(deps.imageVersions, record),
  ]);
  return {
    regions,
    names,
    results: counting(results).filter((one) => !isOverruled(one, record)),
    operationId: isUnderWay(record, look) ? operationIdOf(record) : undefined,
    isPaused: isPaused(record),
    unready: regions.filter((name) => !areReady(look, [name]) || isUnseen(record, name)),
    lost: regions.filter((name) => hasFailed(look, name)),
    tests,
    refusal: refusalBy(last),
    wave:
      promoted < waves.length
        ? {
            ...turnOf(waves, promoted, record, look),
            number: promoted + 1,
            gates: waves,
            rollsBack: rule.onFailure === "rollBack" && latestIn(look.resource).length > 0,
          }
        : undefined,
  };
}

/** Whether Sigil has not yet seen the copy. A test that starts before that would not count. */
function isUnseen({ state, regions }: ImageVersionRecord, region: string): boolean {
  const found = regions.find(({ name }) => name === region);
  return !isFinal(state) && found?.completedTime === undefined;
}

/** Whether a person promoted the version after this failure. */
function isOverruled({ result, time }: TestResult, { rollout }: ImageVersionRecord): boolean {
  return result === "failed" && Date.parse(time) <= Date.parse(rollout?.goTime ?? "");
}

/** What else must happen before the wave starts. */
function turnOf(
  waves: ReturnType<typeof wavesOf>,
  promoted: number,
  { rollout }: ImageVersionRecord,
  look: Look,
): Pick<WaveSituation, "isManual" | "notBefore"> {
  const { after } = waves[promoted] ?? {};
  if (typeof after !== "object") return { isManual: after === "manual" };
  const since = waveTimes(waves, rollout, look)[promoted - 1] ?? look.publishedDate ?? look.time;
  const dueMs = Date.parse(since) + after.minutes * 60_000;
  return { notBefore: new Date(dueMs).toISOString() };
}

/** Why the last operation failed, if the rule started it. */
function refusalBy(
  last: OperationRecord | undefined,
): NonNullable<Situation["refusal"]> | undefined {
  if (last === undefined || !isByRollout(last)) return undefined;
  const { kind, status, canceledBy, error } = last;
  // If Sigil itself canceled it, decide again.
  const isCanceled =
    status === "Canceled" && canceledBy !== undefined && !isByRollout({ requestedBy: canceledBy });
  return status === "Failed" || isCanceled
    ? {
        of: kind === "DemoteImageVersion" ? "exclusion" : "promotion",
        message: error?.message ?? "It was canceled.",
      }
    : undefined;
}

async function testsOf(
  { machineTests }: RolloutDependencies,
  id: ImageVersionId,
  regions: readonly string[],
  { publishedDate = "" }: Look,
): Promise<MachineTests> {
  const stored = await machineTests.store.read(testKeyOf(formatImageVersionId(id)));
  const found = await hindranceIn(machineTests, imageIdOf(id), regions);
  const hindrance = found && `${found.message} ${found.remediation}`;
  if (stored === undefined) return { begun: 0, hindrance };
  const own: OperationRecord[] = [];
  for await (const operation of operationsBack(machineTests.store, stored.record)) {
    if (Date.parse(operation.createdTime) < Date.parse(publishedDate)) break;
    // A refusal in another wave does not count for this one.
    if (
      isByRollout(operation) &&
      regionTestsOf(operation).some(({ name }) => regions.includes(name))
    )
      own.push(operation);
  }
  const { id: lastId, status, endTime } = stored.operation;
  return {
    begun: own.length,
    isCanceled: own[0]?.id === lastId && status === "Canceled",
    endTime,
    runningId: hasEnded(machineTests, stored) ? undefined : lastId,
    hindrance,
  };
}
