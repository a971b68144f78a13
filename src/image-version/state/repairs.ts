/**
 * The repair of a region that has failed, in stages: planned after a while, taken away, added back. Pure.
 *
 *   { attempts 0, dueTime }  ──▶  { attempts 0, removed }  ──▶  { attempts 1 }      or { attempts 1, dueTime } once it fails again
 *                                        └─ Azure takes it back no more: { removed, lost }, which a retry adds
 *
 * Invariants:
 *  1. Only a region that an open operation is about is repaired: else nobody would wait until it is ready.
 *  2. What is taken away is added back, whatever becomes of the operations.
 */
import type { Finding } from "../../errors.js";
import type { OperationFailure, RegionRecord } from "../../operation/records.js";
import { shownFields } from "../latest/flags.js";
import type { Time } from "./confirmed.js";
import { openRequests, regionsAway, regionsHad } from "./fold.js";
import { nothing, type Outcome } from "./happened.js";
import { mapped, type ImageVersionRecord, type Repair } from "./record.js";

/** After a fact: which regions are repaired, and when. */
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

/** It is there again, by whoever has added it back, and no write is open that takes it away. */
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
    // Whatever was in the way, it may fail again.
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
      waitReason: "It has failed: it is removed from the version and added back.",
    },
    repair: { ...repair, dueTime },
  };
}

/** Invariant 1. */
function regionsConcerned(record: ImageVersionRecord): readonly string[] {
  return openRequests(record).flatMap(([, { regions = [] }]) => regions);
}

/** These regions are not taken away: each for what was found, by canonical name. Their repair is over. */
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

/** Why a region stays as it is, and what to do. */
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

/** Azure does not take back what was taken away: that is kept so that a retry adds it. */
export function notAddedBack(record: ImageVersionRecord, { message }: OperationFailure): Outcome {
  const away = regionsAway(record);
  if (away.length === 0) return nothing(record);
  const details = `It was removed for its repair, and could not be added back: ${message}`;
  const regions = record.regions.map((region): RegionRecord =>
    away.includes(region.name) ? { ...withoutNext(region), state: "Failed", details } : region,
  );
  return {
    record: {
      ...record,
      repairs: mapped(record.repairs, (repair, name) =>
        away.includes(name) ? { ...repair, lost: true } : repair,
      ),
      regions,
    },
    happened: away.map((region) => ({ kind: "regionNotAddedBack", region })),
  };
}

/** Regions that a repair has removed and Azure does not take back. */
export function lostRegions({ repairs }: ImageVersionRecord): readonly string[] {
  return Object.keys(repairs).filter((name) => repairs[name]?.lost === true);
}

function withoutNext(region: RegionRecord): RegionRecord {
  const { nextAttemptTime: _, waitReason: __, ...kept } = region;
  return kept;
}

/** Azure's own reason, where it gives one, and then why nothing is done. */
function withWhy(details: string | undefined, why: string): string {
  if (details === undefined || details.includes(why)) return details ?? why;
  return `${sentence(details)} ${why}`;
}
