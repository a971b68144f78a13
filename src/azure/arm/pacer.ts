/**
 * Makes calls to Azure Resource Manager wait, by what ARM's answers report of its limits.
 * Invariants:
 *  1. A call waits only if less than half is left of a limit that it counts against, or if ARM
 *     refused a call of its kind until a given time.
 *  2. The less is left, the fewer calls are sent: at half of a limit as many as it sustains for
 *     ever, near its end hardly any. So ARM seldom refuses a call, and others with the same
 *     identity have some of the limit left.
 *  3. A call that would wait longer than `MOST_WAIT_MS` is not sent, and fails as if ARM refused
 *     it. Each gets its own retry time, so they do not all return at once.
 *  4. A read for display never waits: it is sent if no wait is due, or not at all.
 * Instances do not coordinate: ARM's answers show each of them what all of them use. Example, 3,000
 * reads in 30 minutes:
 *
 *   left 2,000   sent at once
 *   left 1,500   one in 0.6 s, as many as the limit sustains for ever
 *   left   500   one in 2.3 s
 *   left   150   none
 */
import { ServiceError } from "../../errors.js";
import { BoundedMap } from "../../bounded-map.js";
import { retryAfterMs, type ArmCall, type ArmResponse } from "./errors.js";
import { isToDisplay } from "./flows.js";
import { quotasIn, subscriptionIn } from "./quotas.js";

const MOST_WAIT_MS = 5_000;

/** The share of a limit below which its calls are spread. */
export const SPREAD_BELOW = 0.5;

/** The share of a limit left to others who use the same identity. */
const KEPT_SHARE = 0.05;

/** How many pairs of an action and a subscription are remembered. */
const MOST_KINDS = 1_000;

/** The time between the retry times of calls that were not sent. */
const APART_MS = 100;

interface Size {
  readonly calls: number;
  /** The period in which the limit allows that many calls. */
  readonly ms: number;
}

const MINUTE_MS = 60_000;

/**
 * Resource Manager's limits ("Understand how Azure Resource Manager throttles requests", Microsoft
 * Learn), and Compute's, as observed. Any other limit is taken to allow, in three minutes, what its
 * first answer reported.
 */
export const SIZES: Readonly<Record<string, Size>> = {
  "subscription-reads": { calls: 250, ms: 10_000 },
  "subscription-writes": { calls: 200, ms: 20_000 },
  "subscription-deletes": { calls: 200, ms: 20_000 },
  "microsoft.compute/getgalleryimageversion3min": {
    calls: 600,
    ms: 3 * MINUTE_MS,
  },
  "microsoft.compute/getgalleryimageversion30min": {
    calls: 3_000,
    ms: 30 * MINUTE_MS,
  },
  "microsoft.compute/createupdategalleryimageversion3min": {
    calls: 375,
    ms: 3 * MINUTE_MS,
  },
  "microsoft.compute/createupdategalleryimageversion30min": {
    calls: 1_200,
    ms: 30 * MINUTE_MS,
  },
};

interface PacerOptions {
  readonly now: () => Date;
  readonly sleep: (ms: number) => Promise<unknown>;
}

export interface Pacer {
  /**
   * Resolves when the call may be sent. Throws ServiceError ResourceManagerThrottled if it is not
   * sent.
   */
  turn(call: ArmCall): Promise<void>;
  /** Records what an answer reports of the limits. */
  answered(call: ArmCall, response: ArmResponse): void;
}

interface Limit {
  readonly size: Size;
  left: number;
  /** When `left` was reported. */
  sinceMs: number;
  /** When the next call that counts against this limit may be sent. */
  nextMs: number;
}

/** The state of one action in one subscription. */
interface Kind {
  /** The limits that its calls count against, by name. */
  readonly limits: Map<string, Limit>;
  /** The time until which ARM refuses this kind of call. */
  refusedUntilMs: number;
  /** The last retry time given to a call that was not sent. */
  toldMs: number;
}

export function createPacer({ now, sleep }: PacerOptions): Pacer {
  const kinds = new BoundedMap<string, Kind>(MOST_KINDS);
  /** By subscription and name: several kinds of calls share a limit. */
  const limits = new BoundedMap<string, Limit>(MOST_KINDS);

  function kindOf({ action, scope }: ArmCall): Kind {
    const key = `${subscriptionIn(scope)} ${action.toLowerCase()}`;
    const kind = kinds.get(key) ?? {
      limits: new Map<string, Limit>(),
      refusedUntilMs: 0,
      toldMs: 0,
    };
    kinds.set(key, kind);
    return kind;
  }

  return {
    async turn(call) {
      const kind = kindOf(call);
      const nowMs = now().getTime();
      const waits = !isToDisplay(); // Invariant 4.
      const turns = [...kind.limits.values()].map((limit) => {
        const left = leftOf(limit, nowMs);
        const apartMs = apartOf(limit, left);
        const dueMs = apartMs > 0 ? limit.nextMs : 0;
        return { limit, left, apartMs, dueMs };
      });
      const dueMs = Math.max(nowMs, kind.refusedUntilMs, ...turns.map((turn) => turn.dueMs));
      const mostWaitMs = waits ? MOST_WAIT_MS : 0;
      if (dueMs - nowMs > mostWaitMs || kind.refusedUntilMs > nowMs) {
        const apartMs = Math.max(
          APART_MS,
          ...turns.map((turn) => (turn.apartMs > 0 ? forEver(turn.limit) : 0)),
        );
        if (!waits) throw notSent(call, "was not sent", dueMs + apartMs - nowMs);
        kind.toldMs = Math.max(dueMs, kind.toldMs) + apartMs;
        throw notSent(call, "waits its turn", kind.toldMs - nowMs); // Invariant 3.
      }
      for (const { limit, left, apartMs } of turns) {
        limit.left = Math.max(0, left - 1);
        limit.sinceMs = nowMs;
        limit.nextMs = dueMs + apartMs;
      }
      if (dueMs > nowMs) await sleep(dueMs - nowMs);
    },

    answered(call, response) {
      const kind = kindOf(call);
      const nowMs = now().getTime();
      for (const { limit: name, remaining } of quotasIn(response.headers)) {
        const key = `${subscriptionIn(call.scope)} ${name.toLowerCase()}`;
        const limit = limits.get(key) ?? {
          size: SIZES[name.toLowerCase()] ?? {
            calls: Math.max(1, remaining),
            ms: 3 * MINUTE_MS,
          },
          left: remaining,
          sinceMs: nowMs,
          nextMs: nowMs,
        };
        limits.set(key, limit);
        kind.limits.set(name, limit);
        limit.left = remaining;
        limit.sinceMs = nowMs;
      }
      if (response.status === 429)
        kind.refusedUntilMs = Math.max(
          kind.refusedUntilMs,
          nowMs + (retryAfterMs(response, now()) ?? MOST_WAIT_MS),
        );
    },
  };
}

/** What is left now: a limit refills while nothing uses it. */
function leftOf({ size, left, sinceMs }: Limit, nowMs: number): number {
  const filled = ((nowMs - sinceMs) * size.calls) / size.ms;
  return Math.min(size.calls, left + filled);
}

/** The time between two calls; 0 if enough is left. Invariants 1, 2 and 4. */
function apartOf(limit: Pick<Limit, "size">, left: number): number {
  const { calls } = limit.size;
  const kept = calls * KEPT_SHARE;
  const full = calls * SPREAD_BELOW;
  return left >= full ? 0 : forEver(limit) * ((full - kept) / Math.max(left - kept, 1));
}

/** The time between calls that the limit sustains for ever. */
function forEver({ size }: Pick<Limit, "size">): number {
  return size.ms / size.calls;
}

function notSent({ what, scope }: ArmCall, outcome: string, waitMs: number): ServiceError {
  return new ServiceError(
    "ResourceManagerThrottled",
    `Azure Resource Manager's limit for calls in subscription ${subscriptionIn(scope)} is nearly used up: ${what} ${outcome}.`,
    { retryAfterMs: waitMs, isTurn: true },
  );
}
