import { galleryIdOf } from "../../../resource-id.js";
import { usesOwnKeys } from "../../properties/disk-encryption-references.js";
import { found } from "../../../bounded-reads.js";
import { TARGET_REGIONS, type GatheredRule } from "../rule.js";

export const sharedGallery: GatheredRule = {
  name: "shared-gallery",
  code: "SharedGalleryWithCustomerKeys",
  severity: "error",
  basis: { documented: "gallery" },
  summary: "A version with customer-managed keys is in a gallery that is not shared.",
  check: ({ id, request, gathered }) => {
    const sharing = found(gathered.gallery)?.sharing;
    return sharing === undefined || sharing.toLowerCase() === "private" || !usesOwnKeys(request)
      ? []
      : [
          {
            pointer: TARGET_REGIONS,
            message: `The gallery ${galleryIdOf(id)} is shared (${sharing}); a version with customer-managed keys cannot be shared.`,
            remediation: `Use a gallery that is not shared, or stop sharing this one: az sig share reset --subscription ${id.subscriptionId} --resource-group ${id.resourceGroupName} --gallery-name ${id.galleryName}`,
          },
        ];
  },
};
