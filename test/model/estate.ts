/**
 * An image definition in an Azure that is a map, and the product's own commands and steps on it: as cheap as it gets, so that
 * thousands of definitions can be played. Every port call takes a random while, so that two callers meet in many ways.
 */
import { ServiceError } from "../../src/errors.js";
import type { Gate } from "../../src/authorization/gallery-policy.js";
import { objectionsByGate } from "../../src/gate/objections.js";
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type {
  Dependencies,
  ResourceManager,
  ResourceReader,
} from "../../src/image-version/ports.js";
import { createLooks } from "../../src/image-version/queries/looks.js";
import type { ObservedImageVersion } from "../../src/image-version/resources.js";
import { KINDS } from "../../src/kinds.js";
import type { OperationRecord } from "../../src/operation/records.js";
import { imageIdOf } from "../../src/resource-id.js";
import { objectionsByBan } from "../../src/revocation/bans.js";
import type { Revocations } from "../../src/revocation/record.js";
import { PACE, takeVersionStep } from "../support/dependencies.js";
import { createMemoryIdempotencyKeys } from "../support/fakes/idempotency-keys.js";
import { createMemoryIndex } from "../support/fakes/listing-index.js";
import { createMemoryQueues } from "../support/fakes/service-bus.js";
import { createMemoryStore } from "../support/fakes/state-store.js";
import { createMemoryTestResults } from "../support/fakes/test-results.js";
import { createMemoryVersionNumbers } from "../support/fakes/version-numbers.js";
import { seedResource } from "../support/requests.js";

export const IMAGE = seedResource("galleries/MyGallery/images/MyImage");

/** A version as it is at first. A flag that is undefined is not said. */
export interface Seed {
  readonly excluded: boolean | undefined;
  readonly endOfLifeDate: string | undefined;
  /** By canonical region; the first one is the version's own location. */
  readonly regions: Readonly<
    Record<
      string,
      {
        readonly excluded: boolean | undefined;
        /** How long its copy still takes. */
        readonly readyInMs: number;
      }
    >
  >;
}

/** A version in a region. */
export interface Copy {
  readonly version: string;
  readonly region: string;
  readonly excluded: boolean;
  readonly completed: boolean;
}

/** What Azure has of a version. */
interface Kept {
  readonly resource: ImageVersionRequest;
  readonly publishedDate: string;
  readonly readyMs: Readonly<Record<string, number>>;
  readonly busyUntilMs: number;
  readonly goneMs?: number;
}

/** How long ARM works on an update that copies nothing, and on a deletion. */
const WORK_MS = 20_000;
const BUSY_MS = 30_000;
/** How long a copy may take. */
const COPY_MS = [WORK_MS, WORK_MS, 300_000];
const MOST_ROUNDS = 2_000;
/** So many, each of which may be no more than time that passes. */
const ROUNDS_OF_WAITS = 12;

export class Estate {
  readonly lines: string[] = [];
  readonly deps: Dependencies;
  /** Of tests. */
  readonly results = createMemoryTestResults();
  readonly #versions = new Map<string, Kept>();
  /** Regions that had a latest since that was asked last. */
  #hadLatest = new Set<string>();
  readonly #store = createMemoryStore();
  readonly #queues = createMemoryQueues(() => this.#nowMs);
  #random: number;
  #nowMs = Date.UTC(2026, 0, 1);

  constructor(
    seeds: readonly Seed[],
    {
      seed,
      guarded,
      gates = [],
    }: {
      readonly seed: number;
      readonly guarded: boolean;
      readonly gates?: readonly Gate[];
    },
  ) {
    this.#random = seed;
    seeds.forEach((version, i) => {
      this.#versions.set(`1.${i}.0`, this.#made(`1.${i}.0`, version));
    });
    this.#noteLatest();
    const now = (): Date => new Date(this.#nowMs);
    const resourceManager = this.#slow(this.#resourceManager());
    const store = this.#slow(this.#store);
    this.deps = {
      store: store as unknown as Dependencies["store"],
      rollbacks: store as unknown as Dependencies["rollbacks"],
      index: createMemoryIndex(now),
      idempotencyKeys: createMemoryIdempotencyKeys(now),
      versionNumbers: createMemoryVersionNumbers(),
      events: { publish: () => Promise.resolve() },
      work: this.#queues,
      calls: { noted: () => [], written: () => undefined },
      resourceManager,
      resources: RESOURCES,
      looks: createLooks(resourceManager, RESOURCES, now),
      subscriptions: {
        listRegions: () => Promise.resolve(REGIONS.map((name) => ({ name }))),
        getRegistration: () => Promise.resolve("Registered"),
        areTermsAccepted: () => Promise.resolve(true),
        register: () => Promise.resolve("Registered"),
      },
      requiredRegistrations: [],
      maxReads: 500,
      imageUsers: {
        find: () => Promise.resolve({ users: [], complete: true, needsSeen: true }),
        proveReadable: () => Promise.resolve(),
        listScaleSets: () => Promise.resolve([]),
      },
      consumerSubscriptions: guarded ? ["consumer"] : [],
      useDelayMs: 900_000,
      pace: PACE,
      eventSource: "urn:sigil:test",
      now,
      kinds: KINDS,
      objections: async (id, deed) => [
        ...(await objectionsByBan(store as unknown as Revocations, id, deed)),
        ...(await objectionsByGate(
          {
            imageVersions: this.deps,
            results: this.results,
            gates,
            freezes: { list: () => Promise.resolve([]) },
            revocations: store as unknown as Revocations,
          },
          id,
          deed,
        )),
      ],
    };
  }

  /** What Azure has: each version in each of its regions, lowest number first. */
  copies(): readonly Copy[] {
    return [...this.#versions].flatMap(([version, kept]) => {
      const { publishingProfile: profile } = kept.resource.properties;
      return this.#isGone(kept)
        ? []
        : (profile?.targetRegions ?? []).map(({ name, excludeFromLatest }) => ({
            version,
            region: name,
            excluded: excludeFromLatest ?? profile?.excludeFromLatest ?? false,
            completed: (kept.readyMs[name] ?? Infinity) <= this.#nowMs,
          }));
    });
  }

  say(line: string): void {
    const seconds = (this.#nowMs - Date.UTC(2026, 0, 1)) / 1_000;
    this.lines.push(`${seconds} ${line}`);
  }

  /** The regions that had a latest at any time since the last call. */
  takeRegionsWithLatest(): readonly string[] {
    const had = [...this.#hadLatest];
    this.#hadLatest = new Set();
    this.#noteLatest();
    return had;
  }

  #noteLatest(): void {
    for (const { region, completed, excluded } of this.copies())
      if (completed && !excluded) this.#hadLatest.add(region);
  }

  /** Two hosts at once take what is due; where nothing is, time goes on to what is due next. False: nothing ever is. */
  async work(): Promise<boolean> {
    this.#noteLatest();
    const due = this.#queues.due();
    if (due.length === 0) {
      const next = this.#queues.nextMs();
      if (next === undefined) return false;
      this.#nowMs = Math.max(this.#nowMs, next);
      return true;
    }
    await Promise.all(
      due.map(async (queued) => {
        queued.deliveries += 1;
        await takeVersionStep(this.deps, queued.message);
        this.#queues.settle(queued, "completed");
      }),
    );
    return true;
  }

  /** Nothing is left to be done, but by revocations that wait for another latest. */
  async settle(): Promise<void> {
    let waits = 0;
    for (let round = 0; waits < ROUNDS_OF_WAITS; round += 1) {
      if (!(await this.work())) break;
      if (round > MOST_ROUNDS) throw new Error("Wrong: it does not end");
      waits = this.#onlyWaits() ? waits + 1 : 0;
    }
    for (const { id, kind, status, error } of this.#store.operations())
      this.say(`${kind} ${id.slice(-8)} is ${status} ${error?.message ?? ""}`);
  }

  #onlyWaits(): boolean {
    return this.operations().every(
      ({ endTime, kind, waitReason = "" }) =>
        endTime !== undefined ||
        (kind === "RevokeImageVersion" && waitReason.includes("there would be no latest version")),
    );
  }

  operations(): readonly OperationRecord[] {
    return this.#store.operations();
  }

  /** A number below `below`; the same in each run. */
  #next(below: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * below);
  }

  #slow<P extends object>(port: P): P {
    return Object.fromEntries(
      Object.entries(port).map(([name, call]) => [
        name,
        typeof call !== "function"
          ? (call as unknown)
          : async (...args: unknown[]): Promise<unknown> => {
              for (let turns = this.#next(24); turns > 0; turns -= 1) await Promise.resolve();
              return (call as (...given: unknown[]) => unknown)(...args);
            },
      ]),
    ) as P;
  }

  #made(name: string, { excluded, endOfLifeDate, regions }: Seed): Kept {
    const publishedDate = new Date(this.#nowMs - 86_400_000).toISOString();
    const readyMs = Object.fromEntries(
      Object.entries(regions).map(([region, { readyInMs }]) => [region, this.#nowMs + readyInMs]),
    );
    return {
      publishedDate,
      readyMs,
      busyUntilMs: Math.max(...Object.values(readyMs)),
      resource: {
        id: `${IMAGE}/versions/${name}`,
        name,
        location: Object.keys(regions)[0] ?? "",
        properties: {
          publishingProfile: {
            replicaCount: 1,
            ...(excluded !== undefined && { excludeFromLatest: excluded }),
            ...(endOfLifeDate !== undefined && { endOfLifeDate }),
            targetRegions: Object.entries(regions).map(([region, said]) => ({
              name: region,
              regionalReplicaCount: 1,
              ...(said.excluded !== undefined && {
                excludeFromLatest: said.excluded,
              }),
            })),
          },
          storageProfile: { source: { id: seedResource("images/myImage") } },
        },
      } as unknown as ImageVersionRequest,
    };
  }

  #isGone({ goneMs }: Kept): boolean {
    return goneMs !== undefined && goneMs <= this.#nowMs;
  }

  #shown(name: string): ObservedImageVersion | undefined {
    const kept = this.#versions.get(name);
    if (kept === undefined || this.#isGone(kept)) return undefined;
    const { resource, publishedDate, readyMs, busyUntilMs, goneMs } = kept;
    return {
      provisioningState:
        goneMs !== undefined ? "Deleting" : busyUntilMs > this.#nowMs ? "Updating" : "Succeeded",
      publishedDate,
      resource,
      regions: Object.entries(readyMs).map(([region, ms]) => ({
        name: region,
        state: ms <= this.#nowMs ? "Completed" : "Replicating",
        progress: ms <= this.#nowMs ? 100 : 50,
      })),
    };
  }

  #idle(name: string): Kept {
    const kept = this.#versions.get(name);
    if (kept === undefined || this.#isGone(kept))
      throw new TypeError(`${name} is written to, and Azure has it not`);
    if (kept.busyUntilMs > this.#nowMs || kept.goneMs !== undefined)
      throw new ServiceError("ResourceManagerBusy", "Busy.", {
        retryAfterMs: BUSY_MS,
      });
    return kept;
  }

  #resourceManager(): ResourceManager {
    return {
      getImageVersion: ({ versionName }) => Promise.resolve(this.#shown(versionName)),
      listImageVersions: () =>
        Promise.resolve(
          [...this.#versions.keys()].flatMap((name) => {
            const shown = this.#shown(name);
            if (shown === undefined) return [];
            const { regions: _, ...listed } = shown;
            return [{ name, ...listed }];
          }),
        ),
      // async: a refusal is a rejection
      putImageVersion: async ({ versionName }, resource) => {
        const kept = this.#versions.has(versionName)
          ? this.#idle(versionName)
          : { publishedDate: new Date(this.#nowMs).toISOString(), readyMs: {} };
        this.say(`PUT of ${versionName}: ${JSON.stringify(resource.properties.publishingProfile)}`);
        const regions = resource.properties.publishingProfile?.targetRegions;
        this.#versions.set(versionName, {
          ...kept,
          resource,
          busyUntilMs: this.#nowMs + WORK_MS,
          readyMs: Object.fromEntries(
            (regions ?? []).map(({ name }) => [
              name,
              (kept.readyMs as Record<string, number>)[name] ??
                this.#nowMs + (COPY_MS[this.#next(COPY_MS.length)] ?? 0),
            ]),
          ),
        });
        return await Promise.resolve(undefined);
      },
      deleteImageVersion: async (id) => {
        if (imageIdOf(id) !== IMAGE) throw new TypeError(imageIdOf(id));
        const kept = this.#idle(id.versionName);
        this.say(`DELETE of ${id.versionName}`);
        const goneMs = this.#nowMs + WORK_MS;
        this.#versions.set(id.versionName, { ...kept, goneMs });
        return await Promise.resolve(undefined);
      },
      listDeletedVersions: () => Promise.resolve([]),
      restoreImageVersion: () => Promise.resolve(undefined),
      purgeImageVersion: () => Promise.resolve(false),
      previewPut: (_, body) => Promise.resolve({ method: "PUT", url: "", body }),
      getOperationError: () => Promise.resolve(undefined),
    };
  }
}

export const REGIONS = ["westus", "eastus2", "westus2", "northeurope"] as const;

const RESOURCES: ResourceReader = {
  getGallery: (id) => Promise.resolve({ id, sharing: "Private" }),
  getImageDefinition: (id) =>
    Promise.resolve({
      id,
      osType: "Linux",
      osState: "Generalized",
      hyperVGeneration: "V2",
      architecture: "x64",
      securityType: "Standard",
    }),
  listGalleries: () => Promise.resolve([]),
  listImageDefinitions: () => Promise.resolve([]),
  getDiskEncryptionSet: () => Promise.resolve(undefined),
  getSource: (id) =>
    Promise.resolve({
      id,
      provisioningState: "Succeeded",
      regions: REGIONS,
      osDisk: {},
      dataDisks: [],
      osType: "Linux",
      osState: "Generalized",
      hyperVGeneration: "V2",
    }),
  listDiskEncryptionSets: () => Promise.resolve({ value: [] }),
};
