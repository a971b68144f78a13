import { disksOfType } from "../disks-of-type.js";
import type { FactRule } from "../rule.js";

export const premiumV2Disks: FactRule = {
  name: "premium-v2-disks",
  code: "PremiumV2Disk",
  severity: "warning",
  basis: {
    guess:
      '"Premium SSD v2 disks can\'t be used with Azure Compute Gallery" (Deploy a Premium SSD v2), while the gallery has a storage account type PremiumV2_LRS.',
  },
  summary:
    "No disk of the source is a Premium SSD v2; Microsoft's documents disagree whether Azure refuses one.",
  check: (subject) =>
    disksOfType(
      subject,
      "PremiumV2_LRS",
      "one page of Microsoft's says that Azure makes no image version of it, another lists its type",
    ),
};
