import { targetRegionsOf } from "../../properties/canonical-form.js";
import { TARGET_REGIONS, type RequestRule } from "../rule.js";

/** "PreferStandard_ZRS is the default from api-version 2025-03-03" (Azure Compute Gallery, storageAccountStrategy). */
export const storageChosenByAzure: RequestRule = {
  name: "storage-chosen-by-azure",
  code: "StorageChosenByAzure",
  severity: "info",
  summary:
    "A new region says its storage account type; where it does not, Azure chooses one that never changes: Standard_ZRS where the region has zones, else Standard_LRS.",
  check: ({ request, change }) => {
    const { storageAccountType, storageAccountStrategy } =
      request.properties.publishingProfile ?? {};
    if (storageAccountType !== undefined) return [];
    const there =
      change === undefined
        ? []
        : targetRegionsOf(change.observed).map(({ name }) => name);
    const otherwise =
      storageAccountStrategy === "DefaultStandard_LRS"
        ? "Standard_LRS"
        : "Standard_ZRS where the region has zones, else Standard_LRS";
    return targetRegionsOf(request).flatMap((region, i) =>
      region.storageAccountType !== undefined || there.includes(region.name)
        ? []
        : [
            {
              pointer: `${TARGET_REGIONS}/${i}`,
              message: `No storage account type is given for ${region.name}: Azure takes ${otherwise}. It cannot be changed later. az, which speaks an older api-version, gets Standard_LRS.`,
              remediation: `Give storageAccountType for ${region.name} to choose it yourself.`,
            },
          ],
    );
  },
};
