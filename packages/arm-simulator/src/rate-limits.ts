import type { Clock } from "@sigil-local/clock";
import { ArmError } from "./arm-error.js";

/*
 * Two layers, as in Azure: Resource Manager's token buckets for a subscription, and Compute's
 * windows of three and of thirty minutes for one kind of call. If they are not enforced nothing is
 * counted, and each call gets the first answer.
 */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export type ArmLimit = "reads" | "writes" | "deletes";
export type ComputePolicy =
  "CreateUpdateGalleryImageVersion" | "GetGalleryImageVersion" | "DeleteGalleryImageVersion";

/** "250 reads in hand and 25 a second, 200 writes and deletes in hand and 10 a second", for a subscription and principal. */
const ARM_LIMITS = {
  reads: { size: 250, perSecond: 25 },
  writes: { size: 200, perSecond: 10 },
  deletes: { size: 200, perSecond: 10 },
} as const;

const COMPUTE_LIMITS = {
  CreateUpdateGalleryImageVersion: { in3Min: 375, in30Min: 1200 },
  GetGalleryImageVersion: { in3Min: 600, in30Min: 3000 },
  DeleteGalleryImageVersion: { in3Min: 375, in30Min: 1200 },
} as const;

interface Bucket {
  tokens: number;
  atMs: number;
}

interface Window {
  startedAtMs: number;
  used: number;
}

export class RateLimits {
  readonly #clock: Clock;
  readonly #enforce: boolean;
  readonly #buckets = new Map<string, Bucket>();
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, enforce: boolean) {
    this.#clock = clock;
    this.#enforce = enforce;
  }

  /** Takes one of each and gives the headers that tell what is left; throws 429 with Retry-After when none was. */
  take(
    subscriptionId: string,
    limit: ArmLimit,
    policy: ComputePolicy | undefined,
  ): Record<string, string> {
    const subscription = subscriptionId.toLowerCase();
    const headers: Record<string, string> = {
      [`x-ms-ratelimit-remaining-subscription-${limit}`]: String(
        this.#takeToken(subscription, limit),
      ),
    };
    if (policy !== undefined) {
      const { in3Min, in30Min } = COMPUTE_LIMITS[policy];
      const short = this.#takeFromWindow(subscription, policy, 3, in3Min);
      const long = this.#takeFromWindow(subscription, policy, 30, in30Min);
      headers["x-ms-ratelimit-remaining-resource"] =
        `Microsoft.Compute/${policy}3Min;${short},Microsoft.Compute/${policy}30Min;${long}`;
    }
    return headers;
  }

  #takeToken(subscription: string, limit: ArmLimit): number {
    const { size, perSecond } = ARM_LIMITS[limit];
    if (!this.#enforce) return size - 1;
    const key = `${subscription}/${limit}`;
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: size, atMs: now };
    const refilled = ((now - bucket.atMs) / SECOND_MS) * perSecond;
    const tokens = Math.min(size, bucket.tokens + refilled);
    this.#buckets.set(key, { tokens: Math.max(0, tokens - 1), atMs: now });
    if (tokens < 1)
      throw tooManyRequests(
        `Number of requests for subscription '${subscription}' exceeded the limit of its ${limit}.`,
        (1 - tokens) / perSecond,
      );
    return Math.floor(tokens - 1);
  }

  #takeFromWindow(
    subscription: string,
    policy: ComputePolicy,
    minutes: number,
    most: number,
  ): number {
    if (!this.#enforce) return most - 1;
    const key = `${subscription}/${policy}/${minutes}`;
    const now = this.#clock.now();
    const lengthMs = minutes * MINUTE_MS;
    let window = this.#windows.get(key);
    if (window === undefined || now - window.startedAtMs >= lengthMs) {
      window = { startedAtMs: now, used: 0 };
      this.#windows.set(key, window);
    }
    if (window.used >= most)
      throw tooManyRequests(
        `The request is being throttled as the limit has been reached for operation type - ${policy}. For more information, see - https://aka.ms/vmthrottling`,
        (window.startedAtMs + lengthMs - now) / SECOND_MS,
      );
    window.used += 1;
    return most - window.used;
  }
}

function tooManyRequests(message: string, seconds: number): ArmError {
  return new ArmError(429, "TooManyRequests", message, {
    headers: { "Retry-After": String(Math.max(1, Math.ceil(seconds))) },
  });
}
