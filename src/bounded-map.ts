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

  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#most) this.#deleteFirst();
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

  #deleteFirst(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }
}
