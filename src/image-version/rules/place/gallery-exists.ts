import { galleryIdOf } from "../../../resource-id.js";
import type { GatheredRule } from "../rule.js";

export const galleryExists: GatheredRule = {
  name: "gallery-exists",
  code: "GalleryNotFound",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "The gallery that the URL names exists.",
  check: ({ id, request, gathered }) =>
    gathered.gallery.kind === "absent"
      ? [
          {
            pointer: "",
            message: `The gallery ${galleryIdOf(id)} does not exist.`,
            remediation: `Correct the URL, or create the gallery: az sig create --subscription ${id.subscriptionId} --resource-group ${id.resourceGroupName} --gallery-name ${id.galleryName} --location ${request.location}`,
          },
        ]
      : [],
};
