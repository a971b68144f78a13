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
import type { EventType } from "../../events/documented-event.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import type { OperationEventData } from "../../events/operation-event.js";
import { event, events } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { Effect, OperationFailure, RegionRecord } from "../../operation/records.js";
import { factsIn } from "../latest/flags.js";
import type { Time } from "./fact.js";
import { openRequests, regionsAway, regionsHad } from "./fold.js";
import {
  changed,
  mapped,
  type ImageVersionPair,
  type ImageVersionRecord,
  type Repair,
} from "./record.js";

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
  const home = record.status && factsIn(record.status.resource)["/location"];
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
  pair: ImageVersionPair,
  refused: Readonly<Record<string, readonly Finding[]>>,
): ImageVersionPair {
  const { repairs } = pair.record;
  const over = mapped(refused, (findings, name): Repair => ({
    attempts: repairs[name]?.attempts ?? 0,
    refused: findings,
  }));
  return changed(pair, { repairs: { ...repairs, ...over } });
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

/** Azure does not take back what was taken away: that is told, and kept so that a retry adds it. */
export function notAddedBack(
  pair: ImageVersionPair,
  { message }: OperationFailure,
  context: TransitionContext,
): ImageVersionPair {
  const { record } = pair;
  const away = regionsAway(record);
  if (away.length === 0) return pair;
  const type = IMAGE_VERSION_EVENT.regionRemoved;
  return changed(pair, {
    repairs: mapped(record.repairs, (repair, name) =>
      away.includes(name) ? { ...repair, lost: true } : repair,
    ),
    regions: record.regions.map((region) =>
      away.includes(region.name)
        ? {
            ...withoutNext(region),
            state: "Failed",
            details: `It was removed for its repair, and could not be added back: ${message}`,
          }
        : region,
    ),
    outbox: [
      ...record.outbox,
      ...away.flatMap((region) => loss(pair, context, type, `${region}/removed`, { region })),
    ],
  });
}

/** What somebody has to hear: of a region that no operation is about, the one whose messages drive the version tells it. */
export function loss<Type extends EventType>(
  pair: ImageVersionPair,
  context: TransitionContext,
  type: Type,
  fact: string,
  data: OperationEventData<Type>,
): readonly Effect[] {
  const told = events(pair, context, type, fact, data);
  return told.length > 0 ? told : [event(pair.operation, context, type, fact, data)];
}

/** What an end says, beside its reason, of regions that could not be added back; empty where there are none. */
export function lossOf({ repairs }: ImageVersionRecord): string {
  const lost = Object.entries(repairs).flatMap(([name, repair]) =>
    repair.lost === true ? [name] : [],
  );
  if (lost.length === 0) return "";
  const one = lost.length === 1;
  return ` ${lost.join(", ")} ${one ? "was removed for its repair" : "were removed for their repair"}, and could not be added back. Once the cause is fixed, retry ${one ? "it" : "them"} (POST …/retry): ${one ? "it is added back as it was" : "they are added back as they were"}.`;
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
