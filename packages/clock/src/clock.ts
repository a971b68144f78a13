/** Time as the local stand-ins see it: injected, so that a test moves it by hand and never sleeps. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `task` once when `now()` has reached `atMs`; the result cancels it. Never keeps the process alive. */
  at(atMs: number, task: () => void): () => void;
}

/** setTimeout holds at most 2^31 - 1 ms (Node.js `timers`): a later task is armed again on the way. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  at(atMs, task) {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const waitMs = Math.max(0, atMs - Date.now());
      timer = setTimeout(
        waitMs > LONGEST_TIMEOUT_MS ? arm : task,
        Math.min(waitMs, LONGEST_TIMEOUT_MS),
      );
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until `advance` is called; due tasks then run in the order of their times. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #tasks = new Set<{ atMs: number; task: () => void }>();

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  at(atMs: number, task: () => void): () => void {
    const entry = { atMs, task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  }

  /** Moves time forward by `ms`, stopping at each due task so that it sees its own due time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#tasks]
        .filter((entry) => entry.atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#tasks.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.task();
    }
    this.#nowMs = endMs;
  }
}
