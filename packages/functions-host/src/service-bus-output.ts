import type { ServiceBusMessage } from "@azure/service-bus";
import type {
  Binding,
  FunctionMetadata,
  RpcInvocationResponse,
  RpcTypedData,
} from "./core-module.js";
import type { ServiceBusConnections } from "./service-bus-connections.js";
import type { ServiceBusConnection, Settings } from "./settings.js";
import { StartupError } from "./startup-error.js";

interface Output {
  readonly bindingName: string;
  readonly connection: ServiceBusConnection;
  readonly entity: string;
}

/** Sends what a function gave to its Service Bus output bindings; rejects when a send does. */
export type SendOutputs = (response: RpcInvocationResponse) => Promise<void>;

function readOutput(
  [bindingName, binding]: [string, Binding],
  name: string,
  settings: Settings,
): Output {
  const neededBy = `function "${name}", output "${bindingName}"`;
  const entity = binding["queueName"] ?? binding["topicName"];
  if (typeof entity !== "string")
    throw new StartupError(`${neededBy}: a Service Bus output needs queueName or topicName`);
  const connection = binding["connection"];
  return {
    bindingName,
    entity: settings.expand(entity, neededBy),
    connection: settings.serviceBusConnection(
      typeof connection === "string" ? connection : "ServiceBus",
      neededBy,
    ),
  };
}

/** The content types of the extension's converters: text/plain, application/json, application/octet-stream. */
function message(data: RpcTypedData): ServiceBusMessage {
  if (data.bytes !== undefined)
    return {
      body: Buffer.from(data.bytes),
      contentType: "application/octet-stream",
    };
  if (data.json !== undefined)
    return { body: Buffer.from(data.json), contentType: "application/json" };
  const text = data.string ?? String(data.int ?? data.double ?? "");
  return { body: Buffer.from(text), contentType: "text/plain" };
}

/** An array is one message an element. */
function messages(data: RpcTypedData): ServiceBusMessage[] {
  const parsed: unknown = data.json === undefined ? undefined : JSON.parse(data.json);
  if (!Array.isArray(parsed)) return [message(data)];
  return parsed.map((element: unknown) =>
    message(typeof element === "string" ? { string: element } : { json: JSON.stringify(element) }),
  );
}

/** Prepares the Service Bus output bindings of one function. */
export function createOutputs(
  metadata: FunctionMetadata,
  settings: Settings,
  connections: ServiceBusConnections,
): SendOutputs {
  const outputs = Object.entries(metadata.bindings)
    .filter(([, { type, direction }]) => direction === "out" && type.toLowerCase() === "servicebus")
    .map((entry) => readOutput(entry, metadata.name, settings));
  return async (response) => {
    for (const { bindingName, connection, entity } of outputs) {
      const data =
        bindingName === "$return"
          ? response.returnValue
          : response.outputData?.find(({ name }) => name === bindingName)?.data;
      if (data === undefined || data === null) continue;
      const sender = connections.client(connection).createSender(entity);
      try {
        await sender.sendMessages(messages(data));
      } finally {
        await sender.close();
      }
    }
  };
}
