import { ArmError, invalidParameter } from "./arm-error.js";
import { fromDiskImages } from "./disk-source.js";
import { fromImageVersion } from "./gallery-source.js";
import {
  requireSource,
  STORAGE_PATH,
  type ImageSource,
  type SourceContext,
} from "./image-source.js";
import type { StorageProfile } from "./image-version-shape.js";
import { fromManagedImage } from "./managed-image-source.js";
import { parseComputeId } from "./resource-id.js";
import { fromVirtualMachine } from "./virtual-machine-source.js";

/** Finds the source that the storage profile names; throws what Compute answers when it is absent or unfit. */
export function findSource(context: SourceContext, profile: StorageProfile): ImageSource {
  const { source } = profile;
  const named = [source?.id, source?.virtualMachineId, source?.communityGalleryImageId].filter(
    (id) => id !== undefined,
  );
  const fromDisks = [profile.osDiskImage, ...(profile.dataDiskImages ?? [])].some(
    (disk) => disk?.source?.id !== undefined || disk?.source?.uri !== undefined,
  );
  if (named.length + (fromDisks ? 1 : 0) !== 1)
    throw invalidParameter(
      `${STORAGE_PATH}.source`,
      "The gallery artifact version source can only be specified either directly under storageProfile or within individual OS or data disks. One and only one source type (user image, snapshot, disk, virtual machine) can be provided",
    );
  if (source?.communityGalleryImageId !== undefined)
    throw new ArmError(
      404,
      "GalleryImageNotFound",
      `The community gallery image '${source.communityGalleryImageId}' is not found.`,
      { target: `${STORAGE_PATH}.source.communityGalleryImageId` },
    );
  if (source?.virtualMachineId !== undefined)
    return fromNamed(context, source.virtualMachineId, "virtualMachineId");
  if (source?.id !== undefined) return fromNamed(context, source.id, "id");
  return fromDiskImages(context, profile);
}

function fromNamed(
  context: SourceContext,
  id: string,
  member: "id" | "virtualMachineId",
): ImageSource {
  const target = `${STORAGE_PATH}.source.${member}`;
  const parsed = parseComputeId(id);
  const type = parsed?.type.toLowerCase();
  // Azure/azure-cli#28700.
  if (member === "id" && type === "virtualmachines")
    throw invalidParameter(
      `${STORAGE_PATH}.source`,
      `The gallery image version source id: '${id}' must be specified in '${STORAGE_PATH}.source.virtualMachineId'.`,
    );
  const allowed = member === "id" ? ["images", "galleries/images/versions"] : ["virtualmachines"];
  if (type === undefined || !allowed.includes(type))
    throw invalidParameter(
      target,
      parsed === undefined
        ? `Property id '${id}' at path '${target.replace("galleryImageVersion.", "")}' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.`
        : `The source id: ${id} must either be a managed image, virtual machine or another gallery image version`,
    );
  if (type === "galleries/images/versions") return fromImageVersion(context, id, target);
  const resource = requireSource(context, id, target);
  return type === "images"
    ? fromManagedImage(resource)
    : fromVirtualMachine(context, resource, target);
}
