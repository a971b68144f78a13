import { targetRegionsOf } from "../canonical-form.js";
import type { ImageVersionRequest } from "../contract.js";
import { TARGET_REGIONS, type Breach, type RequestRule } from "./rule.js";

/** "The maximum number of replicas per image version is 100" (Azure Compute Gallery, limits). */
const MOST_REPLICAS = 100;

export const replicaLimit: RequestRule = {
  name: "replica-limit",
  code: "TooManyReplicas",
  severity: "error",
  summary: `A version has at most ${MOST_REPLICAS} replicas, all regions together.`,
  check: ({ request }) => excessReplicas(request),
};

/** A request alone, or several that are merged into one. */
export function excessReplicas(
  request: ImageVersionRequest,
): readonly Breach[] {
  const replicas = targetRegionsOf(request)
    .flatMap((region) => [region, ...(region.additionalReplicaSets ?? [])])
    .reduce(
      (sum, { regionalReplicaCount = 1 }) => sum + regionalReplicaCount,
      0,
    );
  return replicas <= MOST_REPLICAS
    ? []
    : [
        {
          pointer: TARGET_REGIONS,
          message: `The regions ask for ${replicas} replicas in total; Azure allows ${MOST_REPLICAS} a version.`,
          remediation: `Lower regionalReplicaCount by ${replicas - MOST_REPLICAS} in total.`,
        },
      ];
}
