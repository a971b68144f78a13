// Invariants:
// 1. A caller is its application together with its identity, or the person it acts for: one pipeline that runs wild does
//    not keep out another, nor one person another who uses the same client.
// 2. A bucket starts full and holds a minute's calls; it fills evenly. What is refused takes nothing from it.
// 3. Buckets are of this instance alone: they guard it, and the ARM quota behind it, from one caller. They are no quota:
//    of several instances each gives its own.
// 4. Calls without a token that is believed count by the address that they come from, which they share with no caller: who has
//    a token is not kept out by who has none.
// 5. At most `MAX_CALLERS` are remembered; the one that has been quiet longest is forgotten first.
import { BoundedMap } from "../bounded-map.js";
import { ServiceError } from "../errors.js";
import type { Principal } from "./authentication.js";

export interface RateLimiter {
  /** Counts one call; throws TooManyRequests, which says when to try again, where the caller has none left. */
  take(caller: Principal | Stranger): void;
}

/** Who calls without a token that is believed. Invariant 4. */
interface Stranger {
  readonly address: string;
}

interface RateLimiterOptions {
  /** 0: any number. */
  readonly callsPerMinute: number;
  readonly now: () => Date;
}

const MINUTE_MS = 60_000;
const MAX_CALLERS = 10_000;

/** Invariant 1. */
export function callerKeyOf({
  appId,
  objectId,
}: Pick<Principal, "appId" | "objectId">): string {
  return JSON.stringify([appId, objectId]);
}

/** A token bucket for each caller, in memory. */
export function createRateLimiter({
  callsPerMinute,
  now,
}: RateLimiterOptions): RateLimiter {
  const buckets = new BoundedMap<string, { calls: number; atMs: number }>(
    MAX_CALLERS,
  ); // Invariant 5.
  const callMs = MINUTE_MS / callsPerMinute;
  return {
    take(caller) {
      if (callsPerMinute === 0) return;
      const key =
        "address" in caller
          ? JSON.stringify([caller.address])
          : callerKeyOf(caller);
      const nowMs = now().getTime();
      const held = buckets.get(key) ?? { calls: callsPerMinute, atMs: nowMs };
      const filled = Math.max(0, nowMs - held.atMs) / callMs;
      const calls = Math.min(callsPerMinute, held.calls + filled);
      const left = calls < 1 ? calls : calls - 1; // Invariant 2.
      buckets.set(key, { calls: left, atMs: nowMs });
      if (calls >= 1) return;
      throw new ServiceError(
        "TooManyRequests",
        `This caller may make ${callsPerMinute} calls in a minute, and has made them. Try again after the time in Retry-After.`,
        { retryAfterMs: Math.ceil((1 - calls) * callMs) },
      );
    },
  };
}
