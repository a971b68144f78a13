/** Azure as the ports see it: ARM, and between it and the product whatever a network and ARM's replicas do. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type {
  ObservedImageVersion,
  ResourceManager,
  ResourceReader,
} from "../../src/image-version/ports.js";
import type { ManualClock } from "../../src/local/clock.js";
import {
  canonicalRegion,
  formatImageVersionId,
  type ImageVersionId,
} from "../../src/resource-id.js";
import type { Subscriptions } from "../../src/subscription/ports.js";
import { createArm, type Arm, type ArmSettings } from "./arm.js";
import { isIdle } from "./bodies.js";
import { createWay, type Way } from "./faults.js";
import type { Process } from "./process.js";
import { createPutJudge, type Judge } from "./put-judge.js";
import { createReplicas } from "./replicas.js";
import { REGIONS, STRANGE_REGION, VERSION } from "./requests.js";
import { createSightings, type Sightings } from "./sightings.js";

export interface AzureSettings extends ArmSettings {
  /** Which looks, while ARM's replicas disagree, meet one that is behind. */
  readonly behind: readonly boolean[];
}

export interface Azure {
  readonly arm: Arm;
  readonly way: Way;
  readonly sightings: Sightings;
  readonly resources: ResourceReader;
  readonly subscriptions: Subscriptions;
  resourceManagerOf(process: Process): ResourceManager;
}

export async function createAzure(
  clock: ManualClock,
  settings: AzureSettings,
  judge: Judge,
): Promise<Azure> {
  const nowMs = (): number => clock.now();
  const way = createWay(() => new Date(clock.now()), judge.log);
  const puts = createPutJudge(judge);
  const sightings = createSightings(nowMs);
  const replicas = createReplicas(() => arm, nowMs, settings.behind);
  let revision = 0;
  const arm: Arm = await createArm(
    clock,
    settings,
    (change) => {
      revision += 1;
      replicas.changed(change);
      sightings.changed(change);
    },
    judge.log,
  );

  const resourceManagerOf = (process: Process): ResourceManager => ({
    async getImageVersion(id) {
      expectVersion(id);
      const { body, current } = await look(way, () => replicas.look());
      const observed = body as WireVersion | undefined;
      process.look = { revision, current, shown: shownAs(observed) };
      judge.log(
        `${process.name}: ARM shows ${shownIn(observed)}${current ? "" : " (behind)"}`,
      );
      if (observed === undefined) return undefined;
      const version = observedOf(observed);
      sightings.seen(version, current);
      return version;
    },
    async putImageVersion(id, request) {
      expectVersion(id);
      const body = JSON.parse(JSON.stringify(request)) as ImageVersionRequest;
      puts.sent(process, body, arm.version(), revision);
      const { headers } = await way.call("PUT", async () => {
        const answer = await arm.change("PUT", body);
        if (answer.status < 300) puts.taken(process, body, revision);
        return answer;
      });
      return headers?.["Azure-AsyncOperation"];
    },
    async deleteImageVersion(id) {
      expectVersion(id);
      if (process.stored?.state !== "Deleting")
        judge.breach(3, `DELETE by ${process.name}, which stored no intent`);
      const { headers } = await way.call("DELETE", () => arm.change("DELETE"));
      return headers?.["Azure-AsyncOperation"];
    },
    previewPut: () => Promise.reject(new TypeError("nothing is planned here")),
    async getOperationError(url) {
      await look(way);
      return arm.operationError(url);
    },
  });

  return {
    arm,
    way,
    sightings,
    resources: resourcesOf(arm, way),
    subscriptions: {
      listRegions: () => Promise.resolve([...REGIONS, STRANGE_REGION]),
      getRegistration: () => Promise.resolve("Registered"),
      register: () => Promise.resolve("Registered"),
    },
    resourceManagerOf,
  };
}

type Looked = { readonly body: unknown; readonly current: boolean };

/** A read: it meets the next fault. */
async function look(way: Way, run?: () => Promise<Looked>): Promise<Looked> {
  let looked: Looked = { body: undefined, current: true };
  await way.call("GET", async () => {
    if (run !== undefined) looked = await run();
    return { status: 200 };
  });
  return looked;
}

function expectVersion(id: ImageVersionId): void {
  if (formatImageVersionId(id) !== VERSION)
    throw new TypeError(`${formatImageVersionId(id)} is of no request`);
}

interface WireVersion {
  readonly properties: {
    readonly provisioningState: string;
    readonly replicationStatus: {
      readonly summary: readonly {
        readonly region: string;
        readonly state: ObservedImageVersion["regions"][number]["state"];
        readonly progress: number;
        readonly details: string;
      }[];
    };
  };
}

function observedOf(body: WireVersion): ObservedImageVersion {
  return {
    provisioningState: body.properties.provisioningState,
    request: body as unknown as ImageVersionRequest,
    regions: body.properties.replicationStatus.summary.map(
      ({ region, state, progress, details }) => ({
        name: canonicalRegion(region),
        state,
        progress,
        ...(details && { details }),
      }),
    ),
  };
}

function shownAs(body: WireVersion | undefined): "absent" | "busy" | "idle" {
  if (body === undefined) return "absent";
  return isIdle(body.properties.provisioningState) ? "idle" : "busy";
}

function shownIn(body: WireVersion | undefined): string {
  if (body === undefined) return "nothing";
  const { provisioningState, replicationStatus } = body.properties;
  return `${provisioningState} ${replicationStatus.summary
    .map(({ region, state, progress }) => `${region} ${state} ${progress}`)
    .join(", ")}`;
}

/** Everything that a request names is there and as it should be: what rules say of the rest is not this test's matter. */
function resourcesOf({ store }: Arm, way: Way): ResourceReader {
  const found = async <T>(
    id: string,
    value: (location: string) => T,
  ): Promise<T | undefined> => {
    await look(way);
    const resource = store.findResource(id);
    return resource && value(resource.location ?? "");
  };
  return {
    getGallery: (id) => found(id, () => ({ id, sharing: "Private" })),
    getImageDefinition: (id) =>
      found(id, () => ({
        id,
        osType: "Linux",
        osState: "Generalized",
        hyperVGeneration: "V2",
        architecture: "x64",
        securityType: "Standard",
      })),
    getDiskEncryptionSet: (id) =>
      found(id, (region) => ({
        id,
        region,
        provisioningState: "Succeeded",
        encryptionType: "EncryptionAtRestWithCustomerKey" as const,
        keyUrl: "https://keys.vault.azure.net/keys/k/1",
        rotationToLatestKeyVersionEnabled: true,
      })),
    getSource: (id) =>
      found(id, (region) => ({
        id,
        provisioningState: "Succeeded",
        regions: [region],
        osDisk: {},
        dataDisks: [{ lun: 0 }],
        osType: "Linux",
        osState: "Generalized",
        hyperVGeneration: "V2",
        architecture: "x64",
      })),
    listDiskEncryptionSets: () =>
      Promise.reject(new TypeError("nobody lists here")),
  };
}
