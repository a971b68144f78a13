import type { Finding } from "../../errors.js";
import { targetRegionsOf } from "../canonical-form.js";
import type { ImageVersionRequest, TargetRegion } from "../contract.js";
import { TARGET_REGIONS, type FactRule, type RequestRule } from "./rule.js";
import { sourceDataDiskLuns } from "./source-disks.js";

/** Each region gives a data disk one disk encryption set at most. */
export const oneEntryForALun: RequestRule = (_id, request) =>
  targetRegionsOf(request).flatMap((region, i) => repeatedLuns(region, i));

/**
 * A version that uses own keys uses them for every disk of its source, in every region: none is left to platform
 * keys in silence. ARM asks the half of it: a disk encrypted with a set in one region needs one in each.
 */
export const everyDiskInEveryRegion: FactRule = (_id, request, facts) => {
  if (!hasOwnKeys(request)) return [];
  const encrypted = encryptedLuns(targetRegionsOf(request));
  const luns = new Set([
    ...encrypted,
    ...(sourceDataDiskLuns(request, facts) ?? []),
  ]);
  return missing(
    request,
    [...luns].sort((a, b) => a - b),
  );
};

function missing(
  request: ImageVersionRequest,
  luns: readonly number[],
): Finding[] {
  return targetRegionsOf(request).flatMap((region, i) => {
    const pointer = `${TARGET_REGIONS}/${i}/encryption`;
    const os = region.encryption?.osDiskImage;
    const findings: Finding[] = [];
    if (
      os?.diskEncryptionSetId === undefined &&
      os?.securityProfile?.confidentialVMEncryptionType === undefined
    ) {
      findings.push(
        without(
          `${pointer}/osDiskImage/diskEncryptionSetId`,
          "the OS disk",
          region.name,
        ),
      );
    }
    const given = region.encryption?.dataDiskImages ?? [];
    for (const lun of luns) {
      const at = given.findIndex((image) => image.lun === lun);
      if (at === -1 || given[at]?.diskEncryptionSetId === undefined) {
        const path =
          at === -1
            ? "dataDiskImages"
            : `dataDiskImages/${at}/diskEncryptionSetId`;
        findings.push(
          without(
            `${pointer}/${path}`,
            `the data disk at LUN ${lun}`,
            region.name,
          ),
        );
      }
    }
    return findings;
  });
}

function without(pointer: string, disk: string, region: string): Finding {
  return {
    code: "DiskEncryptionSetMissing",
    pointer,
    message: `No disk encryption set is given for ${disk} in ${region}, though other disks of this version have one. Give a set that is in ${region}, or none for any disk in any region.`,
  };
}

function hasOwnKeys(request: ImageVersionRequest): boolean {
  return targetRegionsOf(request).some(
    ({ encryption }) =>
      encryption?.osDiskImage?.diskEncryptionSetId !== undefined ||
      encryption?.osDiskImage?.securityProfile?.secureVMDiskEncryptionSetId !==
        undefined ||
      encryption?.dataDiskImages?.some(
        (image) => image.diskEncryptionSetId !== undefined,
      ),
  );
}

function encryptedLuns(regions: readonly TargetRegion[]): number[] {
  return regions.flatMap((region) =>
    (region.encryption?.dataDiskImages ?? [])
      .filter((image) => image.diskEncryptionSetId !== undefined)
      .map((image) => image.lun),
  );
}

function repeatedLuns(region: TargetRegion, index: number): Finding[] {
  const luns = (region.encryption?.dataDiskImages ?? []).map(
    (image) => image.lun,
  );
  return luns.flatMap((lun, j) =>
    luns.indexOf(lun) === j
      ? []
      : [
          {
            code: "DuplicateLun",
            pointer: `${TARGET_REGIONS}/${index}/encryption/dataDiskImages/${j}/lun`,
            message: `LUN ${lun} is given twice in ${region.name}. Give each data disk one disk encryption set.`,
          },
        ],
  );
}
