import type { Clock } from "@sigil-local/clock";

const TICK_MS = 10_000;
/** Well before clients give up: the JavaScript one waits 60 s for an answer. */
const FREEZE_MS = 20_000;

/** Calls `onThaw` whenever this process has stood still for half a minute (stopped by a debugger, a laptop asleep); the result ends it. */
export function watchForFreeze(clock: Clock, onThaw: () => void): () => void {
  let cancel: () => void;
  const arm = (): void => {
    const dueMs = clock.now() + TICK_MS;
    cancel = clock.at(dueMs, () => {
      const frozenMs = clock.now() - dueMs;
      arm();
      if (frozenMs >= FREEZE_MS) onThaw();
    });
  };
  arm();
  return () => cancel();
}
