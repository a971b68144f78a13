import { found } from "../../../bounded-reads.js";
import { newRegions, TARGET_REGIONS, type GatheredRule } from "../rule.js";

export const zoneRedundantStorage: GatheredRule = {
  name: "zone-redundant-storage",
  code: "ZoneRedundantStorageNotOffered",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Only regions with availability zones use Standard_ZRS.",
  check: (subject) => {
    const withoutZones = (found(subject.gathered.regions) ?? [])
      .filter(({ zones }) => zones === false)
      .map(({ name }) => name);
    return newRegions(subject).flatMap(({ i, region }) => {
      if (!withoutZones.includes(region.name)) return [];
      const places = [
        { path: "", type: region.storageAccountType },
        ...(region.additionalReplicaSets ?? []).map((set, j) => ({
          path: `/additionalReplicaSets/${j}`,
          type: set.storageAccountType,
        })),
      ];
      return places
        .filter(({ type }) => type?.toLowerCase() === "standard_zrs")
        .map(({ path }) => ({
          pointer: `${TARGET_REGIONS}/${i}${path}/storageAccountType`,
          message: `${region.name} has no availability zones, but the request sets zone-redundant storage (Standard_ZRS) there.`,
          remediation: `Set storageAccountType to Standard_LRS or Premium_LRS in ${region.name}.`,
        }));
    });
  },
};
