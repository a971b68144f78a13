import { imageIdOf } from "../../../resource-id.js";
import { found } from "../../../bounded-reads.js";
import type { GatheredRule } from "../rule.js";

export const imageDefinitionEndOfLife: GatheredRule = {
  name: "image-definition-end-of-life",
  code: "ImageDefinitionEndOfLife",
  severity: "warning",
  basis: {
    own: "The date announces decommissioning: its readers expect no new versions.",
  },
  summary: "The end of life of the image definition, if it has one, is in the future.",
  check: ({ id, now, change, gathered }) => {
    const date = found(gathered.imageDefinition)?.endOfLifeDate;
    return change !== undefined || date === undefined || !(Date.parse(date) < now.getTime())
      ? []
      : [
          {
            pointer: "",
            message: `The end of life of the image definition ${imageIdOf(id)}, ${date}, is past.`,
            remediation: `Publish to another image definition, or move the date: az sig image-definition update --subscription ${id.subscriptionId} --resource-group ${id.resourceGroupName} --gallery-name ${id.galleryName} --gallery-image-definition ${id.imageName} --set endOfLifeDate=…`,
          },
        ];
  },
};
