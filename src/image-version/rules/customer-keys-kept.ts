import { diskEncryptionReferences } from "../disk-encryption-references.js";
import { targetRegionsOf } from "../canonical-form.js";
import { sameResourceId } from "../../resource-id.js";
import { TARGET_REGIONS, type Breach, type ChangeRule } from "./rule.js";

export const customerKeysKept: ChangeRule = {
  name: "customer-keys-kept",
  code: "CustomerKeysChanged",
  severity: "error",
  summary:
    "A disk that has a disk encryption set in a region keeps that set there: there is no way back to platform-managed keys.",
  check: ({ request, known }) => {
    if (known?.base === undefined) return [];
    const asked = new Map(
      diskEncryptionReferences(request).map((use) => [
        `${use.region} ${use.disk}`,
        use,
      ]),
    );
    const regions = targetRegionsOf(request).map((region) => region.name);
    return diskEncryptionReferences(known.base).flatMap(
      ({ region, disk, diskEncryptionSetId: set }): Breach[] => {
        if (!regions.includes(region)) return [];
        const use = asked.get(`${region} ${disk}`);
        if (use !== undefined && sameResourceId(use.diskEncryptionSetId, set))
          return [];
        return [
          {
            pointer:
              use?.pointer ??
              `${TARGET_REGIONS}/${regions.indexOf(region)}/encryption`,
            message: `${disk} in ${region} is encrypted with ${set}; the request gives it ${use === undefined ? "no set" : use.diskEncryptionSetId}.`,
            remediation: `Give ${disk} in ${region} the set that it has: ${set}. Another key is another version.`,
          },
        ];
      },
    );
  },
};
