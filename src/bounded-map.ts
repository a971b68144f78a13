/**
 * A map for what lives as long as the process: it keeps the `most` entries that were set last. What goes first is what has
 * not been set for longest; a `get` keeps nothing.
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

  /** The value that was forgotten for it, if there is one. */
  set(key: Key, value: Value): Value | undefined {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return this.#entries.size > this.#most ? this.#deleteFirst() : undefined;
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  /** Forgets entries, those set longest ago first, for as long as `isOver` says so of them. */
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
