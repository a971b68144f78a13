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
  type Look,
  type ImageVersionRecord,
  type PromotionRule,
} from "../image-version/index.js";
import { testKeyOf } from "../machine-test/record.js";
import { hasEnded } from "../operation/kinds.js";
import { operationIdOf, type OperationRecord } from "../operation/records.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  type ImageVersionId,
} from "../resource-id.js";
import { resultsOf } from "../test-results/get.js";
import type { GateTerms } from "../test-results/results.js";
import {
  decide,
  type Decision,
  type MachineTests,
  type Situation,
  type WaveSituation,
} from "./decide.js";
import { hindranceIn, namesOf, testsIn } from "./hindrance.js";
import type { RolloutDependencies } from "./ports.js";
import {
  isByRollout,
  lastOfLatest,
  operationsBack,
} from "./last-operations.js";
import {
  promotedWaves,
  regionsOfWave,
  wavesOf,
  waveTimes,
  type Wave,
} from "./waves.js";

/** The record as if nothing that a rule has begun were open. */
export function withoutMachines(
  record: ImageVersionRecord,
): ImageVersionRecord {
  return {
    ...record,
    requests: Object.fromEntries(
      Object.entries(record.requests).filter(
        ([, { machine }]) => machine !== true,
      ),
    ),
  };
}

export interface Found {
  readonly decision: Decision;
  /** Where the version goes into latest; absent: everywhere. */
  readonly regions?: readonly string[];
}

/** What becomes of a version; undefined for one that no rule is to promote. */
export async function decisionOn(
  deps: RolloutDependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  look: Look,
): Promise<Found | undefined> {
  const rule = ruleInForce(record);
  if (rule === undefined || rule.when === "manual") return undefined;
  const waves = wavesOf(rule);
  const promoted = waves === undefined ? 0 : promotedWaves(waves, look);
  const situation = await situationOf(deps, id, rule, promoted, record, look);
  const wave = waves?.[promoted];
  const isLast = waves === undefined || isLastWave(waves, promoted, look);
  return {
    decision: decide(situation, deps.imageVersions.now()),
    ...(wave && !isLast && { regions: regionsOfWave(wave, look) }),
  };
}

/** No wave behind it has a region in which the version is. */
function isLastWave(waves: readonly Wave[], at: number, look: Look): boolean {
  return waves
    .slice(at + 1)
    .every((wave) => regionsOfWave(wave, look).length === 0);
}

async function situationOf(
  deps: RolloutDependencies,
  id: ImageVersionId,
  rule: PromotionRule,
  promoted: number,
  record: ImageVersionRecord,
  look: Look,
): Promise<Situation> {
  const targets = regionsOf(look.resource);
  const waves = wavesOf(rule) ?? [];
  const wave = waves[promoted];
  const named = (rule.regions ?? targets)
    .map(canonicalRegion)
    .filter((name) => targets.includes(name));
  const regions = wave === undefined ? named : regionsOfWave(wave, look);
  const again = waves
    .slice(0, promoted)
    .map((one, i) => againIn(one, record.rollout?.waves?.[i], record, look));
  const concerned = [
    ...regions,
    ...again.flatMap(({ regions: of, names }) => (names.length > 0 ? of : [])),
  ];
  const [results, tests, broken] = await Promise.all([
    resultsOf(deps.results, formatImageVersionId(id), look, record),
    testsOf(deps, id, concerned, look),
    brokenKeys(deps.imageVersions, id, look, record, false),
  ]);
  const last = await lastOfLatest(deps.imageVersions, record);
  const refusal = refusalBy(last, "PromoteImageVersion");
  const undoing = refusalBy(last, "DemoteImageVersion");
  return {
    regions,
    names:
      wave !== undefined
        ? testsIn(wave)
        : rule.when === "tested"
          ? namesOf(rule)
          : [],
    results,
    ...(isUnderWay(record, look) && { operationId: operationIdOf(record) }),
    ...(isPaused(record) && { isPaused: true }),
    unready: concerned.filter(
      (name) => !areReady(look, [name]) || isUnseen(record, name),
    ),
    lost: concerned.filter((name) => hasFailed(look, name)),
    tests,
    ...(broken.length > 0 && { brokenKeys: brokenIn(broken) }),
    ...(refusal && { refusal: refusal.message }),
    ...(undoing && { undoing }),
    ...(wave && {
      wave: {
        ...turnOf(waves, promoted, record, look),
        number: promoted + 1,
        gates: waves.map((one) => ({
          regions: regionsOfWave(one, look),
          names: testsIn(one),
        })),
        again,
        rollsBack:
          rule.onFailure === "rollBack" && latestIn(look.resource).length > 0,
      },
    }),
  };
}

/** A test that begins before the copy is known to be there would not count. */
function isUnseen(
  { state, regions }: ImageVersionRecord,
  region: string,
): boolean {
  const found = regions.find(({ name }) => name === region);
  return !isFinal(state) && found?.completedTime === undefined;
}

/** Of a wave that has the version, regions whose copies were made again since: they are tested anew. */
function againIn(
  wave: Wave,
  since: string | undefined,
  { regions }: ImageVersionRecord,
  look: Look,
): GateTerms {
  const there = regionsOfWave(wave, look);
  return {
    regions: regions
      .filter(
        ({ name, completedTime = "" }) =>
          there.includes(name) &&
          Date.parse(completedTime) > Date.parse(since ?? ""),
      )
      .map(({ name }) => name),
    names: testsIn(wave),
  };
}

/** What opens a wave beside its tests. */
function turnOf(
  waves: readonly Wave[],
  promoted: number,
  { rollout }: ImageVersionRecord,
  look: Look,
): Pick<WaveSituation, "overruledTime" | "isManual" | "notBefore"> {
  const { after } = waves[promoted] ?? {};
  const since =
    waveTimes(waves, rollout, look)[promoted - 1] ??
    look.publishedDate ??
    look.time;
  return {
    ...(rollout?.goTime !== undefined && { overruledTime: rollout.goTime }),
    ...(after === "manual" && { isManual: true }),
    ...(typeof after === "object" && {
      notBefore: new Date(
        Date.parse(since) + after.minutes * 60_000,
      ).toISOString(),
    }),
  };
}

/** Why the last operation, which the rule had begun, has come to nothing. */
function refusalBy(
  last: OperationRecord | undefined,
  kind: string,
): Situation["undoing"] {
  if (last?.kind !== kind || !isByRollout(last)) return undefined;
  const { status, canceledBy, error, endTime = last.createdTime } = last;
  // What Sigil itself has canceled is decided anew.
  const isCanceled =
    status === "Canceled" &&
    canceledBy !== undefined &&
    !isByRollout({ requestedBy: canceledBy });
  if (status !== "Failed" && !isCanceled) return undefined;
  const message = error?.message ?? "It was canceled.";
  return { message, endTime, ...(isCanceled && { isCanceled }) };
}

async function testsOf(
  { machineTests }: RolloutDependencies,
  id: ImageVersionId,
  regions: readonly string[],
  { publishedDate = "" }: Look,
): Promise<MachineTests> {
  const stored = await machineTests.store.read(
    testKeyOf(formatImageVersionId(id)),
  );
  const found = await hindranceIn(machineTests, imageIdOf(id), regions);
  const common =
    found === undefined
      ? {}
      : { hindrance: `${found.message} ${found.remediation}` };
  if (stored === undefined) return { begun: 0, ...common };
  const own: OperationRecord[] = [];
  for await (const operation of operationsBack(
    machineTests.store,
    stored.record,
  )) {
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
    ...(own[0]?.id === lastId &&
      status === "Canceled" && { isCanceled: true as const }),
    ...(hasEnded(machineTests, stored)
      ? { ...(endTime !== undefined && { endTime }) }
      : { runningId: stored.operation.id }),
    ...common,
  };
}
