/**
 * The repair of a failed region, in stages: planned after a while, removed, added back. Pure.
 *
 *   { attempts 0, dueTime }  ──▶  { attempts 0, removed }  ──▶  { attempts 1 }      or { attempts 1, dueTime } if it fails again
 *                                        └─ Azure refuses to add it back: { removed, lost }, which a retry adds
 *
 * Invariants:
 *  1. Only a region of an open operation is repaired; otherwise nobody would wait until it is
 *     ready.
 *  2. A removed region is added back, whatever happens to the operations.
 */
import type { Finding } from "../../errors.js";
import { omit } from "../../objects.js";
import type { OperationFailure, RegionRecord } from "../../operation/records.js";
import { shownFields } from "../latest/flags.js";
import type { Time } from "./confirmed.js";
import { openRequests, removedRegions, regionsHad } from "./fold.js";
import { nothing, type Outcome } from "./happened.js";
import { mapped, type ImageVersionRecord, type Repair } from "./record.js";

/** After a confirmed look: which regions are repaired, and when. */
export function planRepairs(record: ImageVersionRecord, time: Time): ImageVersionRecord {
  const there = regionsHad(record);
  const concerned = regionsConcerned(record);
  const repairs: Record<string, Repair> = {};
  for (const [name, repair] of Object.entries(record.repairs))
    repairs[name] = record.write === undefined ? afterFact(repair, there.includes(name)) : repair;
  const regions = record.regions.map((region) => {
    const planned = plan(
      region,
      repairs[region.name] ?? { attempts: 0 },
      { record, there, isConcerned: concerned.includes(region.name) },
      time,
    );
    if (planned.repair !== undefined) repairs[region.name] = planned.repair;
    return planned.region;
  });
  return { ...record, repairs, regions };
}

/** The region exists again, whoever added it back, and no open write removes it. */
function afterFact({ removed, lost, ...kept }: Repair, isThere: boolean): Repair {
  return {
    ...kept,
    ...(removed && !isThere && { removed, ...(lost && { lost }) }),
  };
}

interface Around {
  readonly record: ImageVersionRecord;
  readonly there: readonly string[];
  readonly isConcerned: boolean;
}

function plan(
  region: RegionRecord,
  repair: Repair,
  { record, there, isConcerned }: Around,
  { now, pace }: Time,
): { readonly region: RegionRecord; readonly repair?: Repair } {
  const { attempts } = repair;
  if (region.state !== "Failed")
    // Whatever prevented the repair, the region may fail again.
    return repair.refused === undefined ? { region } : { region, repair: { attempts } };
  if (repair.removed !== undefined) return { region };
  if (repair.refused !== undefined)
    return {
      region: {
        ...withoutNext(region),
        attemptsAllowed: Math.max(1, region.attempts),
        details: withWhy(region.details, whyNotRepaired(region.name, repair.refused)),
      },
    };
  const home = record.status && shownFields(record.status.resource)["/location"];
  const isHome = home === region.name;
  const isGone = !there.includes(region.name);
  if (!isConcerned || isGone) return { region: withoutNext(region), repair: { attempts } };
  if (isHome || attempts >= pace.repairAttempts)
    return {
      region: {
        ...withoutNext(region),
        attemptsAllowed: isHome ? 1 : pace.repairAttempts + 1,
      },
    };
  const dueTime =
    repair.dueTime ??
    new Date(now.getTime() + pace.repairDelayMs * 2 ** Math.min(attempts, 10)).toISOString();
  return {
    region: {
      ...region,
      attemptsAllowed: pace.repairAttempts + 1,
      nextAttemptTime: dueTime,
      waitReason: "It failed. Sigil removes it from the version and adds it back.",
    },
    repair: { ...repair, dueTime },
  };
}

/** Invariant 1. */
function regionsConcerned(record: ImageVersionRecord): readonly string[] {
  return openRequests(record).flatMap(([, { regions = [] }]) => regions);
}

/** Ends the repair of these regions, by canonical name, each with the findings that prevent it. */
export function withoutRepairs(
  record: ImageVersionRecord,
  refused: Readonly<Record<string, readonly Finding[]>>,
): ImageVersionRecord {
  const { repairs } = record;
  const over = mapped(refused, (findings, name): Repair => ({
    attempts: repairs[name]?.attempts ?? 0,
    refused: findings,
  }));
  return { ...record, repairs: { ...repairs, ...over } };
}

/** Why a region is not repaired, and what to do. */
export function whyNotRepaired(region: string, refused: readonly Finding[]): string {
  const [first] = refused;
  const more = refused.length - 1;
  return [
    `${region} is not removed and added back:`,
    first?.message,
    first?.remediation,
    more > 0 ? `${more} more: see the errors of the operation.` : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(" ");
}

export function sentence(text: string): string {
  return /[.!?]$/u.test(text) ? text : `${text}.`;
}

/** Azure refuses to add a region back. Its fields are kept, so that a retry adds it. */
export function notAddedBack(record: ImageVersionRecord, { message }: OperationFailure): Outcome {
  const removed = removedRegions(record);
  if (removed.length === 0) return nothing(record);
  const details = `It was removed for its repair, and could not be added back: ${message}`;
  const regions = record.regions.map((region): RegionRecord =>
    removed.includes(region.name) ? { ...withoutNext(region), state: "Failed", details } : region,
  );
  return {
    record: {
      ...record,
      repairs: mapped(record.repairs, (repair, name) =>
        removed.includes(name) ? { ...repair, lost: true } : repair,
      ),
      regions,
    },
    happened: removed.map((region) => ({ kind: "regionNotAddedBack", region })),
  };
}

/** Regions that a repair removed and Azure refuses to add back. */
export function lostRegions({ repairs }: ImageVersionRecord): readonly string[] {
  return Object.keys(repairs).filter((name) => repairs[name]?.lost === true);
}

function withoutNext(region: RegionRecord): RegionRecord {
  const kept = omit(region, "nextAttemptTime", "waitReason");
  return kept;
}

/** Azure's own reason, if any, and then why Sigil does nothing. */
function withWhy(details: string | undefined, why: string): string {
  if (details === undefined || details.includes(why)) return details ?? why;
  return `${sentence(details)} ${why}`;
}
