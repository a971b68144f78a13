import { DefaultAzureCredential } from "@azure/identity";
import type { Config } from "../config.js";
import type { Dependencies } from "../image-version/ports.js";
import type { ImageVersionRecord } from "../image-version/records.js";
import type { OperationDependencies, StateStore } from "../operation/ports.js";
import type { TrackedRecord } from "../operation/records.js";
import type {
  PreparationDependencies,
  Registrable,
} from "../subscription/ports.js";
import type { PreparationRecord } from "../subscription/records.js";
import { createIdempotencyKeys } from "./idempotency-keys.js";
import { createIndex } from "./index-table.js";
import { createResourceManager } from "./resource-manager.js";
import { createResourceReader } from "./resource-reader.js";
import { ServiceBusMessenger } from "./service-bus.js";
import { createStateStore } from "./state-store.js";
import { createSubscriptions } from "./subscriptions.js";
import type { TableStorage } from "./tables.js";
import { createVersionNumbers } from "./version-numbers.js";

/** What each kind of operation needs, on Azure; and the messenger, which does more than its ports say. */
export interface Adapters {
  readonly imageVersions: Dependencies;
  readonly preparations: PreparationDependencies;
  /** Any kind, for what looks after them all. */
  readonly operations: OperationDependencies<TrackedRecord>;
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
  const arm = {
    endpoint: config.resourceManagerEndpoint,
    scope: config.resourceManagerScope,
    credential,
    timeoutMs: config.putTimeoutMs,
    now,
  };
  const subscriptions = createSubscriptions(arm);
  const requiredRegistrations: Registrable[] = [
    { namespace: "Microsoft.Compute" },
    ...(config.requireSigEncryption
      ? [{ namespace: "Microsoft.Compute", feature: "SIGEncryption" }]
      : []),
  ];
  // One client of the table: several would each create it at their first use. Keys are of resource ids: no kind meets
  // another's records under its own.
  const store = createStateStore<TrackedRecord>(tables);
  const common = {
    index: createIndex(tables),
    events: messenger,
    work: messenger,
    pace: config,
    eventSource: config.eventSource,
    now,
  };
  return {
    messenger,
    operations: { ...common, store },
    preparations: {
      ...common,
      store: store as StateStore<PreparationRecord>,
      subscriptions,
      requiredRegistrations,
    },
    imageVersions: {
      ...common,
      store: store as StateStore<ImageVersionRecord>,
      idempotencyKeys: createIdempotencyKeys(tables),
      versionNumbers: createVersionNumbers(tables, arm),
      resourceManager: createResourceManager(arm),
      resources: createResourceReader(arm),
      subscriptions,
      requiredRegistrations,
    },
  };
}
