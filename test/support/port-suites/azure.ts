import type { ManualClock } from "@sigil-local/clock";
import type { ResourceManager, ResourceReader } from "../../../src/image-version/ports.js";
import type { Registrable, Subscriptions } from "../../../src/subscription/ports.js";

/** The three ports of Azure, in front of one world (requests.ts), and what a suite does to it. */
export interface AzureUnderTest {
  readonly clock: ManualClock;
  readonly resourceManager: ResourceManager;
  readonly resources: ResourceReader;
  readonly subscriptions: Subscriptions;
  /** The next replication to this region fails. */
  failRegion(region: string): Promise<void>;
  /** As if nobody had ever registered it. */
  unregister(subscriptionId: string, what: Registrable): Promise<void>;
  /** The next call is answered 429, to come back in 20 seconds. */
  throttleNext(): void;
  close(): Promise<void>;
}

export const THROTTLED = {
  code: "ResourceManagerThrottled",
  retryable: true,
  retryAfterMs: 20_000,
};
