import { targetRegionsOf } from "../../properties/canonical-form.js";
import { sourceDataDiskLuns } from "../source.js";
import { TARGET_REGIONS, type Breach, type GatheredRule } from "../rule.js";

export const lunsInSource: GatheredRule = {
  name: "luns-in-source",
  code: "LunNotInSource",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Every LUN with a disk encryption set is a LUN of the source.",
  check: ({ request, gathered }) => {
    const luns = sourceDataDiskLuns(request, gathered);
    if (luns === undefined) return [];
    const known = luns.length === 0 ? "it has no data disks" : `it has ${luns.join(", ")}`;
    return targetRegionsOf(request).flatMap((region, i) =>
      (region.encryption?.dataDiskImages ?? []).flatMap(({ lun }, j): Breach[] =>
        luns.includes(lun)
          ? []
          : [
              {
                pointer: `${TARGET_REGIONS}/${i}/encryption/dataDiskImages/${j}/lun`,
                message: `The source has no data disk at LUN ${lun}, but ${region.name} names a disk encryption set for it: ${known}.`,
                remediation:
                  luns.length === 0
                    ? "Leave this entry out."
                    : `Correct the LUN to one of ${luns.join(", ")}, or leave this entry out.`,
              },
            ],
      ),
    );
  },
};
