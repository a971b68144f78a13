import { createArmClient, type ResourceManagerOptions } from "../../src/azure/arm/client.js";
import { createAuditLog } from "../../src/azure/arm/flows.js";
import { createImageUsers } from "../../src/azure/arm/image-users.js";
import { createKeyReader } from "../../src/azure/arm/key-reader.js";
import { createMachineReader } from "../../src/azure/arm/machine-reader.js";
import { createPacer } from "../../src/azure/arm/pacer.js";
import { createResourceManager } from "../../src/azure/arm/resource-manager.js";
import { createResourceReader } from "../../src/azure/arm/resource-reader.js";
import { shareReads } from "../../src/azure/arm/shared-facts.js";
import { createSnapshots } from "../../src/azure/arm/snapshots.js";
import { createSubscriptions } from "../../src/azure/arm/subscriptions.js";
import type { Gate } from "../../src/authorization/gallery-policy.js";
import type { BatchDependencies } from "../../src/batch/ports.js";
import type { Batches, StoredBatch } from "../../src/batch/record.js";
import { takeBatchStep } from "../../src/batch/take-batch-step.js";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import { batchCommands } from "../../src/http/batch-commands.js";
import { unproven } from "../../src/rollout/unproven.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import {
  putImageVersion,
  type PutAnswer,
  type PutImageVersion,
} from "../../src/image-version/commands/put.js";
import { createLooks, seeing } from "../../src/image-version/queries/looks.js";
import { versionSteps } from "../../src/image-version/kind.js";
import type { KeyDependencies } from "../../src/keys/ports.js";
import { noteKeys } from "../../src/key-guardian/note.js";
import type { MachineReader } from "../../src/machine-test/machine-reader.js";
import { takeStep } from "../../src/operation/dispatch.js";
import type { PollingPolicy } from "../../src/operation/ports.js";
import type { Dependencies, StoredVersion } from "../../src/image-version/ports.js";
import { ruleInForce } from "../../src/image-version/state/fold.js";
import { createFreezes, type Freezes, type StoredFreezes } from "../../src/gate/freezes.js";
import { createObjections } from "../../src/objections.js";
import type { RetentionDependencies, RetentionPolicy } from "../../src/retention/ports.js";
import type { RevocationDependencies } from "../../src/revocation/ports.js";
import type { Revocations } from "../../src/revocation/record.js";
import { takeRevocationStep } from "../../src/revocation/take-revocation-step.js";
import { tellParentRevoked } from "../../src/revocation/tell-parent-revoked.js";
import type { RolloutDependencies } from "../../src/rollout/ports.js";
import { lookAfter } from "../../src/rollout/roll-out.js";
import type { TestResults } from "../../src/test-results/ports.js";
import type { OperationRecord } from "../../src/operation/records.js";
import { keyOf, parseImageVersionId, type ImageVersionId } from "../../src/resource-id.js";
import type { StepMessage } from "../../src/operation/steps.js";
import { hasEnded } from "../../src/operation/kinds.js";
import { KINDS } from "../../src/kinds.js";
import { ManualClock } from "@sigil-local/clock";
import {
  createResourceManagerSimulator,
  type UnconnectedSimulator,
  type UnconnectedSimulatorOptions,
} from "@sigil-local/arm-simulator";
import { documented } from "../unit/events/document.js";
import { validator } from "../unit/http/contract/document.js";
import { createMemoryIdempotencyKeys } from "./fakes/idempotency-keys.js";
import { createMemoryImageDocuments } from "./fakes/image-documents.js";
import { createMemoryIndex } from "./fakes/listing-index.js";
import { createMemoryQueues, createMemoryTopic, type Queues } from "./fakes/service-bus.js";
import { createMemoryStore } from "./fakes/state-store.js";
import { createMemoryTestResults } from "./fakes/test-results.js";
import { createMemoryVersionNumbers } from "./fakes/version-numbers.js";
import { inProcessClient } from "./in-process-client.js";
import { worldOfTests } from "./world-of-tests.js";

export const ARM_SCOPE = "https://management.azure.com/.default";
const IN_PROCESS_TOKEN = "in-process";
/** So late that no number that the time gives is 1. */
const START_MS = Date.UTC(2026, 5, 1);
export const QUEUES = ["image-version-creations", "image-version-replications"] as const;
export const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const EVENT_SOURCE = "urn:sigil:test";

/** The product's default pace. */
export const PACE: PollingPolicy = {
  pollInitialMs: 15_000,
  pollMaxMs: 120_000,
  putTimeoutMs: 60_000,
  overdueMs: 120_000,
  stalledMs: 7_200_000,
  progressStep: 25,
  confirmMs: 240_000,
  staleMs: 600_000,
  operationStalledMs: 3_600_000,
  repairAttempts: 3,
  repairDelayMs: 300_000,
};

/** A step message as it came from its queue. */
export interface DueMessage extends StepMessage {
  readonly queue: (typeof QUEUES)[number];
  readonly messageId: string;
}

/** Azure Resource Manager, and how the SDK gets there: in this process, or over HTTPS (over-https.ts). */
export interface Arm {
  readonly simulator: UnconnectedSimulator;
  readonly connection: Pick<ResourceManagerOptions, "endpoint" | "credential" | "httpClient">;
  close(): Promise<void>;
}
export type StartArm = (
  options: Omit<UnconnectedSimulatorOptions, "issuer" | "verify">,
) => Promise<Arm>;

/** What keeps state and carries messages: fakes, or real adapters (on-loopback.ts). Both pass the same port suites. */
export interface Backing {
  readonly ports: Pick<
    Dependencies,
    "store" | "rollbacks" | "index" | "idempotencyKeys" | "versionNumbers" | "events" | "work"
  >;
  readonly keyStates: KeyDependencies["keyStates"];
  takeDue(): Promise<DueMessage[]>;
  takeEvents(): Promise<CloudEvent[]>;
  close(): Promise<void>;
}

/** The use cases' dependencies, with the real SDK for Azure Resource Manager, all at the time of one clock. */
export interface InProcess {
  readonly deps: Dependencies;
  /** Of retention; in memory. */
  readonly policies: RetentionDependencies["policies"];
  /** Of gates; in memory. */
  readonly freezes: Freezes;
  /** Of tests; in memory. */
  readonly results: TestResults;
  readonly machines: MachineReader;
  /** Those of an instance of the product, which shares what it reads and paces its calls. */
  instance(): Dependencies;
  readonly clock: ManualClock;
  readonly simulator: UnconnectedSimulator;
  /** For a client of its own. */
  readonly armOptions: ResourceManagerOptions;
  /** Takes every message off the queues that a receiver could have now. */
  takeDue(): Promise<DueMessage[]>;
  /** Takes every event off the subscription `all` that has arrived since the last call. */
  takeEvents(): Promise<CloudEvent[]>;
  /** Answers a message as the product does; `deps` unless others are given. */
  handle(message: DueMessage, deps?: Dependencies): Promise<void>;
  /** What the timer of rules does: sends the promotion of one that waits for regions alone, and has them. */
  rollOut(versionId: string): Promise<void>;
  /** Handles due messages and moves the clock until the version's operation has ended, and what its rule sends then. */
  finish(versionId: string): Promise<OperationRecord>;
  /** The same, and lets `look` see each state on the way. */
  finishWith(
    versionId: string,
    look: (stored: StoredVersion) => Promise<void>,
  ): Promise<OperationRecord>;
  /** Handles due messages, none of those they cause later than now. */
  runDue(): Promise<DueMessage[]>;
  read(versionId: string): Promise<StoredVersion>;
  close(): Promise<void>;
}

export interface InProcessOptions {
  readonly world?: UnconnectedSimulatorOptions["world"];
  /** How long the slowest region takes, and by what share the fastest is faster. */
  readonly replicationMs?: number;
  readonly spread?: number;
  readonly pace?: Partial<PollingPolicy>;
  /** Besides the gallery's own, those that are asked who uses a version. */
  readonly consumerSubscriptions?: readonly string[];
  readonly useDelayMs?: number;
  /** Where snapshots of machines may be created. */
  readonly captureGroups?: readonly string[];
  /** As the gallery policy sets them. */
  readonly gates?: readonly Gate[];
  /** True: Azure Resource Manager counts calls, and refuses them beyond its limits. */
  readonly enforceRateLimits?: boolean;
  /** How far the clock moves with each call of Azure: the time at which a step began is not that at which it writes. */
  readonly callMs?: number;
}

/** State and messages are in memory: `queues` is all that was sent. The SDK reaches the simulator without a connection. */
export async function startInProcess(
  options: InProcessOptions = {},
  startArm: StartArm = startArmInProcess,
): Promise<InProcess & { readonly queues: Queues }> {
  const clock = new ManualClock(START_MS);
  const now = (): Date => new Date(clock.now());
  const nowMs = (): number => clock.now();
  const store = createMemoryStore(now);
  const queues = createMemoryQueues(nowMs);
  const topic = createMemoryTopic(nowMs);
  let taken = 0;
  const inProcess = await startWith(clock, startArm, options, {
    ports: {
      store: store as unknown as Dependencies["store"],
      rollbacks: store as unknown as Dependencies["rollbacks"],
      index: createMemoryIndex(now),
      idempotencyKeys: createMemoryIdempotencyKeys(now),
      versionNumbers: createMemoryVersionNumbers(),
      events: topic,
      work: queues,
    },
    keyStates: createMemoryImageDocuments("state of the keys"),
    takeDue: () =>
      Promise.resolve(
        QUEUES.flatMap((queue) =>
          queues.take(queue).map(({ id, operationId, step }) => ({
            queue,
            operationId,
            step,
            messageId: id,
          })),
        ),
      ),
    takeEvents: () => {
      const events = topic.events.slice(taken);
      taken = topic.events.length;
      return Promise.resolve(events);
    },
    close: () => Promise.resolve(),
  });
  return { ...inProcess, queues };
}

/** Authentication is proven over HTTPS: here one token is good. */
const startArmInProcess: StartArm = async (options) => {
  const simulator = await createResourceManagerSimulator({
    ...options,
    verify: (token) =>
      token === IN_PROCESS_TOKEN
        ? Promise.resolve({ payload: { appid: "sigil", oid: "sigil" } })
        : Promise.reject(new TypeError(`Unknown token ${token}`)),
  });
  return {
    simulator,
    connection: {
      endpoint: "https://management.azure.com",
      credential: {
        getToken: () =>
          Promise.resolve({
            token: IN_PROCESS_TOKEN,
            expiresOnTimestamp: Date.now() + 3_600_000,
          }),
      },
      httpClient: inProcessClient(simulator),
    },
    close: () => simulator.close(),
  };
};

export async function startWith(
  clock: ManualClock,
  startArm: StartArm,
  options: InProcessOptions,
  backing: Backing,
): Promise<InProcess> {
  const now = (): Date => new Date(clock.now());
  const arm = await startArm({
    clock,
    world: options.world ?? worldOfTests(),
    enforceRateLimits: options.enforceRateLimits ?? false,
    // Whoever needs all of a list has to go on, as with the index. Where calls are counted, pages are as long as Azure's.
    ...(options.enforceRateLimits !== true && { pageSize: 2 }),
    replication: {
      durationMs: options.replicationMs ?? 5 * 60_000,
      spread: options.spread ?? 0.5,
      seed: "test",
    },
  });
  const armOptions = {
    ...arm.connection,
    scope: ARM_SCOPE,
    timeoutMs: 60_000,
    now,
  };
  const pace = { ...PACE, ...options.pace };
  const calls = createAuditLog();
  /** Azure as an instance reaches it: as it is, or paced and shared as in the product. */
  const reachAzure = (isShared: boolean) => {
    const client = createArmClient({
      ...armOptions,
      ...(isShared && { pacer: createPacer({ now, sleep }) }),
      onCall(call) {
        clock.advance(options.callMs ?? 0);
        calls.note(call);
      },
    });
    const readers = {
      resourceManager: createResourceManager(client),
      resources: createResourceReader(client),
      subscriptions: createSubscriptions(client),
    };
    const seen = () => {
      // Who acts in a test sees what the test has just done.
      const looks = createLooks(readers.resourceManager, readers.resources, now, 0);
      return { looks, ...readers, resourceManager: seeing(readers.resourceManager, looks) };
    };
    return {
      ...(options.captureGroups && {
        snapshots: createSnapshots(client, options.captureGroups),
      }),
      subscriptions: readers.subscriptions,
      ...(isShared ? shareReads(readers, now) : seen()),
      machines: createMachineReader(client),
      imageUsers: createImageUsers(client),
      keyGuardian: {
        keyReader: createKeyReader(client),
        keyStates: backing.keyStates,
        keyExpiryMs: 30 * 86_400_000,
      },
    };
  };
  /** Whoever waits longest moves the clock. */
  const sleep = (ms: number): Promise<void> => {
    const untilMs = clock.now() + ms;
    return new Promise((resolve) => {
      setImmediate(() => {
        clock.advance(Math.max(0, untilMs - clock.now()));
        resolve();
      });
    });
  };
  const { machines, ...azure } = reachAzure(false);
  const policies = createMemoryImageDocuments<RetentionPolicy>("retention policy");
  const deps: Dependencies = noting({
    ...backing.ports,
    ...azure,
    calls,
    requiredRegistrations: [{ namespace: "Microsoft.Compute" }],
    maxReads: 500,
    consumerSubscriptions: options.consumerSubscriptions ?? [],
    useDelayMs: options.useDelayMs ?? 900_000,
    pace,
    eventSource: EVENT_SOURCE,
    now,
    kinds: KINDS,
    tellOthers: (stored) => tellParentRevoked(revocationOf(deps), stored),
    objections: (id, deed) =>
      // No rule that is looked after here waits for a test.
      deed.kind === "obeyRule" ? Promise.resolve([]) : objections(id, deed),
  });
  const freezes = createFreezes(createMemoryImageDocuments<StoredFreezes>("list"), now);
  const objections = createObjections(() => ({
    gates: options.gates ?? [],
    freezes,
    revocations: revocationOf(deps).revocations,
    retention: { policies, ...revocationOf(deps) },
    rollout,
  }));
  const takeDue = (): Promise<DueMessage[]> => backing.takeDue();

  const handle: InProcess["handle"] = (message, given = deps) =>
    calls.during(() =>
      takeVersionStep({ ...given, ...given.sharedFacts?.(() => {}) }, message, results),
    );

  const runDue = async (): Promise<DueMessage[]> => {
    const handled: DueMessage[] = [];
    for (;;) {
      const due = await takeDue();
      if (due.length === 0) return handled;
      for (const message of due) await handle(message);
      handled.push(...due);
    }
  };

  const read = async (versionId: string): Promise<StoredVersion> => {
    const stored = await deps.store.read(keyOf(versionId));
    if (stored === undefined) throw new Error(`${versionId} is not stored`);
    return stored;
  };

  const results = createMemoryTestResults();
  const rollout = rolloutOf(deps, results);
  const rollOut: InProcess["rollOut"] = async (versionId) => {
    if (parseImageVersionId(versionId) === undefined) return;
    const { record } = await read(versionId);
    if (!/^(?:allRegionsReady|regions)$/u.test(ruleInForce(record)?.when ?? "")) return;
    await lookAfter(rollout, versionId, TRACEPARENT);
  };

  const finishWith: InProcess["finishWith"] = async (versionId, look) => {
    let ended: OperationRecord | undefined;
    for (let steps = 0; steps < 500; steps += 1) {
      await runDue();
      const stored = await read(versionId);
      if (hasEnded(deps, stored)) {
        ended ??= stored.operation;
        await rollOut(versionId);
        if (hasEnded(deps, await read(versionId))) return ended;
        continue;
      }
      await look(stored);
      clock.advance(Math.max(1_000, Date.parse(stored.record.dueTime) - clock.now()));
    }
    throw new Error(`${versionId} does not end`);
  };

  return {
    deps,
    policies,
    freezes,
    results,
    machines,
    instance: () => noting({ ...deps, ...reachAzure(true) }),
    clock,
    simulator: arm.simulator,
    armOptions,
    takeDue,
    handle,
    runDue,
    rollOut,
    read,
    takeEvents: async () => (await backing.takeEvents()).map(documented),
    finish: (versionId) => finishWith(versionId, () => Promise.resolve()),
    finishWith,
    async close() {
      await backing.close();
      await arm.close();
    },
  };
}

/** Whoever sees a key otherwise than stored has that stored and told, as in the product. */
export function noting(deps: Dependencies): Dependencies {
  const { keyGuardian } = deps;
  if (keyGuardian === undefined) return deps;
  return { ...deps, noteKeys: noteKeys.bind(undefined, { ...deps, ...keyGuardian }) };
}

/** Revocations lie in the store of versions. */
export function revocationOf(imageVersions: Dependencies): RevocationDependencies {
  const revocations = imageVersions.store as unknown as Revocations;
  return { imageVersions, revocations };
}

/** No rule that is looked after here waits for a test. */
function rolloutOf(
  deps: Dependencies,
  results: RolloutDependencies["results"],
): RolloutDependencies {
  return {
    imageVersions: deps,
    machineTests: {
      ...deps,
      makesMachines: false,
    } as unknown as RolloutDependencies["machineTests"],
    results,
  };
}

export function batchOf(
  deps: Dependencies,
  policy?: Parameters<typeof batchCommands>[2],
  results: RolloutDependencies["results"] = createMemoryTestResults(),
): BatchDependencies {
  const store = deps.store as unknown as Batches;
  return {
    operations: { ...deps, store },
    commands: batchCommands(revocationOf(deps), validator, policy),
    unproven: unproven.bind(undefined, rolloutOf(deps, results)),
  };
}

/** Takes a step of a version, of its image definition, of its revocation or of a batch. */
export function takeVersionStep(
  deps: Dependencies,
  message: StepMessage,
  results?: RolloutDependencies["results"],
): Promise<void> {
  const RevokeImageVersion = takeRevocationStep.bind(undefined, revocationOf(deps));
  const RunBatch = (stored: StoredBatch) =>
    takeBatchStep(batchOf(deps, undefined, results), stored);
  return takeStep(deps, { ...versionSteps(deps), RevokeImageVersion, RunBatch }, message);
}

export function idOf(versionId: string): ImageVersionId {
  const id = parseImageVersionId(versionId);
  if (id === undefined) throw new TypeError(`${versionId} is no version's id`);
  return id;
}

/** The command that a PUT of `body` becomes. */
export function commandOf(
  versionId: string,
  body: ImageVersionRequest,
  more: Partial<PutImageVersion> = {},
): PutImageVersion {
  return {
    id: idOf(versionId),
    body,
    requestedBy: { appId: "build-system", objectId: "object" },
    traceparent: TRACEPARENT,
    allowNoLatest: true,
    ...more,
  };
}

export function request(
  deps: Dependencies,
  versionId: string,
  body: ImageVersionRequest,
  more: Partial<PutImageVersion> = {},
): Promise<OperationRecord> {
  return operationIn(putImageVersion(deps, commandOf(versionId, body, more)));
}

/** The operation that a request has led to. */
export async function operationIn(answer: Promise<PutAnswer>): Promise<OperationRecord> {
  const answered = await answer;
  if (answered.kind === "accepted") return answered.operation;
  throw new Error("nothing was to be changed");
}
