import type { Finding } from "../../errors.js";
import { targetRegionsOf } from "../canonical-form.js";
import type { ImageVersionRequest } from "../contract.js";
import {
  STORAGE_PROFILE,
  TARGET_REGIONS,
  type FactRule,
  type Facts,
} from "./rule.js";

/** One place in a request that names a resource to make the version from. */
export interface SourceReference {
  readonly pointer: string;
  readonly id: string;
}

/** Every resource that a canonical request takes disks from, with the field that names it. */
export function sourceReferences(
  request: ImageVersionRequest,
): readonly SourceReference[] {
  const { source, osDiskImage, dataDiskImages } =
    request.properties.storageProfile;
  const reference = (
    pointer: string,
    id: string | undefined,
  ): SourceReference[] =>
    id === undefined ? [] : [{ pointer: `${STORAGE_PROFILE}/${pointer}`, id }];
  return [
    ...reference("source/id", source?.id),
    ...reference("source/virtualMachineId", source?.virtualMachineId),
    ...reference("osDiskImage/source/id", osDiskImage?.source?.id),
    ...(dataDiskImages ?? []).flatMap((image, i) =>
      reference(`dataDiskImages/${i}/source/id`, image.source?.id),
    ),
  ];
}

/** LUNs of the data disks that the version will have, or undefined where the source cannot be looked into. */
export function sourceDataDiskLuns(
  request: ImageVersionRequest,
  facts: Facts,
): readonly number[] | undefined {
  const { source, osDiskImage, dataDiskImages } =
    request.properties.storageProfile;
  if (osDiskImage?.source !== undefined)
    return (dataDiskImages ?? []).map((image) => image.lun);
  const id = source?.id ?? source?.virtualMachineId;
  return id === undefined
    ? undefined
    : facts.sources.get(id.toLowerCase())?.dataDiskLuns;
}

/** Every source exists. */
export const sourcesExist: FactRule = (_id, request, facts) =>
  sourceReferences(request).flatMap(({ pointer, id }): Finding[] =>
    facts.sources.get(id.toLowerCase()) === undefined
      ? [
          {
            code: "SourceNotFound",
            pointer,
            message: `${id} does not exist, or Sigil's identity may not read it. Correct the id, or give the identity the Reader role there.`,
          },
        ]
      : [],
  );

/** Every LUN that is given a disk encryption set is a LUN of the source. */
export const everyLunExistsInTheSource: FactRule = (_id, request, facts) => {
  const luns = sourceDataDiskLuns(request, facts);
  if (luns === undefined) return [];
  const known =
    luns.length === 0 ? "it has no data disks" : `it has ${luns.join(", ")}`;
  return targetRegionsOf(request).flatMap((region, i) =>
    (region.encryption?.dataDiskImages ?? []).flatMap((image, j): Finding[] =>
      luns.includes(image.lun)
        ? []
        : [
            {
              code: "LunNotInSource",
              pointer: `${TARGET_REGIONS}/${i}/encryption/dataDiskImages/${j}/lun`,
              message: `The source has no data disk at LUN ${image.lun}: ${known}. Correct the LUN or leave this entry out.`,
            },
          ],
    ),
  );
};
