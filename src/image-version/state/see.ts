/**
 * What a look at the version makes of its state, and what is to be told of that. Pure. Invariants:
 *  1. An old look (older than the last write) changes nothing and tells nothing; but where it shows what a promotion has included
 *     excluded, others may have done that: it is not known to be included.
 *  2. What is told is what Azure shows; shown again, it is told no more.
 */
import { isDeepStrictEqual } from "node:util";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { event, events, withEntry, written } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import type {
  Effect,
  OperationRecord,
  RegionRecord,
} from "../../operation/records.js";
import type { ImageVersionRequest } from "../contract.js";
import { encryptionOf } from "../properties/encryption.js";
import { fieldsOf, regionOf, regionsIn, sameAt } from "../properties/fields.js";
import { ALLOW_DELETION } from "../properties/table.js";
import {
  sentLast,
  type Attempt,
  type ImageVersionPair,
  type ImageVersionRecord,
  type VersionRequest,
} from "./record.js";
import { isMadeByOthers, known, ofOthers } from "./adoption.js";
import { attemptAfter, isOld, writesAfter, writesBegun } from "./attempts.js";
import {
  changedByOthers,
  deletionByOthers,
  exclusionEvents,
  outsideEvents,
  type OthersChanges,
} from "./outside.js";
import { includedAfter } from "./held.js";
import { isEnding } from "./reconcile.js";
import { sentence, whyNotRepaired } from "./repairs.js";
import { observeRegions, type RegionChange } from "./regions.js";
import {
  doneWithRule,
  keptOf,
  openRequests,
  overriddenBy,
  presentRule,
  regionsWaitedFor,
  ruleAskedBy,
} from "./wanted.js";
import { takenFrom, wavesOf } from "./waves.js";
import { hasFailed, isBusy, type Look } from "../resources.js";

/** One look. `failure` says why ARM has given the version up, where it says so. */
export function see(
  pair: ImageVersionPair,
  look: Look,
  failure: { readonly message: string } | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  if (isOld(record, look, context)) return withOldLook(pair, look); // Invariant 1.
  const before = isMadeByOthers(record, look) ? ofOthers(record, look) : record;
  const changes = observeRegions(before, look, failure, context);
  const seen = planRepairs(
    withLook(
      {
        ...pair,
        record: {
          ...before,
          regions: changes.map(({ region }) => region),
          consecutiveNotFound: 0,
        },
      },
      look,
      context,
    ),
    context,
  );
  const others = changedByOthers(record, look, context);
  const deletion = deletionByOthers(pair, look, context);
  const told = [
    ...deletion,
    ...changes.flatMap((change) => regionEvents(seen, change, context)),
    // What was so of another version is no change.
    ...(deletion.length > 0
      ? []
      : [
          ...exclusionEvents(seen, others, look, context),
          ...outsideEvents(seen, others, look, context),
        ]),
  ];
  const noted = withFailures(seen, changes, context);
  const {
    outside: _,
    outsideTold: __,
    latestGone: ___,
    ...kept
  } = noted.record;
  const after: ImageVersionRecord = {
    ...kept,
    ...others.remembered,
    ...heldBackBy(others, record),
    outbox: [...seen.record.outbox, ...told],
  };
  return { ...noted, record: { ...after, ...includedAfter(after, look) } };
}

/** What an old look tells all the same; the same pair where that is nothing. Invariant 1. */
export function withOldLook(
  pair: ImageVersionPair,
  look: Look,
): ImageVersionPair {
  const { record } = pair;
  if (look.publishedDate !== record.publishedDate) return pair;
  const { rollout } = includedAfter(record, look);
  return rollout === undefined || isDeepStrictEqual(rollout, record.rollout)
    ? pair
    : { ...pair, record: { ...record, rollout } };
}

/** With a record of what Azure shows; that others have made it in place of the version that Sigil knew is told. */
export function withKnown(
  pair: ImageVersionPair,
  look: Look | undefined,
  context: TransitionContext,
): ImageVersionPair {
  const record = known(pair.record, look);
  const deletion = look && deletionByOthers(pair, look, context);
  return deletion === undefined || deletion.length === 0
    ? { ...pair, record }
    : {
        ...pair,
        record: { ...record, outbox: [...record.outbox, ...deletion] },
      };
}

/** Whoever holds the version back while its rule waits, or in the regions of a wave, has the last word: waves by their regions. */
export function heldBackBy(
  { excluded: { was, is, byOthers }, changes }: OthersChanges,
  record: ImageVersionRecord,
): Pick<ImageVersionRecord, "overriddenRule" | "rollout"> {
  const rule = presentRule(record);
  const held = changes.flatMap(({ field, after }) =>
    after === true && field.endsWith("/excludeFromLatest")
      ? (regionOf(field) ?? [])
      : [],
  );
  return {
    ...(!was &&
      is &&
      byOthers &&
      rule !== undefined &&
      wavesOf(rule) === undefined && { overriddenRule: rule }),
    ...(held.length > 0 &&
      record.rollout && {
        rollout: takenFrom(held, wavesOf(rule) ?? [], record.rollout),
      }),
  };
}

/** What is known once Azure has shown that, but for what it tells of regions. */
export function withLook(
  pair: ImageVersionPair,
  look: Look,
  { now }: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const { publishedDate } = look;
  const lastAttempt = attemptAfter(record, look);
  const sent = sentLast({ ...(lastAttempt && { lastAttempt }) });
  const isNews = lastAttempt !== record.lastAttempt;
  const fields = fieldsOf(look.resource);
  const shown = regionsIn(fields);
  return {
    ...pair,
    record: {
      ...record,
      observed: { ...look, time: now.toISOString() },
      ...writesBegun(record, look),
      ...copiesAfter(record, look),
      ...doneWithRule(record, look),
      ...(publishedDate !== undefined && { publishedDate }),
      ...(lastAttempt !== undefined && { lastAttempt }),
      ...(isNews &&
        sent !== undefined &&
        lastAttempt !== undefined && {
          ...overriddenBy(record, sent),
          ...keptOf({ ...record, observed: look, lastAttempt }),
          ...writesAfter({ ...record, ...writesBegun(record, look) }, sent, {
            acceptedTime: sent.sentTime,
          }),
        }),
      opened:
        record.opened &&
        (isBusy(look) ||
          fields[ALLOW_DELETION] === true ||
          sent?.outcome === "unknown" ||
          sent?.outcome === "accepted"),
      repairs: Object.fromEntries(
        Object.entries(record.repairs).map(([name, repair]) => {
          const { removed, lost, ...kept } = repair;
          if (lost !== undefined)
            return [name, shown.includes(name) ? kept : repair];
          // It is there again, by whoever added it back; or it is there still.
          return [
            name,
            removed !== undefined &&
            shown.includes(name) &&
            !(
              isTakenAway(sent?.changes ?? {}, name) &&
              (isBusy(look) || isUnseen(sent, look, name))
            )
              ? kept
              : repair,
          ];
        }),
      ),
    },
  };
}

/** Which regional copies are gone, and since when one is there again that was. */
export function copiesAfter(
  { observed, goneRegions = [], addedTimes }: ImageVersionRecord,
  look: Look,
): Pick<ImageVersionRecord, "goneRegions" | "addedTimes"> {
  const had =
    observed === undefined ? [] : regionsIn(fieldsOf(observed.resource));
  const there = regionsIn(fieldsOf(look.resource));
  const gone = [...new Set([...goneRegions, ...had])].filter(
    (name) => !there.includes(name),
  );
  const back = goneRegions.filter((name) => there.includes(name));
  return {
    ...((gone.length > 0 || goneRegions.length > 0) && { goneRegions: gone }),
    ...(back.length > 0 && {
      addedTimes: {
        ...addedTimes,
        ...Object.fromEntries(back.map((name) => [name, look.time])),
      },
    }),
  };
}

/** No look has shown yet that the region is taken away: it may be so, or be taken away once more. */
function isUnseen(
  sent: Attempt | undefined,
  look: Look,
  region: string,
): boolean {
  return (
    (sent?.outcome === "unknown" || sent?.outcome === "accepted") &&
    hasFailed(look, region)
  );
}

function isTakenAway(
  changes: Readonly<Record<string, unknown>>,
  region: string,
): boolean {
  return Object.entries(changes).some(
    ([name, value]) => value === null && regionOf(name) === region,
  );
}

function asksForRule([, request]: readonly [string, VersionRequest]): boolean {
  return ruleAskedBy(request) !== undefined;
}

/**
 * Those that an operation has asked for and is not over with, or that the promotion rule of one waits for: no other is
 * repaired, for nobody would wait until it is ready.
 */
function regionsConcerned({
  operation,
  record,
}: ImageVersionPair): readonly string[] {
  const { observed } = record;
  return [
    ...[operation, ...record.members]
      .filter(({ id }) => record.requests[id]?.decided === undefined)
      .flatMap(({ regions }) => regions.map(({ name }) => name)),
    ...(observed !== undefined && openRequests(record).some(asksForRule)
      ? regionsWaitedFor(record, observed)
      : []),
  ];
}

/** A region that has failed is repaired after a while, as often as the pace allows. */
function planRepairs(
  pair: ImageVersionPair,
  { now, pace }: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  if (isEnding(record)) return pair;
  const { observed } = record;
  const home = observed?.resource.location;
  const shown = observed ? regionsIn(fieldsOf(observed.resource)) : [];
  const atRest = observed !== undefined && !isBusy(observed);
  const repairs = { ...record.repairs };
  const concerned = regionsConcerned(pair);
  const regions = record.regions.map((region) => {
    const repair = repairs[region.name] ?? { attempts: 0 };
    if (region.state !== "Failed") {
      // Whatever was in the way, it may fail again.
      if (repair.refused) repairs[region.name] = { attempts: repair.attempts };
      return region;
    }
    if (repair.removed !== undefined || repair.lost !== undefined)
      return region;
    if (repair.refused !== undefined)
      return {
        ...withoutNext(region),
        attemptsAllowed: Math.max(1, region.attempts),
        details: withWhy(
          region.details,
          whyNotRepaired(region.name, repair.refused),
        ),
      };
    if (!concerned.includes(region.name)) {
      repairs[region.name] = { attempts: repair.attempts };
      return withoutNext(region);
    }
    const isHome = sameAt("/location", home, region.name);
    // What somebody has taken away is not there to be taken away and added back.
    const isGone = atRest && !shown.includes(region.name);
    if (isGone) repairs[region.name] = { attempts: repair.attempts };
    if (isHome || isGone || repair.attempts >= pace.repairAttempts)
      return {
        ...withoutNext(region),
        attemptsAllowed: isHome ? 1 : pace.repairAttempts + 1,
      };
    const dueTime =
      repair.dueTime ??
      new Date(
        now.getTime() + pace.repairDelayMs * 2 ** Math.min(repair.attempts, 10),
      ).toISOString();
    repairs[region.name] = { ...repair, dueTime };
    return {
      ...region,
      attemptsAllowed: pace.repairAttempts + 1,
      nextAttemptTime: dueTime,
      waitReason:
        "It has failed: it is removed from the version and added back.",
    };
  });
  return { ...pair, record: { ...record, repairs, regions } };
}

/** Azure's own reason, where it gives one, and then why nothing is done. */
function withWhy(details: string | undefined, why: string): string {
  if (details === undefined || details.includes(why)) return details ?? why;
  return `${sentence(details)} ${why}`;
}

/** A region's failure, and what comes next, in the history of each operation that has the region; of all, where none has it. */
function withFailures(
  pair: ImageVersionPair,
  changes: readonly RegionChange[],
  { now }: TransitionContext,
): ImageVersionPair {
  const failed = changes
    .filter(({ happened }) => happened === "failed")
    .map(({ region }) => region.name);
  if (failed.length === 0) return pair;
  const { record } = pair;
  const has = (operation: OperationRecord, region: string): boolean =>
    operation.regions.some(({ name }) => name === region);
  const all = [pair.operation, ...record.members];
  const withLines = (operation: OperationRecord): OperationRecord =>
    record.regions
      .filter(
        ({ name }) =>
          failed.includes(name) &&
          (has(operation, name) || !all.some((one) => has(one, name))),
      )
      .reduce(
        (one, region) => ({
          ...one,
          history: withEntry(one.history, {
            time: now.toISOString(),
            state: record.state,
            message: failureOf(region),
          }),
        }),
        operation,
      );
  const members = record.members.map(withLines);
  return {
    record: { ...record, members },
    operation: withLines(pair.operation),
    ...written(pair, members),
  };
}

function failureOf({
  name,
  details = "Azure gave no reason.",
  nextAttemptTime,
}: RegionRecord): string {
  const next =
    nextAttemptTime === undefined
      ? "It is not tried again."
      : `It is removed from the version and added back at ${nextAttemptTime}.`;
  return `${name} failed: ${sentence(details)} ${next}`;
}

function withoutNext(
  region: ImageVersionRecord["regions"][number],
): ImageVersionRecord["regions"][number] {
  const { nextAttemptTime: _, waitReason: __, ...kept } = region;
  return kept;
}

function regionEvents(
  pair: ImageVersionPair,
  { region, happened, resumed }: RegionChange,
  context: TransitionContext,
): Effect[] {
  const { name, progress, attempts, lastProgressTime } = region;
  const again = attempts > 1 ? `/${attempts}` : "";
  const since = lastProgressTime !== undefined && { lastProgressTime };
  const goesOn = resumed
    ? events(
        pair,
        context,
        IMAGE_VERSION_EVENT.regionResumed,
        `${name}/resumed/${attempts}/${lastProgressTime}`,
        { region: name, progress },
      )
    : [];
  switch (happened) {
    case "completed":
      return [
        ...goesOn,
        ...events(
          pair,
          context,
          IMAGE_VERSION_EVENT.regionCompleted,
          `${name}/completed${again}`,
          {
            region: name,
            regionalReplicaCount: replicasIn(pair.record, name),
            encryption: encryptionOf(
              pair.record.observed?.resource ??
                ({ properties: {} } as ImageVersionRequest),
              pair.record,
              name,
            ),
          },
        ),
      ];
    case "failed": {
      const type = IMAGE_VERSION_EVENT.regionFailed;
      const fact = `${name}/failed/${attempts}`;
      const data = {
        region: name,
        ...(region.details !== undefined && { details: region.details }),
      };
      const told = events(pair, context, type, fact, data);
      return told.length > 0
        ? told
        : [event(pair.operation, context, type, fact, data)];
    }
    case "progressed":
      return [
        ...goesOn,
        ...events(
          pair,
          context,
          IMAGE_VERSION_EVENT.regionReplicating,
          `${name}/replicating${again}/${progress}`,
          { region: name, progress },
        ),
      ];
    case "stalled":
      return events(
        pair,
        context,
        IMAGE_VERSION_EVENT.regionStalled,
        `${name}/stalled/${attempts}/${lastProgressTime}`,
        { region: name, progress, ...since },
      );
    case "nothing":
      return goesOn;
  }
}

function replicasIn(record: ImageVersionRecord, region: string): number {
  const shown = record.observed?.resource.properties.publishingProfile;
  return (
    shown?.targetRegions?.find(({ name }) =>
      sameAt("/location", name.replace(/\s+/gu, "").toLowerCase(), region),
    )?.regionalReplicaCount ?? 1
  );
}
