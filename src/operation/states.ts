/**
 * Defines the states of a kind of operation; `advance` makes only the transitions in its table. In
 * addition, a state that is not final may repeat (a wait, a look, a step sent again), and may
 * become `Failed` (something stops it, or a message can never be processed) or `Canceled` (by its
 * caller or an Admin). Only a new operation leaves a final state.
 */

/** A state that only the messages of its queue advance. */
interface OpenState<Name extends string> {
  /** The operation status in the API. */
  readonly status: "NotStarted" | "Running";
  readonly queue: string;
  /** The states that may follow, and when. */
  readonly next: Readonly<Partial<Record<Name, string>>>;
  /** The effect of a cancel in this state on what was begun: a sentence for the caller. */
  readonly ifCanceled: string;
}

interface FinalState {
  readonly status: "Succeeded" | "Failed" | "Canceled";
  readonly queue?: never;
}

export type State<Name extends string = string> = OpenState<Name> | FinalState;

/** The states of a kind by name, `ENDS` included. */
export type States<Name extends string = string> = Readonly<Record<Name, State<Name>>>;

/** The final states of every kind. */
export const ENDS = {
  Succeeded: { status: "Succeeded" },
  Failed: { status: "Failed" },
  Canceled: { status: "Canceled" },
} as const satisfies States;

export function isFinalState(state: State): state is FinalState {
  return state.queue === undefined;
}

/** Whether `to` may follow the state `from`. */
export function mayFollow(states: States, from: string, to: string): boolean {
  const state = states[from];
  return (
    state !== undefined &&
    !isFinalState(state) &&
    (to in state.next || [from, "Failed", "Canceled"].includes(to))
  );
}
