import type { HttpHandler } from "@azure/functions";
import type { Gate } from "../authorization/gallery-policy.js";
import type { Freezes } from "../gate/freezes.js";
import { resourcesOf } from "../batch/create.js";
import type { BatchDependencies } from "../batch/ports.js";
import { gateWaits } from "../gate/objections.js";
import {
  deletionNow,
  getImageVersion,
  type Dependencies,
  type WaitsOf,
} from "../image-version/index.js";
import type { OperationDependencies } from "../operation/ports.js";
import type { RejectedRequests } from "../messaging/rejected-requests.js";
import type { TrackedRecord } from "../operation/records.js";
import type { TestProfileDependencies } from "../machine-test/profile-ports.js";
import type { RetentionDependencies } from "../retention/ports.js";
import type { RevocationDependencies } from "../revocation/ports.js";
import { inheritedBans, viewInherited } from "../revocation/inherited.js";
import { getRollout } from "../rollout/get-rollout.js";
import type { RolloutDependencies } from "../rollout/ports.js";
import type { PreparationDependencies } from "../subscription/ports.js";
import { batchHandlers } from "./batch-handlers.js";
import { docsHandlers } from "./docs-handlers.js";
import {
  createEndpoint,
  createFallback,
  limitFiles,
  type EndpointDependencies,
} from "./endpoint.js";
import { freezeHandlers } from "./freeze-handlers.js";
import { imageVersionHandlers } from "./image-version-handlers.js";
import type { OperationId } from "./contract/openapi-document.js";
import type { TestDependencies } from "../machine-test/ports.js";
import { machineTestHandlers } from "./machine-test-handlers.js";
import { operationHandlers } from "./operation-handlers.js";
import { overviewHandlers } from "./overview-handlers.js";
import { pageHandlers, type SignInSettings } from "./page-handlers.js";
import { rejectedRequestHandlers } from "./rejected-request-handlers.js";
import { retentionHandlers } from "./retention-handlers.js";
import type { HealthCheck } from "./readiness.js";
import { revocationHandlers } from "./revocation-handlers.js";
import { serviceHandlers } from "./service-handlers.js";
import { subscriptionHandlers } from "./subscription-handlers.js";
import { testProfileHandlers } from "./test-profile-handlers.js";
import type { TestResultDependencies } from "../test-results/ports.js";
import { testResultHandlers } from "./test-result-handlers.js";

export interface HandlerDependencies {
  readonly imageVersions: Dependencies;
  readonly preparations: PreparationDependencies;
  readonly operations: OperationDependencies<TrackedRecord>;
  readonly retention: RetentionDependencies;
  readonly revocation: RevocationDependencies;
  readonly testProfiles: TestProfileDependencies;
  readonly machineTests: TestDependencies;
  readonly testResults: TestResultDependencies;
  readonly rollout: RolloutDependencies;
  readonly gates: readonly Gate[];
  readonly freezes: Freezes;
  readonly rejected: RejectedRequests;
  readonly batch: Pick<BatchDependencies, "operations">;
}

export type HttpHandlers = Readonly<
  Record<
    | OperationId
    | keyof ReturnType<typeof docsHandlers>
    | keyof ReturnType<typeof pageHandlers>
    | "fallback",
    HttpHandler
  >
>;

/**
 * One handler for each operation of the OpenAPI document, by its operationId, for the pages, and
 * for all other paths.
 */
export function createHttpHandlers(
  edge: EndpointDependencies,
  deps: HandlerDependencies,
  healthChecks: readonly HealthCheck[],
  asyncApiDocument: object,
  built: URL,
  signIn?: SignInSettings,
): HttpHandlers {
  const endpoint = createEndpoint(edge);
  const docs = docsHandlers(built);
  const page = pageHandlers(new URL("page/", built), signIn);
  const waitsOf: WaitsOf = async (version) => {
    const rollout = await getRollout(deps.rollout, version);
    const { store } = deps.imageVersions;
    const { revocations } = deps.revocation;
    const { gates, freezes } = deps;
    const { record } = version;
    const bans = record ? await inheritedBans({ store, revocations }, record) : [];
    return {
      ...(rollout && { rollout }),
      gateWaits: await gateWaits({ ...deps.testResults, gates, freezes }, version, bans),
      inherited: bans.map(viewInherited),
    };
  };
  return {
    ...imageVersionHandlers(
      endpoint,
      deps.imageVersions,
      (version) => edge.validator.validateBody("putImageVersion", version).findings,
      waitsOf,
      deps.revocation.revocations,
    ),
    ...overviewHandlers(
      endpoint,
      deps.imageVersions,
      deps.operations,
      waitsOf,
      deps.revocation.revocations,
      deps.rejected,
    ),
    ...revocationHandlers(endpoint, deps.revocation),
    ...subscriptionHandlers(endpoint, deps.preparations, deps.imageVersions.resources),
    ...operationHandlers(
      endpoint,
      deps.operations,
      (id) => getImageVersion(deps.imageVersions, id),
      (operation) => deletionNow(deps.imageVersions, operation),
      (operation) => resourcesOf(deps.batch, operation),
    ),
    ...batchHandlers(endpoint, deps.batch, edge.document, edge.validator),
    ...retentionHandlers(endpoint, deps.retention),
    ...freezeHandlers(endpoint, deps.freezes),
    ...testProfileHandlers(endpoint, deps.testProfiles),
    ...machineTestHandlers(endpoint, deps.machineTests),
    ...testResultHandlers(endpoint, deps.testResults, deps.imageVersions),
    ...rejectedRequestHandlers(endpoint, deps.imageVersions, deps.rejected, (body) =>
      edge.validator.validateBody("putImageVersion", body),
    ),
    ...serviceHandlers(
      endpoint,
      edge.document,
      asyncApiDocument,
      healthChecks,
      deps.operations.now,
    ),
    getDocs: limitFiles(edge, docs.getDocs),
    getGuide: limitFiles(edge, docs.getGuide),
    getPage: limitFiles(edge, page.getPage),
    fallback: createFallback(edge),
  };
}
