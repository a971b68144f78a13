import { disksOfType } from "../disks-of-type.js";
import type { GatheredRule } from "../rule.js";

/** "Premium SSD v2 disks can't be used with Azure Compute Gallery" (Deploy a Premium SSD v2). */
export const premiumV2Disks: GatheredRule = {
  name: "premium-v2-disks",
  code: "PremiumV2Disk",
  severity: "error",
  basis: { documented: "premiumV2" },
  summary:
    "No disk of the source is a Premium SSD v2: Azure accepts one, then fails in each region.",
  check: (subject) =>
    disksOfType(
      subject,
      "PremiumV2_LRS",
      "Azure accepts it, then fails in each region, because it cannot snapshot one (Azure/azure-cli#29091, June 2024; it may have changed since)",
    ),
};
