/** The truth: the local ARM simulator's own state machine, in process and at the model's time; who changed it, and what it showed. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type { ManualClock } from "@sigil-local/clock";
import { ArmError } from "@sigil-local/arm-simulator/parts/arm-error";
import {
  DEFAULT_PAGE_SIZE,
  type ArmAnswer,
} from "@sigil-local/arm-simulator/parts/arm-request";
import {
  createBehaviourControl,
  type BehaviourControl,
} from "@sigil-local/arm-simulator/parts/behaviour-control";
import {
  createImageVersionControl,
  type ImageVersionControl,
} from "@sigil-local/arm-simulator/parts/image-version-control";
import { ImageVersions } from "@sigil-local/arm-simulator/parts/image-versions";
import {
  resumeRegion,
  viewRegion,
} from "@sigil-local/arm-simulator/parts/replication";
import { resourceKey } from "@sigil-local/arm-simulator/parts/resource-id";
import { route } from "@sigil-local/arm-simulator/parts/router";
import { Store } from "@sigil-local/arm-simulator/parts/store";
import {
  changesBetween,
  describe,
  factsOf,
  type FactChange,
  type Facts,
} from "./facts.js";
import { AZURE, VERSIONS } from "./requests.js";

/** Where ARM is, and what is spoken with it. */
export const BASE_URL = "https://management.azure.com";
export const API_VERSION = "2025-12-03";
/** The slowest region takes this long, and the fastest two fifths of it. */
const REPLICATION_MS = 240_000;
const SPREAD = 0.6;
/** A deletion takes longer than the simulator's: it is looked at while it is under way. */
const DELETION_MS = 40_000;
/** A replica of ARM is no longer behind than this, whatever the run's lag. */
export const MOST_BEHIND_MS = 90_000;

export interface ArmSettings {
  /** Of the regions' speeds. */
  readonly seed: number;
  /** ARM's operation succeeds while regions still replicate, as Azure has been seen to do. */
  readonly early: boolean;
  /** ARM's operation fails with its first region. */
  readonly firstRegion: boolean;
  /** An update keeps the tags and dates, and the exclusion, that its body leaves out. */
  readonly keeps: boolean;
  readonly keepsExclusion: boolean;
  /** How long GETs show a version as it was before a write. */
  readonly lagMs: number;
}

/** A version as ARM has it. */
export interface Truth {
  readonly provisioningState: string;
  readonly facts: Facts;
  /** State of each region. */
  readonly regions: ReadonlyMap<string, string>;
}

/** Something that has changed what ARM has. */
export interface Change {
  readonly atMs: number;
  /** `Sigil`, or the name of whoever else it was. */
  readonly by: string;
  readonly version: string;
  readonly changes: readonly FactChange[];
  readonly before: Truth | undefined;
  readonly after: Truth | undefined;
}

export const SIGIL = "Sigil";

/** The body of a GET; the simulator's own form. */
export interface Wire extends ImageVersionRequest {
  readonly name: string;
  readonly properties: ImageVersionRequest["properties"] & {
    readonly provisioningState: string;
    readonly replicationStatus?: {
      readonly summary: readonly {
        readonly region: string;
        readonly state: string;
        readonly progress: number;
        readonly details: string;
      }[];
    };
  };
}

const CLOCKS_MS = 30_000;

export interface Arm {
  readonly store: Store;
  readonly control: BehaviourControl & ImageVersionControl;
  truth(version: string): Truth | undefined;
  /** Of all versions, oldest first. */
  readonly changes: readonly Change[];
  /** When it took a DELETE of Sigil's, or was deleting the version already. */
  readonly deletions: readonly {
    readonly atMs: number;
    readonly version: string;
  }[];
  /** When others made a change that is no call. */
  readonly edits: readonly {
    readonly atMs: number;
    readonly version: string;
  }[];
  /** How many versions this number has named: each deletion begins another life. */
  life(version: string): number;
  /** When the present life began to exist, and who made it; undefined where nothing exists. */
  birth(
    version: string,
  ): { readonly atMs: number; readonly by: string } | undefined;
  get(version: string): Promise<Wire | undefined>;
  /** A call that changes no version. */
  ask(method: "GET" | "POST", path: string): Promise<ArmAnswer>;
  /** One call that may change the version. */
  send(
    by: string,
    version: string,
    method: "PUT" | "PATCH" | "DELETE",
    body?: unknown,
  ): Promise<ArmAnswer>;
  /** It was made so short a time ago that, made again, the clocks of Sigil and of ARM would not tell the two. */
  isNew(version: string): boolean;
  /** A deletion that is under way is done at once. */
  hurry(version: string): void;
  /** A change that is no call. */
  edit(by: string, version: string, change: () => Promise<void>): Promise<void>;
  /** The next replication to this region stops at that progress. */
  stop(region: string, kind: "failed" | "stalled", atProgress: number): void;
  /** The next GET meets a replica that is behind, if it comes soon enough. */
  lagNext(version: string): Promise<void>;
  /** Nothing more stops, and what stands still goes on. */
  calm(): void;
}

export async function createArm(
  clock: ManualClock,
  settings: ArmSettings,
  log: (text: string) => void,
): Promise<Arm> {
  const store = await Store.open(clock, AZURE);
  store.state.succeededWhen = settings.early ? "homeRegion" : "everyRegion";
  store.state.failsWhen = settings.firstRegion ? "firstRegion" : "allSettled";
  store.state.lag.ms = settings.lagMs;
  store.state.omission = {
    mode: settings.keeps ? "keep" : "clear",
    excludeFromLatest: settings.keepsExclusion ? "keep" : "false",
  };
  const versions = new ImageVersions(store, {
    durationMs: REPLICATION_MS,
    spread: SPREAD,
    seed: String(settings.seed),
  });
  const control = {
    ...createBehaviourControl(store, versions),
    ...createImageVersionControl(store, versions),
  };
  const changes: Change[] = [];
  const edits: { atMs: number; version: string }[] = [];
  const deletions: { atMs: number; version: string }[] = [];
  const known = new Map<string, Truth | undefined>();
  const lives = new Map<string, number>();
  const births = new Map<string, { atMs: number; by: string }>();
  const deleters = new Map<string, string>();
  /** Whose call is under way: others may look before it is answered. */
  const callers = new Map<string, string>();

  const read = (version: string): Truth | undefined => {
    const record = versions.find(resourceKey(version));
    if (record === undefined) return undefined;
    const body = record as unknown as ImageVersionRequest;
    const nowMs = store.replicationNow();
    return {
      provisioningState: record.provisioningState,
      facts: factsOf(body),
      regions: new Map(
        record.regions.map((region) => [
          region.region,
          viewRegion(region, nowMs).state,
        ]),
      ),
    };
  };

  /** Writes down what has changed since the last time. */
  const note = (by: string, version: string): Truth | undefined => {
    const before = known.get(version);
    const after = read(version);
    known.set(version, after);
    const differs = changesBetween(before?.facts ?? {}, after?.facts ?? {});
    const atMs = clock.now();
    if (before !== undefined && after === undefined) {
      lives.set(version, (lives.get(version) ?? 0) + 1);
      births.delete(version);
    }
    if (before === undefined && after !== undefined)
      births.set(version, { atMs, by });
    if (differs.length > 0)
      changes.push({ atMs, by, version, changes: differs, before, after });
    return after;
  };
  /** A deletion is done in its own time. */
  const settle = (version: string): Truth | undefined =>
    note(callers.get(version) ?? deleters.get(version) ?? "time", version);

  const answer = async (
    path: string,
    method: string,
    body?: unknown,
  ): Promise<ArmAnswer> => {
    try {
      const answered = await route(
        { store, versions },
        {
          method,
          path,
          query: new URLSearchParams(
            method === "GET" ? { $expand: "ReplicationStatus" } : {},
          ),
          body,
          apiVersion: API_VERSION,
          baseUrl: BASE_URL,
          pageSize: DEFAULT_PAGE_SIZE,
        },
      );
      // The simulator goes on with the object that it gives.
      return structuredClone(answered);
    } catch (error) {
      if (!(error instanceof ArmError)) throw error;
      return { status: error.status, body: error.body, headers: error.headers };
    }
  };

  /** Once it has been long since the last write, no replica is behind. */
  const catchUp = (version: string, limitMs: number): void => {
    const key = resourceKey(version);
    const last = store.state.lag.writes[key]?.at(-1);
    if (last === undefined || clock.now() - last.atMs >= limitMs)
      delete store.state.lag.nextReads[key];
  };

  return {
    store,
    control,
    changes,
    deletions,
    edits,
    truth: settle,
    life: (version) => {
      settle(version);
      return lives.get(version) ?? 0;
    },
    birth: (version) => births.get(version),
    async get(version) {
      settle(version);
      catchUp(version, MOST_BEHIND_MS);
      const { status, body } = await answer(version, "GET");
      return status === 404 ? undefined : (body as Wire);
    },
    ask(method, path) {
      for (const version of VERSIONS) settle(version);
      return answer(path, method);
    },
    async send(by, version, method, body) {
      settle(version);
      const deleting = versions.find(resourceKey(version));
      const before = deleting?.provisioningState;
      callers.set(version, by);
      const answered = await answer(version, method, body);
      callers.delete(version);
      if (deleting?.provisioningState === "Deleting" && before !== "Deleting") {
        deleters.set(version, by);
        deleting.notBeforeMs += DELETION_MS;
      }
      const after = note(by, version);
      if (by === SIGIL && method === "DELETE" && answered.status < 300)
        deletions.push({ atMs: clock.now(), version });
      log(
        `ARM: ${method} of ${short(version)} by ${by} answered ${answered.status}${answered.status < 300 ? `: ${describe(after?.facts)}` : ` ${JSON.stringify(answered.body)}`}`,
      );
      return answered;
    },
    isNew(version) {
      const { atMs } = births.get(version) ?? { atMs: -Infinity };
      return clock.now() - atMs <= CLOCKS_MS;
    },
    hurry(version) {
      const deleting = versions.find(resourceKey(version));
      if (deleting?.provisioningState === "Deleting")
        deleting.notBeforeMs = store.replicationNow();
    },
    async edit(by, version, change) {
      if (settle(version) === undefined) return;
      callers.set(version, by);
      try {
        await change();
      } catch (error) {
        // There is nothing of the kind to be changed.
        if (error instanceof TypeError) return;
        throw error;
      } finally {
        callers.delete(version);
      }
      edits.push({ atMs: clock.now(), version });
      log(`ARM: ${by} made ${describe(note(by, version)?.facts)}`);
    },
    stop(region, kind, atProgress) {
      store.state.regionPlans.push({
        region,
        kind,
        atProgress,
        message: "The replication job was stopped.",
        times: 1,
      });
    },
    async lagNext(version) {
      await control.lagNextReads({ versionId: version, reads: 1 });
    },
    calm() {
      store.state.regionPlans = [];
      for (const version of VERSIONS) catchUp(version, 0);
      for (const version of VERSIONS)
        for (const region of versions.find(resourceKey(version))?.regions ??
          []) {
          resumeRegion(region, store.replicationNow());
          // Rounding would take progress back by one in a hundred.
          region.startsAtMs = Math.floor(region.startsAtMs - 1);
        }
    },
  };
}

/** For the trace: `Base/1.0.0`. */
export function short(version: string): string {
  const names = version.split("/");
  return `${names.at(-3)}/${names.at(-1)}`;
}
