/** Runs at most `most` at a time; who came first is next. One that fails gives its turn on as well. */
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
