import type { ImageNames } from "./names.js";

/** A virtual machine, an instance of a scale set, or a scale set, that refers to an image. */
export interface ImageUser {
  readonly id: string;
  readonly kind: "machine" | "scaleSet";
  /** Canonical region. */
  readonly region: string;
  /** The name that it uses, one of ImageNames. */
  readonly image: string;
  /** The version number that Azure chose when it was created from the latest; absent: unknown. */
  readonly exactVersion?: string;
  /** Its OS disk is on its host, and created again from the image whenever it is reimaged. */
  readonly ephemeral: boolean;
}

export interface FoundUsers {
  readonly users: readonly ImageUser[];
  /** False if there are more than were read. */
  readonly complete: boolean;
  /** False if there may be more that need their version. Those are read first. */
  readonly needsSeen: boolean;
}

/**
 * Finds users of images in any subscription. Each call throws what every call of Azure Resource
 * Manager does (image-version's ports.ts), and does not retry.
 */
export interface ImageUsers {
  /**
   * Asks Azure Resource Graph, which lags by minutes and silently omits what the caller may not
   * read.
   */
  find(subscriptionIds: readonly string[], names: ImageNames): Promise<FoundUsers>;
  /** Throws if Sigil may not read every machine and scale set of the subscription. */
  proveReadable(subscriptionId: string): Promise<void>;
  /** Reads the scale sets that refer to an image from Azure Resource Manager, as they are now. */
  listScaleSets(subscriptionId: string, names: ImageNames): Promise<readonly ImageUser[]>;
}

export interface UseDependencies {
  readonly imageUsers: ImageUsers;
  /**
   * Subscriptions, in addition to the gallery's, whose machines may use its images. Empty: nothing
   * is guarded.
   */
  readonly consumerSubscriptions: readonly string[];
  /** How long Resource Graph may lag; a deletion waits this long before it asks again. */
  readonly useDelayMs: number;
  readonly now: () => Date;
}
