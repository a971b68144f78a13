/** Runs one at a time for each key: requests of one host wait for each other and need not fight over an ETag. */
export class Turns {
  /** The last of each key; gone once nobody waits for it. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** How many keys have something under way. */
  get size(): number {
    return this.#last.size;
  }

  async run<T>(key: string, run: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(run, run);
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
