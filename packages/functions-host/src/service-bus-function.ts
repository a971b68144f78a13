import type { ServiceBusClient, ServiceBusReceivedMessage } from "@azure/service-bus";
import type { RegisteredFunction, RpcTypedData } from "./core-module.js";
import type { InvocationInput } from "./invocation.js";
import type { ServiceBusConnection, Settings } from "./settings.js";
import { StartupError } from "./startup-error.js";
import { continueTrace } from "./trace-context.js";
import { triggerMetadata } from "./trigger-metadata.js";

/** A function with a Service Bus trigger: what it listens to, and how its messages are bound. */
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
    Object.entries(bindings).find(([, { type }]) => type.toLowerCase() === "servicebustrigger") ??
    [];
  if (bindingName === undefined || binding === undefined)
    throw new TypeError(`${name} has no Service Bus trigger`);
  const neededBy = `function "${name}"`;
  if (binding["cardinality"] === "many" || binding["isSessionsEnabled"] === true)
    throw new StartupError(
      `${neededBy}: batches (cardinality "many") and sessions are not supported by the local host`,
    );
  const text = (property: string): string | undefined => {
    const value = binding[property];
    return typeof value === "string" ? settings.expand(value, neededBy) : undefined;
  };
  const queueName = text("queueName");
  const topicName = text("topicName");
  const subscriptionName = text("subscriptionName");
  if (queueName === undefined && (topicName === undefined || subscriptionName === undefined))
    throw new StartupError(
      `${neededBy}: a Service Bus trigger needs queueName, or topicName and subscriptionName`,
    );
  const autoComplete = binding["autoCompleteMessages"];
  return {
    registered,
    bindingName,
    connection: settings.serviceBusConnection(text("connection") ?? "ServiceBus", neededBy),
    entity:
      queueName === undefined
        ? {
            topicName: topicName ?? "",
            subscriptionName: subscriptionName ?? "",
          }
        : { queueName },
    autoCompleteMessages: typeof autoComplete === "boolean" ? autoComplete : undefined,
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
 * The body as the extension's converters give it. MessageToByteArrayConverter, for dataType "binary": data sections as
 * they are, nothing else. MessageToStringConverter: data sections as UTF-8 text (bytes that are none become U+FFFD), an
 * AMQP value if it is a string.
 */
function bodyData(message: ServiceBusReceivedMessage, binary: boolean): RpcTypedData {
  const body: unknown = message.body;
  const { bodyType = "data" } = message._rawAmqpMessage;
  // AmqpMessageExtensions.GetBody of Azure.Messaging.ServiceBus.
  if (binary && bodyType !== "data")
    throw new Error(
      `${bodyType} cannot be retrieved using the Body property. Use GetRawAmqpMessage to access the underlying Amqp Message object.`,
    );
  if (bodyType === "sequence")
    throw new Error("A sequence body message cannot be bound to a string.");
  if (bodyType === "value") {
    if (typeof body === "string") return { string: body };
    throw new Error(`A message with a value type of ${typeof body} cannot be bound to a string.`);
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
  client: ServiceBusClient,
): InvocationInput {
  const data = bodyData(message, source.binary);
  const property = (name: string): string | undefined => {
    const value = message.applicationProperties?.[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    inputData: [{ name: source.bindingName, data }],
    triggerMetadata: triggerMetadata(message, client, data.string),
    traceContext: continueTrace(
      property("traceparent") ?? property("Diagnostic-Id"),
      property("tracestate"),
    ),
    reason: `New ServiceBus message detected on '${entityPath(source)}'.`,
  };
}
