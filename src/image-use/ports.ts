import type { ImageNames } from "./names.js";

/** A virtual machine, an instance of a scale set, or a scale set, that names an image. */
export interface ImageUser {
  readonly id: string;
  readonly kind: "machine" | "scaleSet";
  /** Canonical region. */
  readonly region: string;
  /** What it names, one of ImageNames. */
  readonly image: string;
  /** The number that Azure took when it was made of the latest; absent where Azure does not say. */
  readonly exactVersion?: string;
  /** Its operating system's disk is on its host, and made of the image anew whenever it is reimaged. */
  readonly ephemeral: boolean;
}

export interface FoundUsers {
  readonly users: readonly ImageUser[];
  /** False where there are more than were read. */
  readonly complete: boolean;
  /** False where there may be more that need their version: those are read first. */
  readonly needsSeen: boolean;
}

/**
 * Those who use images, in any subscription. Each call throws what every call of Azure Resource Manager does (image-version's
 * ports.ts); none is retried inside.
 */
export interface ImageUsers {
  /** By Azure Resource Graph, which lags by minutes and leaves out in silence what it may not show. */
  find(subscriptionIds: readonly string[], names: ImageNames): Promise<FoundUsers>;
  /** Throws where Azure does not show every machine and scale set of the subscription. */
  proveReadable(subscriptionId: string): Promise<void>;
  /** Those scale sets that name an image, by Azure Resource Manager itself: as they are now. */
  listScaleSets(subscriptionId: string, names: ImageNames): Promise<readonly ImageUser[]>;
}

export interface UseDependencies {
  readonly imageUsers: ImageUsers;
  /** Subscriptions, besides the gallery's own, whose machines may be made of its images. None: nothing is guarded. */
  readonly consumerSubscriptions: readonly string[];
  /** How long Resource Graph may lag behind: so long a deletion waits before it asks again. */
  readonly useDelayMs: number;
  readonly now: () => Date;
}
