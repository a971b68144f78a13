/**
 * Service Bus triggers: messages are received under peek-lock by the real client and settled by the outcome of the
 * function.
 *
 * Invariants
 * 1. A message is completed after its function has succeeded (unless autoCompleteMessages is off), and abandoned after
 *    it has failed. Nothing here dead-letters: the broker does, by the entity's maxDeliveryCount.
 * 2. A settlement that fails (a lock lost, a connection gone) is logged; the broker delivers the message again.
 * 3. The client reconnects by itself for ever, and no error of its ends the host. The same error is logged once a
 *    minute at most, and again after the next message.
 * 4. `stop` ends receiving and resolves when every message in hand is settled.
 * 5. At most maxConcurrentCalls messages are in their function: the client, having reconnected with messages in hand, asks
 *    for more than that.
 */
import type {
  ProcessErrorArgs,
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
} from "@azure/service-bus";
import type { Clock } from "@sigil-local/clock";
import type { ServiceBusOptions } from "./host-configuration.js";
import type { Invoke } from "./invocation.js";
import type { LogLevel, Logger } from "./logging.js";
import { renewLock } from "./message-lock.js";
import { type ServiceBusFunction, entityPath, messageInput } from "./service-bus-function.js";
import { describeError } from "./startup-error.js";

const REPEATED_ERROR_MS = 60_000;

/** A broker answers a settlement within milliseconds, or its link is gone and nobody ever will. */
const SETTLEMENT_MS = 10_000;

/** The client waits a whole tryTimeout for the answer to a settlement that went down with its connection. */
function answered(settlement: Promise<void>, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.at(clock.now() + SETTLEMENT_MS, () =>
      reject(new Error(`no answer within ${SETTLEMENT_MS} ms`)),
    );
    settlement.finally(cancel).then(resolve, reject);
  });
}

export interface ServiceBusListenerOptions {
  readonly source: ServiceBusFunction;
  readonly client: ServiceBusClient;
  readonly options: ServiceBusOptions;
  readonly invoke: Invoke;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Receives for one function from `start` until `stop`. */
export class ServiceBusListener {
  readonly #options: ServiceBusListenerOptions;
  readonly #receiver: ServiceBusReceiver;
  readonly #autoComplete: boolean;
  readonly #inHand = new Set<Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #turns: number;
  #subscription: { close(): Promise<void> } | undefined;
  #lastError: { readonly key: string; readonly atMs: number } | undefined;

  constructor(options: ServiceBusListenerOptions) {
    this.#options = options;
    const { source, client } = options;
    const receiving = {
      receiveMode: "peekLock",
      skipParsingBodyAsJson: true,
      skipConvertingDate: true,
      maxAutoLockRenewalDurationInMs: 0, // See message-lock.ts.
    } as const;
    const { entity } = source;
    this.#receiver =
      "queueName" in entity
        ? client.createReceiver(entity.queueName, receiving)
        : client.createReceiver(entity.topicName, entity.subscriptionName, receiving);
    this.#autoComplete = source.autoCompleteMessages ?? options.options.autoCompleteMessages;
    this.#turns = options.options.maxConcurrentCalls;
  }

  start(): void {
    this.#subscription ??= this.#receiver.subscribe(
      {
        processMessage: (message) => {
          const work = this.#process(message).finally(() => this.#inHand.delete(work));
          this.#inHand.add(work);
          return work;
        },
        processError: (args) => {
          this.#report(args);
          return Promise.resolve();
        },
      },
      {
        autoCompleteMessages: false,
        maxConcurrentCalls: this.#options.options.maxConcurrentCalls,
      },
    );
  }

  /** Invariant 4. */
  async stop(): Promise<void> {
    await this.#subscription?.close();
    while (this.#inHand.size > 0) await Promise.all(this.#inHand);
  }

  async #process(message: ServiceBusReceivedMessage): Promise<void> {
    const { source, client, invoke, logger, clock } = this.#options;
    const { registered } = source;
    this.#lastError = undefined;
    const stopRenewing = renewLock({
      receiver: this.#receiver,
      message,
      maxDurationMs: this.#options.options.maxAutoLockRenewalDurationMs,
      clock,
      onFailure: (error) =>
        this.#log(
          "warning",
          `could not renew the lock of message ${String(message.messageId)} of '${entityPath(source)}': ${describeError(error)}`,
        ),
    });
    let failed = false;
    try {
      await this.#turn();
      const input = messageInput(source, message, client);
      await invoke(registered, input);
    } catch (error) {
      failed = true;
      // The invoker has logged its own; what cannot be bound never reached it.
      logger.log("debug", this.#category, describeError(error));
    } finally {
      stopRenewing();
      this.#endTurn();
    }
    try {
      // Invariant 1.
      if (failed) await answered(this.#receiver.abandonMessage(message), clock);
      else if (this.#autoComplete) await answered(this.#receiver.completeMessage(message), clock);
    } catch (error) {
      // Invariant 2.
      this.#log(
        "warning",
        `could not ${failed ? "abandon" : "complete"} message ${String(message.messageId)} of ` +
          `'${entityPath(source)}', which may come again: ${describeError(error)}`,
      );
    }
  }

  /** Invariant 5. */
  async #turn(): Promise<void> {
    if (this.#turns === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#turns -= 1;
  }

  #endTurn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#turns += 1;
    else next();
  }

  /** Invariant 3. */
  #report({ error, errorSource, entityPath: path }: ProcessErrorArgs): void {
    if (error.name === "AbortError") return; // Its receiver was told to stop.
    const code = "code" in error ? String(error.code) : error.name;
    const key = `${errorSource} ${code}`;
    const nowMs = this.#options.clock.now();
    const last = this.#lastError;
    if (last?.key === key && nowMs - last.atMs < REPEATED_ERROR_MS) return;
    this.#lastError = { key, atMs: nowMs };
    this.#log(
      "error",
      `${errorSource} on '${path}' failed and will be tried again: ${describeError(error)}`,
    );
  }

  get #category(): string {
    return `Function.${this.#options.source.registered.metadata.name}`;
  }

  #log(level: LogLevel, message: string): void {
    this.#options.logger.log(level, this.#category, message);
  }
}
