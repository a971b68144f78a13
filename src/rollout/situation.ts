/** What is known of a version that a rule is to promote. */
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
  type KeyUse,
  type Look,
  type ImageVersionRecord,
  type PromotionRule,
} from "../image-version/index.js";
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

/** The record as if nothing that a rule has begun were open. */
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
  /** Where the version goes into latest; absent: everywhere. */
  readonly regions?: readonly string[] | undefined;
}

/** What becomes of a version; undefined for one that no rule is to promote. Its keys are looked at where nothing else holds it back. */
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
  // What the version's own rule lets through may have another gate before it.
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

/** A test that begins before the copy is known to be there would not count. */
function isUnseen({ state, regions }: ImageVersionRecord, region: string): boolean {
  const found = regions.find(({ name }) => name === region);
  return !isFinal(state) && found?.completedTime === undefined;
}

/** A person has promoted the version in spite of it. */
function isOverruled({ result, time }: TestResult, { rollout }: ImageVersionRecord): boolean {
  return result === "failed" && Date.parse(time) <= Date.parse(rollout?.goTime ?? "");
}

/** What opens a wave beside its tests. */
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

/** Why the last operation, which the rule had begun, has come to nothing. */
function refusalBy(
  last: OperationRecord | undefined,
): NonNullable<Situation["refusal"]> | undefined {
  if (last === undefined || !isByRollout(last)) return undefined;
  const { kind, status, canceledBy, error } = last;
  // What Sigil itself has canceled is decided anew.
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
    // Those of another wave say nothing of this one.
    if (
      isByRollout(operation) &&
      (operation.tests ?? []).some(({ name }) => regions.includes(name))
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
