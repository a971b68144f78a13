import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { placesOf } from "../listings.js";
import type { Kind } from "../operation/ports.js";
import { ENDS, type States } from "../operation/states.js";
import { imageIdOf, parseImageVersionId } from "../resource-id.js";
import type { RevocationRecord, RevocationState } from "./record.js";

const CREATIONS = "image-version-creations";

const STAYS =
  "The version stays revoked, and in latest where it is. To lift the revocation, ask an Admin (POST …/unrevoke).";

const STATES: States<RevocationState> = {
  RevocationRequested: {
    status: "NotStarted",
    queue: CREATIONS,
    next: {
      Revoking: "the version is in latest",
      Succeeded: "the version is not in latest anywhere, or the revocation is lifted",
    },
    ifCanceled: STAYS,
  },
  Revoking: {
    status: "Running",
    queue: CREATIONS,
    next: { Succeeded: "the version is not in latest anywhere" },
    ifCanceled: STAYS,
  },
  ...ENDS,
};

const REVOCATION: Kind<RevocationRecord> = {
  states: STATES,
  events: {
    failed: (_, data) => ({ type: IMAGE_VERSION_EVENT.failed, data }),
    canceled: (_, data) => ({ type: IMAGE_VERSION_EVENT.canceled, data }),
    stalled: (_, data) => ({
      type: IMAGE_VERSION_EVENT.operationStalled,
      data,
    }),
    resumed: (data) => ({ type: IMAGE_VERSION_EVENT.operationResumed, data }),
  },
  placesOf(resourceId) {
    const id = parseImageVersionId(resourceId);
    return id === undefined ? [] : placesOf(imageIdOf(id));
  },
};

export const REVOCATION_KINDS = {
  RevokeImageVersion: REVOCATION,
  UnrevokeImageVersion: REVOCATION,
} as const satisfies Readonly<Record<string, Kind<RevocationRecord>>>;
