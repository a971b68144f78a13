import type { Consumer } from "../broker/consumers.js";
import type { Delivery, Settled } from "../broker/delivery.js";
import type { Queue } from "../broker/queue.js";
import type { SessionLock } from "../broker/sessions.js";
import type { Store } from "../broker/store.js";
import { LinkCredit } from "./credit.js";
import { answer, type Answer } from "./dispositions.js";
import { CONDITION, LOST } from "./errors.js";
import type { Outcome, RheaDelivery, Sender, Typed } from "./rhea.js";
import { encodeProperties, writeMessage } from "./sections.js";
import { formatUuid, listItems, mapEntries, parseUuid, swapGuidOrder, toText } from "./typed.js";

/** sender-settle-mode settled (AMQP 2.8.2), which Service Bus reads as receive-and-delete. */
const SETTLED = 1;
/** Positions of what an outcome carries (AMQP 3.4.3, 3.4.5, 2.8.14). */
const REJECTED_ERROR = 0;
const ERROR_INFO = 2;
const MODIFIED_MESSAGE_ANNOTATIONS = 2;

/**
 * A link over which a client receives from a queue.
 *
 * Invariants
 * 1. Nothing is sent before the attach, without credit, or before the change that took it from the queue is stored.
 * 2. A drain is answered as soon as nothing is on its way, and always, even when no credit is left.
 * 3. Closing the link does not free its locks: they can still be settled through `$management`. A session's, it frees.
 */
export class DeliveryLink implements Consumer {
  readonly receiveAndDelete: boolean;
  readonly session: SessionLock | undefined;
  readonly #link: Sender;
  readonly #queue: Queue;
  readonly #store: Store;
  readonly #credit: LinkCredit;
  #onTheWay = 0;
  #closed = false;

  constructor(link: Sender, queue: Queue, store: Store, session?: SessionLock) {
    this.session = session;
    this.#link = link;
    this.#queue = queue;
    this.#store = store;
    this.#credit = new LinkCredit(link);
    this.receiveAndDelete = link.snd_settle_mode === SETTLED;
    link._get_drain = () => this.#takeDrain();
    queue.addConsumer(this);
  }

  credit(): number {
    return this.#closed ? 0 : this.#credit.available() - this.#onTheWay;
  }

  deliver(delivery: Delivery): void {
    this.#onTheWay += 1;
    this.#store.afterCommit(() => {
      this.#onTheWay -= 1;
      this.#send(delivery); // (1)
      this.#answerDrain();
    });
  }

  onFlow(): void {
    this.#queue.pump();
    this.#answerDrain();
  }

  /** Handles the peer's outcome of a delivery. */
  onOutcome(delivery: RheaDelivery): void {
    const outcome = delivery.remote_state;
    if (outcome === undefined) return;
    const token = formatUuid(swapGuidOrder(delivery.tag));
    const settled = this.#settle(token, outcome);
    this.#store.afterCommit(() => answer(this.#link, delivery, settlementAnswer(settled)));
  }

  close(): void {
    this.#closed = true;
    this.#queue.removeConsumer(this); // (3)
    if (this.session !== undefined) this.#queue.releaseSession(this.session);
  }

  #send({ record, lock }: Delivery): void {
    if (this.#closed || !this.#link.is_open()) {
      if (lock !== undefined) this.#queue.release(lock.token);
      return;
    }
    const bytes = writeMessage({ record, lockedUntilMs: lock?.untilMs });
    const tag = lock === undefined ? undefined : swapGuidOrder(parseUuid(lock.token));
    this.#credit.send(bytes, tag);
  }

  #settle(token: string, outcome: Outcome): Settled {
    switch (outcome.constructor.composite_type) {
      case "accepted":
        return this.#queue.complete(token);
      case "modified": {
        const changes = encodeProperties(mapEntries(outcome.value[MODIFIED_MESSAGE_ANNOTATIONS]));
        return outcome.undeliverable_here === true
          ? this.#queue.defer(token, changes)
          : this.#queue.abandon(token, changes);
      }
      case "rejected":
        return this.#queue.deadLetter(token, readDeadLettering(outcome.value[REJECTED_ERROR]));
      default:
        return this.#queue.release(token);
    }
  }

  #answerDrain(): void {
    if (!this.#link._draining || this.#onTheWay > 0) return;
    if (!this.#credit.attached) return;
    this.#link.set_drained(true);
    this.#link.connection._register();
  }

  /**
   * "The sender will (after sending all available messages) advance the delivery-count as much as possible, consuming all
   * link-credit, and send the flow state to the receiver" (AMQP 2.6.7). rhea sends it only while credit is left; a message
   * that crosses the drain may have used the last, and the peer would wait for ever (2).
   */
  #takeDrain(): boolean {
    if (!this.#link._draining || !this.#link._drained) return false;
    this.#link.delivery_count += this.#link.credit;
    this.#link.credit = 0;
    this.#link._draining = false;
    return true;
  }
}

/** How a settlement is answered. */
function settlementAnswer(settled: Settled): Answer {
  switch (settled) {
    case "settled":
      return { kind: "accepted" };
    case "lock-lost":
    case "session-lock-lost":
      return { kind: "rejected", error: LOST[settled] };
    case "not-allowed":
      return {
        kind: "rejected",
        error: {
          condition: CONDITION.notAllowed,
          description: "A message in a dead-letter queue cannot be dead-lettered again.",
        },
      };
  }
}

function readDeadLettering(error: Typed | undefined): Parameters<Queue["deadLetter"]>[1] {
  const info = mapEntries(error === undefined ? undefined : listItems(error)[ERROR_INFO]);
  const reason = toText(info.get("DeadLetterReason"));
  const errorDescription = toText(info.get("DeadLetterErrorDescription"));
  info.delete("DeadLetterReason");
  info.delete("DeadLetterErrorDescription");
  return {
    reason,
    errorDescription,
    changedProperties: encodeProperties(info),
  };
}
