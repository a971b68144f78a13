/**
 * Closes everything that a program started, in reverse order, however the program ends.
 *
 * Invariants
 *  1. Everything that began to start is closed, also if the program ends before it started.
 *  2. Nothing starts once closing began.
 *  3. A resource that cannot be closed does not keep the others open; the first failure is reported
 *     at the end.
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
        return; // It closed its own resources, and its caller got the error.
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
