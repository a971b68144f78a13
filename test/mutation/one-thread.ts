import { type PoolOptions, type PoolWorker, ThreadsPoolWorker } from "vitest/node";

const STOPPED = { type: "stopped", __vitest_worker_response__: true };
const RUNS_OF_A_THREAD = 100; // vitest leaves a listener behind at each start

/**
 * A pool of one thread that stays between runs. Vitest's own start one for each run, and import everything anew: 1 s for each
 * mutant whose tests take 20 ms. Vitest evaluates test files and setup files again for each run, other modules once in a thread.
 */
export const oneThread = {
  name: "one-thread",
  createPoolWorker,
};

let thread: ThreadsPoolWorker | undefined;
let runs = 0;

function createPoolWorker(options: PoolOptions): PoolWorker {
  const isNew = thread === undefined;
  const used = (thread ??= new ThreadsPoolWorker(options));
  const listeners: { event: string; listener: (value: unknown) => void }[] = [];
  return {
    name: oneThread.name,
    on: (event, listener) => {
      listeners.push({ event, listener });
      used.on(event, listener);
    },
    off: (event, listener) => used.off(event, listener),
    send: (message) => {
      if (message.type !== "stop") return used.send(message);
      for (const { event, listener } of listeners) if (event === "message") listener(STOPPED);
    },
    deserialize: (data) => used.deserialize(data),
    start: async () => {
      if (isNew) await used.start();
    },
    stop: async () => {
      for (const { event, listener } of listeners) used.off(event, listener);
      runs += 1;
      if (runs % RUNS_OF_A_THREAD !== 0) return;
      thread = undefined;
      await used.stop();
    },
  };
}
