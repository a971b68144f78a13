import type { Finding } from "../../errors.js";
import { targetRegionsOf } from "../canonical-form.js";
import { TARGET_REGIONS, type RequestRule } from "./rule.js";

/** ARM's limit on the replicas of one version, all regions together. */
const MOST_REPLICAS = 100;

/** Regions are unique in their canonical names, include the version's location, and stay within ARM's replica limit. */
export const targetRegions: RequestRule = (_id, request) => {
  const regions = targetRegionsOf(request);
  const names = regions.map((region) => region.name);
  const findings: Finding[] = names.flatMap((name, i) =>
    names.indexOf(name) === i
      ? []
      : [
          {
            code: "DuplicateRegion",
            pointer: `${TARGET_REGIONS}/${i}/name`,
            message: `"${name}" is given twice: case and spaces do not make another region. Keep one entry for it.`,
          },
        ],
  );
  if (!names.includes(request.location)) {
    findings.push({
      code: "LocationNotInTargetRegions",
      pointer: TARGET_REGIONS,
      message: `The version's own location "${request.location}" is not among its target regions (${names.join(", ")}). Add it: Azure requires a replica there.`,
    });
  }
  const replicas = regions.reduce(
    (sum, region) =>
      (region.additionalReplicaSets ?? []).reduce(
        (more, set) => more + (set.regionalReplicaCount ?? 1),
        sum + (region.regionalReplicaCount ?? 1),
      ),
    0,
  );
  if (replicas > MOST_REPLICAS) {
    findings.push({
      code: "TooManyReplicas",
      pointer: TARGET_REGIONS,
      message: `The regions ask for ${replicas} replicas in total; Azure allows ${MOST_REPLICAS} a version. Lower regionalReplicaCount.`,
    });
  }
  return findings;
};
