import type { ImageVersionRequest } from "../../contract.js";
import type { Gathered } from "../gathered.js";
import { found } from "../../../bounded-reads.js";
import { newRegions, TARGET_REGIONS, type GatheredRule } from "../rule.js";

/** "PreferStandard_ZRS is the default from api-version 2025-03-03" (storageAccountStrategy). */
/**
 * The storage that Azure chooses for a new region without one; undefined if Azure does not show
 * whether the region has zones.
 */
export function storageTakenIn(
  { properties: { publishingProfile } }: ImageVersionRequest,
  { regions }: Pick<Gathered, "regions">,
  name: string,
): string | undefined {
  if (publishingProfile?.storageAccountStrategy === "DefaultStandard_LRS") return "Standard_LRS";
  const zones = found(regions)?.find((region) => region.name === name)?.zones;
  return zones === undefined ? undefined : zones ? "Standard_ZRS" : "Standard_LRS";
}

export const storageChosenByAzure: GatheredRule = {
  name: "storage-chosen-by-azure",
  code: "StorageChosenByAzure",
  severity: "info",
  basis: { documented: "reference" },
  summary:
    "A new region names its storage account type; otherwise Azure chooses one for good: Standard_ZRS if the region has zones, else Standard_LRS.",
  check: (subject) => {
    const { request, gathered } = subject;
    if (request.properties.publishingProfile?.storageAccountType !== undefined) return [];
    return newRegions(subject).flatMap(({ i, region }) =>
      region.storageAccountType !== undefined
        ? []
        : [
            {
              pointer: `${TARGET_REGIONS}/${i}`,
              message: `${region.name} has no storageAccountType, so Azure uses ${storageTakenIn(request, gathered, region.name) ?? "Standard_ZRS if the region has zones, else Standard_LRS"}. It cannot be changed later. (A version created with az gets Standard_LRS, because az uses an older api-version.)`,
              remediation: `To choose it yourself, set storageAccountType for ${region.name}.`,
            },
          ],
    );
  },
};
