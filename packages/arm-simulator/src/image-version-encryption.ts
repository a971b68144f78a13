import { invalidParameter } from "./arm-error.js";
import { requireSet } from "./disk-encryption-set-use.js";
import type { DiskImageEncryption, RegionEncryption, TargetRegion } from "./image-version-shape.js";
import type { ImageSource } from "./image-source.js";
import { canonicalRegion, displayNameOf } from "./regions.js";
import { parseComputeId } from "./resource-id.js";
import type { Store } from "./store.js";

const OS_DISK_TYPE = "EncryptedWithCmk";
const DATA_DISK_TYPE = "DataDiskEncryptedWithCmk";

const REGIONS_PATH = "galleryImageVersion.properties.publishingProfile.targetRegions";

/** True when any disk in any region is given an own key. */
export function usesCustomerKeys(regions: readonly TargetRegion[]): boolean {
  return regions.some(({ encryption }) => disksOf(encryption).length > 0);
}

/** The disks that are given a disk encryption set: "os" or a LUN. */
export function disksOf(encryption: RegionEncryption | undefined): readonly ("os" | number)[] {
  const { osDiskImage, dataDiskImages = [] } = encryption ?? {};
  return [
    ...(setOn(osDiskImage) === undefined ? [] : ["os" as const]),
    ...dataDiskImages.filter((image) => setOn(image) !== undefined).map(({ lun }) => lun ?? -1),
  ];
}

/** The disk encryption set of a disk, at rest or confidential. */
function setOn(image: DiskImageEncryption | undefined): string | undefined {
  return image?.diskEncryptionSetId ?? image?.securityProfile?.secureVMDiskEncryptionSetId;
}

/** True when any data disk is encrypted as a confidential one. */
export function hasConfidentialDataDisks(regions: readonly TargetRegion[]): boolean {
  return regions.some(({ encryption }) =>
    encryption?.dataDiskImages?.some(
      ({ securityProfile }) => securityProfile?.confidentialVMEncryptionType === DATA_DISK_TYPE,
    ),
  );
}

/**
 * Checks customer keys as Compute does: every set exists in the subscription and region that use
 * it, and works; every LUN is in the source; and a disk with a set in one region has one in all.
 * `had`: the version's present regions.
 */
export function validateEncryption(
  store: Store,
  subscriptionId: string,
  regions: readonly TargetRegion[],
  source: ImageSource,
  had: readonly TargetRegion[],
): void {
  // "only supports encryption for VMs, disks, snapshots and managed images"
  if (!source.encryptable && usesCustomerKeys(regions))
    throw invalidParameter(
      "galleryImageVersion.properties.storageProfile",
      `Encryption is not supported for source resource '${source.id}'. Please use a different source resource type which supports encryption or remove encryption properties`,
    );
  regions.forEach((region, index) => {
    const isNew = !had.some(
      ({ name }) => canonicalRegion(name ?? "") === canonicalRegion(region.name ?? ""),
    );
    validateRegion(store, subscriptionId, region, source, index, isNew);
  });

  // "If a disk uses a disk encryption set in one region, every region must give one for it."
  const disks = new Set(regions.flatMap(({ encryption }) => disksOf(encryption)));
  regions.forEach(({ name, encryption }, index) => {
    const given = disksOf(encryption);
    for (const disk of disks) {
      if (given.includes(disk)) continue;
      const elsewhere = regions.find((region) => disksOf(region.encryption).includes(disk));
      throw invalidParameter(
        `${REGIONS_PATH}[${index}].encryption`,
        `A disk encryption set is required for disk '${disk === "os" ? "galleryArtifactVersion.properties.publishingProfile.targetRegions.encryption.osDiskImage.diskEncryptionSetId" : `LUN ${disk}`}' in target region '${displayNameOf(name ?? "")}' since disk encryption set '${setOf(elsewhere?.encryption, disk)}' is used for the corresponding disk in region '${displayNameOf(elsewhere?.name ?? "")}'`,
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

function setOf(encryption: RegionEncryption | undefined, disk: "os" | number): string {
  const { osDiskImage, dataDiskImages = [] } = encryption ?? {};
  return setOn(disk === "os" ? osDiskImage : dataDiskImages.find(({ lun }) => lun === disk)) ?? "";
}

function validateSourceSubscription(source: ImageSource, subscriptionId: string): void {
  for (const disk of [source.osDisk, ...source.dataDisks]) {
    const owner = parseComputeId(disk.diskEncryptionSetId ?? "")?.subscriptionId;
    if (owner !== undefined && owner.toLowerCase() !== subscriptionId.toLowerCase())
      throw invalidParameter(
        "galleryImageVersion.properties.storageProfile.source",
        `Encrypted source: '${source.id}' is in a different subscription ID than the current gallery image version subscription '${subscriptionId}'. Please retry with an unencrypted source(s) or use the source's subscription '${owner}' to create the gallery image version`,
      );
  }
}

function validateRegion(
  store: Store,
  subscriptionId: string,
  { name = "", encryption }: TargetRegion,
  source: ImageSource,
  index: number,
  isNew: boolean,
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
      isNew,
    });

  const requireSets = (
    image: DiskImageEncryption | undefined,
    imagePath: string,
    keyedType: string,
  ): void => {
    if (image?.diskEncryptionSetId !== undefined)
      require(image.diskEncryptionSetId, `${imagePath}.diskEncryptionSetId`, false);
    const { confidentialVMEncryptionType, secureVMDiskEncryptionSetId: setId } =
      image?.securityProfile ?? {};
    const target = `${imagePath}.securityProfile.secureVMDiskEncryptionSetId`;
    if ((confidentialVMEncryptionType === keyedType) !== (setId !== undefined))
      throw invalidParameter(
        target,
        `'secureVMDiskEncryptionSetId' must be given exactly when 'confidentialVMEncryptionType' is '${keyedType}'.`,
      );
    if (setId !== undefined) require(setId, target, true);
  };

  requireSets(osDiskImage, `${path}.osDiskImage`, OS_DISK_TYPE);
  const seen = new Set<number>();
  dataDiskImages.forEach((image, diskIndex) => {
    const { lun } = image;
    const target = `${path}.dataDiskImages[${diskIndex}]`;
    if (lun === undefined)
      throw invalidParameter(
        `${target}.lun`,
        `Required parameter '${target}.lun' is missing (null).`,
      );
    if (seen.has(lun))
      throw invalidParameter(
        `${target}.lun`,
        `Duplicate luns '${lun}' were specified in target region '${displayNameOf(name)}' encryption.dataDiskImages`,
      );
    seen.add(lun);
    if (!source.dataDisks.some((disk) => disk.lun === lun))
      throw invalidParameter(
        `${target}.lun`,
        `An invalid lun [${lun}] was specified in encryption.dataDiskImages. The lun must be one of the following values ['${source.dataDisks.map((disk) => disk.lun).join(",")}']`,
      );
    requireSets(image, target, DATA_DISK_TYPE);
  });
}
