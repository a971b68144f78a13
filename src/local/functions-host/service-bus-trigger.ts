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
import type { Clock } from "../clock.js";
import type { RegisteredFunction, RpcTypedData } from "./core-module.js";
import type { ServiceBusOptions } from "./host-configuration.js";
import type { Invoke, InvocationInput } from "./invocation.js";
import type { LogLevel, Logger } from "./logging.js";
import type { ServiceBusConnection, Settings } from "./settings.js";
import { StartupError, describeError } from "./startup-error.js";
import { renewLock } from "./message-lock.js";
import { continueTrace } from "./trace-context.js";
import { triggerMetadata } from "./trigger-metadata.js";

const REPEATED_ERROR_MS = 60_000;

export interface ServiceBusFunction {
  readonly registered: RegisteredFunction;
  readonly bindingName: string;
  readonly connection: ServiceBusConnection;
  readonly entity:
    | { readonly queueName: string }
    | { readonly topicName: string; readonly subscriptionName: string };
  readonly autoCompleteMessages: boolean | undefined;
  readonly binary: boolean;
}

/** Reads a Service Bus trigger, its `%settings%` expanded and its connection resolved; what is missing is a StartupError. */
export function readServiceBusFunction(
  registered: RegisteredFunction,
  settings: Settings,
): ServiceBusFunction {
  const { name, bindings } = registered.metadata;
  const [bindingName, binding] =
    Object.entries(bindings).find(
      ([, { type }]) => type.toLowerCase() === "servicebustrigger",
    ) ?? [];
  if (bindingName === undefined || binding === undefined)
    throw new TypeError(`${name} has no Service Bus trigger`);
  const neededBy = `function "${name}"`;
  if (
    binding["cardinality"] === "many" ||
    binding["isSessionsEnabled"] === true
  )
    throw new StartupError(
      `${neededBy}: batches (cardinality "many") and sessions are not supported by the local host`,
    );
  const text = (property: string): string | undefined => {
    const value = binding[property];
    return typeof value === "string"
      ? settings.expand(value, neededBy)
      : undefined;
  };
  const queueName = text("queueName");
  const topicName = text("topicName");
  const subscriptionName = text("subscriptionName");
  if (
    queueName === undefined &&
    (topicName === undefined || subscriptionName === undefined)
  )
    throw new StartupError(
      `${neededBy}: a Service Bus trigger needs queueName, or topicName and subscriptionName`,
    );
  const autoComplete = binding["autoCompleteMessages"];
  return {
    registered,
    bindingName,
    connection: settings.serviceBusConnection(
      text("connection") ?? "ServiceBus",
      neededBy,
    ),
    entity:
      queueName === undefined
        ? {
            topicName: topicName ?? "",
            subscriptionName: subscriptionName ?? "",
          }
        : { queueName },
    autoCompleteMessages:
      typeof autoComplete === "boolean" ? autoComplete : undefined,
    binary: binding["dataType"] === "binary",
  };
}

/** The entity as the log and the function list name it: `q`, or `t/Subscriptions/s`. */
export function entityPath({ entity }: ServiceBusFunction): string {
  return "queueName" in entity
    ? entity.queueName
    : `${entity.topicName}/Subscriptions/${entity.subscriptionName}`;
}

/**
 * The body as MessageToStringConverter gives it: data sections as UTF-8 text (bytes that are none become U+FFFD) or,
 * with dataType "binary", as they are; an AMQP value only if it is a string; a sequence never.
 */
function bodyData(
  message: ServiceBusReceivedMessage,
  binary: boolean,
): RpcTypedData {
  const body: unknown = message.body;
  const { bodyType } = message._rawAmqpMessage;
  if (bodyType === "sequence")
    throw new Error("A sequence body message cannot be bound to a string.");
  if (bodyType === "value") {
    if (typeof body === "string") return { string: body };
    throw new Error(
      `A message with a value type of ${typeof body} cannot be bound to a string.`,
    );
  }
  const bytes = body instanceof Uint8Array ? body : Buffer.alloc(0);
  return binary
    ? { bytes }
    : { string: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) };
}

/** The invocation a message asks for. */
export function messageInput(
  source: ServiceBusFunction,
  message: ServiceBusReceivedMessage,
  fullyQualifiedNamespace: string,
): InvocationInput {
  const data = bodyData(message, source.binary);
  const property = (name: string): string | undefined => {
    const value = message.applicationProperties?.[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    inputData: [{ name: source.bindingName, data }],
    triggerMetadata: triggerMetadata(
      message,
      fullyQualifiedNamespace,
      data.string,
    ),
    traceContext: continueTrace(
      property("traceparent") ?? property("Diagnostic-Id"),
      property("tracestate"),
    ),
    reason: `New ServiceBus message detected on '${entityPath(source)}'.`,
  };
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
        : client.createReceiver(
            entity.topicName,
            entity.subscriptionName,
            receiving,
          );
    this.#autoComplete =
      source.autoCompleteMessages ?? options.options.autoCompleteMessages;
    this.#turns = options.options.maxConcurrentCalls;
  }

  start(): void {
    this.#subscription ??= this.#receiver.subscribe(
      {
        processMessage: (message) => {
          const work = this.#process(message).finally(() =>
            this.#inHand.delete(work),
          );
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
      const input = messageInput(
        source,
        message,
        client.fullyQualifiedNamespace,
      );
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
      if (failed) await this.#receiver.abandonMessage(message);
      else if (this.#autoComplete)
        await this.#receiver.completeMessage(message);
    } catch (error) {
      // Invariant 2.
      this.#log(
        "warning",
        `could not ${failed ? "abandon" : "complete"} message ${String(message.messageId)} of ` +
          `'${entityPath(source)}', which will be delivered again: ${describeError(error)}`,
      );
    }
  }

  /** Invariant 5. */
  async #turn(): Promise<void> {
    if (this.#turns === 0)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#turns -= 1;
  }

  #endTurn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#turns += 1;
    else next();
  }

  /** Invariant 3. */
  #report({ error, errorSource, entityPath: path }: ProcessErrorArgs): void {
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
