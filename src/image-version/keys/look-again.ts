import { ServiceError } from "../../errors.js";
import { advanceKeys } from "./advance.js";
import { judgeSet, TYPE_CHANGED } from "./judge.js";
import type { KeyLooks, LookDependencies } from "./look.js";
import type { KeyState } from "./ports.js";

/**
 * What is known of a set after another look; stored and told by the next run alone. The same where Azure cannot be asked now:
 * undefined where nothing was known.
 */
export async function lookAgain(
  { now, keyExpiryMs: expiryMs }: LookDependencies,
  looks: KeyLooks,
  id: string,
  known: KeyState | undefined,
): Promise<KeyState | undefined> {
  try {
    const sight = await looks.look(id);
    const set = sight.set.kind === "found" ? sight.set.value : undefined;
    const judged = judgeSet(id, sight, [], { now: now(), expiryMs });
    // With what the versions were made is not read again: it is judged by the type that the set has now.
    const typed = (known?.problems ?? []).filter(({ code }) => code === TYPE_CHANGED);
    const { state } = advanceKeys(
      known,
      id,
      set,
      { ...judged, problems: [...judged.problems, ...typed] },
      now(),
    );
    return state;
  } catch (error) {
    if (error instanceof ServiceError && error.retryable) return known;
    throw error;
  }
}
