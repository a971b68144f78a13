import { setTimeout as sleep } from "node:timers/promises";
import type { TokenCredential } from "@azure/identity";
import type { TaggedResources } from "../leftovers/ports.js";
import type { Batches } from "../batch/record.js";
import type { Config } from "../config/config.js";
import type { StoredFreezes } from "../gate/freezes.js";
import type { ImageDocuments } from "../image-documents.js";
import type { Dependencies, ImageVersionRecord } from "../image-version/index.js";
import type { ImageKeys } from "../keys/ports.js";
import type { DeadLetters } from "../messaging/dead-letters.js";
import type { RejectedRequests } from "../messaging/rejected-requests.js";
import { agedOperations, type Ageing } from "../operation/ageing.js";
import type { Kinds, OperationDependencies, StateStore } from "../operation/ports.js";
import type { TrackedRecord } from "../operation/records.js";
import type { PreparationDependencies, Registrable } from "../subscription/ports.js";
import type { PreparationRecord } from "../subscription/records.js";
import type { TestCounts, TestDependencies } from "../machine-test/ports.js";
import type { TestProfile } from "../machine-test/profile.js";
import type { TestRecord } from "../machine-test/record.js";
import type { TestProfileDependencies } from "../machine-test/profile-ports.js";
import type { RetentionDependencies, RetentionPolicy } from "../retention/ports.js";
import type { Revocations } from "../revocation/record.js";
import { createAgedRows } from "./tables/aged-rows.js";
import { createArmClient } from "./arm/client.js";
import { createAuditLog, type StepAuditLog } from "./arm/flows.js";
import { CLAIMS_TABLE, createIdempotencyKeys } from "./tables/idempotency-keys.js";
import { createDeadLetters } from "./service-bus/dead-letters.js";
import { createIndex } from "./tables/index-table.js";
import { createKeyReader } from "./arm/key-reader.js";
import { createImageDocuments } from "./tables/image-documents.js";
import { createImageUsers } from "./arm/image-users.js";
import { createMachineReader } from "./arm/machine-reader.js";
import { createPacer } from "./arm/pacer.js";
import { createResourceManager } from "./arm/resource-manager.js";
import { createSnapshots } from "./arm/snapshots.js";
import { createResourceReader } from "./arm/resource-reader.js";
import { shareReads } from "./arm/shared-facts.js";
import { createRejectedRequests } from "./service-bus/rejected-requests.js";
import { ServiceBusMessenger } from "./service-bus/messenger.js";
import type { ServiceBusNamespace } from "./service-bus/namespace.js";
import { createStateStore } from "./tables/state-store.js";
import { createSubscriptions } from "./arm/subscriptions.js";
import type { TestResultDependencies } from "../test-results/ports.js";
import { createTestResults, RESULTS_TABLE } from "./tables/test-results.js";
import { createTaggedResources } from "./arm/tagged-resources.js";
import type { TableStorage } from "./tables/table.js";
import { createTestMachines } from "./arm/test-machines.js";
import type { ArmQuota, Metrics } from "../telemetry/metrics.js";
import { observePorts } from "../telemetry/observed-ports.js";
import { createVersionNumbers, isRequestRow, NUMBERS_TABLE } from "./tables/version-numbers.js";

/**
 * The ports of each kind of operation, connected to Azure and observed. The messenger does more
 * than its ports require.
 */
interface Adapters {
  readonly imageVersions: Omit<Dependencies, "objections">;
  /** The ports for steps, many of which read the same facts. */
  readonly imageVersionSteps: Omit<Dependencies, "objections">;
  readonly revocations: Revocations;
  readonly batches: Batches;
  readonly preparations: PreparationDependencies;
  readonly policies: RetentionDependencies["policies"];
  readonly freezes: ImageDocuments<StoredFreezes>;
  readonly testProfiles: TestProfileDependencies;
  readonly machineTests: Omit<TestDependencies, "objections">;
  readonly testResults: TestResultDependencies;
  /** Operations of any kind, for the code that supervises all of them. */
  readonly operations: OperationDependencies<TrackedRecord>;
  /** Everything that is deleted once it is old enough. */
  readonly ageing: readonly Ageing[];
  /** Resources that Sigil creates for a while with its own identity. */
  readonly temporary: TaggedResources;
  readonly messenger: ServiceBusMessenger;
  readonly deadLetters: DeadLetters;
  readonly rejected: RejectedRequests;
  readonly calls: StepAuditLog;
}

/**
 * Sigil's own identity for every service that it calls. It never uses a secret or a login found on
 * the machine. The SDK, a sixth of the code, is loaded with the first token.
 */
export function createCredential({
  managedIdentityClientId: clientId,
}: Pick<Config, "managedIdentityClientId">): TokenCredential {
  let loading: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes, options) {
      loading ??= import("@azure/identity").then(
        ({ ManagedIdentityCredential }) =>
          new ManagedIdentityCredential(clientId === undefined ? {} : { clientId }),
      );
      return (await loading).getToken(scopes, options);
    },
  };
}

/** Connects to nothing yet: each service is reached on first use. */
export function createAdapters(
  config: Config,
  credential: TokenCredential,
  metrics: Metrics,
  kinds: Kinds,
  now: () => Date,
): Adapters {
  const tables: TableStorage =
    config.tables.kind === "identity" ? { ...config.tables, credential } : config.tables;
  const namespace: ServiceBusNamespace =
    config.serviceBus.kind === "identity"
      ? { ...config.serviceBus, credential }
      : config.serviceBus;
  const messenger = new ServiceBusMessenger(namespace, now, config.keepRejectedMs);
  const calls = createAuditLog();
  const armOf = (identity: TokenCredential) =>
    createArmClient({
      endpoint: config.resourceManagerEndpoint,
      scope: config.resourceManagerScope,
      credential: identity,
      timeoutMs: config.putTimeoutMs,
      now,
      pacer: createPacer({ now, sleep }),
      onQuota: (quota: ArmQuota) => metrics.armQuota(quota),
      onCall: calls.note,
    });
  const arm = armOf(credential);
  // Creating machines takes permissions that nothing else needs, so it may have its own identity.
  const machinesArm =
    config.testMachinesClientId === undefined
      ? arm
      : armOf(
          createCredential({
            managedIdentityClientId: config.testMachinesClientId,
          }),
        );
  const testMachines = createTestMachines(machinesArm);
  const machineReader = createMachineReader(machinesArm);
  const subscriptions = createSubscriptions(arm);
  const { sharedFacts, plansInTurn, ...reads } = shareReads(
    {
      resourceManager: createResourceManager(arm),
      resources: createResourceReader(arm),
      subscriptions,
    },
    now,
  );
  const { resourceManager, resources } = reads;
  const snapshots = createSnapshots(arm, config.captureGroups);
  const requiredRegistrations: Registrable[] = [
    { namespace: "Microsoft.Compute" },
    ...(config.requireSigEncryption
      ? [{ namespace: "Microsoft.Compute", feature: "SIGEncryption" }]
      : []),
  ];
  // Share one client: several would each try to create the table on first use. Keys come from
  // resource ids, so no kind finds another kind's records under its keys.
  const { store, events } = observePorts(
    {
      store: createStateStore<TrackedRecord>(tables, kinds),
      events: messenger,
    },
    metrics,
  );
  const common = {
    index: createIndex(tables),
    idempotencyKeys: createIdempotencyKeys(tables, now),
    events,
    work: messenger,
    calls,
    pace: config,
    eventSource: config.eventSource,
    kinds,
    now,
  };
  const imageVersions: Adapters["imageVersions"] = {
    ...common,
    store: store as StateStore<ImageVersionRecord>,
    versionNumbers: createVersionNumbers(tables, now),
    ...reads,
    rollbacks: store as unknown as Dependencies["rollbacks"],
    subscriptions,
    requiredRegistrations,
    maxReads: config.maxReads,
    imageUsers: createImageUsers(arm),
    ...(config.captureGroups.length > 0 && { snapshots }),
    consumerSubscriptions: config.consumerSubscriptions,
    useDelayMs: config.useDelayMs,
    ...(config.keyGuardianSchedule !== undefined && {
      keyGuardian: {
        keyReader: createKeyReader(arm),
        keyStates: createImageDocuments<ImageKeys>(
          tables,
          "SigilKeyStates",
          "keys",
          "state of the keys",
        ),
        keyExpiryMs: config.keyExpiryMs,
      },
    }),
  };
  const operations = { ...common, store };
  const profiles = createImageDocuments<TestProfile>(
    tables,
    "SigilTestProfiles",
    "profile",
    "test profile",
  );
  const results = createTestResults(tables);
  return {
    messenger,
    temporary: createTaggedResources(arm),
    deadLetters: createDeadLetters(namespace),
    rejected: createRejectedRequests(namespace),
    calls,
    operations,
    ageing: [
      {
        name: "operations",
        keepMs: config.keepOperationsMs,
        rows: agedOperations(operations),
      },
      {
        name: "idempotencyKeys",
        keepMs: config.keepIdempotencyKeysMs,
        rows: createAgedRows(tables, CLAIMS_TABLE),
      },
      {
        // A request that repeats a key gets the number from the first request.
        name: "versionNumbers",
        keepMs: config.keepIdempotencyKeysMs,
        rows: createAgedRows(tables, NUMBERS_TABLE, isRequestRow),
      },
      {
        name: "testResults",
        keepMs: config.keepOperationsMs,
        rows: createAgedRows(tables, RESULTS_TABLE),
      },
    ],
    preparations: {
      ...common,
      store: store as StateStore<PreparationRecord>,
      subscriptions,
      requiredRegistrations,
    },
    imageVersions: { ...imageVersions, sharedFacts, plansInTurn },
    imageVersionSteps: { ...imageVersions, ...sharedFacts(), sharedFacts },
    revocations: store as unknown as Revocations,
    batches: store as unknown as Batches,
    policies: createImageDocuments<RetentionPolicy>(
      tables,
      "SigilRetentionPolicies",
      "policy",
      "retention policy",
    ),
    freezes: createImageDocuments<StoredFreezes>(
      tables,
      "SigilRetentionPolicies",
      "freezes",
      "list",
    ),
    testProfiles: {
      profiles,
      machines: machineReader,
      resources,
      subscriptions,
      now,
    },
    machineTests: {
      ...common,
      store: store as unknown as StateStore<TestRecord>,
      ...reads,
      subscriptions,
      profiles,
      machineReader,
      machines: testMachines,
      proofs: testMachines,
      parts: createTaggedResources(machinesArm),
      results,
      makesMachines: config.testMachines,
      limits: {
        machines: config.maxTestMachines,
        testsPerDay: config.maxTestsPerDay,
        counts: createImageDocuments<TestCounts>(
          tables,
          "SigilTestCounts",
          "counts",
          "count of tests",
        ),
      },
      ...(config.testMachinePrices && { prices: config.testMachinePrices }),
    },
    testResults: {
      results,
      resourceManager,
      events,
      eventSource: config.eventSource,
      now,
    },
  };
}
