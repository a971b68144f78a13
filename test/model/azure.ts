/** Azure as the ports see it: ARM, and between it and the product whatever a network and ARM's replicas do. */
import type { ImageVersionRequest } from "../../src/image-version/contract.js";
import { armErrorIn, saidBy } from "../../src/azure/arm/errors.js";
import { knownRefusal } from "../../src/azure/arm/refusals.js";
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
import {
  API_VERSION,
  BASE_URL,
  SIGIL,
  short,
  type Arm,
  type Wire,
} from "./arm.js";
import { describe, factsOf, same } from "./facts.js";
import type { Way } from "./faults.js";
import type { Look } from "./look.js";
import type { Process } from "./process.js";
import { resourcesOf } from "./resources.js";
import { subscriptionsOf } from "./subscriptions.js";
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
  judge: Pick<WriteJudge, "put" | "deletion">,
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
    subscriptions: subscriptionsOf(arm, way),
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
        const { status, body } = await way.call("GET", () =>
          arm.ask("GET", `${imageId}/versions`),
        );
        if (status === 404) return undefined;
        return (body as { value: readonly Wire[] }).value.map((wire) => {
          const { regions: _, ...shown } = observedOf(wire);
          return { name: wire.name, ...shown };
        });
      },
      async putImageVersion(id, request) {
        const version = formatImageVersionId(id);
        const body = wireOf(request);
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
      // The model's galleries have no soft delete.
      listDeletedVersions: () => Promise.resolve([]),
      restoreImageVersion: () =>
        Promise.reject(new TypeError("there is nothing to restore")),
      previewPut: (id, request) =>
        Promise.resolve({
          method: "PUT",
          url: `${BASE_URL}${formatImageVersionId(id)}?api-version=${API_VERSION}`,
          body: wireOf(request),
        }),
      async getOperationError(url) {
        const { origin, pathname } = new URL(url);
        if (origin !== BASE_URL) return undefined;
        const { status, body } = await way.call("GET", () =>
          arm.ask("GET", pathname),
        );
        if (status === 404) return undefined;
        const error = armErrorIn(body);
        return (
          error && { code: knownRefusal(error).code, message: saidBy(error) }
        );
      },
    }),
  };
}

function wireOf({
  sigil: _,
  ...rest
}: ImageVersionRequest): ImageVersionRequest {
  return JSON.parse(JSON.stringify(rest)) as ImageVersionRequest;
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
