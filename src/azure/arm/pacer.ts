/**
 * Calls of Azure Resource Manager wait their turn by what its answers say is left of its limits. Invariants:
 *  1. A call waits only where less than half is left of a limit that calls of its kind count to, or where ARM has
 *     refused one of its kind and named a time.
 *  2. The less is left, the fewer are sent: of a limit at its half as many as it allows for ever, of one at its end hardly
 *     any. So ARM seldom has to refuse one, and others who use the same identity find something left.
 *  3. A call whose turn is not within `MOST_WAIT_MS` is not sent, and fails as if ARM had refused it. Each is told a time of
 *     its own: they do not come again all at once.
 *  4. A read to display never waits: it is sent if no wait is due, or not at all.
 * Instances know nothing of each other: each sees in ARM's answers what all of them use. Example, 3,000 reads in 30 minutes:
 *
 *   left 2,000   sent at once
 *   left 1,500   one in 0.6 s, as many as the limit allows for ever
 *   left   500   one in 2.3 s
 *   left   150   none
 */
import { ServiceError } from "../../errors.js";
import { BoundedMap } from "../../bounded-map.js";
import { retryAfterMs, type ArmCall, type ArmResponse } from "./errors.js";
import { isToDisplay } from "./flows.js";
import { quotasIn, subscriptionIn } from "./quotas.js";

const MOST_WAIT_MS = 5_000;

/** Below this share of a limit its calls are spread. */
export const SPREAD_BELOW = 0.5;

/** So much of a limit is left to others who use the same identity. */
const KEPT_SHARE = 0.05;

/** Of what is done in how many subscriptions something is remembered. */
const MOST_KINDS = 1_000;

/** Apart from each other, calls that were not sent are told to come again. */
const APART_MS = 100;

interface Size {
  readonly calls: number;
  /** In how long so many may be sent. */
  readonly ms: number;
}

const MINUTE_MS = 60_000;

/**
 * Resource Manager's own ("Understand how Azure Resource Manager throttles requests", Microsoft Learn), and Compute's, as
 * seen. One that is not here is taken to allow in three minutes what it was first seen to have left.
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
  /** Comes back when the call may be sent; throws ServiceError ResourceManagerThrottled where it is not sent. */
  turn(call: ArmCall): Promise<void>;
  /** Notes what an answer says is left. */
  answered(call: ArmCall, response: ArmResponse): void;
}

interface Limit {
  readonly size: Size;
  left: number;
  /** When so many were left. */
  sinceMs: number;
  /** When the next call may be sent that counts to it. */
  nextMs: number;
}

/** What is known of one action in one subscription. */
interface Kind {
  /** By name: those that its calls count to. */
  readonly limits: Map<string, Limit>;
  /** ARM has refused one, and named this time. */
  refusedUntilMs: number;
  /** The last time that was told to one that was not sent. */
  toldMs: number;
}

export function createPacer({ now, sleep }: PacerOptions): Pacer {
  const kinds = new BoundedMap<string, Kind>(MOST_KINDS);
  /** By subscription and name: calls of several kinds count to one limit. */
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

/** What is left now of what was left then: a limit fills again as long as nobody uses it. */
function leftOf({ size, left, sinceMs }: Limit, nowMs: number): number {
  const filled = ((nowMs - sinceMs) * size.calls) / size.ms;
  return Math.min(size.calls, left + filled);
}

/** How long after one call the next is sent; 0 where there is enough left. Invariants 1, 2 and 4. */
function apartOf(limit: Pick<Limit, "size">, left: number): number {
  const { calls } = limit.size;
  const kept = calls * KEPT_SHARE;
  const full = calls * SPREAD_BELOW;
  return left >= full ? 0 : forEver(limit) * ((full - kept) / Math.max(left - kept, 1));
}

/** One call in so many milliseconds is what the limit allows for ever. */
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
