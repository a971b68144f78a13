import { found } from "../facts.js";
import { newRegions, TARGET_REGIONS, type FactRule } from "../rule.js";

/** "PreferStandard_ZRS is the default from api-version 2025-03-03" (storageAccountStrategy). */
export const storageChosenByAzure: FactRule = {
  name: "storage-chosen-by-azure",
  code: "StorageChosenByAzure",
  severity: "info",
  basis: { documented: "reference" },
  summary:
    "A new region says its storage account type; where it does not, Azure chooses one that never changes: Standard_ZRS where the region has zones, else Standard_LRS.",
  check: (subject) => {
    const { request, facts } = subject;
    const { storageAccountType, storageAccountStrategy } =
      request.properties.publishingProfile ?? {};
    if (storageAccountType !== undefined) return [];
    const takenIn = (name: string): string => {
      if (storageAccountStrategy === "DefaultStandard_LRS")
        return "Standard_LRS";
      const zones = found(facts.regions)?.find(
        (region) => region.name === name,
      )?.zones;
      if (zones === undefined)
        return "Standard_ZRS where the region has zones, else Standard_LRS";
      return zones ? "Standard_ZRS" : "Standard_LRS";
    };
    return newRegions(subject).flatMap(({ i, region }) =>
      region.storageAccountType !== undefined
        ? []
        : [
            {
              pointer: `${TARGET_REGIONS}/${i}`,
              message: `No storage account type is given for ${region.name}: Azure takes ${takenIn(region.name)}. It cannot be changed later. (A version made with az, which uses an older api-version, gets Standard_LRS.)`,
              remediation: `Give storageAccountType for ${region.name} to choose it yourself.`,
            },
          ],
    );
  },
};
