import { seenSources } from "../source.js";
import { isImageVersion } from "../../properties/source-references.js";
import type { Breach, GatheredRule } from "../rule.js";

export const sourceRegion: GatheredRule = {
  name: "source-region",
  code: "SourceInOtherRegion",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Every source is in the version's location; a source image version is replicated there.",
  check: ({ request, gathered }) =>
    seenSources(request, gathered).flatMap(
      ({ reference: { pointer }, source: { id, regions } }): Breach[] => {
        const { location } = request;
        if (regions.length === 0 || regions.includes(location)) return [];
        const version = isImageVersion({ id });
        return [
          {
            pointer,
            message: version
              ? `${id} is replicated to ${regions.join(", ")}, not to the version's location ${location}.`
              : `${id} is in ${regions.join(", ")}; the version's location is ${location}.`,
            remediation: version
              ? `Replicate it to ${location} first: az sig image-version update --ids ${id} --add publishingProfile.targetRegions name=${location}`
              : `Set location to ${regions[0]} and include it in targetRegions, or copy the source to ${location}.`,
          },
        ];
      },
    ),
};
