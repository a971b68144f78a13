/**
 * The test of an image version by a machine in each region: one operation. How far each region is stands in the operation
 * (`tests`), what the machines are made by in the record. Example of a region's test while its machine starts:
 *
 *   { name: "westus", state: "Starting", attempts: 1, attemptsAllowed: 3, createdTime: …, work: { sends: 1, answered: true, … } }
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
  /** Of the version that is tested, once it has been looked at: another one under its number has not been tested. */
  readonly publishedDate?: string;
  /** None until the version has been looked at. */
  readonly plans: readonly MachinePlan[];
  /** By whom, once it is being canceled. */
  readonly canceledBy?: Requester;
}

/** The record of a version's tests lies beside the version's own. */
export function testKeyOf(versionId: string): string {
  return keyOf(`${versionId}/test`);
}
