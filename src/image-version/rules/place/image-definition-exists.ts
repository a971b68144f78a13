import { imageIdOf } from "../../../resource-id.js";
import type { GatheredRule } from "../rule.js";

export const imageDefinitionExists: GatheredRule = {
  name: "image-definition-exists",
  code: "ImageDefinitionNotFound",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "The image definition that the URL names exists.",
  check: ({ id, gathered }) =>
    // Another rule reports a missing gallery, which contains nothing.
    gathered.imageDefinition.kind === "absent" && gathered.gallery.kind !== "absent"
      ? [
          {
            pointer: "",
            message: `The image definition ${imageIdOf(id)} does not exist.`,
            remediation: `Correct the URL, or create the definition: az sig image-definition create --subscription ${id.subscriptionId} --resource-group ${id.resourceGroupName} --gallery-name ${id.galleryName} --gallery-image-definition ${id.imageName} --publisher … --offer … --sku … --os-type … --os-state …`,
          },
        ]
      : [],
};
