/**
 * A binary min-heap whose entries may become dead in place: `isLive` is called when they reach the
 * top, so removing an entry from the middle costs nothing. Dead entries are swept once they are the
 * majority.
 */
export class Heap<Entry> {
  readonly #rank: (entry: Entry) => number;
  readonly #isLive: (entry: Entry) => boolean;
  #entries: Entry[] = [];
  #sweepAt = 1_024;

  constructor(rank: (entry: Entry) => number, isLive: (entry: Entry) => boolean) {
    this.#rank = rank;
    this.#isLive = isLive;
  }

  push(entry: Entry): void {
    if (this.#entries.length >= this.#sweepAt) this.#sweep();
    this.#entries.push(entry);
    this.#rise(this.#entries.length - 1);
  }

  /** The live entry of the lowest rank, left in place. */
  peek(): Entry | undefined {
    for (;;) {
      const first = this.#entries[0];
      if (first === undefined || this.#isLive(first)) return first;
      this.#removeFirst();
    }
  }

  /** The live entry of the lowest rank, taken out. */
  pop(): Entry | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  #sweep(): void {
    this.#entries = this.#entries.filter(this.#isLive);
    for (let i = (this.#entries.length >> 1) - 1; i >= 0; i--) this.#sink(i);
    this.#sweepAt = Math.max(1_024, this.#entries.length * 2);
  }

  #removeFirst(): void {
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return;
    this.#entries[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfLower(index, parent)) return;
      index = parent;
    }
  }

  #sink(from: number): void {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= this.#entries.length) return;
      const right = left + 1;
      const child = right < this.#entries.length && this.#lower(right, left) ? right : left;
      if (!this.#swapIfLower(child, index)) return;
      index = child;
    }
  }

  #lower(a: number, b: number): boolean {
    return this.#rankAt(a) < this.#rankAt(b);
  }

  #rankAt(index: number): number {
    return this.#rank(this.#entries[index] as Entry);
  }

  #swapIfLower(child: number, parent: number): boolean {
    if (!this.#lower(child, parent)) return false;
    const entry = this.#entries[child] as Entry;
    this.#entries[child] = this.#entries[parent] as Entry;
    this.#entries[parent] = entry;
    return true;
  }
}
