/**
 * Every state machine's states and transitions, in one place: `advance` makes no other, and the README's diagram is drawn
 * from here. Beside those listed, a state that is not final may come again (a wait, a look, a step sent again), and may
 * become `Failed` (what stops it, or a message that can never be processed) or `Canceled` (its caller, or an Admin). A
 * final state is left by a new operation alone, which begins `Accepted`, `DeletionRequested` or `Requested`.
 */
import type {
  OperationStatus,
  TrackedState,
  WorkQueueName,
} from "./records.js";

export interface State {
  /** The state in the API's words. */
  readonly status: OperationStatus;
  /** The queue whose messages, and nobody else, drive it on; a state without one is final. */
  readonly queue?: WorkQueueName;
  /** What may come next, and when. */
  readonly next: Readonly<Partial<Record<TrackedState, string>>>;
}

export const STATES: Readonly<Record<TrackedState, State>> = {
  Accepted: {
    status: "NotStarted",
    queue: "image-version-creations",
    next: {
      Creating: "proven, not in Azure",
      Updating: "proven, in Azure otherwise",
      Replicating: "proven, in Azure as asked",
      Succeeded: "proven, in Azure as asked, every region Completed",
    },
  },
  Creating: {
    status: "Running",
    queue: "image-version-creations",
    next: {
      Replicating: "Azure has it",
      Updating: "Azure has it otherwise",
      Accepted:
        "Azure refuses what several ask together, or has it and others are queued",
      Succeeded: "Azure has it, every region Completed",
    },
  },
  Updating: {
    status: "Running",
    queue: "image-version-creations",
    next: {
      Replicating: "Azure has it",
      Accepted:
        "Azure refuses what several ask together, or has it and others are queued",
      Succeeded: "Azure has it, every region Completed",
    },
  },
  Replicating: {
    status: "Running",
    queue: "image-version-replications",
    next: {
      Updating: "otherwise still, a region to repair, or a promotion due",
      Accepted: "ARM is at rest, and others are queued",
      DeletionRequested: "a deletion is queued",
      Succeeded: "as asked, every region Completed",
    },
  },
  Succeeded: { status: "Succeeded", next: {} },
  Failed: { status: "Failed", next: {} },
  Canceled: { status: "Canceled", next: {} },
  DeletionRequested: {
    status: "NotStarted",
    queue: "image-version-creations",
    next: { Deleting: "the DELETE is to be sent" },
  },
  Deleting: {
    status: "Running",
    queue: "image-version-creations",
    next: { Deleted: "404, three times in a row" },
  },
  Deleted: { status: "Succeeded", next: {} },
  Requested: {
    status: "NotStarted",
    queue: "subscription-preparations",
    next: {
      Registering: "something is not registered",
      Succeeded: "everything is Registered",
    },
  },
  RollbackRequested: {
    status: "NotStarted",
    queue: "image-version-creations",
    next: {
      RollingBack: "a version is to be promoted or demoted",
      Succeeded: "nothing is left to be changed",
    },
  },
  RollingBack: {
    status: "Running",
    queue: "image-version-creations",
    next: { Succeeded: "every version is as planned" },
  },
  Registering: {
    status: "Running",
    queue: "subscription-preparations",
    next: { Succeeded: "everything is Registered" },
  },
};

export function isFinal(state: TrackedState): boolean {
  return STATES[state].queue === undefined;
}

/** Whether one state may follow the other. */
export function mayFollow(from: TrackedState, to: TrackedState): boolean {
  return (
    STATES[from].next[to] !== undefined ||
    (!isFinal(from) && (to === from || to === "Failed" || to === "Canceled"))
  );
}
