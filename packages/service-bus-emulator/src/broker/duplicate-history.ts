interface Remembered {
  readonly sequenceNumber: number;
  readonly untilMs: number;
}

/**
 * The MessageIds seen in the last `windowMs`. All are kept equally long, so the map's order of insertion is the order in
 * which they are forgotten and forgetting costs nothing per message.
 */
export class DuplicateHistory {
  readonly #windowMs: number;
  readonly #remembered = new Map<string, Remembered>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** The sequence number under which a MessageId was taken within the window; undefined for a new one. */
  find(messageId: string, nowMs: number): number | undefined {
    this.#forget(nowMs);
    return this.#remembered.get(messageId)?.sequenceNumber;
  }

  /** Notes a MessageId and returns until when it counts. */
  remember(messageId: string, sequenceNumber: number, nowMs: number): number {
    const untilMs = nowMs + this.#windowMs;
    this.#remembered.set(messageId, { sequenceNumber, untilMs });
    return untilMs;
  }

  restore(entries: Iterable<readonly [string, Remembered]>): void {
    for (const [messageId, entry] of entries) this.#remembered.set(messageId, entry);
  }

  entries(nowMs: number): Iterable<readonly [string, Remembered]> {
    this.#forget(nowMs);
    return this.#remembered;
  }

  #forget(nowMs: number): void {
    for (const [messageId, entry] of this.#remembered) {
      if (entry.untilMs > nowMs) return;
      this.#remembered.delete(messageId);
    }
  }
}
