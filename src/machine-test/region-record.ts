import type { OperationRecord } from "../operation/records.js";

/**
 * The state of one region's test; the final result is in `result`. Waiting: for its turn or the
 * next attempt. Kept: it failed, and its machine is kept for inspection. Gone: nothing of it exists
 * any longer. Left: something could not be deleted.
 */
type RegionTestState =
  "Waiting" | "Creating" | "Starting" | "Proving" | "Kept" | "Deleting" | "Gone" | "Left";

/** Only `failed` counts against the version. */
export type TestResult = "passed" | "failed" | "inconclusive";

/** A disk that Azure created from the version. */
export interface TestedDisk {
  readonly id: string;
  /** Absent: the OS disk. */
  readonly lun?: number;
  /** ARM's value; for a confidential disk its security type. */
  readonly encryptionType: string;
  readonly diskEncryptionSetId?: string;
}

/**
 * The machine that tests an image version in one region, and what it has shown. Times are RFC 3339.
 */
export interface RegionTestRecord {
  /** Canonical region. */
  readonly name: string;
  readonly state: RegionTestState;
  readonly result?: TestResult;
  /** Why the result, or the previous attempt, is not passed. */
  readonly reason?: { readonly code: string; readonly message: string };
  /** Machines requested so far, one after the other, and how many may be. */
  readonly attempts: number;
  readonly attemptsAllowed: number;
  /** While Waiting: when the next attempt begins. While Kept: until when the machine is kept. */
  readonly nextAttemptTime?: string;
  readonly machineSize: string;
  readonly machineId?: string;
  /** When the present machine must be gone. */
  readonly deadline?: string;
  /**
   * When Azure accepted it, when it was provisioned, when its start was proven, and when nothing of
   * it was left.
   */
  readonly createdTime?: string;
  readonly startedTime?: string;
  readonly provenTime?: string;
  readonly deletedTime?: string;
  readonly agentVersion?: string;
  readonly disks?: readonly TestedDisk[];
  /** The last 4 KB of the proof's output. */
  readonly output?: string;
  /** Ids of what could not be deleted. */
  readonly left?: readonly string[];
  readonly work: RegionTestWork;
}

/**
 * The next action of a region's test, and the state of its calls. Never shown. Times are RFC 3339.
 */
export interface RegionTestWork {
  /** The call to make once this is stored. */
  readonly todo?: "create" | "prove" | "delete" | "deleteParts";
  /** When the present attempt began. */
  readonly begunTime?: string;
  /**
   * When the last PUT of the machine was stored to be sent. It may be in flight until it is
   * `answered`.
   */
  readonly sentTime?: string;
  readonly answered?: true;
  /** PUTs of this attempt, and how many of them Azure delayed. */
  readonly sends: number;
  readonly delays: number;
  /** When the next PUT may be sent. */
  readonly notBefore?: string;
  /** When a machine seen before was first missing. */
  readonly missingSince?: string;
  /** DELETEs of the machine that Azure answered, how many were sent, and when the last one was. */
  readonly deletions: number;
  readonly deletionsSent: number;
  readonly deletionTime?: string;
  readonly interfaceIds?: readonly string[];
  /** Ids of what its deletion has left. */
  readonly parts?: readonly string[];
  /** Another attempt follows when the machine is gone. */
  readonly again?: true;
  /** When it had a result, and whether that is stored among the version's test results. */
  readonly resultTime?: string;
  readonly reported?: true;
}

/** The tests of an operation's regions, one for each; none: it is no test of a version. */
export function testsOf(
  operation: Pick<OperationRecord, "kind" | "detail"> | undefined,
): readonly RegionTestRecord[] {
  return operation?.kind === "TestImageVersion"
    ? (operation.detail as readonly RegionTestRecord[])
    : [];
}
