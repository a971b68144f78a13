import { targetRegionsOf } from "../../properties/canonical-form.js";
import { STORAGE_PROFILE, TARGET_REGIONS, type Breach, type RequestRule } from "../rule.js";

export const uniqueLuns: RequestRule = {
  name: "unique-luns",
  code: "DuplicateLun",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary:
    "Each LUN appears once among the data disks of a version, and once among the keys of a region.",
  check: ({ request }) => [
    ...repeated(
      request.properties.storageProfile.dataDiskImages,
      `${STORAGE_PROFILE}/dataDiskImages`,
      "among the version's data disks",
      "Use a different LUN for each data disk",
    ),
    ...targetRegionsOf(request).flatMap((region, i) =>
      repeated(
        region.encryption?.dataDiskImages,
        `${TARGET_REGIONS}/${i}/encryption/dataDiskImages`,
        `in ${region.name}`,
        "Name one disk encryption set for each data disk",
      ),
    ),
  ],
};

function repeated(
  disks: readonly { readonly lun: number }[] | undefined,
  pointer: string,
  place: string,
  advice: string,
): Breach[] {
  const luns = (disks ?? []).map((disk) => disk.lun);
  return luns.flatMap((lun, i) =>
    luns.indexOf(lun) === i
      ? []
      : [
          {
            pointer: `${pointer}/${i}/lun`,
            message: `Entries ${luns.indexOf(lun)} and ${i} ${place} have the same LUN ${lun}.`,
            remediation: `${advice}: remove one of the two entries, or change its LUN.`,
          },
        ],
  );
}
