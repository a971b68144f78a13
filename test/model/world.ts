/** One run's world: Sigil's processes on two hosts, the services between which they run, and what everybody was told. */
import { ServiceError } from "../../src/errors.js";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import type {
  Dependencies,
  Looks,
  StepDependencies,
} from "../../src/image-version/ports.js";
import { createLooks } from "../../src/image-version/queries/looks.js";
import { KINDS } from "../../src/kinds.js";
import { ManualClock } from "@sigil-local/clock";
import type { PollingPolicy } from "../../src/operation/ports.js";
import type { OperationRecord } from "../../src/operation/records.js";
import type { ImageVersionRecord } from "../../src/image-version/state/record.js";
import { keptNow } from "../../src/retention/kept-now.js";
import type {
  RetentionPolicies,
  StoredPolicy,
} from "../../src/retention/ports.js";
import { createMemoryIdempotencyKeys } from "../support/fakes/idempotency-keys.js";
import {
  createMemoryIndex,
  type MemoryIndex,
} from "../support/fakes/listing-index.js";
import {
  createMemoryQueues,
  createMemoryTopic,
  type Queues,
  type Topic,
} from "../support/fakes/service-bus.js";
import {
  createMemoryStore,
  type MemoryStore,
} from "../support/fakes/state-store.js";
import { createArm, short, type Arm, type ArmSettings } from "./arm.js";
import { createAzure, type Azure } from "./azure.js";
import { keysIn, type Facts } from "./facts.js";
import { createWay, type Way } from "./faults.js";
import {
  createLedger,
  isOpen,
  type Accepted,
  type Command,
  type Ledger,
} from "./ledger.js";
import {
  Killed,
  newProcess,
  portOf,
  runBeside,
  type Failure,
  type Process,
} from "./process.js";
import { createWriteJudge, type WriteJudge } from "./write-judge.js";

/** The product's pace, but for patience: a region that stands still is told of within a run, and given up sooner. */
const PACE: PollingPolicy = {
  pollInitialMs: 15_000,
  pollMaxMs: 120_000,
  putTimeoutMs: 60_000,
  overdueMs: 120_000,
  stalledMs: 900_000,
  progressStep: 1,
  confirmMs: 120_000,
  staleMs: 600_000,
  operationStalledMs: 1_800_000,
  repairAttempts: 2,
  repairDelayMs: 300_000,
};
const HOSTS = 2;

/** The retention policies as they are read. */
export function policiesIn({
  policies,
}: Pick<World, "policies">): RetentionPolicies {
  return {
    list: () => Promise.resolve([...policies.values()]),
    read: (imageId) => Promise.resolve(policies.get(imageId)),
    put: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  };
}

/** Something that Sigil is given to do; several may be done at once. */
export interface Task {
  readonly name: string;
  readonly command?: Command;
  /** Throws what the product throws. */
  run(deps: StepDependencies): Promise<void>;
  /** After the process has ended, however. */
  ended?(error: unknown): void;
}

export interface World {
  readonly clock: ManualClock;
  readonly arm: Arm;
  readonly azure: Azure;
  readonly way: Way;
  readonly store: MemoryStore<ImageVersionRecord>;
  readonly index: MemoryIndex;
  readonly queues: Queues;
  readonly topic: Topic;
  readonly ledger: Ledger;
  readonly writes: WriteJudge;
  /** Retention policies, by image definition. */
  readonly policies: Map<string, StoredPolicy>;
  /** The last ETag that a GET has given of each version, and what it stood for: as it was shown, and what was asked of it. */
  readonly etags: Map<
    string,
    {
      readonly etag: string;
      readonly facts?: Facts;
      readonly asked: readonly Pick<Accepted, "wishes">[];
    }
  >;
  readonly settings: ArmSettings;
  /** Facts that a policy has set at some time. */
  readonly policyTags: Set<string>;
  /** Operations whose message was said to be one that kills. */
  readonly poisoned: Set<string>;
  readonly breaches: readonly string[];
  breach(invariant: number, text: string): void;
  log(text: string): void;
  trace(): string;
  /** An operation as stored last. */
  operation(id: string): OperationRecord | undefined;
  /** Processes ran beside each other. */
  raced(): boolean;
  /** The next process that runs alone fails so. */
  failNext(failure: Failure | undefined): void;
  /** Runs the tasks, each on another host; of several, `schedule` says whose port call is next. */
  run(tasks: readonly Task[], schedule?: readonly number[]): Promise<void>;
}

export async function createWorld(settings: ArmSettings): Promise<World> {
  const clock = new ManualClock();
  const nowMs = (): number => clock.now();
  const now = (): Date => new Date(clock.now());
  const startMs = clock.now();
  const lines: string[] = [];
  const breaches: string[] = [];
  const log = (text: string): void => {
    lines.push(
      `${String((clock.now() - startMs) / 1_000).padStart(6)} s  ${text}`,
    );
  };
  const breach = (invariant: number, text: string): void => {
    breaches.push(`invariant ${invariant}: ${text}`);
    log(`BREACH of invariant ${invariant}: ${text}`);
  };

  const store = createMemoryStore<ImageVersionRecord>();
  const index = createMemoryIndex(now);
  const queues = createMemoryQueues(nowMs);
  const claims = createMemoryIdempotencyKeys(now);
  const latest = new Map<string, OperationRecord>();
  const ledger = createLedger();
  const way = createWay(now, log);
  const arm = await createArm(clock, settings, log);
  const writes = createWriteJudge({
    arm,
    ledger,
    nowMs,
    breach,
    isLookedAfter: (operationId, step) => queues.wasSent(operationId, step),
    looksAt: (version) => azure.looksAt(version),
  });
  const azure: Azure = createAzure(arm, way, nowMs, writes, log);
  const hosts = Array.from({ length: HOSTS }, () =>
    createLooks(azure.resourceManagerOf(), azure.resources, now),
  );
  const topic = createMemoryTopic(
    nowMs,
    (event) => {
      log(`event ${event.id.slice(33)} ${event.type}`);
      judgeEvent(event);
    },
    (id) => breach(7, `two contents of event ${id}`),
  );
  let failure: Failure | undefined;
  let started = 0;
  let raced = false;

  /** A region is told Completed, with what it has, at the very look that has shown it so. */
  const judgeEvent = ({ id, type, time, subject, data }: CloudEvent): void => {
    if (type !== "Sigil.ImageVersion.RegionCompleted") return;
    const { region, regionalReplicaCount, encryption } = data as {
      region: string;
      regionalReplicaCount: number;
      encryption: unknown;
    };
    const shown = azure
      .looksAt(subject ?? "")
      .some(
        ({ atMs, facts, regions }) =>
          atMs === Date.parse(time) &&
          regions.get(region) === "Completed" &&
          facts?.[`replicas/${region}`] === String(regionalReplicaCount) &&
          facts[`keys/${region}`] === keysIn(encryption),
      );
    if (!shown)
      breach(
        8,
        `${id} tells of ${region} with ${regionalReplicaCount} replicas and ${keysIn(encryption)}, which ARM has not shown then`,
      );
  };

  const note = (
    process: Process,
    operation: OperationRecord,
    command?: Command,
  ): void => {
    const version = operation.resourceId;
    if (ledger.find(operation.id) === undefined) {
      ledger.accept(
        operation,
        command ?? { kind: operation.kind },
        {
          life: arm.life(version),
          acceptedMs: nowMs(),
          looksBefore: azure.looksAt(version).length,
        },
        process.looks.get(version)?.facts,
      );
      const wishes = ledger.find(operation.id)?.wishes ?? new Map();
      log(
        `accepted ${operation.id.slice(33)} ${operation.kind} of ${short(version)}: ${[...wishes].map(([fact, { value, how }]) => `${fact} ${value} (${how})`).join(", ")}`,
      );
    }
    const accepted = ledger.find(operation.id);
    if (accepted !== undefined) {
      accepted.status = operation.status;
      if (!isOpen(accepted) && accepted.endedMs === undefined) {
        accepted.endedMs = nowMs();
        accepted.endedLife = arm.life(version);
        accepted.endChanges = arm.changes.length;
        accepted.endLook = process.looks.get(version);
      }
    }
    latest.set(operation.id, operation);
  };

  const policies = new Map<string, StoredPolicy>();
  const depsOf = (
    process: Process,
    looks: Looks,
    command: Command | undefined,
  ): StepDependencies => {
    const port = <P extends object>(name: string, target: P): P =>
      portOf(process, name, target, log);
    const states = port<MemoryStore<ImageVersionRecord>>("store", {
      ...store,
      async commit(next, operation, read, beside = []) {
        const stored = await store.commit(next, operation, read, beside);
        for (const each of [operation, ...beside]) note(process, each, command);
        log(
          `${process.name}: stored ${operation.id.slice(33)} step ${next.step} ${next.state}${operation.error === undefined ? "" : ` ${operation.error.code}: ${operation.error.message}`}`,
        );
        process.stored = {
          operationId: operation.id,
          step: next.step,
          state: next.state,
          open: ledger.open(operation.resourceId),
        };
        return stored;
      },
    });
    const deps: Dependencies = {
      store: states,
      rollbacks: states as unknown as Dependencies["rollbacks"],
      index: port("index", index),
      idempotencyKeys: port("idempotencyKeys", claims),
      versionNumbers: {
        read: () => Promise.resolve({}),
        allocate: () => Promise.reject(new TypeError("nobody numbers here")),
      },
      events: port("events", topic),
      work: port("work", queues),
      resourceManager: port(
        "resourceManager",
        azure.resourceManagerOf(process),
      ),
      looks,
      resources: azure.resources,
      subscriptions: azure.subscriptions,
      requiredRegistrations: [{ namespace: "Microsoft.Compute" }],
      kinds: KINDS,
      maxReads: 500,
      imageUsers: {
        find: () =>
          Promise.resolve({ users: [], complete: true, needsSeen: true }),
        proveReadable: () => Promise.resolve(),
        listScaleSets: () => Promise.resolve([]),
      },
      consumerSubscriptions: [],
      useDelayMs: 900_000,
      pace: PACE,
      calls: { noted: () => [], written: () => undefined },
      eventSource: "urn:sigil:model",
      now,
    };
    const retention = {
      policies: policiesIn({ policies }),
      imageVersions: deps,
    };
    return { ...deps, keptByPolicy: keptNow.bind(undefined, retention) };
  };

  /** Runs a task to its end, and lets it know of that. */
  const end = (process: Process, looks: Looks, task: Task): Promise<void> =>
    task.run(depsOf(process, looks, task.command)).then(
      () => task.ended?.(undefined),
      (error: unknown) => {
        log(`${process.name}: ${String(error)}`);
        if (!(error instanceof Killed) && !(error instanceof ServiceError))
          breach(1, `${process.name} threw ${String(error)}`);
        task.ended?.(process.dead ? new Killed("dead") : error);
      },
    );

  return {
    clock,
    arm,
    azure,
    way,
    store,
    index,
    queues,
    topic,
    ledger,
    writes,
    policies,
    etags: new Map(),
    settings,
    policyTags: new Set(),
    poisoned: new Set(),
    breaches,
    breach,
    log,
    trace: () => lines.join("\n"),
    operation: (id) => latest.get(id),
    raced: () => raced,
    failNext(given) {
      failure = given;
    },
    async run(tasks, schedule = []) {
      raced ||= tasks.length > 1;
      const planned = failure;
      failure = undefined;
      const first = started;
      const processes = tasks.map((task, i) => {
        started += 1;
        return newProcess(
          `${started} ${task.name}`,
          i === 0 ? planned : undefined,
        );
      });
      await runBeside(
        processes,
        (process, i) => {
          const task = tasks[i];
          const looks = hosts[(first + i) % HOSTS];
          return task === undefined || looks === undefined
            ? Promise.resolve()
            : end(process, looks, task);
        },
        schedule,
      );
    },
  };
}
