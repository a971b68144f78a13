/** One run's world: Sigil's processes, the services between which they run, and what everybody was told. */
import { ServiceError } from "../../src/errors.js";
import type { CloudEvent } from "../../src/events/cloud-event.js";
import { beginWaiting } from "../../src/image-version/joining.js";
import type { Dependencies } from "../../src/image-version/ports.js";
import type { ImageVersionRecord } from "../../src/image-version/records.js";
import { ManualClock } from "../../src/local/clock.js";
import type { Pace } from "../../src/operation/ports.js";
import type { OperationRecord } from "../../src/operation/records.js";
import { createAzure, type Azure, type AzureSettings } from "./azure.js";
import { keysIn, regionsOf } from "./bodies.js";
import { createLedger, type Command, type Ledger } from "./ledger.js";
import {
  Killed,
  newProcess,
  portOf,
  runBeside,
  type Failure,
  type Process,
} from "./process.js";
import { bodyOf } from "./requests.js";
import {
  createQueues,
  createTopic,
  type Queues,
  type Topic,
} from "./service-bus.js";
import {
  createIdempotencyKeys,
  createIndex,
  createStore,
  type MemoryIndex,
  type MemoryStore,
} from "./state.js";

/** The product's pace, but for patience: a region that stands still is told of within a run, and given up sooner. */
const PACE: Pace = {
  pollInitialMs: 15_000,
  pollMaxMs: 120_000,
  putTimeoutMs: 60_000,
  overdueMs: 120_000,
  stalledMs: 900_000,
  repairAttempts: 2,
  repairDelayMs: 300_000,
};

/** Something that Sigil is given to do; several may be done at once. */
export interface Task {
  readonly name: string;
  readonly command?: Command;
  /** Throws what the product throws. */
  run(deps: Dependencies): Promise<void>;
  /** After the process has ended, however. */
  ended?(error: unknown): void;
}

export interface World {
  readonly clock: ManualClock;
  readonly azure: Azure;
  readonly store: MemoryStore;
  readonly index: MemoryIndex;
  readonly queues: Queues;
  readonly topic: Topic;
  readonly ledger: Ledger;
  readonly breaches: readonly string[];
  breach(invariant: number, text: string): void;
  log(text: string): void;
  trace(): string;
  /** The version as stored. */
  record(): ImageVersionRecord | undefined;
  /** Processes ran beside each other. */
  raced(): boolean;
  /** An operation has not ended. */
  running(): boolean;
  /** The next process that runs alone fails so. */
  failNext(failure: Failure | undefined): void;
  /** Runs the tasks; of several, `schedule` says whose port call is next. */
  run(tasks: readonly Task[], schedule?: readonly number[]): Promise<void>;
}

export async function createWorld(settings: AzureSettings): Promise<World> {
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

  const store = createStore();
  const index = createIndex(now);
  const queues = createQueues(nowMs);
  const claims = createIdempotencyKeys();
  const latest = new Map<string, OperationRecord>();
  const ledger = createLedger((id) => latest.get(id));
  const azure = await createAzure(clock, settings, {
    breach,
    log,
    mayRemove: (region) => ledger.mayRemove(region),
    keysOf(name) {
      const desired = ledger.desired();
      return regionsOf(desired && bodyOf(desired)).find(
        (region) => region.name === name,
      )?.encryption;
    },
    isLookedAfter: (operationId, step) => queues.wasSent(operationId, step),
  });
  const topic = createTopic(
    nowMs,
    (event) => {
      log(`event ${event.id.slice(33)} ${event.type}`);
      judgeEvent(event);
    },
    (id) => breach(7, `two contents of event ${id}`),
  );
  let failure: Failure | undefined;
  let record: ImageVersionRecord | undefined;
  let started = 0;
  let raced = false;

  const judgeEvent = (event: CloudEvent): void => {
    if (
      event.type === "Sigil.ImageVersion.Deleted" &&
      azure.arm.version() !== undefined
    )
      breach(9, `${event.id} tells of a version that ARM still has`);
    if (event.type !== "Sigil.ImageVersion.RegionCompleted") return;
    const { region, regionalReplicaCount, encryption } = event.data as {
      region: string;
      regionalReplicaCount: number;
      encryption: unknown;
    };
    const keys = keysIn(encryption);
    if (!azure.sightings.hasShown(region, regionalReplicaCount, keys))
      breach(
        8,
        `${event.id} tells of ${regionalReplicaCount} replicas and ${keys.map((key) => key.split("/").at(-1)).join(", ")}, which ARM has not shown`,
      );
  };

  const depsOf = (
    process: Process,
    command: Command | undefined,
  ): Dependencies => {
    const port = <P extends object>(name: string, target: P): P =>
      portOf(process, name, target, log);
    return {
      store: port<MemoryStore>("store", {
        ...store,
        async commit(next, operation, etag, beside = []) {
          const stored = await store.commit(next, operation, etag, beside);
          for (const each of [operation, ...beside]) {
            if (!ledger.knows(each.id)) {
              ledger.accept(each, command ?? { kind: each.kind });
              log(`accepted ${each.id.slice(33)} ${each.kind}`);
            }
            latest.set(each.id, each);
          }
          if (record?.step !== next.step || record.sequence !== next.sequence)
            log(
              `${process.name}: stored ${operation.id.slice(33)} step ${next.step} ${next.state}${operation.error === undefined ? "" : ` ${operation.error.code}: ${operation.error.message}`}`,
            );
          record = next;
          process.stored = {
            operationId: operation.id,
            step: next.step,
            state: next.state,
          };
          return stored;
        },
      }),
      index: port("index", index),
      idempotencyKeys: port("idempotencyKeys", claims),
      versionNumbers: {
        listPublished: () => Promise.resolve([]),
        read: () => Promise.resolve({}),
        allocate: () => Promise.reject(new TypeError("nobody numbers here")),
      },
      events: port("events", topic),
      work: port("work", queues),
      resourceManager: port(
        "resourceManager",
        azure.resourceManagerOf(process),
      ),
      resources: azure.resources,
      subscriptions: azure.subscriptions,
      requiredRegistrations: [{ namespace: "Microsoft.Compute" }],
      afterEnd: beginWaiting,
      pace: PACE,
      calls: { noted: () => [], written: () => undefined },
      eventSource: "urn:sigil:model",
      now,
    };
  };

  /** Runs a task to its end, and lets it know of that. */
  const end = (process: Process, task: Task): Promise<void> =>
    task.run(depsOf(process, task.command)).then(
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
    azure,
    store,
    index,
    queues,
    topic,
    ledger,
    breaches,
    breach,
    log,
    trace: () => lines.join("\n"),
    record: () => record,
    raced: () => raced,
    running: () =>
      [...latest.values()].some(({ status }) =>
        ["NotStarted", "Running"].includes(status),
      ),
    failNext(given) {
      failure = given;
    },
    async run(tasks, schedule = []) {
      raced ||= tasks.length > 1;
      const planned = failure;
      failure = undefined;
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
          return task === undefined ? Promise.resolve() : end(process, task);
        },
        schedule,
      );
    },
  };
}
