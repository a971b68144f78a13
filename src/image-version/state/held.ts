/** Versions whose promotion waits for what Azure does not know: tests, time, a person. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { ImageVersionRequest, PromotionRule } from "../contract.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import type { Asked, Patch } from "../properties/patch.js";
import { canonicalRegion } from "../../resource-id.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { EXCLUDE_FROM_LATEST, PROMOTION } from "../properties/table.js";
import { isExcluded, isExcludedIn, type Look } from "../resources.js";
import { known } from "./adoption.js";
import { isRecent, type Time } from "./attempts.js";
import {
  attemptsIn,
  batchOf,
  sentLast,
  type Attempt,
  type Held,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { isFinal } from "./states.js";
import {
  askedAnew,
  isDecidedByHand,
  openRequests,
  presentRule,
  ruleInForce,
} from "./wanted.js";
import {
  exclusionIn,
  isHeldIn,
  promotedWaves,
  waveTimes,
  wavesOf,
} from "./waves.js";

/**
 * The rule by which the version that Azure shows is held back, or by which its next wave is. Undefined where nothing is to be
 * promoted, where somebody has decided otherwise by hand, and where the regions are as no wave leaves them.
 */
export function heldBy(
  record: ImageVersionRecord,
  look: Look,
): Held | undefined {
  const now = atRest(record, look);
  const rule = presentRule(now);
  const waves = wavesOf(rule);
  if (!isByResults(rule)) return undefined;
  const isInForce = ruleInForce(now) !== undefined;
  const regions = Object.fromEntries(
    targetRegionsOf(look.resource).map(
      ({ name, excludeFromLatest = false }) => [
        canonicalRegion(name),
        excludeFromLatest,
      ],
    ),
  );
  if (waves === undefined)
    return isInForce && isExcluded(look.resource)
      ? { rule, promoted: 0, regions }
      : undefined;
  const promoted = promotedWaves(waves, look.resource);
  const { waves: seen, unseen = -1 } = now.rollout ?? {};
  // The first wave overrides the rule, as any promotion does: from then on the regions tell how far it is.
  return promoted === undefined ||
    promoted === waves.length ||
    // Others have taken it back from a wave, or may have.
    promoted < (seen?.length ?? 0) ||
    promoted <= unseen ||
    (!isInForce && (isExcluded(look.resource) || seen?.length === 0))
    ? undefined
    : { rule, promoted, regions };
}

/**
 * What an operation asks is still to be sent: nothing of it was, or nothing that Azure has taken, neither what it has refused, nor
 * what had no answer so long ago that it is sent again.
 */
export function isToBeSent(
  record: ImageVersionRecord,
  operationId: string,
  time: Time,
): boolean {
  const request = record.requests[operationId];
  return (
    !isFinal(record.state) &&
    request !== undefined &&
    request.decided === undefined &&
    request.appliedTime === undefined &&
    !attemptsIn(record).some(
      (attempt) =>
        attempt.sentFor?.includes(operationId) === true &&
        (attempt.outcome !== "unknown" || isRecent(attempt, time)),
    )
  );
}

/** What Azure does not show yet of others, but for a promotion by a rule that whatever comes before it is sent cancels. */
export function requestsThatStay(
  record: ImageVersionRecord,
  time: Time,
): readonly VersionRequest[] {
  return openRequests(record).flatMap(([id, request]) =>
    request.appliedTime !== undefined ||
    (request.byRule !== undefined && isToBeSent(record, id, time))
      ? []
      : [request],
  );
}

/** The record as if the operation had not begun: its own promotion overrides a rule no sooner than it is sent. */
export function withoutRequest(
  record: ImageVersionRecord,
  operationId: string,
): ImageVersionRecord {
  const { [operationId]: _, ...requests } = record.requests;
  return { ...record, requests };
}

/** Ids of the others that are under way. */
export function operationsBeside(
  { requests, queued }: ImageVersionRecord,
  operationId: string,
): readonly string[] {
  return [
    ...Object.keys(requests),
    ...queued.map(({ operation: { id } }) => id),
  ].filter((id) => id !== operationId);
}

/** The promotion that a rule has begun, and that is not to be sent any more; and why. */
export function overtakenPromotion(
  record: ImageVersionRecord,
  look: Look,
  time: Time,
): { readonly id: string; readonly why: string } | undefined {
  for (const [id, { byRule }] of batchOf(record)) {
    if (byRule === undefined || !isToBeSent(record, id, time)) continue;
    const [otherId] = operationsBeside(record, id);
    if (otherId !== undefined)
      return {
        id,
        why: `Operation ${otherId} on the version has come after this promotion was accepted.`,
      };
    if (!isDeepStrictEqual(heldBy(withoutRequest(record, id), look), byRule))
      return {
        id,
        why: "After this promotion was accepted others have changed, in Azure, the regions of the version, or where it is excluded from latest: it is not overruled.",
      };
  }
  return undefined;
}

/** Others have stopped waves which they may let go on: they have taken one back, or all before it was known to have the version. */
export function isPaused(record: ImageVersionRecord, look: Look): boolean {
  const now = atRest(record, look);
  const waves = wavesOf(presentRule(now));
  if (
    waves === undefined ||
    promotedWaves(waves, look.resource) === waves.length
  )
    return false;
  const { waves: seen, unseen } = now.rollout ?? {};
  const begun = seen?.length ?? 0;
  return (
    (begun > 0 && begun < waves.length) ||
    unseen !== undefined ||
    ruleHolding(record, look) !== undefined ||
    (seen === undefined && !isExcluded(look.resource))
  );
}

/** What src/rollout promotes. */
export function isByResults(
  rule: PromotionRule | undefined,
): rule is PromotionRule {
  return rule?.when === "tested" || rule?.when === "waves";
}

/**
 * What a look that shows the version as it is makes of its record, while no operation works on it. `timeOf`: since when a wave,
 * counted from 0, has it that was not known to.
 */
export function withWaves(
  record: ImageVersionRecord,
  look: Look,
  timeOf: (wave: number) => string,
): ImageVersionRecord {
  const now = atRest(record, look);
  const rule = presentRule(now);
  if (!isByResults(rule)) return record;
  const waves = wavesOf(rule) ?? [];
  const before = now.rollout?.waves ?? [];
  const times = waveTimes(before, waves, look.resource, timeOf);
  // Others have included it: who excludes it again is not overruled.
  if (wavesOf(rule) === undefined)
    return isExcluded(look.resource)
      ? record
      : { ...record, overriddenRule: rule };
  if (record.rollout === undefined && times.length === 0) return record;
  const { included = [], unseen = -1, ...rollout } = record.rollout ?? {};
  const there = regionsIn(fieldsOf(look.resource));
  // What its wave has, that says; of others, a look that shows them.
  const kept = included.filter((name) =>
    times.length > 0 ? !there.includes(name) : !isHeldIn([name], look.resource),
  );
  return {
    ...record,
    rollout: {
      ...rollout,
      ...(times.length > 0 && { waves: times }),
      ...(kept.length > 0 && { included: kept }),
      ...(unseen >= 0 && typeof times[unseen] !== "string" && { unseen }),
    },
  };
}

/**
 * What is known of a rollout once Azure shows what the batch asks. A new rule begins anew. By hand, the wave that is promoted has
 * the version anew, unless each of its regions is gone, and is not known to have been included; and what is excluded is in none.
 */
export function rolloutAfter(
  record: ImageVersionRecord,
): Pick<ImageVersionRecord, "rollout"> {
  const { observed, rollout } = record;
  const {
    waves: before = [],
    included = [],
    unseen: _,
    ...kept
  } = rollout ?? {};
  if (askedAnew(record) !== undefined) {
    const { told: __, ...anew } = kept;
    return rollout ? { rollout: anew } : {};
  }
  const waves = wavesOf(presentRule(record));
  const isDecided = batchOf(record).some(
    ([, request]) =>
      isDecidedByHand(request) || request.changes[EXCLUDE_FROM_LATEST] === true,
  );
  if (waves === undefined || observed === undefined || !isDecided) return {};
  const shown = promotedWaves(waves, observed.resource);
  // What is promoted beside what others have included, otherwise than waves do, is as far as was known.
  if (shown === undefined && isPromoted(record))
    return {
      rollout: {
        ...kept,
        ...(before.length > 0 && { waves: before }),
        ...(included.length > 0 && { included }),
      },
    };
  const promoted = shown ?? 0;
  // Where nothing was to be done, others have.
  if (promoted > 0 && !hasSentFlags(record)) return {};
  const times = before.slice(0, Math.max(0, promoted - 1));
  const known = [...included, ...regionsIn(fieldsOf(observed.resource))];
  const regions = waves[promoted - 1]?.regions.map(canonicalRegion) ?? [];
  const isUnseen =
    !regions.some((name) => known.includes(name)) &&
    regions.some((name) => isPromotedIn(name, record));
  return {
    rollout: {
      ...kept,
      ...((promoted === 0 || times.length > 0) && { waves: times }),
      ...(promoted > 0 && included.length > 0 && { included }),
      ...(isUnseen && { unseen: promoted - 1 }),
    },
  };
}

/**
 * Where the promotion that was sent last, or whoever puts back what was taken from a wave, has included the version: what is sent of
 * it, and, of regions that `look` has, what that shows, though it may be older. A region that goes has what it had.
 */
export function includedAfter(
  record: ImageVersionRecord,
  look?: Look,
): Pick<ImageVersionRecord, "rollout"> {
  const waves = wavesOf(presentRule(ofOpenRequests(record)));
  if (waves === undefined) return {};
  const { included = [], ...rollout } = record.rollout ?? {};
  const { changes = {}, overridesRule = false } = sentLast(record) ?? {};
  const begun = waves
    .slice(0, rollout.waves?.length ?? 0)
    .flatMap(({ regions }) => regions.map(canonicalRegion));
  const after = [...new Set([...included, ...regionsIn(changes)])].filter(
    (name) => {
      const excluded = isExcludedBy(changes, name, look);
      const isKnown = included.includes(name);
      return excluded === undefined
        ? isKnown
        : !excluded && (isKnown || overridesRule || begun.includes(name));
    },
  );
  return after.length === 0 && record.rollout === undefined
    ? {}
    : { rollout: { ...rollout, ...(after.length > 0 && { included: after }) } };
}

/** What ARM has refused includes nothing, unless it may be in force all the same: it was sent before, and had no answer. */
export function withoutRefused(
  { rollout }: ImageVersionRecord,
  { changes, before }: Attempt,
): Pick<ImageVersionRecord, "rollout"> {
  if (rollout?.included === undefined) return {};
  const { included, ...kept } = rollout;
  const after = included.filter(
    (name) =>
      changes[exclusionIn(name)] !== false ||
      before?.changes[exclusionIn(name)] === false,
  );
  return { rollout: { ...kept, ...(after.length > 0 && { included: after }) } };
}

/** Undefined where neither what was sent says it of the region, nor, of one that it includes, the look. */
function isExcludedBy(
  changes: Patch,
  region: string,
  look: Look | undefined,
): boolean | undefined {
  const sent =
    changes[exclusionIn(region)] ??
    (changes[EXCLUDE_FROM_LATEST] === true ? true : undefined);
  if (sent !== false || look === undefined) return sent as boolean | undefined;
  const shown = targetRegionsOf(look.resource).find(
    ({ name }) => canonicalRegion(name) === region,
  );
  return shown && isExcludedIn(look.resource, shown);
}

/** The batch asks by hand, or by a rule, that the version is included. */
function isPromoted(record: ImageVersionRecord): boolean {
  const last = batchOf(record).findLast(([, request]) =>
    isDecidedByHand(request),
  );
  return last?.[1].changes[EXCLUDE_FROM_LATEST] === false;
}

/** The same of a region. */
function isPromotedIn(region: string, record: ImageVersionRecord): boolean {
  return batchOf(record).some(
    ([, request]) =>
      isDecidedByHand(request) &&
      request.changes[exclusionIn(region)] === false,
  );
}

/** For the batch it was sent where the version is excluded from latest. */
function hasSentFlags(record: ImageVersionRecord): boolean {
  const batch = batchOf(record).map(([id]) => id);
  return attemptsIn(record)
    .filter(({ sentFor = [] }) => sentFor.some((id) => batch.includes(id)))
    .flatMap(({ changes }) => Object.keys(changes))
    .some((field) => field.endsWith("/excludeFromLatest"));
}

/** The rule, of whatever kind, that holds the version back which Azure shows. */
export function ruleHolding(
  record: ImageVersionRecord,
  look: Look,
): PromotionRule | undefined {
  return isExcluded(look.resource)
    ? ruleInForce(atRest(record, look))
    : undefined;
}

/**
 * A rule that the request asks for, or repeats in a whole body, is to include the version in latest; or an open request says
 * whether it is.
 */
export function isHeld(
  { changes }: Asked,
  whole: ImageVersionRequest | undefined,
  {
    record,
    look,
  }: {
    readonly record: ImageVersionRecord | undefined;
    readonly look: Look | undefined;
  },
): boolean {
  return (
    changes[PROMOTION] != null ||
    (record !== undefined &&
      openRequests(record).some(
        ([, other]) => EXCLUDE_FROM_LATEST in other.changes,
      )) ||
    (whole?.sigil?.promotion !== undefined &&
      record !== undefined &&
      look !== undefined &&
      ruleHolding(record, look) !== undefined)
  );
}

/** What its rule is, whatever became of it: a rule of waves says what a promotion by hand includes. */
export function wavesIn(
  record: ImageVersionRecord | undefined,
  look: Look,
): ReturnType<typeof wavesOf> {
  return record && wavesOf(presentRule(atRest(record, look)));
}

/** Of an operation that is over, what was applied alone counts: its rule ends with one that has failed. */
function ofOpenRequests(record: ImageVersionRecord): ImageVersionRecord {
  return isFinal(record.state) ? { ...record, requests: {} } : record;
}

function atRest(record: ImageVersionRecord, look: Look): ImageVersionRecord {
  return isFinal(record.state) ? ofOpenRequests(known(record, look)) : record;
}
