import type { RheaDelivery, Sender } from "./rhea.js";

/**
 * What a link may still be sent. rhea takes credit off when it writes a transfer, one tick later, and a delivery sent
 * without credit would hold up every link of its session: so what is queued is counted against the credit here.
 */
export class LinkCredit {
  readonly #link: Sender;
  #queued: number[] = [];

  constructor(link: Sender) {
    this.#link = link;
  }

  available(): number {
    const { outgoing } = this.#link.session;
    this.#queued = this.#queued.filter(
      (id) => id >= outgoing.next_pending_delivery,
    );
    if (!this.#link.is_open()) return 0;
    return Math.min(
      this.#link.credit - this.#queued.length,
      outgoing.available(),
    );
  }

  send(bytes: Buffer, tag: Buffer | undefined): RheaDelivery {
    const delivery = this.#link.send(bytes, tag, 0);
    this.#queued.push(delivery.id);
    return delivery;
  }
}
