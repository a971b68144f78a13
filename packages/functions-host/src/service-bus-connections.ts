import { DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";
import { RetryMode, ServiceBusClient, type ServiceBusClientOptions } from "@azure/service-bus";
import type { ServiceBusOptions } from "./host-configuration.js";
import type { ServiceBusConnection } from "./settings.js";

function createClient(
  connection: ServiceBusConnection,
  options: ServiceBusClientOptions,
): ServiceBusClient {
  if (connection.kind === "connectionString")
    return new ServiceBusClient(connection.connectionString, options);
  const { clientId, managedIdentity, fullyQualifiedNamespace } = connection;
  const identity = clientId === undefined ? {} : { clientId };
  return new ServiceBusClient(
    fullyQualifiedNamespace,
    managedIdentity
      ? new ManagedIdentityCredential(identity)
      : new DefaultAzureCredential(
          clientId === undefined ? {} : { managedIdentityClientId: clientId },
        ),
    options,
  );
}

/** One client, and so one AMQP connection, for each namespace; shared by its triggers and output bindings. */
export class ServiceBusConnections {
  readonly #clients = new Map<string, ServiceBusClient>();
  readonly #options: ServiceBusClientOptions;

  constructor({ retry }: ServiceBusOptions) {
    this.#options = {
      retryOptions: {
        mode: retry.mode === "fixed" ? RetryMode.Fixed : RetryMode.Exponential,
        maxRetries: retry.maxRetries,
        retryDelayInMs: retry.delayMs,
        maxRetryDelayInMs: retry.maxDelayMs,
        timeoutInMs: retry.tryTimeoutMs,
      },
    };
  }

  client(connection: ServiceBusConnection): ServiceBusClient {
    const key = JSON.stringify(connection);
    const client = this.#clients.get(key) ?? createClient(connection, this.#options);
    this.#clients.set(key, client);
    return client;
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(clients.map((client) => client.close()));
  }
}
