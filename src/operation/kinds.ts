import type { Kind, Kinds } from "./ports.js";
import type { OperationRecord, Pair, TrackedRecord } from "./records.js";
import { isFinalState, type State } from "./states.js";

interface Knows {
  readonly kinds: Kinds;
}

/** The kind of an operation. Throws TypeError for one that was never registered. */
export function kindOf<R extends TrackedRecord>(
  { kinds }: Knows,
  { kind }: Pick<OperationRecord, "kind">,
): Kind<R> {
  const found = kinds[kind];
  if (found === undefined) throw new TypeError(`${kind} is no known kind`);
  // Safe, because records are stored by resource, and each kind has records of its own.
  return found as unknown as Kind<R>;
}

export function stateOf(
  knows: Knows,
  { record: { state }, operation }: Pair<TrackedRecord>,
): State {
  const found = kindOf(knows, operation).states[state];
  if (found === undefined) throw new TypeError(`${operation.kind} has no state ${state}`);
  return found;
}

export function hasEnded(knows: Knows, pair: Pair<TrackedRecord>): boolean {
  return isFinalState(stateOf(knows, pair));
}
