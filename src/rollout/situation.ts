/** What is known of a version that is held back until its tests have passed. */
import { isFinal } from "../image-version/state/states.js";
import {
  heldBy,
  isPaused,
  isToBeSent,
  operationsBeside,
  overtakenPromotion,
  wavesIn,
  withoutRequest,
} from "../image-version/state/held.js";
import {
  isHeldEverywhere,
  isLatestNowhere,
  lastThere,
  nextWave,
  wavesOf,
  type Wave,
} from "../image-version/state/waves.js";
import { regionsIn } from "../image-version/properties/fields.js";
import { targetRegionsOf } from "../image-version/properties/canonical-form.js";
import { brokenIn, brokenKeys } from "../image-version/preflight/keys.js";
import { areReady, hasFailed, type Look } from "../image-version/resources.js";
import type {
  Held,
  ImageVersionRecord,
  RefusedDecision,
} from "../image-version/state/record.js";
import { copiesAfter } from "../image-version/state/see.js";
import { wantedBy } from "../image-version/state/wanted.js";
import { testKeyOf } from "../machine-test/record.js";
import { hasEnded } from "../operation/kinds.js";
import type { StateStore } from "../operation/ports.js";
import { operationIdOf, type OperationRecord } from "../operation/records.js";
import { contextOf } from "../operation/steps.js";
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
  decideStopped,
  type Decision,
  type MachineTests,
  type Situation,
  type WaveSituation,
} from "./decide.js";
import { hindranceIn, namesOf, testsIn } from "./hindrance.js";
import type { RolloutDependencies } from "./ports.js";
import {
  isByRollout,
  isPromotionByRollout,
  REQUESTED_BY,
} from "./requested-by.js";

/** What becomes of a version, and how it is held back, unless its waves have stopped; undefined for one that no such rule holds. */
export async function decisionOn(
  deps: RolloutDependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  look: Look,
  decisions?: Decisions,
): Promise<{ readonly decision: Decision; readonly held?: Held } | undefined> {
  const found = await situationOf(deps, id, record, look, decisions);
  if (found !== undefined)
    return {
      held: found.held,
      decision: decide(found.situation, deps.imageVersions.now()),
    };
  if (!isFinal(record.state) || !isPaused(record, look)) return undefined;
  const next = nextWave(wavesIn(record, look) ?? [], look.resource);
  if (next === undefined) return undefined;
  const isUnseen = record.rollout?.unseen === next.number - 1;
  return { decision: decideStopped(next, isUnseen) };
}

/** How a version is held back, and what is known of it; undefined for one that no such rule holds. */
async function situationOf(
  deps: RolloutDependencies,
  id: ImageVersionId,
  record: ImageVersionRecord,
  look: Look,
  decisions?: Decisions,
): Promise<{ readonly held: Held; readonly situation: Situation } | undefined> {
  const operation = await deps.imageVersions.store.readOperation(
    operationIdOf(record),
  );
  const unsentId =
    operation !== undefined &&
    isPromotionByRollout(operation) &&
    isToBeSent(record, operation.id, contextOf(deps.imageVersions))
      ? operation.id
      : undefined;
  const overtaken = overtakenPromotion(
    record,
    look,
    contextOf(deps.imageVersions),
  );
  const others =
    unsentId === undefined ? record : withoutRequest(record, unsentId);
  const held = heldBy(others, look);
  if (held === undefined) return undefined;
  const situation = await situationIn(
    deps,
    id,
    held,
    others,
    look,
    decisions ?? (await decisionsOn(deps, record, look)),
  );
  const operationId =
    unsentId === undefined
      ? isFinal(record.state)
        ? undefined
        : operationIdOf(record)
      : operationsBeside(record, unsentId)[0];
  return {
    held,
    situation: {
      ...situation,
      ...(operationId !== undefined && { operationId }),
      ...(unsentId !== undefined && {
        unsent: {
          id: unsentId,
          ...(overtaken && { overtaken: overtaken.why }),
        },
      }),
    },
  };
}

async function situationIn(
  deps: RolloutDependencies,
  id: ImageVersionId,
  { rule, promoted }: Held,
  record: ImageVersionRecord,
  look: Look,
  { refused, undoing, carriedOut }: Decisions,
): Promise<Situation> {
  const targets = [
    ...new Set([
      ...targetRegionsOf(look.resource).map(({ name }) =>
        canonicalRegion(name),
      ),
      ...regionsIn(wantedBy(record)),
    ]),
  ];
  const waves = wavesOf(rule) ?? [];
  const wave = waves[promoted];
  const isThere = (region: string): boolean => targets.includes(region);
  const regions =
    wave?.regions.filter(isThere) ?? rule.regions?.filter(isThere) ?? targets;
  const versionId = formatImageVersionId(id);
  const copies = { ...record, ...copiesAfter(record, look) };
  const again = waves.slice(0, promoted).map((one, i) => ({
    regions: one.regions.filter(
      (region) =>
        isThere(region) &&
        Date.parse(copies.addedTimes?.[region] ?? "") >
          Date.parse(sinceOf(record, look, i, carriedOut)),
    ),
    names: testsIn(one),
  }));
  const concerned = [...regions, ...regionsTestedIn(again)];
  const [results, tests] = await Promise.all([
    resultsOf(deps.results, versionId, look, copies),
    testsOf(deps, id, concerned, look, copies),
  ]);
  const broken = await brokenKeys(deps.imageVersions, id, look, record, false);
  return {
    regions,
    names: wave === undefined ? namesOf(rule) : testsIn(wave),
    results,
    unready: concerned.filter((name) => !areReady(look, [name])),
    lost: concerned.filter((name) => hasFailed(look, name)),
    tests,
    isHeldEverywhere: wave === undefined && isHeldEverywhere(look.resource),
    ...(broken.length > 0 && { brokenKeys: brokenIn(broken) }),
    ...(refused && { refusal: refused.message }),
    ...(undoing && { undoing }),
    ...(wave && {
      wave: {
        ...turnOf(wave, waves.slice(0, promoted), carriedOut, record, look),
        number: promoted + 1,
        gates: waves.map((one) => ({
          regions: one.regions.filter(isThere),
          names: testsIn(one),
        })),
        again,
        rollsBack:
          rule.onFailure === "rollBack" && !isLatestNowhere(look.resource),
      },
    }),
  };
}

function regionsTestedIn(gates: readonly GateTerms[]): readonly string[] {
  return gates.flatMap(({ regions, names }) =>
    names.length === 0 ? [] : regions,
  );
}

/** What opens a wave beside its tests. */
function turnOf(
  { after }: Wave,
  promoted: readonly Wave[],
  carriedOut: OperationRecord | undefined,
  record: ImageVersionRecord,
  look: Look,
): Pick<WaveSituation, "overruledTime" | "isManual" | "notBefore"> {
  const last = promoted.length === 0 ? undefined : carriedOut;
  const before = Math.max(
    lastThere(promoted, look.resource),
    lastKnown(record, promoted.length),
  );
  const since =
    before === -1
      ? (look.publishedDate ?? "")
      : sinceOf(record, look, before, last);
  const overruled = overruledTime(record, before, last);
  return {
    ...(overruled !== undefined && { overruledTime: overruled }),
    ...(after === "manual" && { isManual: true }),
    ...(typeof after === "object" && {
      notBefore: new Date(
        Date.parse(since) + after.minutes * 60_000,
      ).toISOString(),
    }),
  };
}

/** The last of so many waves that is known to have the version, though it may have lost its regions since; -1 where none is. */
function lastKnown({ rollout }: ImageVersionRecord, count: number): number {
  return (rollout?.waves ?? [])
    .slice(0, count)
    .findLastIndex((time) => time !== null);
}

/**
 * Since when a wave, counted from 0, has the version that the look shows there; RFC 3339. What is not known yet is since it was
 * promoted. Where others have made it so, or have done so once more, it is since Azure was seen to show it.
 */
export function sinceOf(
  record: ImageVersionRecord,
  look: Look,
  wave: number,
  promotion?: OperationRecord,
): string {
  const known = record.rollout?.waves?.[wave];
  if (typeof known === "string") return known;
  return promotedBy(record, wave, promotion)?.endTime ?? look.time;
}

/** The last promotion that was carried out, where it has made the wave so that is not known yet; else others have. */
function promotedBy(
  { rollout }: ImageVersionRecord,
  wave: number,
  promotion?: OperationRecord,
): OperationRecord | undefined {
  const times = rollout?.waves ?? [];
  const last = times.findLast((time) => time !== null) ?? "";
  return times[wave] === undefined && (promotion?.endTime ?? "") > last
    ? promotion
    : undefined;
}

/**
 * What had failed until then takes nothing back, for a person has promoted the wave since: by Sigil, or in Azure after the
 * failure was told.
 */
export function overruledTime(
  record: ImageVersionRecord,
  wave: number,
  promotion?: OperationRecord,
): string | undefined {
  if (wave === -1) return undefined;
  const { waves, failedTime, overruledTime: known } = record.rollout ?? {};
  const isKnown = typeof waves?.[wave] === "string";
  if (isKnown && known !== undefined) return known;
  const by = isKnown ? promotion : promotedBy(record, wave, promotion);
  if (by !== undefined)
    return isByRollout(by) ? undefined : (by.takenOverTime ?? by.createdTime);
  return isKnown ? undefined : failedTime;
}

export interface Decisions {
  /** Of this life, the last promotion or demotion that is known, whoever asked for it; no exclusion of a person's that came to nothing. */
  readonly last?: OperationRecord;
  /** Why the last promotion since the last decision that was carried out has come to nothing. */
  readonly refused?: RefusedDecision;
  /** The same of the last exclusion by a rule. */
  readonly undoing?: RefusedDecision;
  /** The last promotion that was carried out, of whichever wave, and that no demotion has undone. */
  readonly carriedOut?: OperationRecord;
}

/**
 * Who has decided last whether the version is in latest. What the rule itself has canceled decides nothing: it was overtaken, which
 * may be over. Neither does a person's exclusion that came to nothing: what they have canceled before stays canceled.
 */
export async function decisionsOn(
  { imageVersions: { store } }: RolloutDependencies,
  { key, lastSequence, rollout }: ImageVersionRecord,
  { publishedDate = "" }: Look,
): Promise<Decisions> {
  let last: OperationRecord | undefined;
  let carriedOut: OperationRecord | undefined;
  let isSettled = false;
  let refused: RefusedDecision | undefined;
  let undoing: RefusedDecision | undefined;
  for await (const operation of operationsBack(
    store,
    { key, sequence: lastSequence },
    MOST_DECISIONS_BACK,
  )) {
    const { kind, status, endTime, canceledBy } = operation;
    if (Date.parse(endTime ?? "") < Date.parse(publishedDate)) break;
    if (canceledBy?.policy === REQUESTED_BY.policy) continue;
    if (kind !== "PromoteImageVersion" && kind !== "DemoteImageVersion")
      continue;
    if (status === "Failed" || status === "Canceled") {
      if (kind === "PromoteImageVersion") refused ??= refusalOf(operation);
      else if (isByRollout(operation)) undoing ??= refusalOf(operation);
      else continue;
    }
    last ??= operation;
    if (status !== "Succeeded") continue;
    isSettled = true;
    if (kind === "PromoteImageVersion") carriedOut = operation;
    break;
  }
  // So many operations back nobody looks: what was found then is kept.
  const known = isSettled ? undefined : rollout;
  refused ??= known?.refused;
  undoing ??= known?.undoing;
  return {
    ...(last && { last }),
    ...(refused && { refused }),
    ...(undoing && { undoing }),
    ...(carriedOut && { carriedOut }),
  };
}

/** How many operations back they are looked for: others may have come between. */
const MOST_DECISIONS_BACK = 50;

/** So many operations that are kept, the last one first. */
async function* operationsBack(
  store: Pick<StateStore<never>, "readOperation">,
  { key, sequence }: { readonly key: string; readonly sequence: number },
  most: number,
): AsyncGenerator<OperationRecord, undefined> {
  for (let at = sequence; at > Math.max(0, sequence - most); at -= 1) {
    const operation = await store.readOperation(
      operationIdOf({ key, sequence: at }),
    );
    if (operation !== undefined) yield operation;
  }
}

function refusalOf({
  status,
  endTime,
  createdTime,
  error,
}: OperationRecord): RefusedDecision {
  return {
    message:
      status === "Canceled"
        ? "It was canceled."
        : (error?.message ?? "It has failed."),
    endTime: endTime ?? createdTime,
    ...(status === "Canceled" && { isCanceled: true }),
  };
}

/** How many operations back a test that Sigil has begun is looked for. */
const MOST_OPERATIONS = 10;

async function testsOf(
  { machineTests }: RolloutDependencies,
  id: ImageVersionId,
  regions: readonly string[],
  { publishedDate = "" }: Look,
  { addedTimes }: Pick<ImageVersionRecord, "addedTimes">,
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
    MOST_OPERATIONS,
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
  // Those of a copy before say nothing of this one.
  const isOfCopies = ({ createdTime, tests = [] }: OperationRecord): boolean =>
    tests.some(
      ({ name }) =>
        regions.includes(name) &&
        !(Date.parse(createdTime) < Date.parse(addedTimes?.[name] ?? "")),
    );
  return {
    begun: own.filter(isOfCopies).length,
    ...(own[0]?.id === lastId &&
      status === "Canceled" && { isCanceled: true as const }),
    ...(hasEnded(machineTests, stored)
      ? { ...(endTime !== undefined && { endTime }) }
      : { runningId: stored.operation.id }),
    ...common,
  };
}
