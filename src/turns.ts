/** Runs at most `most` at a time, in the order of the calls. A run that fails also frees its place. */
export type Turns = <T>(run: () => Promise<T>) => Promise<T>;

export function createTurns(most: number): Turns {
  let free = most;
  const queue: (() => void)[] = [];
  return async (run) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await run();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
