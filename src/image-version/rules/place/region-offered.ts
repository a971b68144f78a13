import { closest, distance } from "fastest-levenshtein";
import { targetRegionsOf } from "../../properties/canonical-form.js";
import { found } from "../../../bounded-reads.js";
import { TARGET_REGIONS, type Breach, type GatheredRule } from "../rule.js";

const SLIP = 2;

export const regionOffered: GatheredRule = {
  name: "region-offered",
  code: "RegionNotOffered",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "The version's subscription offers each target region and the version's location.",
  check: ({ id, request, gathered }) => {
    const offered = found(gathered.regions)?.map(({ name }) => name);
    if (offered === undefined) return [];
    const named = [
      ...targetRegionsOf(request).map((region, i) => ({
        pointer: `${TARGET_REGIONS}/${i}/name`,
        name: region.name,
      })),
      { pointer: "/location", name: request.location },
    ];
    const names = named.map(({ name }) => name);
    return named.flatMap(({ pointer, name }, i): Breach[] => {
      // A region that is named twice is reported once.
      if (offered.includes(name) || names.indexOf(name) !== i) return [];
      const similar = closest(name, offered);
      const meant =
        offered.length > 0 && distance(name, similar) <= SLIP
          ? `If you mean ${similar}, write that; otherwise use`
          : "Use";
      return [
        {
          pointer,
          message: `Subscription ${id.subscriptionId} does not offer the region "${name}".`,
          remediation: `${meant} a region that the subscription offers: az account list-locations --subscription ${id.subscriptionId} --query [].name`,
        },
      ];
    });
  },
};
