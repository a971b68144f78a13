/**
 * No region silently loses its latest. A request that excludes a version reports what is the latest
 * afterwards, and is refused if there is none, unless it allows that. The check runs on acceptance,
 * and again right before the write is sent, because two requests accepted at the same time for two
 * versions do not see each other. Invariants of the second check:
 *  1. A request that excludes another version counts as done; for a lower number, only once it was
 *     sent. So of two that would leave no latest, the one for the higher number is done and the
 *     other fails.
 *  2. A request that includes another version counts once Azure shows it; until then this one
 *     waits.
 *  3. A request that may leave a region without a latest does, and its operation names the region.
 *  4. The cancel of a creation is not refused: the version stays the latest of the region, and the
 *     operation names it. Azure has no conditional write: two hosts that check at the moment of
 *     each other's acceptance may both send.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { formatImageVersionId, imageIdOf, type ImageVersionId } from "../../resource-id.js";
import { withLatest } from "../latest/flags.js";
import { latestBetween, lostOf, type LatestChange } from "../latest/latest-after.js";
import type { Dependencies } from "../ports.js";
import type { Look } from "../resources.js";
import { surveyedLatest, surveyOf, type Change, type Survey } from "../queries/survey.js";
import type { RuleFinding } from "../rules/rule.js";
import { latestToBe, latestToStay, withSentRequests } from "../state/fold.js";
import type { ImageVersionRecord, VersionRequest } from "../state/record.js";
import { compareVersionNumbers } from "../../version-numbers.js";

/** Canonical regions that include the version in latest, before and after. */
export interface LatestTaking {
  readonly id: ImageVersionId;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Numbers of versions that leave latest before; absent: none. */
  readonly leaving?: readonly string[] | undefined;
}

/** The request's option to leave a region without a latest. */
export interface NoLatest {
  readonly allowNoLatest?: boolean;
}

/** The request's effect on the version, after all earlier requests. */
export function takingOf(
  id: ImageVersionId,
  { resource }: Pick<Look, "resource">,
  record: ImageVersionRecord | undefined,
  request: VersionRequest,
): LatestTaking {
  return {
    id,
    before: latestToBe(record, resource),
    after: latestToBe(record, resource, request),
  };
}

/**
 * The regions whose latest changes. Open operations of the image definition count as done. Throws
 * what the reads throw.
 */
export async function latestAfter(
  deps: Dependencies,
  taking: LatestTaking,
): Promise<readonly LatestChange[]> {
  return takesNothing(taking) ? [] : (await latestThen(deps, taking)).filter(isChanged);
}

/** A version that must not be the latest is no replacement. */
async function withoutOpposed(
  { objections }: Pick<Dependencies, "objections">,
  { id }: LatestTaking,
  latest: readonly LatestChange[],
): Promise<readonly LatestChange[]> {
  const fallenBackTo = new Set(latest.filter(isChanged).flatMap(({ to }) => to ?? []));
  const opposed: string[] = [];
  for (const to of fallenBackTo) {
    const fallBack = { ...id, versionName: to };
    if (to !== id.versionName && (await objections(fallBack, { kind: "fallBackTo" })).length > 0)
      opposed.push(to);
  }
  return latest.map(({ to, ...change }) =>
    to === undefined || (opposed.includes(to) && change.from !== to) ? change : { ...change, to },
  );
}

/** The latest of every region, before and after. */
export async function latestThen(
  deps: Dependencies,
  taking: LatestTaking,
): Promise<readonly LatestChange[]> {
  const survey = await surveyOf(deps, imageIdOf(taking.id));
  const latest = await latestWhere(survey, taking, survey.toBe);
  return withoutOpposed(deps, taking, latest);
}

export function isChanged({ from, to }: LatestChange): boolean {
  return from !== to;
}

function takesNothing({ before, after }: LatestTaking): boolean {
  return before.every((region) => after.includes(region));
}

/** `others`: the assumed flags of the other versions. */
async function latestWhere(
  survey: Survey,
  { id, before, after, leaving = [] }: LatestTaking,
  others: Change,
): Promise<readonly LatestChange[]> {
  const [now, then] = await Promise.all(
    [before, after].map((included) =>
      surveyedLatest(survey, (one) =>
        one.name === id.versionName
          ? { ...one, resource: withLatest(one.resource, included) }
          : leaving.includes(one.name)
            ? { ...one, resource: withLatest(one.resource, []) }
            : others(one),
      ),
    ),
  );
  return now === undefined || then === undefined ? [] : latestBetween(now, then);
}

/**
 * The regions that would have no latest, checked right before the write is sent. Undefined if that
 * cannot be read and the request allows it. Otherwise throws ServiceError RegionWouldLoseLatest,
 * what the reads throw, and what it must wait for.
 */
export async function lostAtLast(
  deps: Dependencies,
  taking: LatestTaking,
  { allowNoLatest = false }: NoLatest,
): Promise<readonly LatestChange[] | undefined> {
  if (takesNothing(taking)) return [];
  try {
    const survey = await surveyOf(deps, imageIdOf(taking.id));
    const lost = await lostWhere(deps, survey, taking, latestToStay);
    if (lost.length === 0 || allowNoLatest) return lost;
    const lostForGood = await lostWhere(deps, survey, taking, latestToBe);
    if (lostForGood.length > 0) throw wouldLoseLatest(formatImageVersionId(taking.id), lostForGood);
    throw toComeFirst(deps, lost);
  } catch (error) {
    // A request that allows it does not wait until other versions can be read.
    if (!allowNoLatest || !(error instanceof ServiceError)) throw error;
    return undefined;
  }
}

/** Invariant 2. */
function toComeFirst({ pace }: Dependencies, lost: readonly LatestChange[]): ServiceError {
  return new ServiceError(
    "RegionWouldLoseLatest",
    `Another version must become the latest in ${namesIn(lost)} first. An open operation promotes it.`,
    { retryAfterMs: pace.pollInitialMs },
  );
}

/**
 * The regions that a canceled creation spares, because they would have no latest. Throws as
 * `lostAtLast`, except for those. Invariant 4.
 */
export async function sparedAtLast(
  deps: Dependencies,
  taking: LatestTaking,
): Promise<readonly LatestChange[]> {
  if (takesNothing(taking)) return [];
  const survey = await surveyOf(deps, imageIdOf(taking.id));
  const lost = await lostWhere(deps, survey, taking, latestToStay);
  if (lost.length === 0) return [];
  const spared = await lostWhere(deps, survey, taking, latestToBe);
  const names = spared.map(({ region }) => region);
  const toCome = lost.filter(({ region }) => !names.includes(region));
  if (toCome.length > 0) throw toComeFirst(deps, toCome);
  return spared;
}

/** `included`: the assumed regions of the other versions. */
async function lostWhere(
  deps: Dependencies,
  survey: Survey,
  taking: LatestTaking,
  included: typeof latestToBe,
): Promise<readonly LatestChange[]> {
  const { versionName } = taking.id;
  const latest = await latestWhere(survey, taking, (one) => {
    const record = survey.records.get(one.name);
    const isLower = compareVersionNumbers(one.name, versionName) < 0;
    const regions = [
      ...included(record, one.resource),
      // Invariant 1.
      ...(record && isLower ? included(withSentRequests(record), one.resource) : []),
    ];
    return { ...one, resource: withLatest(one.resource, regions) };
  });
  return lostOf(await withoutOpposed(deps, taking, latest.filter(isChanged)));
}

function namesIn(changes: readonly LatestChange[]): string {
  return changes.map(({ region }) => region).join(", ");
}

/**
 * Throws ServiceError RegionWouldLoseLatest; returns warnings for regions with another latest
 * afterwards.
 */
export async function mustKeepLatest(
  deps: Dependencies,
  taking: LatestTaking,
  { allowNoLatest = false }: NoLatest,
): Promise<readonly Finding[]> {
  let changes: readonly LatestChange[] = [];
  try {
    changes = await latestAfter(deps, taking);
  } catch (error) {
    // A request that allows it does not depend on these reads.
    if (!allowNoLatest || !(error instanceof ServiceError)) throw error;
  }
  const lost = lostOf(changes);
  if (lost.length > 0 && !allowNoLatest)
    throw wouldLoseLatest(formatImageVersionId(taking.id), lost);
  return [
    ...latestFindings(changes, allowNoLatest),
    ...(await heldFindings(deps, taking, changes)),
  ];
}

/** Warns of versions that become the latest although a parent of theirs is revoked. */
export async function heldFindings(
  { objections }: Pick<Dependencies, "objections">,
  { id }: LatestTaking,
  changes: readonly LatestChange[],
): Promise<readonly RuleFinding[]> {
  const others = changes.filter((one) => isChanged(one) && one.to !== id.versionName);
  const found: RuleFinding[] = [];
  for (const to of new Set(others.flatMap((one) => one.to ?? []))) {
    const target = others.filter((one) => one.to === to).map(({ region }) => region);
    const held = await objections({ ...id, versionName: to }, { kind: "fallBackTo", target });
    for (const { regions = [], why } of held)
      if (why !== undefined)
        found.push({
          rule: "latest",
          code: "ParentRevoked",
          pointer: "",
          message: `In ${regions.join(", ")} ${to} becomes the latest, but ${why}`,
          severity: "warning",
          remediation: "For another one, promote that first (POST …/promote).",
        });
  }
  return found;
}

/**
 * Canonical regions where a rule leaves the version in latest. Throws ServiceError
 * RegionWouldLoseLatest if that is all of them.
 */
export async function sparedBy(
  deps: Dependencies,
  taking: LatestTaking,
): Promise<readonly string[]> {
  const lost = lostOf(await latestAfter(deps, taking));
  const spared = lost.map(({ region }) => region);
  if (lost.length > 0 && taking.before.every((name) => spared.includes(name)))
    throw wouldLoseLatest(formatImageVersionId(taking.id), lost);
  return spared;
}

/** `what` leaves latest: a version, or a rollback's demoted versions. */
export function wouldLoseLatest(what: string, lost: readonly LatestChange[]): ServiceError {
  return new ServiceError(
    "RegionWouldLoseLatest",
    `Without ${what} there would be no latest version in ${namesIn(lost)}, so no machine could be created there without a version number.`,
    {
      findings: latestFindings(lost, false),
      fields: { latestChanges: lost.map((change) => ({ ...change })) },
    },
  );
}

/** Regions that keep the version as their latest. */
export function keptFindings(kept: readonly LatestChange[]): readonly RuleFinding[] {
  return kept.map(({ region }) => ({
    rule: "latest",
    code: "RegionKeepsLatest",
    pointer: "",
    message: `In ${region} the version stays the latest, because no other version is ready there.`,
    severity: "warning",
    remediation: "Publish or promote another version, or demote this one with allowNoLatest=true.",
  }));
}

/** A region that would have no latest is an error, unless the request allows it. */
export function latestFindings(
  changes: readonly LatestChange[],
  allowNoLatest: boolean,
): readonly RuleFinding[] {
  return changes.flatMap(({ region, from, to }): RuleFinding[] =>
    from === undefined
      ? []
      : [
          to === undefined
            ? {
                rule: "latest",
                code: "RegionWouldLoseLatest",
                pointer: "",
                message: `In ${region} no version would be the latest: ${from} is now, and no other version in latest is ready there.`,
                severity: allowNoLatest ? "warning" : "error",
                remediation:
                  "Promote another version that is ready there, or set allowNoLatest=true.",
              }
            : {
                rule: "latest",
                code: "LatestChanges",
                pointer: "",
                message: `In ${region} ${to} becomes the latest, in place of ${from}.`,
                severity: "warning",
                remediation: "For another one, promote that first (POST …/promote).",
              },
        ],
  );
}
