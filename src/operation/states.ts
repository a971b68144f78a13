/**
 * How a kind of operation writes its state machine down: `advance` makes no transition but those of its table. Beside those
 * listed, a state that is not final may come again (a wait, a look, a step sent again), and may become `Failed` (what stops
 * it, or a message that can never be processed) or `Canceled` (its caller, or an Admin). A final state is left by a new
 * operation alone.
 */

/** A state that the messages of its queue, and nobody else, drive on. */
interface OpenState<Name extends string> {
  /** The state in the API's words. */
  readonly status: "NotStarted" | "Running";
  readonly queue: string;
  /** What may come next, and when. */
  readonly next: Readonly<Partial<Record<Name, string>>>;
  /** What becomes of what was begun if it is canceled now: a sentence for its caller. */
  readonly ifCanceled: string;
}

interface FinalState {
  readonly status: "Succeeded" | "Failed" | "Canceled";
  readonly queue?: never;
}

export type State<Name extends string = string> = OpenState<Name> | FinalState;

/** The states of a kind by name. Each has `ENDS` among them. */
export type States<Name extends string = string> = Readonly<Record<Name, State<Name>>>;

/** The ends that every kind has. */
export const ENDS = {
  Succeeded: { status: "Succeeded" },
  Failed: { status: "Failed" },
  Canceled: { status: "Canceled" },
} as const satisfies States;

export function isFinalState(state: State): state is FinalState {
  return state.queue === undefined;
}

/** Whether the state of that name may be followed by `to`. */
export function mayFollow(states: States, from: string, to: string): boolean {
  const state = states[from];
  return (
    state !== undefined &&
    !isFinalState(state) &&
    (to in state.next || [from, "Failed", "Canceled"].includes(to))
  );
}
