import type { Clock } from "@sigil-local/clock";

const TICK_MS = 10_000;
/** Well before clients give up: the JavaScript one waits 60 s for an answer. */
const FREEZE_MS = 20_000;

export interface FreezeWatch {
  /** Whether this process has stood still for half a minute and `onThaw` is not called yet. */
  isThawing(): boolean;
  stop(): void;
}

/** Calls `onThaw` whenever this process goes on after it stood still (stopped by a debugger, a laptop asleep). */
export function watchForFreeze(clock: Clock, onThaw: () => void): FreezeWatch {
  let dueMs: number;
  let cancel: () => void;
  const isThawing = (): boolean => clock.now() - dueMs >= FREEZE_MS;
  const arm = (): void => {
    dueMs = clock.now() + TICK_MS;
    cancel = clock.at(dueMs, () => {
      const thaws = isThawing();
      arm();
      if (thaws) onThaw();
    });
  };
  arm();
  return { isThawing, stop: () => cancel() };
}
