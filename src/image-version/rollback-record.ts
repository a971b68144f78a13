/**
 * A rollback of an image definition: one operation that makes an earlier version the latest. It
 * promotes and demotes by operations on the versions themselves, one after the other, so that each
 * version has one writer. Example:
 *
 *     steps [ demote 1.0.1, demote 1.0.2 ]   1.0.0 is promoted; 1.0.2 was the latest, 1.0.1 came between
 *     child "…-3"                            the operation that demotes 1.0.1
 *
 * The versions to demote are fixed on acceptance: Sigil leaves alone what others promote or publish
 * since.
 */
import type { TrackedRecord } from "../operation/records.js";

/** The latest versions before and after a rollback, of the image definition and in each region. */
export interface RollbackRecord {
  readonly from: string;
  readonly to: string;
  readonly regions: readonly {
    readonly name: string;
    readonly from?: string;
    readonly to?: string;
  }[];
}

export interface RollbackStep {
  readonly versionName: string;
  readonly does: "promote" | "demote";
}

export type RollbackState =
  "RollbackRequested" | "RollingBack" | "Succeeded" | "Failed" | "Canceled";

export interface RollbackStateRecord extends TrackedRecord {
  readonly state: RollbackState;
  /** The steps that remain. */
  readonly steps: readonly RollbackStep[];
  /** The operation of the first step; absent: not accepted yet. */
  readonly child?: string;
}
