import { seenSources } from "../source.js";
import { isImageVersion } from "../../properties/source-references.js";
import type { Breach, GatheredRule } from "../rule.js";

export const customerKeySource: GatheredRule = {
  name: "customer-key-source",
  code: "CustomerKeySource",
  severity: "error",
  basis: { documented: "encryption" },
  summary: "The source is not an image version with customer-managed keys, which cannot be copied.",
  check: ({ request, gathered }) =>
    seenSources(request, gathered).flatMap(({ reference: { pointer }, source }): Breach[] => {
      const set = [source.osDisk, ...source.dataDisks].find(
        (disk) => disk.diskEncryptionSetId !== undefined,
      )?.diskEncryptionSetId;
      return set === undefined || !isImageVersion(source)
        ? []
        : [
            {
              pointer,
              message: `${source.id} is encrypted with the disk encryption set ${set}. An image version with customer-managed keys cannot be copied.`,
              remediation:
                "Use the source of that version (a managed image, virtual machine, disks or snapshots), or an image version with platform-managed keys.",
            },
          ];
    }),
};
