import { ENDS, isFinalState, type States } from "../../operation/states.js";
import type { ImageVersionRecord, VersionState } from "./record.js";

const CREATIONS = "image-version-creations";
const REPLICATIONS = "image-version-replications";

export const NOTHING_SENT = "Azure has taken nothing of it, and nothing more is sent.";

export const GOES_ON =
  "Azure goes on replicating what it has accepted, in every region. Sigil sends no further update and no repair for it, and reports no region; send the same PUT to go on.";

export const NOTHING_DELETED = "Nothing was deleted, and nothing will be.";

export const RESTORE_SENT =
  "The restore request is not sent again. Azure may carry out one that was sent: the operation ends once it is known whether it has, Succeeded if the version is there again, and else Canceled.";

export const DELETE_SENT =
  "The delete request is not sent again. Azure may carry out one that was sent: the operation ends once it is known whether it has, Succeeded if the version is gone, and else Canceled, with what was done for it taken back.";

const GONE_AND_ASKED = "others have deleted it, and a PUT asks for it";

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
      Deleting: "a DELETE is to be sent",
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
      Accepted: "a deletion comes to nothing",
      Succeeded: "Azure has it, every region Completed",
      Deleting: "a DELETE is to be sent",
      Deleted: "gone before its DELETE was sent",
    },
    ifCanceled:
      "The create request is on its way: Azure may create the version and replicate it to every region. Sigil no longer follows it; send the same PUT to follow it again.",
  },
  Updating: {
    status: "Running",
    queue: CREATIONS,
    next: {
      Replicating: "Azure has it",
      Creating: GONE_AND_ASKED,
      Accepted: "a deletion comes to nothing",
      Succeeded: "Azure has it, every region Completed",
      Deleting: "a DELETE is to be sent",
      Deleted: "gone before its DELETE was sent",
    },
    ifCanceled:
      "The update is on its way: Azure may carry it out. Sigil sends no further update and no repair for it; send the same PUT to go on.",
  },
  Replicating: {
    status: "Running",
    queue: REPLICATIONS,
    next: {
      Updating: "still different, a region to repair, or a promotion due",
      Creating: GONE_AND_ASKED,
      Accepted: "a deletion comes to nothing",
      Succeeded: "as requested, every region Completed",
      Deleting: "a DELETE is to be sent",
      Deleted: "gone before its DELETE was sent",
    },
    ifCanceled: GOES_ON,
  },
  DeletionRequested: {
    status: "NotStarted",
    queue: CREATIONS,
    next: {
      Deleting: "the DELETE is to be sent",
      Accepted: "it comes to nothing, and others go on",
      Updating: "guarded, and to be excluded from latest",
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
      Accepted: "Azure has not deleted it, and what was not sent yet goes on",
      Creating: "the same, and a create request has no answer yet",
      Updating: "the same, and an update has no answer yet",
      Replicating: "the same, and Azure works on what it has accepted",
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
