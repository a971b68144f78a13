/** Azure as the ports see it: ARM, and between it and the product whatever a network and ARM's replicas do. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import type {
  ResourceManager,
  ResourceReader,
} from "../../src/image-version/ports.js";
import type { ObservedImageVersion } from "../../src/image-version/resources.js";
import type { RegionState } from "../../src/operation/records.js";
import {
  canonicalRegion,
  formatImageVersionId,
} from "../../src/resource-id.js";
import type { Subscriptions } from "../../src/subscription/ports.js";
import { SIGIL, short, type Arm, type Wire } from "./arm.js";
import { describe, factsOf, same } from "./facts.js";
import type { Way } from "./faults.js";
import type { Look } from "./look.js";
import type { Process } from "./process.js";
import { REGIONS, STRANGE_REGION } from "./requests.js";
import type { WriteJudge } from "./write-judge.js";

export interface Azure {
  /** By version, in order. */
  looksAt(version: string): readonly Look[];
  readonly resources: ResourceReader;
  readonly subscriptions: Subscriptions;
  /** As a process sees it; without one, as whoever only reads does. */
  resourceManagerOf(process?: Process): ResourceManager;
}

export function createAzure(
  arm: Arm,
  way: Way,
  nowMs: () => number,
  judge: WriteJudge,
  log: (text: string) => void,
): Azure {
  const looks = new Map<string, Look[]>();
  const lookAt = async (version: string): Promise<Look> => {
    let wire: Wire | undefined;
    await way.call("GET", async () => {
      wire = await arm.get(version);
      return { status: 200 };
    });
    const truth = arm.truth(version);
    const facts = wire && factsOf(wire);
    const look: Look = {
      atMs: nowMs(),
      version,
      ...(wire && facts && { wire, facts }),
      ...(wire && { provisioningState: wire.properties.provisioningState }),
      regions: new Map(
        wire?.properties.replicationStatus?.summary.map(({ region, state }) => [
          canonicalRegion(region),
          state,
        ]),
      ),
      current:
        truth?.provisioningState === wire?.properties.provisioningState &&
        same(truth?.facts, facts),
    };
    looks.set(version, [...(looks.get(version) ?? []), look]);
    return look;
  };

  return {
    looksAt: (version) => looks.get(version) ?? [],
    resources: resourcesOf(arm, way),
    subscriptions: {
      listRegions: () =>
        Promise.resolve([...REGIONS, STRANGE_REGION].map((name) => ({ name }))),
      getRegistration: () => Promise.resolve("Registered"),
      register: () => Promise.resolve("Registered"),
    },
    resourceManagerOf: (process) => ({
      async getImageVersion(id) {
        const version = formatImageVersionId(id);
        const look = await lookAt(version);
        process?.looks.set(version, look);
        log(
          `${process?.name ?? "reader"}: ARM shows ${short(version)} ${look.provisioningState ?? ""} ${describe(look.facts)} [${[...look.regions].map((region) => region.join(" ")).join(", ")}]${look.current ? "" : " (behind)"}`,
        );
        return look.wire && observedOf(look.wire);
      },
      async listImageVersions(imageId) {
        await way.call("GET", () => Promise.resolve({ status: 200 }));
        return arm.list(imageId).map((wire) => {
          const { regions: _, ...shown } = observedOf(wire);
          return { name: wire.name, ...shown };
        });
      },
      async putImageVersion(id, request) {
        const version = formatImageVersionId(id);
        const { sigil: _, ...rest } = request;
        const body = JSON.parse(JSON.stringify(rest)) as ImageVersionRequest;
        if (process !== undefined) judge.put(process, version, body);
        const { headers } = await way.call("PUT", () =>
          arm.send(SIGIL, version, "PUT", body),
        );
        return headers?.["Azure-AsyncOperation"];
      },
      async deleteImageVersion(id) {
        const version = formatImageVersionId(id);
        if (process !== undefined) judge.deletion(process, version);
        const { headers } = await way.call("DELETE", () =>
          arm.send(SIGIL, version, "DELETE"),
        );
        return headers?.["Azure-AsyncOperation"];
      },
      previewPut: () => Promise.reject(new TypeError("nobody plans here")),
      async getOperationError(url) {
        await way.call("GET", () => Promise.resolve({ status: 200 }));
        return arm.operationError(url);
      },
    }),
  };
}

function publishedDateOf(profile: unknown): { publishedDate?: string } {
  const { publishedDate } = (profile ?? {}) as { publishedDate?: string };
  return publishedDate === undefined ? {} : { publishedDate };
}

function observedOf(wire: Wire): ObservedImageVersion {
  return {
    provisioningState: wire.properties.provisioningState,
    resource: wire,
    ...publishedDateOf(wire.properties.publishingProfile),
    regions: (wire.properties.replicationStatus?.summary ?? []).map(
      ({ region, state, progress, details }) => ({
        name: canonicalRegion(region),
        state: state as RegionState,
        progress,
        ...(details && { details }),
      }),
    ),
  };
}

/** Everything that a request names is there and as it should be: what rules say of the rest is not this test's matter. */
function resourcesOf({ store }: Arm, way: Way): ResourceReader {
  const found = async <T>(
    id: string,
    value: (location: string) => T,
  ): Promise<T | undefined> => {
    await way.call("GET", () => Promise.resolve({ status: 200 }));
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
