/**
 * When a replicating version is polled next, and when its regions should be done. Pure. Invariants:
 *  1. Polls come out of a budget, which holds 38; one comes back every 4.5 minutes. So no 45 minutes have more than 49 polls, and no six
 *     hours more than 119, however many regions there are and whatever they show. Polls for a doubt or a repair count too, and do not
 *     wait. If more than 80 versions replicate in a subscription, the budget is smaller, because they share Azure's 3,000 reads in 30
 *     minutes.
 *  2. A region's end is predicted from the progress in its polls, by straight lines. Azure shows whole percent: at 40 a region has 40 or
 *     more, and less than 41. All lines that fit give a window, from the earliest end to the latest. If none fits, because progress
 *     wanders, the last polls may miss the line by as little as possible, which gives a wide window.
 *  3. At the latest end of a narrow window the region is done. It is polled then, and ends that are close together share a poll. A wide
 *     window is polled on the way, each time half the distance nearer, and inside it in steps. If progress wanders, no wait in the first
 *     three quarters of an hour is longer than 2.5 minutes.
 *  4. A region without progress cannot be predicted. It is polled evenly, as often as the budget allows.
 *  5. Part of the budget is kept for the region that should be done last, because only then the version is done.
 *
 * All waits are shares of `pollMaxMs`; minutes and seconds assume its default, two minutes.
 */
import type { TransitionContext } from "../../operation/ports.js";
import type { RegionRecord } from "../../operation/records.js";
import { BUDGET } from "./budget.js";

/** The stored polls of a replicating version. Times are RFC 3339. */
export interface Pacing {
  /** When Sigil began to follow its regions. */
  readonly since: string;
  readonly polledTime: string;
  /** Polls left in the budget at that time. */
  readonly left: number;
  /** By unfinished region: seconds after `since`, and the percent seen. */
  readonly seen: Readonly<Record<string, readonly Seen[]>>;
}

type Seen = readonly [seconds: number, percent: number];

export interface Paced {
  readonly pacing: Pacing;
  /** Until the next poll. */
  readonly waitMs: number;
  /** By region, if known; RFC 3339. */
  readonly expectedEnds: Readonly<Record<string, string>>;
}

type Context = Pick<TransitionContext, "now" | "pace">;

/** Kept for the last end of a full budget: while even polls would not have used it up, and after that. */
const KEPT = 18;
const KEPT_LATER = { straight: 16, wandering: 30 };

/** Polls beyond those that even polls would have left. Ends before the last get short steps only with this many more. */
const KEPT_OF_SAVED = 8;

/** With this many more polls than ends, each end is also polled on the way to it. */
const SPARE = 6;

/** How many percentages are kept for a region. If they are not on a line, those of the last percents count. */
const MOST_SEEN = 20;
const RECENT_PERCENT = 16;

/** By how many percent polls may miss the line; the window then uses a band wider by this factor. */
const BANDS = [0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const WIDER = 1.5;

/** Waits as shares of `pollMaxMs`. */
const SHARE = {
  /** 60 s: between polls if nothing can be predicted. */
  even: 1 / 2,
  /** 2.5 minutes: the longest wait if lines that are not straight predict. */
  far: 5 / 4,
  /** 4.5 minutes: until a poll comes back into the budget. */
  refill: 9 / 4,
  /** 30 s: a window of this width is narrow. */
  narrow: 1 / 4,
  /** 10 s: the shortest step in a window. */
  step: 1 / 12,
  /** 25 s: the step in the window of the last end. */
  lastStep: 5 / 24,
  /** Half a second: how long after an end it is polled. */
  after: 1 / 240,
  /** 5 minutes before the last end, the polls kept for it may be used. */
  ending: 5 / 2,
};

/** Begins to follow regions; the rest of the budget stays. */
export function beginPacing(before: Pacing | undefined, { now, pace }: Context): Pacing {
  const refillMs = SHARE.refill * pace.pollMaxMs;
  const time = now.toISOString();
  return {
    since: time,
    polledTime: time,
    left: Math.min(BUDGET, before ? leftOf(before, now.getTime(), refillMs) : BUDGET),
    seen: {},
  };
}

/** Applies a poll of the regions at `now`. */
export function paced(
  before: Pacing,
  regions: readonly RegionRecord[],
  context: Context,
  budget = BUDGET,
): Paced {
  const { pollInitialMs, pollMaxMs } = context.pace;
  const ms = Object.fromEntries(
    Object.entries(SHARE).map(([name, share]) => [name, share * pollMaxMs]),
  ) as Record<keyof typeof SHARE, number>;
  const nowMs = context.now.getTime();
  const elapsedMs = nowMs - Date.parse(before.since);
  const left = Math.max(0, Math.min(budget, leftOf(before, nowMs, ms.refill)) - 1);

  const open = regions.filter(({ state }) => state === "Unknown" || state === "Replicating");
  const seen = seenOf(before, open, elapsedMs);
  const windows = open.flatMap(({ name }) => {
    // Invariant 4.
    const window = seen[name] && windowOf(seen[name]);
    return window === undefined ? [] : [{ ...window, name }];
  });
  // In milliseconds from now on.
  const ends = windows.map(({ earliest, latest, straight }) => ({
    earliestMs: Math.max(0, earliest * 1_000 - elapsedMs),
    latestMs: Math.max(0, latest * 1_000 - elapsedMs),
    straight,
  }));

  const waitMs =
    open.length === 0
      ? // ARM is idle soon after the last region is done.
        Math.min(pollMaxMs, Math.max(pollInitialMs, (nowMs - lastDoneMs(before, regions)) / 3))
      : nextPoll({
          ends,
          all: ends.length === open.length,
          left,
          elapsedMs,
          pollInitialMs,
          budget,
          ms,
        });
  // Invariant 1.
  const affordedMs = Math.max(0, 1 - left) * ms.refill;
  return {
    pacing: {
      since: before.since,
      polledTime: context.now.toISOString(),
      left: Math.round(left * 100) / 100,
      seen,
    },
    waitMs: Math.max(ms.step / 2, waitMs, affordedMs),
    expectedEnds: Object.fromEntries(
      ends.flatMap(({ earliestMs, latestMs }, i) => {
        const { name = "" } = windows[i] ?? {};
        const endMs = (earliestMs + latestMs) / 2;
        return latestMs - earliestMs <= Math.max(endMs, ms.even)
          ? [[name, new Date(nowMs + endMs).toISOString()]]
          : [];
      }),
    ),
  };
}

/** When the last region was done; if none was since then, when Sigil began to follow them. */
function lastDoneMs(
  { since }: Pacing,
  regions: readonly Pick<RegionRecord, "completedTime">[],
): number {
  const times = regions.map(({ completedTime = since }) => completedTime);
  return Math.max(...[since, ...times].map((time) => Date.parse(time)));
}

function leftOf({ left, polledTime }: Pacing, nowMs: number, refillMs: number): number {
  return left + (nowMs - Date.parse(polledTime)) / refillMs;
}

/** The polls of each unfinished region; of the same percent the first and the last poll. */
function seenOf(
  { seen }: Pacing,
  open: readonly Pick<RegionRecord, "name" | "progress">[],
  elapsedMs: number,
): Pacing["seen"] {
  const seconds = Math.round(elapsedMs / 100) / 10;
  return Object.fromEntries(
    open
      .filter(({ progress }) => progress >= 1)
      .map(({ name, progress }) => {
        const before = seen[name] ?? [];
        // Lower progress means that another copy began.
        const kept = before.some(([, percent]) => percent > progress) ? [] : before;
        const same = kept.slice(-2).filter(([, at]) => at === progress);
        const all: readonly Seen[] = [
          ...(same.length === 2 ? kept.slice(0, -1) : kept),
          [seconds, progress],
        ];
        return [name, all.length > MOST_SEEN ? [...all.slice(0, 1), ...all.slice(2)] : all];
      }),
  );
}

/** In seconds after `since`. */
interface Window {
  readonly earliest: number;
  readonly latest: number;
  /** Whether one straight line explains all polls. */
  readonly straight: boolean;
}

/** Invariant 2. Undefined: nothing is known about its end. */
export function windowOf(seen: readonly Seen[]): Window | undefined {
  const [now, top] = seen.at(-1) ?? [0, 0];
  const recent = seen.filter(
    ([, percent], i) => percent >= top - RECENT_PERCENT || i >= seen.length - 3,
  );
  const straight = endsOfLines(seen, 0);
  if (straight.earliest <= straight.latest)
    return Number.isFinite(straight.latest) ? { ...straight, straight: true } : undefined;
  const band = BANDS.find((percent) => {
    const { earliest, latest } = endsOfLines(recent, percent);
    return Math.max(now, earliest) <= latest;
  });
  if (band === undefined) return undefined;
  const narrowest = endsOfLines(recent, band);
  if (!Number.isFinite(narrowest.latest)) return undefined;
  const { earliest, latest } = endsOfLines(recent, band * WIDER);
  return {
    earliest: Math.max(now, earliest),
    // A wider band also contains flat lines, which never end.
    latest: Math.min(latest, now + 3 * (narrowest.latest - now) + 60),
    straight: false,
  };
}

/**
 * When the straight lines that pass each percentage p that was seen, between p - band and p + 1 + band, reach 100 percent. A line that
 * ends at `e`, and is at most `p + 1 + band` at one time and at least `q - band` at another, fulfils (99 - p - band) (e - tq) <= (100 - q
 * + band) (e - tp): each two polls bound e. No line fits if the earliest end is later than the latest.
 */
function endsOfLines(seen: readonly Seen[], band: number): Pick<Window, "earliest" | "latest"> {
  let earliest = Number.NEGATIVE_INFINITY;
  let latest = Number.POSITIVE_INFINITY;
  for (const [tp, p] of seen)
    for (const [tq, q] of seen) {
      const factor = q - p - 1 - 2 * band;
      const bound = (99 - p - band) * tq - (100 - q + band) * tp;
      if (factor > 0) latest = Math.min(latest, bound / factor);
      else if (factor < 0) earliest = Math.max(earliest, bound / factor);
      else if (bound < 0) latest = Number.NEGATIVE_INFINITY;
    }
  return { earliest, latest };
}

/** Milliseconds from now. */
interface End {
  readonly earliestMs: number;
  readonly latestMs: number;
  readonly straight: boolean;
}

interface Now {
  /** For regions with a predicted end. */
  readonly ends: readonly End[];
  /** Whether those are all unfinished regions. */
  readonly all: boolean;
  readonly left: number;
  readonly elapsedMs: number;
  readonly pollInitialMs: number;
  readonly budget: number;
  readonly ms: Readonly<Record<keyof typeof SHARE, number>>;
}

/** What the budget allows now. */
interface Allowed {
  /** Polls kept for the last end. */
  readonly kept: number;
  /** The last end is near, so the polls kept for it may be used. Invariant 5. */
  readonly ending: boolean;
  /** Between polls if nothing can be predicted. */
  readonly evenMs: number;
  readonly mostMs: number;
  /** More polls are left than kept, and than even polls would have left, so short steps are allowed. */
  readonly hasSaved: boolean;
}

function allowedOf({ ends, all, left, elapsedMs, budget, ms }: Now): Allowed {
  const share = budget / BUDGET;
  const evenLeft = budget - elapsedMs / ms.even + elapsedMs / ms.refill;
  const early = evenLeft > 0;
  const straight = all && ends.every((end) => end.straight);
  const kept = share * (early ? KEPT : KEPT_LATER[straight ? "straight" : "wandering"]);
  const ending = all && Math.max(0, ...ends.map(({ earliestMs }) => earliestMs)) < ms.ending;
  const needed = ending ? Math.max(0, evenLeft) : early ? evenLeft + share * KEPT_OF_SAVED : kept;
  return {
    kept,
    ending,
    evenMs: early || ending || left > kept ? ms.even : ms.refill,
    mostMs: early && !straight ? ms.far : Infinity,
    hasSaved: left > needed,
  };
}

/** The time until the next poll, if the budget has one. */
function nextPoll(now: Now): number {
  const { ends, all, left, elapsedMs, pollInitialMs, ms } = now;
  const { kept, ending, evenMs, mostMs, hasSaved } = allowedOf(now);
  const last = ends.toSorted((one, other) => other.earliestMs - one.earliestMs)[0];
  // Invariant 4. The first waits are short, because a small image is done in a minute.
  if (last === undefined) return Math.min(evenMs, Math.max(pollInitialMs, 2 * elapsedMs));

  const lastMs = Math.max(...ends.map(({ latestMs }) => latestMs));
  const polls = Math.floor(left + lastMs / ms.refill - kept);
  const lastStepMs = Math.min(ms.even, Math.max(ms.lastStep, lastMs / Math.max(1, left)));
  const stepMs = ending && hasSaved ? lastStepMs : ms.even;
  const halves = polls - ends.length >= SPARE;
  const targets = ends.map((end) => targetOf(end, halves, stepMs, ms));
  const firstMs = firstOf(targets, Math.max(1, polls));
  const isWithin = ends.some((end) => end.earliestMs < ms.even && isWide(end, ms));
  const nextMs =
    isWithin && hasSaved
      ? Math.min(firstMs, evenMs)
      : isWithin
        ? evenMs
        : Math.max(firstMs, polls < 1 ? evenMs : 0);
  if (!all) return Math.min(nextMs, evenMs);

  const farMs = (left - kept >= ends.length ? 1 : 2) * ms.refill;
  const halved = !last.straight || isWide(last, ms);
  const lastPollMs = targetOf(last, halved, lastStepMs, ms);
  return Math.min(nextMs, farMs, mostMs, Math.max(lastPollMs, ending && hasSaved ? 0 : ms.even));
}

function isWide({ earliestMs, latestMs }: End, ms: Now["ms"]): boolean {
  return latestMs - earliestMs > ms.narrow;
}

/** Invariant 3. `halves`: it is also polled half-way to the earliest end. */
function targetOf(
  { earliestMs, latestMs }: End,
  halves: boolean,
  mostMs: number,
  ms: Now["ms"],
): number {
  const windowMs = latestMs - earliestMs;
  const beforeMs = halves ? earliestMs / 2 : earliestMs;
  return latestMs - beforeMs <= ms.narrow
    ? latestMs + ms.after
    : Math.max(beforeMs, ms.step, Math.min(windowMs / 3, mostMs));
}

/**
 * The first of at most `most` polls, each at the last of the ends that share it. Neighbours are joined one by one, smallest delay first.
 */
function firstOf(targets: readonly number[], most: number): number {
  const groups = targets.toSorted((one, other) => one - other).map((at) => ({ at, ends: 1 }));
  while (groups.length > most) {
    const delays = groups
      .slice(0, -1)
      .map(({ at, ends }, i) => ((groups[i + 1]?.at ?? at) - at) * ends);
    const i = delays.indexOf(Math.min(...delays));
    const [one, next] = groups.slice(i, i + 2);
    if (one === undefined || next === undefined) break;
    groups.splice(i, 2, { at: next.at, ends: one.ends + next.ends });
  }
  return groups[0]?.at ?? 0;
}
