/** Every event type of an image version. Past tense: each tells a fact that is already stored. */
export const IMAGE_VERSION_EVENT = {
  accepted: "Sigil.ImageVersion.Accepted",
  rejected: "Sigil.ImageVersion.Rejected",
  creating: "Sigil.ImageVersion.Creating",
  regionReplicating: "Sigil.ImageVersion.RegionReplicating",
  regionCompleted: "Sigil.ImageVersion.RegionCompleted",
  regionFailed: "Sigil.ImageVersion.RegionFailed",
  completed: "Sigil.ImageVersion.Completed",
  failed: "Sigil.ImageVersion.Failed",
} as const;

export type ImageVersionEventType =
  (typeof IMAGE_VERSION_EVENT)[keyof typeof IMAGE_VERSION_EVENT];
