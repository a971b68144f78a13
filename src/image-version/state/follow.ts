/** Follows the version until the next look, because there is nothing to send. Pure. */
import { omit } from "../../objects.js";
import type { RegionRecord } from "../../operation/records.js";
import { pollDelayMs } from "../../operation/waiting.js";
import { requestsOf, unapplied } from "./fold.js";
import { beginPacing, paced, type Paced } from "./pace.js";
import { usualEnd } from "./usual.js";
import type { Time } from "./confirmed.js";
import type { Outcome } from "./happened.js";
import type { Decision } from "./reconcile.js";
import type { ImageVersionRecord, VersionState } from "./record.js";
import { followed } from "./write.js";

type Waiting = Extract<Decision, { kind: "wait" | "none" }>;

export interface FollowTime extends Time {
  /** Polls that its budget holds (budget.ts). */
  readonly budget?: number;
}

export function follow(before: ImageVersionRecord, decision: Waiting, time: FollowTime): Outcome {
  const state = stateOf(before);
  const begins = before.state !== "Replicating" && state === "Replicating";
  const ticks = begins ? 0 : before.ticks + 1;
  const regions = begins ? followed(before.regions, time) : before.regions;
  const next = state === "Replicating" ? pacedBy(before, begins, time) : undefined;
  const { window, ...record } = before;
  return {
    record: {
      ...record,
      ...(window !== undefined && decision.kind === "wait" && { window }),
      state,
      ticks,
      ...(next && { pacing: next.pacing }),
      regions: next ? expected(regions, next, time.now) : regions,
    },
    happened: begins ? [{ kind: "followed" }] : [],
    waits: awaited(before, decision),
    // Azure copies while ARM is still working; a request that is not applied waits for that.
    ...(isGettingOn(before) && unapplied(before).length === 0 && { resumes: true }),
    waitMs: untilNextLook(before, next?.waitMs ?? pollDelayMs(ticks, time.pace), time),
  };
}

/**
 * A request not yet sent keeps its state from acceptance. A write without an answer may not have
 * been accepted.
 */
function stateOf(record: ImageVersionRecord): VersionState {
  const { state, write, status } = record;
  if (write?.answer === "none") return write.creates ? "Creating" : "Updating";
  if (status === undefined) return state;
  const isUnsent = unapplied(record).some(([, { sent }]) => sent !== true);
  return state === "Accepted" && isUnsent ? "Accepted" : "Replicating";
}

export function awaited(record: ImageVersionRecord, decision: Waiting): string {
  if (decision.kind === "wait") return decision.why;
  const names = (some: readonly RegionRecord[]): string => some.map(({ name }) => name).join(", ");
  const open = record.regions.filter(isOpen);
  if (open.length > 0) return `Azure replicates the version to ${names(open)}.`;
  const failed = record.regions.filter(({ state }) => state === "Failed");
  return failed.length > 0
    ? `${names(failed)} failed and will be removed from the version and added back.`
    : "Azure shows the version as requested: the next poll checks it again.";
}

/** Whether its copy is awaited. */
export function isOpen({ state }: RegionRecord): boolean {
  return state === "Unknown" || state === "Replicating";
}

/**
 * Whether Azure is copying to a region that has not stalled: that takes hours, and is reported by
 * region. A canceled operation only waits for ARM.
 */
function isGettingOn(record: ImageVersionRecord): boolean {
  return (
    requestsOf(record).some(([, { ending }]) => ending === undefined) &&
    record.regions.some((region) => isOpen(region) && region.stalledTime === undefined)
  );
}

/** The time of the next poll, by the progress of the regions. */
function pacedBy(
  { pacing, regions }: ImageVersionRecord,
  begins: boolean,
  time: FollowTime,
): Paced {
  return paced(
    pacing === undefined || begins ? beginPacing(pacing, time) : pacing,
    regions,
    time,
    time.budget,
  );
}

/** The expected end by its progress; before there is any, by the usual time. */
export function expected(
  regions: readonly RegionRecord[],
  { expectedEnds }: Paced,
  now: Date,
): readonly RegionRecord[] {
  return regions.map((before) => {
    const region = omit(before, "expectedEndTime");
    const end = expectedEnds[region.name] ?? usualEnd(region, now);
    return end === undefined ? region : { ...region, expectedEndTime: end };
  });
}

/** Settles doubts and begins repairs as early as possible. */
function untilNextLook(
  { regions, unconfirmed, write }: ImageVersionRecord,
  pollMs: number,
  { now, pace }: Time,
): number {
  const until = (time = ""): number => Date.parse(time) - now.getTime();
  const doubts = [
    unconfirmed?.since,
    write && now.toISOString(),
    ...regions.map(({ unconfirmed }) => unconfirmed?.since),
  ];
  // A missing time is NaN, and is filtered out.
  const due = [
    ...doubts.map((since) => until(since) + pace.confirmMs),
    ...regions.map(({ nextAttemptTime }) => until(nextAttemptTime)),
  ];
  return Math.max(1_000, Math.min(pollMs, ...due.filter((ms) => ms > 0)));
}
