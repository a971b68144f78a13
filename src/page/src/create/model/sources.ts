import type { ImageName } from "../../routes.js";
import type { SourceKind } from "./form.js";

interface SourceText {
  readonly name: string;
  /** An example of its resource id. */
  readonly example: string;
  /** Its type under Microsoft.Compute; absent: a name is not enough to identify it. */
  readonly type?: string;
}

export const SOURCE_TEXTS: Readonly<Record<SourceKind, SourceText>> = {
  managedImage: { name: "Managed image", example: "myImage", type: "images" },
  virtualMachine: {
    name: "Virtual machine",
    example: "myVM",
    type: "virtualMachines",
  },
  disks: {
    name: "Snapshots or disks",
    example: "mySnapshot",
    type: "snapshots",
  },
  vhd: {
    name: "VHDs in a storage account",
    example: "https://mystorageaccount.blob.core.windows.net/vhds/os.vhd",
  },
  imageVersion: {
    name: "Another image version",
    example: "MyImage/1.0.0",
  },
  other: { name: "As the request has it", example: "" },
};

/**
 * As az reads it: a name is that of a resource in the gallery's own resource group. An image version's number may have its image
 * definition before it, and that its gallery.
 */
export function expandedId(
  text: string,
  kind: SourceKind,
  { subscriptionId, resourceGroupName, galleryName, imageName }: ImageName,
): string {
  const name = text.trim();
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/Microsoft.Compute`;
  if (kind === "imageVersion") {
    const [, gallery = galleryName, image = imageName, version] =
      /^(?:(?:([\w.]+)\/)?([\w.-]+)\/)?(\d+\.\d+\.\d+)$/u.exec(name) ?? [];
    return version === undefined
      ? name
      : `${group}/galleries/${gallery}/images/${image}/versions/${version}`;
  }
  const { type } = SOURCE_TEXTS[kind];
  return type === undefined || !/^[\w.-]+$/u.test(name) ? name : `${group}/${type}/${name}`;
}

/** The storage account of VHDs, likewise. */
export function storageAccountId(
  text: string,
  { subscriptionId, resourceGroupName }: ImageName,
): string {
  const name = text.trim();
  return /^[a-z0-9]{3,24}$/u.test(name)
    ? `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/Microsoft.Storage/storageAccounts/${name}`
    : name;
}
