import type { RheaDelivery, Sender } from "./rhea.js";

/**
 * The remaining credit of a link. rhea subtracts credit when it writes a transfer, one tick later,
 * and a delivery sent without credit would block every link of its session, so queued deliveries
 * count against the credit here. rhea also writes transfers before attaches, so a link whose credit
 * came together with its attach must wait a tick.
 */
export class LinkCredit {
  readonly #link: Sender;
  /** Identifiers of deliveries, ascending. */
  readonly #queued: number[] = [];

  constructor(link: Sender) {
    this.#link = link;
  }

  /** Whether the attach has been written, without which the peer does not know what a transfer is for. */
  get attached(): boolean {
    return this.#link.is_open() && this.#link.state.open_requests === 0;
  }

  available(): number {
    const { outgoing } = this.#link.session;
    while ((this.#queued[0] ?? Infinity) < outgoing.next_pending_delivery) this.#queued.shift();
    if (!this.attached) return 0;
    return Math.min(this.#link.credit - this.#queued.length, outgoing.available());
  }

  send(bytes: Buffer, tag: Buffer | undefined): RheaDelivery {
    const delivery = this.#link.send(bytes, tag, 0);
    this.#queued.push(delivery.id);
    return delivery;
  }
}
