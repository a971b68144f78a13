import { disksOf } from "./image-version-encryption.js";
import type {
  DiskImageEncryption,
  ImageVersionProperties,
  RegionEncryption,
  StorageProfile,
  TargetRegion,
} from "./image-version-shape.js";
import type { ImageSource } from "./image-source.js";
import { displayNameOf, findRegion } from "./regions.js";
import { parseComputeId } from "./resource-id.js";
import type { ImageVersionRecord } from "./state.js";
import type { Store } from "./store.js";

/** "If no storageAccountStrategy is specified, PreferStandard_ZRS is the default (from API version 2025-03-03 onwards)". */
const ZRS_BY_DEFAULT_SINCE = "2025-03-03";

/**
 * Fills in what Compute fills in and spells ids and regions as it does: region names as display names (`West US`), ids
 * as the resources themselves are spelled.
 */
export function fillDefaults(
  store: Store,
  asked: ImageVersionProperties,
  regions: readonly TargetRegion[],
  source: ImageSource,
  context: {
    apiVersion: string;
    publishedDate: string;
    before: ImageVersionRecord | undefined;
  },
): ImageVersionProperties {
  const profile = asked.publishingProfile ?? {};
  const before = context.before?.properties.publishingProfile;
  const storageAccountType = profile.storageAccountType ?? before?.storageAccountType;
  const storageAccountStrategy =
    storageAccountType !== undefined
      ? undefined
      : (profile.storageAccountStrategy ??
        before?.storageAccountStrategy ??
        (context.apiVersion >= ZRS_BY_DEFAULT_SINCE
          ? "PreferStandard_ZRS"
          : "DefaultStandard_LRS"));
  const oldTypes = new Map(
    (before?.targetRegions ?? []).map((region) => [region.name, region.storageAccountType]),
  );

  return {
    publishingProfile: {
      targetRegions: regions.map((region) => {
        const name = displayNameOf(region.name ?? "");
        const zones = findRegion(name)?.zones === true;
        return {
          name,
          regionalReplicaCount: region.regionalReplicaCount ?? profile.replicaCount ?? 1,
          storageAccountType:
            region.storageAccountType ??
            oldTypes.get(name) ??
            storageAccountType ??
            (storageAccountStrategy === "PreferStandard_ZRS" && zones
              ? "Standard_ZRS"
              : "Standard_LRS"),
          // Seen on excluded versions: a region has its own flag only if the request gave it one.
          ...(typeof region.excludeFromLatest === "boolean"
            ? { excludeFromLatest: region.excludeFromLatest }
            : {}),
          ...(region.encryption === undefined
            ? {}
            : { encryption: spellEncryption(store, region.encryption) }),
          ...(region.additionalReplicaSets === undefined
            ? {}
            : { additionalReplicaSets: region.additionalReplicaSets }),
        };
      }),
      ...(profile.targetExtendedLocations === undefined
        ? {}
        : { targetExtendedLocations: profile.targetExtendedLocations }),
      replicaCount: profile.replicaCount ?? 1,
      excludeFromLatest: profile.excludeFromLatest ?? false,
      ...(profile.endOfLifeDate === undefined ? {} : { endOfLifeDate: profile.endOfLifeDate }),
      ...(storageAccountType === undefined ? {} : { storageAccountType }),
      ...(storageAccountStrategy === undefined ? {} : { storageAccountStrategy }),
      replicationMode: profile.replicationMode ?? before?.replicationMode ?? "Full",
      publishedDate: context.publishedDate,
    },
    storageProfile:
      context.before?.properties.storageProfile ??
      fillStorage(store, asked.storageProfile ?? {}, source),
    safetyProfile: {
      allowDeletionOfReplicatedLocations:
        asked.safetyProfile?.allowDeletionOfReplicatedLocations ?? false,
      ...(asked.safetyProfile?.blockDeletionBeforeEndOfLife === undefined
        ? {}
        : {
            blockDeletionBeforeEndOfLife: asked.safetyProfile.blockDeletionBeforeEndOfLife,
          }),
    },
    ...(asked.securityProfile === undefined ? {} : { securityProfile: asked.securityProfile }),
  };
}

function fillStorage(store: Store, asked: StorageProfile, source: ImageSource): StorageProfile {
  const spell = (id: string): string => spellId(store, id);
  const spellSource = <T extends { id?: string; virtualMachineId?: string }>(given: T): T => ({
    ...given,
    ...(given.id === undefined ? {} : { id: spell(given.id) }),
    ...(given.virtualMachineId === undefined
      ? {}
      : { virtualMachineId: spell(given.virtualMachineId) }),
  });
  return {
    ...(asked.source === undefined ? {} : { source: spellSource(asked.source) }),
    osDiskImage: {
      sizeInGB: source.osDisk.sizeInGB,
      hostCaching: asked.osDiskImage?.hostCaching ?? source.osDisk.hostCaching,
      ...(asked.osDiskImage?.source === undefined
        ? {}
        : { source: spellSource(asked.osDiskImage.source) }),
    },
    dataDiskImages: source.dataDisks.map((disk) => {
      const given = asked.dataDiskImages?.find(({ lun }) => lun === disk.lun);
      return {
        lun: disk.lun,
        sizeInGB: disk.sizeInGB,
        hostCaching: given?.hostCaching ?? disk.hostCaching,
        ...(given?.source === undefined ? {} : { source: spellSource(given.source) }),
      };
    }),
  };
}

function spellEncryption(
  store: Store,
  { osDiskImage, dataDiskImages }: RegionEncryption,
): RegionEncryption {
  const spelled = <Image extends DiskImageEncryption>(image: Image): Image => {
    const { diskEncryptionSetId, securityProfile } = image;
    const secureId = securityProfile?.secureVMDiskEncryptionSetId;
    return {
      ...image,
      ...(diskEncryptionSetId !== undefined && {
        diskEncryptionSetId: spellId(store, diskEncryptionSetId),
      }),
      ...(secureId !== undefined && {
        securityProfile: {
          ...securityProfile,
          secureVMDiskEncryptionSetId: spellId(store, secureId),
        },
      }),
    };
  };
  return {
    ...(osDiskImage && { osDiskImage: spelled(osDiskImage) }),
    ...(dataDiskImages &&
      disksOf({ dataDiskImages }).length > 0 && {
        dataDiskImages: dataDiskImages.map(spelled),
      }),
  };
}

function spellId(store: Store, id: string): string {
  const parsed = parseComputeId(id);
  return parsed === undefined ? id : store.canonicalId(parsed);
}
