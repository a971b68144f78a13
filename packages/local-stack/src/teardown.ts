/**
 * What a program has started, closed in reverse order when it ends, however it ends.
 *
 * Invariants
 * 1. Whatever began to start is closed, also when the program ends before it has started.
 * 2. Nothing starts once closing has begun.
 * 3. One thing that cannot be closed does not keep the others open; the first failure is told in the end.
 */
export class Teardown {
  readonly #closers: (() => Promise<void>)[] = [];
  #running: Promise<void> | undefined;

  /** Starts something and has it closed by `run`. */
  async add<T>(start: () => Promise<T>, close: (started: T) => Promise<unknown>): Promise<T> {
    if (this.#running !== undefined) throw new Error("It is being closed."); // (2)
    const starting = start();
    this.#closers.push(async () => {
      let started: T;
      try {
        started = await starting; // (1)
      } catch {
        return; // It closed what it had, and whoever started it was told.
      }
      await close(started);
    });
    return starting;
  }

  /** Closes everything; may be called again. */
  run(): Promise<void> {
    return (this.#running ??= this.#close());
  }

  async #close(): Promise<void> {
    const failures: unknown[] = [];
    for (const closer of this.#closers.splice(0).reverse())
      await closer().catch((error: unknown) => failures.push(error)); // (3)
    if (failures.length > 0) throw failures[0];
  }
}
