import type { ServiceBusClient, ServiceBusReceiver } from "@azure/service-bus";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import type { DocumentedEvent } from "../../src/events/documented-event.js";
import { documented } from "../unit/events/document.js";

/** A subscriber of the events topic that keeps what it receives, in order, and holds it against the AsyncAPI document. */
export class EventCollector {
  readonly received: DocumentedEvent[] = [];
  readonly #receiver: ServiceBusReceiver;
  readonly #subscription: { close(): Promise<void> };
  #waiting: (() => void)[] = [];
  #mistake: unknown;

  constructor(client: ServiceBusClient) {
    this.#receiver = client.createReceiver("image-version-events", "all");
    this.#subscription = this.#receiver.subscribe({
      processMessage: ({ body }) => {
        // Whatever it is: what the document does not have fails the test below.
        this.received.push(body as DocumentedEvent);
        try {
          documented(body as CloudEvent);
        } catch (error) {
          this.#mistake ??= error;
        }
        for (const look of this.#waiting.splice(0)) look();
        return Promise.resolve();
      },
      processError: () => Promise.resolve(), // A closed connection at the end; what is missing fails the test.
    });
  }

  /** Resolves with the received events once they satisfy `done`; the test's own timeout bounds the wait. */
  async until(
    done: (events: readonly DocumentedEvent[]) => boolean,
  ): Promise<readonly DocumentedEvent[]> {
    while (!done(this.received)) {
      this.#throwMistake();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#throwMistake();
    return this.received;
  }

  /** Resolves with the event that ends each of these subjects. */
  async ended(...subjects: readonly string[]): Promise<readonly DocumentedEvent[]> {
    const ends = (events: readonly DocumentedEvent[]): DocumentedEvent[] =>
      events.filter(
        ({ type, subject }) =>
          subjects.includes(subject ?? "") &&
          ["Sigil.ImageVersion.Completed", "Sigil.ImageVersion.Failed"].includes(type),
      );
    return ends(await this.until((events) => ends(events).length >= subjects.length));
  }

  /** Rejects where an event was not as the document has it: no test has to wait for one to find that out. */
  async close(): Promise<void> {
    await this.#subscription.close();
    await this.#receiver.close();
    this.#throwMistake();
  }

  #throwMistake(): void {
    if (this.#mistake !== undefined) throw this.#mistake as Error;
  }
}
