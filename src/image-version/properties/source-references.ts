import { isComputeResourceId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import { STORAGE_PROFILE } from "./table.js";

const IMAGE_VERSION = "galleries/images/versions";
const IMAGE_TYPES = ["images", IMAGE_VERSION, "virtualMachines"];
const DISK_TYPES = ["disks", "snapshots"];

/** A place in a request that names a source of the version. */
export interface SourceReference {
  readonly pointer: string;
  readonly id: string;
  /** Types of Microsoft.Compute that are valid in this place. */
  readonly types: readonly string[];
}

/** Every resource whose disks a canonical request takes, with its field. */
export function sourceReferences(request: ImageVersionRequest): readonly SourceReference[] {
  const { source, osDiskImage, dataDiskImages } = request.properties.storageProfile ?? {};
  const reference = (
    path: string,
    id: string | undefined,
    types: readonly string[],
  ): SourceReference[] =>
    id === undefined ? [] : [{ pointer: `${STORAGE_PROFILE}/${path}`, id, types }];
  return [
    ...reference("source/id", source?.id, IMAGE_TYPES),
    ...reference("source/virtualMachineId", source?.virtualMachineId, ["virtualMachines"]),
    ...reference("osDiskImage/source/id", osDiskImage?.source?.id, DISK_TYPES),
    ...(dataDiskImages ?? []).flatMap((image, i) =>
      reference(`dataDiskImages/${i}/source/id`, image.source?.id, DISK_TYPES),
    ),
  ];
}

/** Whether the id can be a source in its place; another rule reports it if not. */
export function namesSource({ id, types }: SourceReference): boolean {
  return types.some((type) => isComputeResourceId(id, type));
}

export function isImageVersion({ id }: { readonly id: string }): boolean {
  return isComputeResourceId(id, IMAGE_VERSION);
}
