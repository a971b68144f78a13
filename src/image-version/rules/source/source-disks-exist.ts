import { sameResourceId } from "../../../resource-id.js";
import { seenSources } from "../source.js";
import type { Breach, GatheredRule } from "../rule.js";

export const sourceDisksExist: GatheredRule = {
  name: "source-disks-exist",
  code: "SourceDiskNotFound",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Every managed disk of a source virtual machine exists.",
  check: ({ request, gathered }) =>
    seenSources(request, gathered).flatMap(({ reference: { pointer }, source }) =>
      [
        { ...source.osDisk, what: "OS disk" },
        ...source.dataDisks.map((disk) => ({
          ...disk,
          what: `data disk at LUN ${disk.lun}`,
        })),
      ].flatMap(({ id, what }): Breach[] =>
        id === undefined ||
        sameResourceId(id, source.id) ||
        gathered.sources.get(id.toLowerCase())?.kind !== "absent"
          ? []
          : [
              {
                pointer,
                message: `${id}, the ${what} of ${source.id}, does not exist.`,
                remediation: `Use another source, or attach the disk to ${source.id} again: az vm disk attach for a data disk, az vm update --os-disk for the OS disk.`,
              },
            ],
      ),
    ),
};
