import { ENDS, isFinalState, type States } from "../../operation/states.js";
import type { ImageVersionRecord, VersionState } from "./record.js";

const CREATIONS = "image-version-creations";
const REPLICATIONS = "image-version-replications";

export const NOTHING_SENT = "Azure accepted nothing of it, and Sigil sends nothing more.";

export const GOES_ON =
  "Azure continues to replicate what it accepted, in every region. Sigil sends no further update and no repair for it, and reports no region. To continue, send the same PUT.";

export const NOTHING_DELETED = "Nothing was deleted, and nothing will be.";

export const RESTORE_SENT =
  "Sigil does not send the restore request again. Azure may carry out one that was sent: the operation ends Succeeded if the version is back, otherwise Canceled.";

export const DELETE_SENT =
  "Sigil does not send the delete request again. Azure may carry out one that was sent: the operation ends Succeeded if the version is gone, otherwise Canceled, and the version is then in latest again as before.";

const GONE_AND_ASKED = "others deleted it, and a PUT creates it again";

/**
 * The states of an image version that is created, updated, promoted, demoted, deleted or restored.
 */
export const VERSION_STATES: States<VersionState> = {
  Accepted: {
    status: "NotStarted",
    queue: CREATIONS,
    next: {
      Creating: "checked, not in Azure",
      Updating: "checked, in Azure with differences",
      Replicating: "checked, in Azure as requested",
      Succeeded: "checked, in Azure as requested, every region Completed",
      Deleting: "a DELETE is sent next",
      Deleted: "a deletion finds none, and nothing was sent",
    },
    ifCanceled: NOTHING_SENT,
  },
  Creating: {
    status: "Running",
    queue: CREATIONS,
    next: {
      Replicating: "Azure has it",
      Updating: "Azure has it with differences",
      Accepted: "a deletion fails",
      Succeeded: "Azure has it, every region Completed",
      Deleting: "a DELETE is sent next",
      Deleted: "gone before its DELETE was sent",
    },
    ifCanceled:
      "The create request was sent: Azure may create the version and replicate it to every region. Sigil no longer follows it. To follow it again, send the same PUT.",
  },
  Updating: {
    status: "Running",
    queue: CREATIONS,
    next: {
      Replicating: "Azure has it",
      Creating: GONE_AND_ASKED,
      Accepted: "a deletion fails",
      Succeeded: "Azure has it, every region Completed",
      Deleting: "a DELETE is sent next",
      Deleted: "gone before its DELETE was sent",
    },
    ifCanceled:
      "The update was sent: Azure may carry it out. Sigil sends no further update and no repair for it. To continue, send the same PUT.",
  },
  Replicating: {
    status: "Running",
    queue: REPLICATIONS,
    next: {
      Updating: "still different, a region to repair, or a promotion due",
      Creating: GONE_AND_ASKED,
      Accepted: "a deletion fails",
      Succeeded: "as requested, every region Completed",
      Deleting: "a DELETE is sent next",
      Deleted: "gone before its DELETE was sent",
    },
    ifCanceled: GOES_ON,
  },
  DeletionRequested: {
    status: "NotStarted",
    queue: CREATIONS,
    next: {
      Deleting: "the DELETE is sent next",
      Accepted: "it fails, and others continue",
      Updating: "guarded, and excluded from latest next",
      Replicating: "guarded, and excluded from latest",
      Deleted:
        "gone before its DELETE was sent, or another version is there, created by others since",
    },
    ifCanceled: NOTHING_DELETED,
  },
  Deleting: {
    status: "Running",
    queue: CREATIONS,
    next: {
      Deleted: "404, three times in a row, or another version is there",
      Accepted: "Azure did not delete it, and unsent requests continue",
      Creating: "the same, and a create request has no answer yet",
      Updating: "the same, and an update has no answer yet",
      Replicating: "the same, and Azure works on what it accepted",
    },
    ifCanceled: DELETE_SENT,
  },
  Deleted: { status: "Succeeded" },
  RestoreRequested: {
    status: "NotStarted",
    queue: CREATIONS,
    next: {
      Restoring: "checked, and among what Azure can restore",
      Replicating: "Azure has it again, restored by others",
    },
    ifCanceled: "Nothing was restored, and nothing will be.",
  },
  Restoring: {
    status: "Running",
    queue: CREATIONS,
    next: { Replicating: "Azure has it again" },
    ifCanceled: RESTORE_SENT,
  },
  ...ENDS,
};

/**
 * Azure was asked to restore the version and does not show it yet. Nothing else can be requested
 * meanwhile.
 */
export function isRestoring({
  state,
  requests,
}: Pick<ImageVersionRecord, "state" | "requests">): boolean {
  return !isFinal(state) && Object.values(requests).some(({ restores }) => restores === true);
}

export function isDeleting(state: VersionState): boolean {
  return state === "DeletionRequested" || state === "Deleting";
}

/** Whether an operation creates it, and no confirmed look has shown it yet. */
export function isToBeShown(
  record: Pick<ImageVersionRecord, "state" | "status" | "requests">,
): boolean {
  const { state, status } = record;
  return !isFinal(state) && !isDeleting(state) && !isRestoring(record) && status === undefined;
}

export function isFinal(state: VersionState): boolean {
  return isFinalState(VERSION_STATES[state]);
}
