import type { Version } from "../dialogs/action.js";

/** Its source: one for all disks, or one for each. */
export function sourcesOf({ properties }: Version): readonly string[] {
  const { source, osDiskImage, dataDiskImages = [] } = properties.storageProfile;
  if (source)
    return [source.id, source.virtualMachineId, source.communityGalleryImageId]
      .filter((id) => id !== undefined)
      .slice(0, 1);
  return [osDiskImage, ...dataDiskImages]
    .map((disk) => disk?.source?.id ?? disk?.source?.uri)
    .filter((id) => id !== undefined);
}
