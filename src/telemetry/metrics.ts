import type { Meter } from "@opentelemetry/api";

/** What is left of one of Azure Resource Manager's limits, for a subscription and our identity. */
export interface ArmQuota {
  /** ARM's name, such as `subscription-reads` or `Microsoft.Compute/GetGalleryImageVersion3Min`. */
  readonly limit: string;
  readonly subscriptionId: string;
  readonly remaining: number;
}

/**
 * The metrics. Attributes have few values: kinds, codes, regions, limits and subscriptions; never
 * ids of work.
 */
export interface Metrics {
  accepted(kind: string): void;
  rejected(code: string, door: "http" | "servicebus"): void;
  failed(code: string): void;
  /** `seconds` since the operation's start; undefined: unknown. */
  regionReady(region: string, seconds: number | undefined): void;
  regionFailed(region: string): void;
  /** How many events could not be published; they are sent again. */
  unpublished(events: number): void;
  /** 0 if there is none. */
  oldestOpen(ageSeconds: number): void;
  armQuota(quota: ArmQuota): void;
  /** `oldestAgeSeconds` is 0 if there is none. */
  deadLetters(queue: string, count: number, oldestAgeSeconds: number): void;
}

/** Minutes to half a day, because replication takes from 30 minutes to six hours. */
const REPLICATION_BOUNDARIES_SECONDS = [
  60, 300, 600, 900, 1_800, 2_700, 3_600, 5_400, 7_200, 10_800, 14_400, 21_600, 43_200,
];

export function createMetrics(meter: Meter): Metrics {
  const accepted = meter.createCounter("sigil.operation.accepted", {
    unit: "{operation}",
    description: "Operations accepted.",
  });
  const rejected = meter.createCounter("sigil.request.rejected", {
    unit: "{request}",
    description: "Writes refused, by HTTP (4xx) or by Service Bus.",
  });
  const failed = meter.createCounter("sigil.operation.failed", {
    unit: "{operation}",
    description: "Operations that ended Failed, by code.",
  });
  const ready = meter.createCounter("sigil.region.ready", {
    unit: "{region}",
    description: "Regions that became usable, once for each operation that asked for one.",
  });
  const regionFailed = meter.createCounter("sigil.region.failed", {
    unit: "{region}",
    description: "Replications to a region that failed, repaired later or not.",
  });
  const duration = meter.createHistogram("sigil.region.replication.duration", {
    unit: "s",
    description: "From the operation's start to the poll that saw the region usable.",
    advice: { explicitBucketBoundaries: REPLICATION_BOUNDARIES_SECONDS },
  });
  const unpublished = meter.createCounter("sigil.event.unpublished", {
    unit: "{event}",
    description: "Events that could not be published, each time that they were tried.",
  });
  const oldest = meter.createGauge("sigil.operation.oldest.age", {
    unit: "s",
    description:
      "Age of the oldest operation not ended, at each run of the reconciler; 0: there is none.",
  });
  const quota = meter.createGauge("sigil.arm.quota.remaining", {
    unit: "{request}",
    description: "Calls that ARM still allows for a subscription, by its answers.",
  });
  const deadLetters = meter.createGauge("sigil.queue.dead_letters", {
    unit: "{message}",
    description:
      "Messages in a queue's dead-letter queue, at each check; at most 1,000 are counted.",
  });
  const oldestDead = meter.createGauge("sigil.queue.dead_letters.oldest.age", {
    unit: "s",
    description: "Age of the oldest of them; 0: there is none.",
  });
  return {
    accepted: (kind) => accepted.add(1, { "sigil.operation.kind": kind }),
    rejected: (code, door) => rejected.add(1, { "error.type": code, "sigil.door": door }),
    failed: (code) => failed.add(1, { "error.type": code }),
    regionReady(region, seconds) {
      const attributes = { "cloud.region": region };
      ready.add(1, attributes);
      if (seconds !== undefined) duration.record(seconds, attributes);
    },
    regionFailed: (region) => regionFailed.add(1, { "cloud.region": region }),
    unpublished: (events) => unpublished.add(events),
    oldestOpen: (ageSeconds) => oldest.record(ageSeconds),
    armQuota: ({ limit, subscriptionId, remaining }) =>
      quota.record(remaining, {
        "sigil.arm.limit": limit,
        "cloud.account.id": subscriptionId,
      }),
    deadLetters(queue, count, oldestAgeSeconds) {
      const attributes = { "messaging.destination.name": queue };
      deadLetters.record(count, attributes);
      oldestDead.record(oldestAgeSeconds, attributes);
    },
  };
}
