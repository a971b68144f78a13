import { invalidParameter } from "./arm-error.js";
import { requireSet } from "./disk-encryption-set-use.js";
import type { RegionEncryption, TargetRegion } from "./image-version-shape.js";
import type { ImageSource } from "./image-source.js";
import { displayNameOf } from "./regions.js";
import { parseComputeId } from "./resource-id.js";
import type { Store } from "./store.js";

const REGIONS_PATH =
  "galleryImageVersion.properties.publishingProfile.targetRegions";

/** True when any disk in any region is given an own key. */
export function usesCustomerKeys(regions: readonly TargetRegion[]): boolean {
  return regions.some(({ encryption }) => disksOf(encryption).length > 0);
}

/** The disks that are given a disk encryption set: "os" or a LUN. */
export function disksOf(
  encryption: RegionEncryption | undefined,
): readonly ("os" | number)[] {
  const { osDiskImage, dataDiskImages = [] } = encryption ?? {};
  const os =
    osDiskImage?.diskEncryptionSetId !== undefined ||
    osDiskImage?.securityProfile?.secureVMDiskEncryptionSetId !== undefined;
  return [
    ...(os ? ["os" as const] : []),
    ...dataDiskImages
      .filter(({ diskEncryptionSetId }) => diskEncryptionSetId !== undefined)
      .map(({ lun }) => lun ?? -1),
  ];
}

/**
 * Checks what Compute checks of own keys: every set exists in the subscription and region it is used in and works, every
 * LUN is in the source, and a disk that has a set in one region has one in all.
 */
export function validateEncryption(
  store: Store,
  subscriptionId: string,
  regions: readonly TargetRegion[],
  source: ImageSource,
): void {
  regions.forEach((region, index) => {
    validateRegion(store, subscriptionId, region, source, index);
  });

  // "If a disk uses a disk encryption set in one region, every region must give one for it."
  const disks = new Set(
    regions.flatMap(({ encryption }) => disksOf(encryption)),
  );
  regions.forEach(({ name, encryption }, index) => {
    const given = disksOf(encryption);
    for (const disk of disks) {
      if (given.includes(disk)) continue;
      const what =
        disk === "os" ? "the OS disk" : `the data disk at LUN ${disk}`;
      throw invalidParameter(
        `${REGIONS_PATH}[${index}].encryption`,
        `A disk encryption set is given for ${what} in another region but not in region '${displayNameOf(name ?? "")}'. It must be given in every target region.`,
      );
    }
  });

  // "Once you're using your own keys to encrypt a disk or image, you can't go back to using platform-managed keys."
  const encrypted: ("os" | number)[] = [
    ...(source.osDisk.diskEncryptionSetId === undefined ? [] : ["os" as const]),
    ...source.dataDisks
      .filter(({ diskEncryptionSetId }) => diskEncryptionSetId !== undefined)
      .map(({ lun }) => lun),
  ];
  for (const disk of encrypted)
    if (!disks.has(disk))
      throw invalidParameter(
        `${REGIONS_PATH}[0].encryption`,
        `The ${disk === "os" ? "OS disk" : `data disk at LUN ${disk}`} of the source is encrypted with a customer-managed key. A disk encryption set must be given for it in every target region.`,
      );
  validateSourceSubscription(source, subscriptionId);
}

function validateSourceSubscription(
  source: ImageSource,
  subscriptionId: string,
): void {
  for (const disk of [source.osDisk, ...source.dataDisks]) {
    const owner = parseComputeId(
      disk.diskEncryptionSetId ?? "",
    )?.subscriptionId;
    if (
      owner !== undefined &&
      owner.toLowerCase() !== subscriptionId.toLowerCase()
    )
      throw invalidParameter(
        "galleryImageVersion.properties.storageProfile.source",
        `The source is encrypted with the disk encryption set '${disk.diskEncryptionSetId}' of subscription '${owner}'. An encrypted source must be in the subscription of the gallery image version, '${subscriptionId}'.`,
      );
  }
}

function validateRegion(
  store: Store,
  subscriptionId: string,
  { name = "", encryption }: TargetRegion,
  source: ImageSource,
  index: number,
): void {
  const path = `${REGIONS_PATH}[${index}].encryption`;
  const { osDiskImage, dataDiskImages = [] } = encryption ?? {};
  const require = (id: string, target: string, confidential: boolean): void =>
    requireSet(store, {
      id,
      target,
      region: name,
      subscriptionId,
      confidential,
    });

  if (osDiskImage?.diskEncryptionSetId !== undefined)
    require(osDiskImage.diskEncryptionSetId, `${path}.osDiskImage.diskEncryptionSetId`, false);
  const security = osDiskImage?.securityProfile;
  const secureSetId = security?.secureVMDiskEncryptionSetId;
  const needsSecureSet =
    security?.confidentialVMEncryptionType === "EncryptedWithCmk";
  const securityTarget = `${path}.osDiskImage.securityProfile.secureVMDiskEncryptionSetId`;
  if (needsSecureSet !== (secureSetId !== undefined))
    throw invalidParameter(
      securityTarget,
      "'secureVMDiskEncryptionSetId' must be given exactly when 'confidentialVMEncryptionType' is 'EncryptedWithCmk'.",
    );
  if (secureSetId !== undefined) require(secureSetId, securityTarget, true);

  const seen = new Set<number>();
  dataDiskImages.forEach(({ lun, diskEncryptionSetId }, diskIndex) => {
    const target = `${path}.dataDiskImages[${diskIndex}]`;
    if (lun === undefined)
      throw invalidParameter(
        `${target}.lun`,
        `Required parameter '${target}.lun' is missing (null).`,
      );
    if (seen.has(lun))
      throw invalidParameter(`${target}.lun`, `The LUN ${lun} is given twice.`);
    seen.add(lun);
    if (!source.dataDisks.some((disk) => disk.lun === lun))
      throw invalidParameter(
        `${target}.lun`,
        `The LUN ${lun} does not match a data disk of the source. LUNs of the source: ${source.dataDisks.map((disk) => disk.lun).join(", ") || "none"}.`,
      );
    if (diskEncryptionSetId !== undefined)
      require(diskEncryptionSetId, `${target}.diskEncryptionSetId`, false);
  });
  // Not documented but in the order of `--target-region-encryption`, which begins with the OS disk: rule and code are guesses.
  const onlyDataDisks =
    disksOf(encryption).length > 0 &&
    osDiskImage?.diskEncryptionSetId === undefined &&
    security?.confidentialVMEncryptionType === undefined;
  if (onlyDataDisks)
    throw invalidParameter(
      `${path}.osDiskImage`,
      `A disk encryption set is given for data disks in region '${displayNameOf(name)}' but not for the OS disk. It must be given for the OS disk, too.`,
    );
}
