import { seenSources } from "../source.js";
import { isImageVersion } from "../../properties/source-references.js";
import type { Breach, FactRule } from "../rule.js";

export const customerKeySource: FactRule = {
  name: "customer-key-source",
  code: "CustomerKeySource",
  severity: "error",
  basis: { documented: "encryption" },
  summary:
    "An image version that is encrypted with customer-managed keys is the source of no other: it cannot be copied.",
  check: ({ request, facts }) =>
    seenSources(request, facts).flatMap(({ reference: { pointer }, source }): Breach[] => {
      const set = [source.osDisk, ...source.dataDisks].find(
        (disk) => disk.diskEncryptionSetId !== undefined,
      )?.diskEncryptionSetId;
      return set === undefined || !isImageVersion(source)
        ? []
        : [
            {
              pointer,
              message: `${source.id} is encrypted with the disk encryption set ${set}; an image version with customer-managed keys cannot be copied.`,
              remediation:
                "Make the version from what that one was made from (a managed image, virtual machine, disks or snapshots), or from an image version with platform-managed keys.",
            },
          ];
    }),
};
