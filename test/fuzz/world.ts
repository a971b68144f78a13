import { ServiceError } from "../../src/errors.js";
import { beginWaiting } from "../../src/image-version/joining.js";
import type { IndexRow } from "../../src/operation/records.js";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import type { HandlerDependencies } from "../../src/http/handlers.js";
import type {
  Dependencies,
  DiskEncryptionSet,
  IdempotencyClaim,
  ImageSource,
  ResourceReader,
} from "../../src/image-version/ports.js";
import type { ImageVersionRecord } from "../../src/image-version/records.js";
import type { Index, StateStore, Stored } from "../../src/operation/ports.js";
import {
  operationIdOf,
  type OperationRecord,
  type TrackedRecord,
  type WorkMessage,
} from "../../src/operation/records.js";
import type {
  RetentionDependencies,
  RetentionPolicies,
  StoredPolicy,
} from "../../src/retention/ports.js";
import type { PreparationRecord } from "../../src/subscription/records.js";
import { PACE } from "../support/dependencies.js";

/** Everything that a call may leave behind, in memory, and Azure as far as a refusal at the door can tell it. */
export interface World {
  readonly deps: HandlerDependencies;
  readonly events: CloudEvent[];
  /** Grows with every effect but the claim of an Idempotency-Key, which a refused request may leave (by design). */
  effects(): number;
}

const NOW = new Date("2026-01-01T00:00:00Z");

export function createWorld(): World {
  let effects = 0;
  const events: CloudEvent[] = [];
  const store = createStore(() => (effects += 1));
  const common = {
    index: createIndex(() => (effects += 1)),
    events: {
      publish: (published: readonly CloudEvent[]) => {
        events.push(...published);
        effects += 1;
        return Promise.resolve();
      },
    },
    work: {
      enqueue: (messages: readonly WorkMessage[]) => {
        effects += messages.length;
        return Promise.resolve();
      },
      findDead: () => Promise.resolve([]),
    },
    pace: PACE,
    calls: { noted: () => [], written: () => undefined },
    eventSource: "urn:sigil:fuzz",
    now: () => NOW,
  };
  const subscriptions = {
    listRegions: () => Promise.resolve(["westus", "eastus2"]),
    getRegistration: () => Promise.resolve("Registered"),
    register: () => {
      effects += 1;
      return Promise.resolve("Registering");
    },
  };
  const requiredRegistrations = [{ namespace: "Microsoft.Compute" }];
  const claims = new Map<string, IdempotencyClaim>();
  const imageVersions: Dependencies = {
    ...common,
    store: store as StateStore<ImageVersionRecord>,
    afterEnd: beginWaiting,
    idempotencyKeys: {
      claim(key, value) {
        const claim = claims.get(key) ?? value;
        claims.set(key, claim);
        return Promise.resolve(claim);
      },
    },
    versionNumbers: {
      listPublished: () => Promise.resolve([]),
      read: () => Promise.resolve({}),
      allocate() {
        effects += 1;
        return Promise.resolve(`1.0.${effects}`);
      },
    },
    resourceManager: {
      getImageVersion: () => Promise.resolve(undefined),
      deleteImageVersion: () => {
        effects += 1;
        return Promise.resolve(undefined);
      },
      putImageVersion: () => {
        effects += 1;
        return Promise.resolve(undefined);
      },
      previewPut: (_, body) =>
        Promise.resolve({
          method: "PUT",
          url: "https://management.azure.com/x",
          body,
        }),
      getOperationError: () => Promise.resolve(undefined),
    },
    resources: RESOURCES,
    subscriptions,
    requiredRegistrations,
  };
  return {
    deps: {
      imageVersions,
      preparations: {
        ...common,
        store: store as StateStore<PreparationRecord>,
        subscriptions,
        requiredRegistrations,
      },
      operations: { ...common, store },
      retention: {
        policies: createPolicies(() => (effects += 1)),
        published: PUBLISHED,
        imageVersions,
      },
    },
    events,
    effects: () => effects,
  };
}

function createStore(onWrite: () => void): StateStore<TrackedRecord> {
  const records = new Map<string, Stored<TrackedRecord>>();
  const operations = new Map<string, OperationRecord>();
  return {
    read: (key) => {
      const stored = records.get(key);
      const operation = stored && operations.get(operationIdOf(stored.record));
      return Promise.resolve(
        stored && operation && structuredClone({ ...stored, operation }),
      );
    },
    readOperation: (id) => Promise.resolve(structuredClone(operations.get(id))),
    commit(record, operation, etag) {
      if (records.get(record.key)?.etag !== etag)
        throw new ServiceError("StateConflict", "Another writer came first.", {
          retryAfterMs: 1_000,
        });
      onWrite();
      const stored = structuredClone({
        record,
        operation,
        etag: String(Number(etag ?? 0) + 1),
      });
      records.set(record.key, stored);
      operations.set(operation.id, stored.operation);
      return Promise.resolve(structuredClone(stored));
    },
  };
}

function createIndex(onWrite: () => void): Index {
  const scopes = new Map<string, Map<string, IndexRow>>();
  return {
    put(rows) {
      onWrite();
      for (const row of rows)
        scopes.set(
          row.scope,
          (scopes.get(row.scope) ?? new Map<string, IndexRow>()).set(
            row.row,
            row,
          ),
        );
      return Promise.resolve();
    },
    remove(rows) {
      for (const { scope, row } of rows) scopes.get(scope)?.delete(row);
      return Promise.resolve();
    },
    page(scope, top) {
      const rows = [...(scopes.get(scope)?.values() ?? [])]
        .sort((a, b) => (a.row < b.row ? -1 : 1))
        .slice(0, top);
      return Promise.resolve({
        rows: rows.map((row) => ({ ...row, writtenTime: NOW.toISOString() })),
      });
    },
  };
}

function createPolicies(onWrite: () => void): RetentionPolicies {
  const policies = new Map<string, StoredPolicy>();
  return {
    read: (imageId) => Promise.resolve(policies.get(imageId)),
    put(policy, etag) {
      onWrite();
      policies.set(policy.imageId, {
        policy,
        etag: String(Number(etag ?? 0) + 1),
      });
      return Promise.resolve();
    },
    remove(imageId) {
      onWrite();
      policies.delete(imageId);
      return Promise.resolve();
    },
    list: () => Promise.resolve([...policies.values()]),
  };
}

const PUBLISHED: RetentionDependencies["published"] = {
  list: (imageId) =>
    Promise.resolve(
      imageId.length % 3 === 1
        ? undefined
        : [
            {
              name: "1.0.0",
              provisioningState: "Succeeded",
              excludeFromLatest: false,
              endOfLifeDate: "2025-01-01",
              regions: [{ name: "westus", excludeFromLatest: false }],
            },
          ],
    ),
};

/** What a plan finds: one name in three is of nothing, one may not be looked at, and the rest is there. */
const RESOURCES: ResourceReader = {
  getGallery: (id) => look(id, { id, sharing: "Private" }),
  getImageDefinition: (id) =>
    look(id, {
      id,
      osType: "Linux",
      osState: "Generalized",
      hyperVGeneration: "V2",
      architecture: "x64",
      securityType: "Standard",
    }),
  getDiskEncryptionSet: (id) => look(id, setOf(id)),
  getSource: (id) =>
    look<ImageSource>(id, {
      id,
      provisioningState: "Succeeded",
      regions: ["westus"],
      osDisk: {},
      dataDisks: [{ lun: 0 }],
      osType: "Linux",
    }),
  listDiskEncryptionSets: (subscriptionId) =>
    look(subscriptionId, {
      value: [
        setOf(
          `/subscriptions/${subscriptionId}/resourceGroups/g/providers/Microsoft.Compute/diskEncryptionSets/s`,
        ),
      ],
    }),
};

function setOf(id: string): DiskEncryptionSet {
  return {
    id,
    region: "westus",
    provisioningState: "Succeeded",
    encryptionType: "EncryptionAtRestWithCustomerKey",
    keyUrl: "https://keys.vault.azure.net/keys/k/1",
    rotationToLatestKeyVersionEnabled: true,
  };
}

function look<T>(id: string, value: T): Promise<T | undefined> {
  if (id.length % 3 === 1) return Promise.resolve(undefined);
  if (id.length % 7 === 3)
    return Promise.reject(
      new ServiceError("ResourceManagerForbidden", "Not to be seen.", {
        fields: { action: "Microsoft.Compute/x/read", scope: "/subscriptions" },
      }),
    );
  return Promise.resolve(value);
}
