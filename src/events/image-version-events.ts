import type { EventType } from "./documented-event.js";

/** Every event type of an image version. Past tense: each tells a fact that is already stored. */
export const IMAGE_VERSION_EVENT = {
  accepted: "Sigil.ImageVersion.Accepted",
  rejected: "Sigil.ImageVersion.Rejected",
  alreadyDone: "Sigil.ImageVersion.AlreadyDone",
  creating: "Sigil.ImageVersion.Creating",
  updating: "Sigil.ImageVersion.Updating",
  changedOutside: "Sigil.ImageVersion.ChangedOutside",
  regionLost: "Sigil.ImageVersion.RegionLost",
  deletedOutside: "Sigil.ImageVersion.DeletedOutside",
  regionReplicating: "Sigil.ImageVersion.RegionReplicating",
  regionCompleted: "Sigil.ImageVersion.RegionCompleted",
  regionFailed: "Sigil.ImageVersion.RegionFailed",
  regionStalled: "Sigil.ImageVersion.RegionStalled",
  regionResumed: "Sigil.ImageVersion.RegionResumed",
  regionRepairing: "Sigil.ImageVersion.RegionRepairing",
  regionRemoved: "Sigil.ImageVersion.RegionRemoved",
  operationStalled: "Sigil.ImageVersion.OperationStalled",
  operationResumed: "Sigil.ImageVersion.OperationResumed",
  promoted: "Sigil.ImageVersion.Promoted",
  demoted: "Sigil.ImageVersion.Demoted",
  completed: "Sigil.ImageVersion.Completed",
  failed: "Sigil.ImageVersion.Failed",
  canceled: "Sigil.ImageVersion.Canceled",
  deleting: "Sigil.ImageVersion.Deleting",
  deleted: "Sigil.ImageVersion.Deleted",
  restoring: "Sigil.ImageVersion.Restoring",
  restored: "Sigil.ImageVersion.Restored",
  testResultReported: "Sigil.ImageVersion.TestResultReported",
  wavePromoted: "Sigil.ImageVersion.WavePromoted",
  rolledBack: "Sigil.ImageVersion.RolledBack",
  rolloutHalted: "Sigil.ImageVersion.RolloutHalted",
  keyAtRisk: "Sigil.ImageVersion.KeyAtRisk",
  keySafe: "Sigil.ImageVersion.KeySafe",
} as const satisfies Record<string, EventType>;

export type ImageVersionEventType =
  (typeof IMAGE_VERSION_EVENT)[keyof typeof IMAGE_VERSION_EVENT];
