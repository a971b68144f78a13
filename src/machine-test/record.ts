/**
 * The test of an image version on one machine in each region: one operation. The progress of each
 * region is in the operation (`tests`), the plans of the machines are in the record. Example of a
 * region's test while its machine starts:
 *
 *   { name: "westus", state: "Starting", attempts: 1, attemptsAllowed: 3, createdTime: …,
 *     work: { sends: 1, answered: true, … } }
 */
import type { Requester, TrackedRecord } from "../operation/records.js";
import { keyOf } from "../resource-id.js";
import type { MachinePlan } from "./machine.js";
import type { TestProfile } from "./profile.js";

export type TestState = "TestRequested" | "Testing" | "Succeeded" | "Failed" | "Canceled";

export interface TestRecord extends TrackedRecord {
  readonly state: TestState;
  /** As it was when the test was accepted. */
  readonly profile: TestProfile;
  /**
   * Identifies the tested version, once it was read. Another version under its number has not been
   * tested.
   */
  readonly publishedDate?: string;
  /** Empty until the version was read. */
  readonly plans: readonly MachinePlan[];
  /** Who canceled it. */
  readonly canceledBy?: Requester;
}

/** The key of a version's tests, next to the version's own record. */
export function testKeyOf(versionId: string): string {
  return keyOf(`${versionId}/test`);
}
