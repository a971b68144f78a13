import type { Wire } from "./arm.js";
import type { Facts } from "./facts.js";

/** What one GET has shown of a version; absent facts: 404. */
export interface Look {
  readonly atMs: number;
  readonly version: string;
  readonly facts?: Facts;
  readonly wire?: Wire;
  readonly provisioningState?: string;
  readonly regions: ReadonlyMap<string, string>;
  /** It is what ARM has, not what it had. */
  readonly current: boolean;
}
