import type { Delivery } from "./delivery.js";
import type { SessionLock } from "./sessions.js";

/** A receiver. */
export interface Consumer {
  readonly receiveAndDelete: boolean;
  /** The session it was given; undefined in a queue without sessions. */
  readonly session: SessionLock | undefined;
  /** How many messages it takes now. */
  credit(): number;
  deliver(delivery: Delivery): void;
}

/** The receivers of a queue, served in turn. */
export class Consumers {
  readonly #consumers: Consumer[] = [];
  #turn = 0;
  #pumping = false;

  get isEmpty(): boolean {
    return this.#consumers.length === 0;
  }

  add(consumer: Consumer): void {
    this.#consumers.push(consumer);
  }

  remove(consumer: Consumer): void {
    const index = this.#consumers.indexOf(consumer);
    if (index >= 0) this.#consumers.splice(index, 1);
  }

  /**
   * Serves receivers with credit until none takes another delivery; `next` is called once for each
   * delivery.
   */
  pump(next: (consumer: Consumer) => Delivery | undefined): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      let refused = 0;
      while (refused < this.#consumers.length) {
        const consumer = this.#consumers[this.#turn++ % this.#consumers.length];
        const delivery =
          consumer === undefined || consumer.credit() <= 0 ? undefined : next(consumer);
        if (delivery === undefined) refused += 1;
        else {
          refused = 0;
          consumer?.deliver(delivery);
        }
      }
    } finally {
      this.#pumping = false;
    }
  }
}
