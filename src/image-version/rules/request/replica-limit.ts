import { targetRegionsOf } from "../../properties/canonical-form.js";
import type { ImageVersionRequest } from "../../contract.js";
import { TARGET_REGIONS, type Breach, type RequestRule } from "../rule.js";

/**
 * "100 replicas per image version" (Azure Compute Gallery, limits), and "replica count must be between 1 and 100" for each
 * region; Microsoft's own images have more than a thousand in all (Azure/azure-cli#16632). So the sum stops nothing.
 */
const MOST_REPLICAS = 100;

export const replicaLimit: RequestRule = {
  name: "replica-limit",
  code: "TooManyReplicas",
  severity: "warning",
  basis: {
    guess:
      "One page limits a version to 100 replicas, another each region; Azure has versions with a thousand replicas (Azure/azure-cli#16632).",
  },
  summary: `A version has at most ${MOST_REPLICAS} replicas in all; Microsoft's documents disagree whether Azure refuses more.`,
  check: ({ request }) => excessReplicas(request),
};

/** For one request, or for several merged into one. */
function excessReplicas(request: ImageVersionRequest): readonly Breach[] {
  const replicas = targetRegionsOf(request)
    .flatMap((region) => [region, ...(region.additionalReplicaSets ?? [])])
    .reduce((sum, { regionalReplicaCount = 1 }) => sum + regionalReplicaCount, 0);
  return replicas <= MOST_REPLICAS
    ? []
    : [
        {
          pointer: TARGET_REGIONS,
          message: `The target regions have ${replicas} replicas in total. One Microsoft page limits a version to ${MOST_REPLICAS} replicas, another limits each region to ${MOST_REPLICAS}.`,
          remediation: `If Azure refuses the request, remove ${replicas - MOST_REPLICAS} replicas by lowering regionalReplicaCount.`,
        },
      ];
}
