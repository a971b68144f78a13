/** ARM's replicas: for a while after a change, a look may meet one that is behind, or, of a deletion, ahead. */
import type { Arm, Change } from "./arm.js";

/** Shorter than the product waits before it takes a 404 for the truth. */
const CREATE_VISIBLE_MS = 90_000;
const UPDATE_VISIBLE_MS = 10_000;
const DELETE_VISIBLE_MS = 20_000;
/** No more 404s in a row of a version that is being deleted: three prove it deleted. */
const MOST_EARLY_ABSENCES = 2;

export interface Replicas {
  changed(change: Change): void;
  /** What the next look is answered; `current` where that is the truth. */
  look(): Promise<{ readonly body: unknown; readonly current: boolean }>;
}

/** `behind` says which looks, while replicas disagree, meet another than the first; used in turn. */
export function createReplicas(
  arm: () => Arm,
  nowMs: () => number,
  behind: readonly boolean[],
): Replicas {
  let other: { readonly body: unknown; readonly untilMs: number } | undefined;
  let looks = 0;
  let earlyAbsences = 0;
  return {
    changed({ before, shownBefore, after, shownAfter }) {
      other =
        after?.provisioningState === "Deleting"
          ? { body: shownAfter, untilMs: after.endsMs + DELETE_VISIBLE_MS }
          : {
              body: shownBefore,
              untilMs:
                nowMs() +
                (before === undefined ? CREATE_VISIBLE_MS : UPDATE_VISIBLE_MS),
            };
    },
    async look() {
      const actual = { body: await arm().get(), current: true };
      const deleting = arm().version()?.provisioningState === "Deleting";
      if (!deleting && (other === undefined || nowMs() >= other.untilMs))
        return actual;
      looks += 1;
      if (behind[looks % behind.length] !== true) {
        earlyAbsences = 0;
        return actual;
      }
      if (!deleting) return { body: other?.body, current: false };
      earlyAbsences += 1;
      return earlyAbsences > MOST_EARLY_ABSENCES
        ? actual
        : { body: undefined, current: false };
    },
  };
}
