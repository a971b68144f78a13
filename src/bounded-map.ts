/**
 * A map that lives as long as the process and keeps the `most` entries set last. The entry set
 * longest ago goes first; a `get` does not keep one.
 */
export class BoundedMap<Key, Value> {
  readonly #entries = new Map<Key, Value>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  /** Returns the value that was dropped for it, if any. */
  set(key: Key, value: Value): Value | undefined {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return this.#entries.size > this.#most ? this.#deleteFirst() : undefined;
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  /** Drops entries, those set longest ago first, while `isOver` is true of them. */
  deleteWhile(isOver: (value: Value) => boolean): void {
    for (const [key, value] of this.#entries) {
      if (!isOver(value)) return;
      this.#entries.delete(key);
    }
  }

  #deleteFirst(): Value | undefined {
    for (const [key, value] of this.#entries) {
      this.#entries.delete(key);
      return value;
    }
    return undefined;
  }
}
