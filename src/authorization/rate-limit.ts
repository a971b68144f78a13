// Invariants:
// 1. A caller is an application together with its identity, or the person it acts for. So one
//    runaway pipeline does not block another, nor one person another with the same client.
// 2. A bucket starts full, holds a minute's calls, and fills evenly. A refused call takes nothing
//    from it.
// 3. Buckets belong to this instance: they protect it, and the ARM quota behind it, from one
//    caller. They are not a quota: each instance has its own.
// 4. Calls without an accepted token count by their address, which shares no bucket with callers
//    that have a token, so they cannot block those. All calls without an address share one bucket.
// 5. At most `MAX_CALLERS` are remembered; the one quiet the longest is dropped first.
// 6. Refused calls are reported as a count, at most once a minute for each caller: at the first
//    one, and at the first call a minute later. Unreported calls of a dropped caller are reported
//    when it is dropped.
import { BoundedMap } from "../bounded-map.js";
import { ServiceError } from "../errors.js";
import type { Principal } from "./authentication.js";

export interface RateLimiter {
  /**
   * Counts one call. Throws TooManyRequests with the time to retry if the caller has none left.
   * `report` receives refused calls, of this caller or another. Invariant 6.
   */
  take(caller: Principal | Stranger, report?: (refused: RefusedCalls) => void): void;
}

/** A caller without an accepted token. Invariant 4. */
interface Stranger {
  readonly address: string | undefined;
}

export interface RefusedCalls {
  readonly by: Pick<Principal, "appId" | "objectId"> | Stranger;
  readonly calls: number;
}

interface Bucket {
  readonly calls: number;
  readonly atMs: number;
  /** Not reported yet. */
  readonly refused: RefusedCalls;
  readonly reportedMs: number;
}

interface RateLimiterOptions {
  /** 0: unlimited. */
  readonly callsPerMinute: number;
  readonly now: () => Date;
}

const MINUTE_MS = 60_000;
const MAX_CALLERS = 10_000;

/** Invariant 1. */
export function callerKeyOf({ appId, objectId }: Pick<Principal, "appId" | "objectId">): string {
  return JSON.stringify([appId, objectId]);
}

/** A token bucket for each caller, in memory. */
export function createRateLimiter({ callsPerMinute, now }: RateLimiterOptions): RateLimiter {
  const buckets = new BoundedMap<string, Bucket>(MAX_CALLERS); // Invariant 5.
  const callMs = MINUTE_MS / callsPerMinute;
  return {
    take(caller, report = () => undefined) {
      if (callsPerMinute === 0) return;
      const [key, by] = identityOf(caller);
      const nowMs = now().getTime();
      const held = buckets.get(key) ?? {
        calls: callsPerMinute,
        atMs: nowMs,
        refused: { by, calls: 0 },
        reportedMs: -Infinity,
      };
      const filled = Math.max(0, nowMs - held.atMs) / callMs;
      const calls = Math.min(callsPerMinute, held.calls + filled);
      const isRefused = calls < 1;
      const left = isRefused ? calls : calls - 1; // Invariant 2.
      const refused = { by, calls: held.refused.calls + (isRefused ? 1 : 0) };
      const isDue = refused.calls > 0 && nowMs - held.reportedMs >= MINUTE_MS;
      if (isDue) report(refused);
      const forgotten = buckets.set(key, {
        calls: left,
        atMs: nowMs,
        refused: isDue ? { by, calls: 0 } : refused,
        reportedMs: isDue ? nowMs : held.reportedMs,
      });
      if (forgotten && forgotten.refused.calls > 0) report(forgotten.refused);
      if (!isRefused) return;
      throw new ServiceError(
        "TooManyRequests",
        `This caller used up its ${callsPerMinute} calls a minute. Try again after the seconds in Retry-After.`,
        { retryAfterMs: Math.ceil((1 - calls) * callMs) },
      );
    },
  };
}

/** The caller's key, and its identity for a report. */
function identityOf(caller: Principal | Stranger): readonly [string, RefusedCalls["by"]] {
  if ("address" in caller) {
    const { address } = caller;
    return [JSON.stringify([address]), { address }];
  }
  const { appId, objectId } = caller;
  const key = callerKeyOf(caller);
  return [key, { ...(appId && { appId }), ...(objectId && { objectId }) }];
}
