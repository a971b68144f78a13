/** What Azure is to show of a version: what the batch asks, and what Sigil itself sees to. */
import { canonicalRegion } from "../../resource-id.js";
import type { ImageVersionRequest, PromotionRule } from "../contract.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import {
  fieldsOf,
  isOwn,
  regionField,
  regionOf,
  regionsIn,
  sameAt,
  type Fields,
} from "../properties/fields.js";
import {
  combined,
  unmetBy,
  withApplied,
  type Asked,
  type Patch,
} from "../properties/patch.js";
import {
  ALLOW_DELETION,
  EXCLUDE_FROM_LATEST,
  PROMOTION,
  PROTECTED,
} from "../properties/table.js";
import {
  attemptsIn,
  batchOf,
  sentLast,
  type Attempt,
  type ImageVersionRecord,
  type Repair,
  type VersionRequest,
} from "./record.js";
import { isFinal } from "./states.js";
import type { RegionRecord } from "../../operation/records.js";
import {
  hasFailed,
  isExcluded,
  isExcludedIn,
  type Look,
} from "../resources.js";
import {
  exclusionIn,
  flagsOf,
  isLatestNowhere,
  promotedWaves,
  regionsWithout,
  wavesOf,
  type Wave,
} from "./waves.js";

/** By operation id, what is asked by those that are not over, begun or queued, and not canceled. */
export function openRequests({
  state,
  requests,
  queued,
}: ImageVersionRecord): readonly (readonly [string, VersionRequest])[] {
  if (isFinal(state)) return [];
  return [
    ...Object.entries(requests),
    ...queued.map(({ operation, request }) => [operation.id, request] as const),
  ].filter(([, { decided }]) => decided === undefined);
}

/** Of those, what Azure does not show yet. */
export function unmetRequests(
  record: ImageVersionRecord,
): readonly VersionRequest[] {
  return unmetByOperation(record).map(([, request]) => request);
}

export function unmetByOperation(
  record: ImageVersionRecord,
): ReturnType<typeof openRequests> {
  return openRequests(record).filter(
    ([, { appliedTime }]) => appliedTime === undefined,
  );
}

/** True where somebody decides by hand whether the version is in latest. */
export function isDecidedByHand({
  byHand,
  decided,
  changes,
}: VersionRequest): boolean {
  return (
    byHand === true && decided === undefined && EXCLUDE_FROM_LATEST in changes
  );
}

/** Canonical regions that Azure shows and that the batch takes away only where nobody needs the version there. */
export function guardedRegions(
  record: ImageVersionRecord,
  look: Look,
): readonly string[] {
  const shown = regionsIn(fieldsOf(look.resource));
  const guarded = batchOf(record).flatMap(
    ([, { guardsRegions, decided, changes }]) =>
      guardsRegions === true && decided === undefined
        ? regionsIn(changes).filter(
            (name) => changes[regionField(name)] === null,
          )
        : [],
  );
  return shown.filter((name) => guarded.includes(name));
}

/** The promotion rule that a request asks for, or repeats. */
export function ruleAskedBy({
  changes,
  repeats,
}: VersionRequest): PromotionRule | undefined {
  return (changes[PROMOTION] ?? repeats[PROMOTION] ?? undefined) as
    PromotionRule | undefined;
}

/** What the batch asks of Azure. A version that is made under a promotion rule is made excluded from latest. */
export function wantedBy(record: ImageVersionRecord): Patch {
  const { exists, lastApplied, observed } = record;
  const requests = batchOf(record).map(([, request]) => request);
  const patch = combined(requests, lastApplied);
  return exists
    ? asWavesLeave(patch, lastApplied, observed?.resource, record)
    : heldBack(patch);
}

/** What tells which waves have the version. */
type Promoted = Partial<Pick<ImageVersionRecord, "rollout">>;

/** With the flags that the waves which there are say of it, or those that it ends. */
export function asWavesLeave(
  patch: Patch,
  applied: Fields | undefined,
  shown: ImageVersionRequest | undefined,
  known: Promoted = {},
): Patch {
  if (shown === undefined) return patch;
  const before = wavesOf(ruleOf(applied));
  const isNew =
    PROMOTION in patch &&
    !sameAt(PROMOTION, applied?.[PROMOTION], patch[PROMOTION] ?? undefined);
  const after = isNew ? wavesOf(ruleOf(patch)) : before;
  const flags =
    after !== undefined
      ? {
          ...(isNew && flagsBefore(after, patch, shown)),
          ...flagsKept(after, patch, shown),
          ...flagsOfNew(after, patch, shown, known),
        }
      : before !== undefined
        ? flagsTakenOff(patch, shown)
        : {};
  return { ...flags, ...patch };
}

/** New waves have a version that is the latest nowhere as one that is made under them: each of its flags excludes it. */
function flagsBefore(
  waves: readonly Wave[],
  patch: Patch,
  shown: ImageVersionRequest,
): Patch {
  return patch[EXCLUDE_FROM_LATEST] === false || !isLatestNowhere(shown)
    ? {}
    : flagsOf(
        waves,
        0,
        targetRegionsOf(shown)
          .map(({ name }) => canonicalRegion(name))
          .filter((name) => patch[regionField(name)] !== null),
      );
}

/** Where the version's flag is taken off, a region that has come since that was asked is excluded by its own until its turn. */
function flagsKept(
  waves: readonly Wave[],
  patch: Patch,
  shown: ImageVersionRequest,
): Patch {
  if (patch[EXCLUDE_FROM_LATEST] !== false || !isExcluded(shown)) return {};
  const promoted = regionsPromoted(waves, patch);
  return Object.fromEntries(
    targetRegionsOf(shown)
      .filter((region) => isExcludedIn(shown, region))
      .map(({ name }) => canonicalRegion(name))
      .filter(
        (name) => !promoted.includes(name) && patch[regionField(name)] !== null,
      )
      .map((name) => [exclusionIn(name), true]),
  );
}

/** The flags of what is added back of itself: it says what its region was when it was taken away, which no one asks for now. */
export function flagsUntilTheirTurn(
  record: ImageVersionRecord,
  shown: ImageVersionRequest,
  added: Patch,
): Patch {
  const waves = wavesOf(presentRule(record));
  if (waves === undefined) return {};
  return flagsOfNew(waves, { ...wantedBy(record), ...added }, shown, record);
}

/** A region that is added, or added again, before its wave has the version is excluded there until its turn comes. */
function flagsOfNew(
  waves: readonly Wave[],
  patch: Patch,
  shown: ImageVersionRequest,
  known: Promoted,
): Patch {
  const there = regionsIn(fieldsOf(shown));
  const promoted = regionsPromoted(waves, patch);
  const { waves: times = [], included = [] } = known.rollout ?? {};
  const waiting = regionsWithout(waves, shown, times).filter(
    (name) => !promoted.includes(name) && !included.includes(name),
  );
  return Object.fromEntries(
    regionsIn(patch)
      .filter(
        (name) =>
          !there.includes(name) &&
          waiting.includes(name) &&
          patch[regionField(name)] !== null,
      )
      .map((name) => [exclusionIn(name), true]),
  );
}

/** Canonical regions of the wave that the patch promotes: it was asked for those which the version had then. */
function regionsPromoted(
  waves: readonly Wave[],
  patch: Patch,
): readonly string[] {
  return waves
    .map(({ regions }) => regions.map(canonicalRegion))
    .filter(
      (regions) =>
        patch[EXCLUDE_FROM_LATEST] === false &&
        regions.some((name) => patch[exclusionIn(name)] === false),
    )
    .flat();
}

/**
 * Where waves end before the first one, the version's own flag alone excludes it from then on: each region's is the waves', and a
 * rule that promotes it later takes off none of others. Where that flag does not exclude it, none is taken off.
 */
function flagsTakenOff(patch: Patch, shown: ImageVersionRequest): Patch {
  if (patch[EXCLUDE_FROM_LATEST] === false || !isExcluded(shown)) return {};
  return Object.fromEntries(
    targetRegionsOf(shown)
      .map(({ name }) => canonicalRegion(name))
      .filter((name) => patch[regionField(name)] !== null)
      .map((name) => [exclusionIn(name), false]),
  );
}

/** How a version is made: under a promotion rule it is excluded from latest, under one of waves in each region. */
export function heldBack(patch: Patch): Patch {
  const rule = ruleOf(patch);
  if (rule === undefined) return patch;
  const waves = wavesOf(rule);
  return {
    ...patch,
    ...(waves === undefined
      ? { [EXCLUDE_FROM_LATEST]: true }
      : flagsOf(waves, 0, regionsIn(patch))),
  };
}

/** True where regions may be removed at any time: a caller asks for that, or has asked for it and nobody has shut it since. */
export function mayRemoveRegions(
  wanted: Patch,
  applied: Fields | undefined,
  shown: Fields,
): boolean {
  const asked = wanted[ALLOW_DELETION];
  return asked === undefined
    ? applied?.[ALLOW_DELETION] === true && shown[ALLOW_DELETION] === true
    : asked === true;
}

/**
 * `lastApplied` with what was sent for those who have ended since, or for one that ends now, as far as it was shown: it is
 * Sigil's, though nobody stayed to see it. A promotion rule is not: it ends with whoever has asked for it.
 */
export function keptOf(
  record: ImageVersionRecord,
  endingId?: string,
): Pick<ImageVersionRecord, "lastApplied"> {
  const { lastApplied, observed, unmanaged } = record;
  const open = openRequests(record).filter(([id]) => id !== endingId);
  const kept =
    unmanaged === true || observed === undefined
      ? []
      : attemptsIn(record)
          .filter(
            ({ sentFor = [] }) =>
              !sentFor.every((id) => open.some(([other]) => other === id)),
          )
          .map((attempt) => shownOf(attempt, fieldsOf(observed.resource)))
          .filter((patch) => Object.keys(patch).length > 0);
  return kept.length === 0
    ? { ...(lastApplied && { lastApplied }) }
    : { lastApplied: kept.reduce<Fields>(withApplied, lastApplied ?? {}) };
}

/**
 * Who was told that the version is protected need not look whether that is still so, once the request is over. Of a version that
 * others have made that adopts it, as the request would have; but for one that was to create it.
 */
export function withProtection(
  record: ImageVersionRecord,
  request: VersionRequest | undefined,
): ImageVersionRecord {
  const { lastApplied, unmanaged, ...kept } = record;
  const isThere =
    record.exists ||
    record.observed !== undefined ||
    sentLast(record)?.acceptedTime !== undefined;
  return isThere &&
    request !== undefined &&
    isToProtect(request) &&
    !(unmanaged === true && request.creates === true)
    ? { ...kept, lastApplied: withApplied(lastApplied, { [PROTECTED]: true }) }
    : record;
}

/** What Azure shows of what an attempt was sent for. */
function shownOf(
  { outcome, changes, asked = {} }: Attempt,
  shown: Fields,
): Patch {
  const regions = regionsIn(shown);
  const isShown = (field: string, value: unknown): boolean => {
    const region = regionOf(field);
    return (
      // There is no default of what is not there.
      (value === null || region === undefined || regions.includes(region)) &&
      ((outcome === "shown" && field in changes) ||
        unmetBy(shown, { [field]: value }).length === 0)
    );
  };
  return Object.fromEntries(
    Object.entries(asked).filter(([field, value]) => isShown(field, value)),
  );
}

/** What the batch asks to last: not what is asked by hand, nor to leave the version as it should be. */
export function lastingIn(record: ImageVersionRecord): Patch {
  return combined(
    batchOf(record).flatMap(([, request]) =>
      request.byHand === true || request.decided !== undefined
        ? []
        : [request.patch === true ? withoutExclusion(request) : request],
    ),
    record.lastApplied,
  );
}

function withoutExclusion({ changes, repeats }: VersionRequest): Asked {
  const isOfLatest = (name: string): boolean =>
    name === EXCLUDE_FROM_LATEST || name === exclusionIn(regionOf(name) ?? "");
  return {
    changes: Object.fromEntries(
      Object.entries(changes).filter(([name]) => !isOfLatest(name)),
    ),
    repeats,
  };
}

/** The same without what is Sigil's own: that no look shows, and it ends with whoever has asked for it. */
export function shownOfLasting(record: ImageVersionRecord): Patch {
  return Object.fromEntries(
    Object.entries(lastingIn(record)).filter(([name]) => !isOwn(name)),
  );
}

/** The promotion rule of a version, where nobody has overridden it, or is about to. */
export function ruleInForce(
  record: ImageVersionRecord,
): PromotionRule | undefined {
  const rule = presentRule(record);
  if (unmetRequests(record).some(isDecidedByHand)) return undefined;
  // A rule that is asked anew holds, whatever was decided by hand before it.
  const anew = askedAnew(record);
  const isOverridden =
    anew === undefined
      ? sameAt(PROMOTION, rule, record.overriddenRule)
      : anew.heldBack === true;
  return isOverridden ? undefined : rule;
}

/** Of the batch, the last request that says which rule shall hold. */
export function askedAnew(
  record: ImageVersionRecord,
): VersionRequest | undefined {
  return batchOf(record).findLast(
    ([, { changes }]) => changes[PROMOTION] != null,
  )?.[1];
}

/** The promotion rule that the batch asks for, or else the one that was applied. */
export function presentRule(
  record: ImageVersionRecord,
): PromotionRule | undefined {
  const wanted = wantedBy(record);
  return PROMOTION in wanted
    ? ((wanted[PROMOTION] ?? undefined) as PromotionRule | undefined)
    : ruleOf(record.lastApplied);
}

/** The one that there is once what is open has been carried out. */
export function ruleToBe(
  record: ImageVersionRecord,
  applied: Fields | undefined,
): PromotionRule | undefined {
  const asked = openRequests(record).map(([, request]) => request);
  return ruleOf({ ...applied, ...combined(asked, applied) });
}

/** Regions that open requests remove. */
export function regionsToGo(record: ImageVersionRecord): readonly string[] {
  return openRequests(record).flatMap(([, { changes }]) =>
    regionsIn(changes).filter((name) => changes[regionField(name)] === null),
  );
}

/** A rule that has promoted the version, or was overruled by hand, promotes it no more, once a look has shown that. */
export function overriddenBy(
  record: ImageVersionRecord,
  attempt: Attempt | undefined,
): Pick<ImageVersionRecord, "overriddenRule"> {
  const rule = presentRule(record);
  return attempt?.overridesRule === true &&
    attempt.outcome === "shown" &&
    rule !== undefined
    ? { overriddenRule: rule }
    : {};
}

/** Azure has it in latest. */
export function isIncluded(look: Look | undefined): boolean {
  return (
    look !== undefined &&
    look.resource.properties.publishingProfile?.excludeFromLatest !== true
  );
}

/** In latest at two looks, a version has no more use for its rule, by whomever it was included: who holds it back later is not overruled. */
export function doneWithRule(
  { lastApplied, observed }: ImageVersionRecord,
  look: Look,
): Pick<ImageVersionRecord, "overriddenRule"> {
  const rule = ruleOf(lastApplied);
  return rule !== undefined &&
    isIncluded(observed) &&
    isIncludedAsBy(rule, look)
    ? { overriddenRule: rule }
    : {};
}

/** In latest as its rule includes it: by waves a part of them; included otherwise they are stopped, until that is put back. */
export function isIncludedAsBy(
  rule: PromotionRule | undefined,
  look: Look | undefined,
): boolean {
  const waves = wavesOf(rule);
  return (
    look !== undefined &&
    isIncluded(look) &&
    (waves === undefined || (promotedWaves(waves, look.resource) ?? 0) > 0)
  );
}

/** No deletion of it is accepted: that was asked for, and nobody has taken it off. */
export function isProtected(record: ImageVersionRecord): boolean {
  return (
    (record.lastApplied ?? protectedBefore(record))?.[PROTECTED] === true ||
    [
      ...Object.values(isFinal(record.state) ? {} : record.requests),
      ...record.queued.map(({ request }) => request),
    ].some(isToProtect)
  );
}

/** Others who delete and restore a protected version do not take that off. */
export function protectedBefore({
  deletedLife,
  publishedDate,
}: Pick<ImageVersionRecord, "deletedLife" | "publishedDate">):
  Fields | undefined {
  return publishedDate !== undefined &&
    deletedLife?.publishedDate === publishedDate &&
    deletedLife.lastApplied?.[PROTECTED] === true
    ? { [PROTECTED]: true }
    : undefined;
}

/** It asks for that, and what was applied does not say yet whether it is so. */
export function isToProtect({ changes, appliedTime }: VersionRequest): boolean {
  return changes[PROTECTED] === true && appliedTime === undefined;
}

export function ruleOf(fields: Fields | undefined): PromotionRule | undefined {
  return (fields?.[PROMOTION] ?? undefined) as PromotionRule | undefined;
}

/** The version is excluded from latest, and its rule says that it is to be included now. */
export function isToBePromoted(
  record: ImageVersionRecord,
  look: Look,
): boolean {
  const { publishingProfile } = look.resource.properties;
  return (
    publishingProfile?.excludeFromLatest === true &&
    // Who holds it back now, or is queued to, is not overruled by a rule of before.
    wantedBy(record)[EXCLUDE_FROM_LATEST] !== true &&
    unmetRequests(record).every(
      ({ changes }) => changes[EXCLUDE_FROM_LATEST] !== true,
    ) &&
    isDue(record, look)
  );
}

/** Regions that the rule of an excluded version waits for, and those that it waits for in vain, whoever has added them. */
export function awaitedByRule(
  record: ImageVersionRecord,
  look: Look,
): { readonly awaited: readonly string[]; readonly lost: readonly string[] } {
  const states = regionsWaitedFor(record, look).map((name) => [
    name,
    readinessOf(name, record, look),
  ]);
  const those = (state: Readiness): readonly string[] =>
    states.flatMap(([name = "", one]) => (one === state ? [name] : []));
  return { awaited: those("awaited"), lost: those("lost") };
}

/** All that the rule of an excluded version names, ready or not. */
export function regionsWaitedFor(
  record: ImageVersionRecord,
  look: Look,
): readonly string[] {
  return look.resource.properties.publishingProfile?.excludeFromLatest === true
    ? regionsOfRule(ruleInForce(record), record, look)
    : [];
}

/** The rule of a version holds. */
export function isDue(record: ImageVersionRecord, look: Shown): boolean {
  const names = regionsOfRule(ruleInForce(record), record, look);
  return (
    names.length > 0 &&
    names.every((name) => readinessOf(name, record, look) === "ready")
  );
}

function regionsOfRule(
  rule: PromotionRule | undefined,
  record: ImageVersionRecord,
  look: Shown,
): readonly string[] {
  // What Azure has no longer is waited for only where it is to be added back.
  const isThere = ({ name, state }: RegionRecord): boolean =>
    state !== "Failed" || isPending(record.repairs[name]);
  switch (rule?.when) {
    case "allRegionsReady":
      return [
        ...new Set(
          [...record.regions.filter(isThere), ...look.regions].map(
            ({ name }) => name,
          ),
        ),
      ];
    case "regions":
      return rule.regions ?? [];
    case "manual":
    case "tested": // By hand of src/rollout, which has the results.
    case "waves":
    case undefined:
      return [];
  }
}

function isPending(repair: Repair | undefined): boolean {
  return repair?.removed !== undefined || repair?.dueTime !== undefined;
}

type Shown = Pick<Look, "regions" | "provisioningState">;

type Readiness = "ready" | "awaited" | "lost";

/** What is known of a region that an operation follows says more than one look. */
function readinessOf(
  name: string,
  { regions, repairs }: ImageVersionRecord,
  look: Shown,
): Readiness {
  const isNamed = (one: { readonly name: string }): boolean =>
    one.name === name;
  const shown = look.regions.find(isNamed)?.state;
  const known = regions.find(isNamed);
  if (known === undefined)
    return shown === "Completed"
      ? "ready"
      : shown === undefined || hasFailed(look, name)
        ? "lost"
        : "awaited";
  if (known.state === "Failed")
    return isPending(repairs[name]) ? "awaited" : "lost";
  return known.state === "Completed" &&
    known.doubt === undefined &&
    (shown === undefined || shown === "Completed")
    ? "ready"
    : "awaited";
}
