import { targetRegionsOf } from "../../properties/canonical-form.js";
import { TARGET_REGIONS, type Breach, type GatheredRule } from "../rule.js";

export const shallowReplication: GatheredRule = {
  name: "shallow-replication",
  code: "InvalidShallowReplication",
  severity: "error",
  basis: { documented: "shallow" },
  summary:
    "A version whose replicationMode is Shallow has one replica, only in its own location: nothing is copied.",
  check: ({ request }) => {
    if (request.properties.publishingProfile?.replicationMode !== "Shallow") return [];
    const breach = (pointer: string, message: string): Breach => ({
      pointer,
      message: `${message}; replicationMode Shallow copies nothing.`,
      remediation: `Keep only ${request.location}, with one replica, or set replicationMode to Full.`,
    });
    return targetRegionsOf(request).flatMap((region, i): Breach[] => {
      const { name, regionalReplicaCount = 1, additionalReplicaSets } = region;
      if (name !== request.location)
        return [
          breach(
            `${TARGET_REGIONS}/${i}`,
            `${name} is a region other than the version's own location ${request.location}`,
          ),
        ];
      if (regionalReplicaCount > 1)
        return [
          breach(
            `${TARGET_REGIONS}/${i}/regionalReplicaCount`,
            `${name} has ${regionalReplicaCount} replicas`,
          ),
        ];
      return additionalReplicaSets === undefined || additionalReplicaSets.length === 0
        ? []
        : [
            breach(
              `${TARGET_REGIONS}/${i}/additionalReplicaSets`,
              `${name} has additional replica sets`,
            ),
          ];
    });
  },
};
