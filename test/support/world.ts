import { ServiceError } from "../../src/errors.js";
import type { KeptRequest } from "../../src/messaging/rejected-requests.js";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import type { HandlerDependencies } from "../../src/http/handlers.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type {
  Dependencies,
  ResourceManager,
  ResourceReader,
} from "../../src/image-version/ports.js";
import type { MachineReader } from "../../src/machine-test/machine-reader.js";
import type { ImageSource, ObservedImageVersion } from "../../src/image-version/resources.js";
import type { DiskEncryptionSet } from "../../src/keys/ports.js";
import { createLooks } from "../../src/image-version/queries/looks.js";
import type { TestDependencies } from "../../src/machine-test/ports.js";
import type { TestProfile } from "../../src/machine-test/profile.js";
import type { TestRecord } from "../../src/machine-test/record.js";
import type { RollbackStateRecord } from "../../src/image-version/rollback-record.js";
import type { ImageVersionRecord } from "../../src/image-version/state/record.js";
import { KINDS } from "../../src/kinds.js";
import type { StateStore } from "../../src/operation/ports.js";
import type { WorkMessage } from "../../src/operation/records.js";
import { formatImageVersionId } from "../../src/resource-id.js";
import type { RetentionPolicy } from "../../src/retention/ports.js";
import type { PreparationRecord } from "../../src/subscription/records.js";
import { PACE } from "./dependencies.js";
import { createMemoryIdempotencyKeys } from "./fakes/idempotency-keys.js";
import { createMemoryIndex } from "./fakes/listing-index.js";
import type { Batches } from "../../src/batch/record.js";
import { objectionsByBan } from "../../src/revocation/bans.js";
import type { Revocations } from "../../src/revocation/record.js";
import { createFreezes, type StoredFreezes } from "../../src/gate/freezes.js";
import { createMemoryImageDocuments } from "./fakes/image-documents.js";
import { createMemoryTestResults } from "./fakes/test-results.js";
import { createTestLimits } from "./fakes/test-limits.js";
import { createMemoryStore } from "./fakes/state-store.js";

/** Everything that a call may leave behind, in memory, and Azure as far as a refusal at the door can tell it. */
export interface World {
  readonly deps: HandlerDependencies;
  readonly events: CloudEvent[];
  /** Grows with every effect but the claim of an Idempotency-Key, which a refused request may leave (by design). */
  effects(): number;
}

const NOW = new Date("2026-06-01T00:00:00Z");

/** `shown` is what Azure shows of its versions otherwise than they are in general. */
export function createWorld(shown: Partial<ObservedImageVersion> = {}): World {
  let effects = 0;
  const events: CloudEvent[] = [];
  const now = (): Date => NOW;
  /** The port, where what these methods have done counts. */
  const counting = <P extends object>(port: P, methods: readonly (keyof P)[]): P => ({
    ...port,
    ...Object.fromEntries(
      methods.map((method) => [
        method,
        async (...args: unknown[]): Promise<unknown> => {
          const done = await (port[method] as (...args: unknown[]) => Promise<unknown>)(...args);
          effects += 1;
          return done;
        },
      ]),
    ),
  });
  const store = counting(createMemoryStore(), ["commit"]);
  const common = {
    idempotencyKeys: createMemoryIdempotencyKeys(now),
    index: counting(createMemoryIndex(now), ["put"]),
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
    kinds: KINDS,
    now,
  };
  const subscriptions = {
    listRegions: () => Promise.resolve([{ name: "westus" }, { name: "eastus2" }]),
    getRegistration: () => Promise.resolve("Registered"),
    areTermsAccepted: () => Promise.resolve(true),
    register: () => {
      effects += 1;
      return Promise.resolve("Registering");
    },
  };
  const requiredRegistrations = [{ namespace: "Microsoft.Compute" }];
  const resourceManager: ResourceManager = {
    getImageVersion: ({ versionName, ...id }) =>
      Promise.resolve(
        PUBLISHED_NAMES.includes(versionName)
          ? {
              ...published(formatImageVersionId({ ...id, versionName })),
              ...shown,
            }
          : undefined,
      ),
    listImageVersions: (imageId) =>
      Promise.resolve(
        imageId.length % 3 === 1
          ? undefined
          : PUBLISHED_NAMES.map((name) => ({
              name,
              ...published(`${imageId}/versions/${name}`),
              ...shown,
            })),
      ),
    deleteImageVersion: () => {
      effects += 1;
      return Promise.resolve(undefined);
    },
    putImageVersion: () => {
      effects += 1;
      return Promise.resolve(undefined);
    },
    listDeletedVersions: (imageId) =>
      Promise.resolve(
        imageId.length % 3 === 1 ? undefined : [{ name: "3.0.0", location: "westus" }],
      ),
    restoreImageVersion: () => {
      effects += 1;
      return Promise.resolve(undefined);
    },
    purgeImageVersion: ({ versionName }) => {
      effects += 1;
      return Promise.resolve(versionName === "3.0.0");
    },
    previewPut: (_, body) =>
      Promise.resolve({
        method: "PUT",
        url: "https://management.azure.com/x",
        body,
      }),
    getOperationError: () => Promise.resolve(undefined),
  };
  const imageVersions: Dependencies = {
    ...common,
    store: store as unknown as StateStore<ImageVersionRecord>,
    rollbacks: store as unknown as StateStore<RollbackStateRecord>,
    looks: createLooks(resourceManager, RESOURCES, now),
    versionNumbers: {
      read: () => Promise.resolve({}),
      allocate() {
        effects += 1;
        return Promise.resolve(`1.0.${effects}`);
      },
    },
    resourceManager,
    resources: RESOURCES,
    subscriptions,
    requiredRegistrations,
    maxReads: 500,
    imageUsers: {
      find: () => Promise.resolve({ users: [], complete: true, needsSeen: true }),
      proveReadable: () => Promise.resolve(),
      listScaleSets: () => Promise.resolve([]),
    },
    consumerSubscriptions: [],
    useDelayMs: 900_000,
    objections: (id, deed) => objectionsByBan(revocations, id, deed),
  };
  const revocations = store as unknown as Revocations;
  const profiles = counting(createMemoryImageDocuments<TestProfile>("test profile"), [
    "put",
    "remove",
  ]);
  const noMachines = {
    getMachine: () => Promise.resolve(undefined),
    createMachine: () => Promise.resolve(undefined),
    deleteMachine: () => Promise.resolve(),
    getScriptResult: () => Promise.resolve(undefined),
    startScript: () => Promise.resolve(undefined),
    getSerialLog: () => Promise.resolve(undefined),
    getDisk: () => Promise.resolve(undefined),
    listTagged: () => Promise.resolve([]),
    getResource: () => Promise.resolve(undefined),
    deleteResource: () => Promise.resolve(),
  };
  const results = counting(createMemoryTestResults(), ["add"]);
  const machineTests: TestDependencies = {
    ...common,
    store: store as unknown as StateStore<TestRecord>,
    resourceManager,
    resources: RESOURCES,
    looks: imageVersions.looks,
    profiles,
    subscriptions,
    machineReader: MACHINES,
    machines: noMachines,
    proofs: noMachines,
    parts: noMachines,
    results,
    makesMachines: true,
    limits: createTestLimits(),
    objections: imageVersions.objections,
  };
  return {
    deps: {
      imageVersions,
      preparations: {
        ...common,
        store: store as unknown as StateStore<PreparationRecord>,
        subscriptions,
        requiredRegistrations,
      },
      operations: { ...common, store },
      batch: { operations: { ...common, store: store as unknown as Batches } },
      retention: {
        policies: counting(createMemoryImageDocuments<RetentionPolicy>("retention policy"), [
          "put",
          "remove",
        ]),
        imageVersions,
        revocations,
      },
      revocation: { imageVersions, revocations },
      freezes: createFreezes(
        counting(createMemoryImageDocuments<StoredFreezes>("list"), ["put"]),
        common.now,
      ),
      testProfiles: {
        profiles,
        resources: RESOURCES,
        subscriptions,
        machines: MACHINES,
        now: common.now,
      },
      machineTests,
      testResults: {
        results,
        resourceManager,
        events: common.events,
        eventSource: common.eventSource,
        now: common.now,
      },
      rollout: { imageVersions, machineTests, results },
      gates: [],
      rejected: {
        peek: (fromId, most) =>
          Promise.resolve(KEPT.filter(({ id }) => BigInt(id) >= fromId).slice(0, most)),
        remove: () => {
          effects += 1;
          return Promise.resolve(true);
        },
      },
    },
    events,
    effects: () => effects,
  };
}

/** Rejected requests: one that is no text, and one that is no CloudEvent. */
const KEPT: readonly KeptRequest[] = [
  Buffer.from([0xff, 0xfe, 0x00]),
  Buffer.from('{"__proto__": "<script>"}'),
].map((bytes, index) => ({
  id: String(index + 1),
  enqueuedTime: "2026-01-01T00:00:00.000Z",
  bytes,
  applicationProperties: {},
  code: "InvalidRequest",
  reason: "1 error was found in the message.",
  errors: [
    {
      code: "MissingProperty",
      pointer: "/specversion",
      message: '"specversion" is missing.',
    },
  ],
  originalLength: undefined,
}));

/** Versions that others have made: of some image definitions Azure has none. */
const PUBLISHED_NAMES = ["1.9.0", "1.10.0"];

function published(id: string): ObservedImageVersion {
  return {
    provisioningState: "Succeeded",
    publishedDate: "2025-12-01T00:00:00.000Z",
    resource: {
      id,
      name: id.split("/").at(-1),
      type: "Microsoft.Compute/galleries/images/versions",
      location: "westus",
      tags: { build: "4711" },
      properties: {
        publishingProfile: {
          replicaCount: 1,
          excludeFromLatest: false,
          publishedDate: "2025-12-01T00:00:00.000Z",
          targetRegions: [
            { name: "West US", regionalReplicaCount: 1 },
            { name: "East US 2", regionalReplicaCount: 2 },
          ],
        },
        storageProfile: {
          source: {
            id: "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/images/myImage",
          },
        },
        provisioningState: "Succeeded",
      },
    } as unknown as ImageVersionRequest,
    regions: [
      { name: "westus", state: "Completed", progress: 100 },
      { name: "eastus2", state: "Completed", progress: 100 },
    ],
  };
}

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
  listGalleries: () =>
    Promise.resolve(
      ["b", "A", "c"].map((name) => ({
        id: `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/galleries/${name}`,
        name,
        region: "westus",
        description: "For tests",
      })),
    ),
  listImageDefinitions: (galleryId) =>
    look(
      `${galleryId}/`,
      ["one", "two", "three"].map((name) => ({
        id: `${galleryId}/images/${name}`,
        name,
        region: "westus",
        osType: "Linux",
        osState: "Generalized",
        hyperVGeneration: "V2",
        architecture: "x64",
        securityType: "Standard",
        description: "For tests",
        endOfLifeDate: "2030-12-01T00:00:00Z",
      })),
    ),
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

/** What a test profile finds: of networks and sizes, too, one in three is not there. */
const MACHINES: MachineReader = {
  getMachineSize: (_, region, name) =>
    look(region + name, {
      name,
      family: "standardDSv5Family",
      vCpus: 2,
      architecture: "x64",
      hyperVGenerations: ["V1", "V2"],
      trustedLaunch: true,
      confidential: false,
    }),
  listUsages: () => Promise.resolve(new Map([["cores", { label: "vCPUs", used: 99, limit: 100 }]])),
  getVirtualNetwork: (id) => look(id, { region: "westus", subnets: ["x"] }),
  listGrants: (scope) => look(scope, [{ actions: ["*"], notActions: [] }]),
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
