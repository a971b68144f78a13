/**
 * A rollback of an image definition: one operation that makes an earlier version the latest. It promotes and demotes by
 * operations of the versions themselves, one after the other, so that each version has one writer. Example:
 *
 *   steps [ promote 1.0.0, demote 1.0.1, demote 1.0.2 ]   1.0.2 was the latest, 1.0.1 came between
 *   done 1                                                1.0.0 is promoted
 *   child "…-3"                                           the operation that demotes 1.0.1
 */
import type { Requester, TrackedRecord } from "../operation/records.js";

export interface RollbackStep {
  readonly versionName: string;
  readonly does: "promote" | "demote";
}

export type RollbackState =
  "RollbackRequested" | "RollingBack" | "Succeeded" | "Failed" | "Canceled";

export interface RollbackStateRecord extends TrackedRecord {
  readonly state: RollbackState;
  readonly steps: readonly RollbackStep[];
  /** How many of them are done. */
  readonly done: number;
  /** The operation that takes the present one; absent until it is accepted. */
  readonly child?: string;
  /** Who has canceled it. It ends by its next step, with what is the latest then. */
  readonly canceledBy?: Requester;
}
