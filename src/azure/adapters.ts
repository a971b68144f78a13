import { DefaultAzureCredential } from "@azure/identity";
import type { Config } from "../config.js";
import type { Dependencies } from "../image-version/ports.js";
import { createIdempotencyKeys } from "./idempotency-keys.js";
import { createImageVersionStore } from "./image-version-store.js";
import { createIndex } from "./index-table.js";
import { createResourceManager } from "./resource-manager.js";
import { ServiceBusMessenger } from "./service-bus.js";
import type { TableStorage } from "./tables.js";

/** What the domain needs, on Azure; and the messenger, which does more than its ports say. */
export interface Adapters {
  readonly dependencies: Dependencies;
  readonly messenger: ServiceBusMessenger;
}

/** Connects nothing yet: each service is reached at first use. */
export function createAdapters(config: Config, now: () => Date): Adapters {
  const credential = new DefaultAzureCredential(
    config.managedIdentityClientId === undefined
      ? {}
      : { managedIdentityClientId: config.managedIdentityClientId },
  );
  const tables: TableStorage =
    config.tables.kind === "identity"
      ? { ...config.tables, credential }
      : config.tables;
  const messenger = new ServiceBusMessenger(
    config.serviceBus.kind === "identity"
      ? { ...config.serviceBus, credential }
      : config.serviceBus,
    now,
  );
  return {
    messenger,
    dependencies: {
      store: createImageVersionStore(tables),
      index: createIndex(tables),
      idempotencyKeys: createIdempotencyKeys(tables),
      events: messenger,
      work: messenger,
      resourceManager: createResourceManager({
        endpoint: config.resourceManagerEndpoint,
        scope: config.resourceManagerScope,
        credential,
        timeoutMs: config.putTimeoutMs,
        now,
      }),
      pace: config,
      eventSource: config.eventSource,
      now,
    },
  };
}
