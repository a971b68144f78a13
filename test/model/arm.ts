/** The truth about the version: the local ARM simulator's own state machine, in process and at the model's time. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type { ManualClock } from "../../src/local/clock.js";
import { ArmError } from "../../src/local/resource-manager/arm-error.js";
import type {
  ArmAnswer,
  ArmRequest,
} from "../../src/local/resource-manager/arm-request.js";
import { answerImageVersion } from "../../src/local/resource-manager/image-version-endpoints.js";
import { ImageVersions } from "../../src/local/resource-manager/image-versions.js";
import {
  resumeRegion,
  viewRegion,
} from "../../src/local/resource-manager/replication.js";
import {
  parseComputeId,
  resourceKey,
} from "../../src/local/resource-manager/resource-id.js";
import { Store } from "../../src/local/resource-manager/store.js";
import { describe, regionsOf } from "./bodies.js";
import { AZURE, targetRegion, VERSION } from "./requests.js";

const API_VERSION = "2025-03-03";
const BASE_URL = "https://management.azure.com";
/** The slowest region takes this long, and the fastest two fifths of it. */
const REPLICATION_MS = 240_000;
const SPREAD = 0.6;
/** A deletion takes longer than the simulator's: it is looked at while it is under way. */
const DELETION_MS = 40_000;

export interface ArmRegion {
  readonly name: string;
  readonly state: string;
  readonly count: number | undefined;
  readonly encryption: unknown;
}

export interface ArmVersion {
  readonly provisioningState: string;
  /** When a deletion that is under way is done. */
  readonly endsMs: number;
  readonly body: ImageVersionRequest;
  readonly regions: readonly ArmRegion[];
}

export interface ArmSettings {
  /** Of the regions' speeds. */
  readonly seed: number;
  /** ARM's operation succeeds while regions still replicate, as Azure has been seen to do. */
  readonly early: boolean;
}

/** A call that ARM has let change the version. */
export interface Change {
  readonly before: ArmVersion | undefined;
  /** What a GET answered before. */
  readonly shownBefore: unknown;
  readonly after: ArmVersion | undefined;
  /** What a GET answers now. */
  readonly shownAfter: unknown;
}

export interface Arm {
  readonly store: Store;
  version(): ArmVersion | undefined;
  /** The body of a GET; undefined for 404. */
  get(): Promise<unknown>;
  /** One call that changes the version, by whomever; `onChange` is told when it does. */
  change(
    method: "PUT" | "DELETE",
    body?: ImageVersionRequest,
  ): Promise<ArmAnswer>;
  /** Somebody adds a region by other tools. */
  addOutside(region: string): Promise<void>;
  /** Regions that others have added to the version that exists, and nobody has removed. */
  readonly outside: ReadonlySet<string>;
  /** The next replication to this region stops at that progress. */
  stop(region: string, kind: "failed" | "stalled", atProgress: number): void;
  /** The next request that adds this region is taken, and the region forgotten. */
  lose(region: string): void;
  /** Nothing more stops, and what stands still goes on. */
  calm(): void;
  operationError(url: string): { code: string; message: string } | undefined;
}

export async function createArm(
  clock: ManualClock,
  settings: ArmSettings,
  onChange: (change: Change) => void,
  log: (text: string) => void,
): Promise<Arm> {
  const store = await Store.open(clock, AZURE);
  store.state.succeededWhen = settings.early ? "homeRegion" : "everyRegion";
  const versions = new ImageVersions(store, {
    durationMs: REPLICATION_MS,
    spread: SPREAD,
    seed: String(settings.seed),
  });
  const key = resourceKey(VERSION);
  const outside = new Set<string>();
  const losing = new Set<string>();

  const send = async (method: string, body?: unknown): Promise<ArmAnswer> => {
    const id = parseComputeId(VERSION);
    if (id === undefined) throw new TypeError(`${VERSION} is no resource id`);
    const request: ArmRequest = {
      method,
      path: VERSION,
      query: new URLSearchParams(
        method === "GET" ? { $expand: "ReplicationStatus" } : {},
      ),
      apiVersion: API_VERSION,
      body,
      baseUrl: BASE_URL,
      pageSize: 100,
    };
    try {
      const answer = await answerImageVersion(versions, store, id, request);
      if (answer === undefined)
        throw new TypeError(`${method} is not answered`);
      return answer;
    } catch (error) {
      if (!(error instanceof ArmError)) throw error;
      return { status: error.status, body: error.body, headers: error.headers };
    }
  };

  const get = async (): Promise<unknown> => {
    const { status, body } = await send("GET");
    // The simulator goes on with the object that it gives.
    return status === 404 ? undefined : structuredClone(body);
  };

  const version = (): ArmVersion | undefined => {
    const record = versions.find(key);
    if (record === undefined) {
      outside.clear();
      return undefined;
    }
    const { location, properties, tags } = record;
    const body = {
      location,
      properties,
      ...(tags && { tags }),
    } as unknown as ImageVersionRequest;
    return {
      provisioningState: record.provisioningState,
      endsMs: record.notBeforeMs,
      body,
      regions: regionsOf(body).map(
        ({ name, regionalReplicaCount: count, encryption }) => {
          const region = record.regions.find((each) => each.region === name);
          const state =
            region && viewRegion(region, store.replicationNow()).state;
          return { name, count, encryption, state: state ?? "Unknown" };
        },
      ),
    };
  };

  /** What ARM makes of a request that it does not refuse. */
  const forgetful = (body: ImageVersionRequest): ImageVersionRequest => {
    const has = regionsOf(version()?.body).map(({ name }) => name);
    const lost = regionsOf(body)
      .map(({ name }) => name)
      .filter((name) => losing.has(name) && !has.includes(name));
    if (lost.length === 0) return body;
    for (const name of lost) losing.delete(name);
    log(`ARM: ${lost.join(", ")} is forgotten`);
    return withRegions(
      body,
      regionsOf(body).filter(({ name }) => !lost.includes(name)),
    );
  };

  const change: Arm["change"] = async (method, body) => {
    const before = version();
    const shownBefore = await get();
    const operationId = versions.find(key)?.operationId;
    const answer = await send(method, body && forgetful(body));
    log(
      `ARM: ${method}${body === undefined ? "" : ` of ${describe(body)}`} answered ${answer.status}${answer.status < 300 ? "" : ` ${JSON.stringify(answer.body)}`}`,
    );
    if (
      answer.status < 300 &&
      versions.find(key)?.operationId !== operationId
    ) {
      const deleting = versions.find(key);
      if (deleting?.provisioningState === "Deleting")
        deleting.notBeforeMs += DELETION_MS;
      const after = version();
      for (const name of outside)
        if (!after?.regions.some((region) => region.name === name))
          outside.delete(name);
      onChange({ before, shownBefore, after, shownAfter: await get() });
    }
    return answer;
  };

  return {
    store,
    version,
    get,
    change,
    async addOutside(region) {
      const now = version();
      const regions = regionsOf(now?.body);
      if (now === undefined || regions.some(({ name }) => name === region))
        return;
      const { status } = await change(
        "PUT",
        withRegions(now.body, [...regions, targetRegion(region, 1)]),
      );
      if (status < 300) outside.add(region);
    },
    outside,
    stop(region, kind, atProgress) {
      store.state.regionPlans.push({
        region,
        kind,
        atProgress,
        message: "The replication job was stopped.",
        times: 1,
      });
    },
    lose: (region) => void losing.add(region),
    calm() {
      losing.clear();
      store.state.regionPlans = [];
      for (const region of versions.find(key)?.regions ?? []) {
        resumeRegion(region, store.replicationNow());
        // Rounding would take progress back by one in a hundred.
        region.startsAtMs = Math.floor(region.startsAtMs - 1);
      }
    },
    operationError(url) {
      versions.find(key);
      return store.state.operations[
        new URL(url).pathname.split("/").at(-1) ?? ""
      ]?.error;
    },
  };
}

function withRegions(
  body: ImageVersionRequest,
  targetRegions: ReturnType<typeof regionsOf>,
): ImageVersionRequest {
  return {
    ...body,
    properties: {
      ...body.properties,
      publishingProfile: {
        ...body.properties.publishingProfile,
        targetRegions,
      },
    },
  };
}
