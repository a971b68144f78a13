import type { ImageName } from "../../routes.js";
import type { SourceKind } from "./form.js";

interface SourceText {
  readonly name: string;
  /** What a resource id of it looks like. */
  readonly example: string;
  /** Its type under Microsoft.Compute; absent where a name alone names none. */
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
  imageVersion: {
    name: "Another image version",
    example: "/subscriptions/…/galleries/…/images/…/versions/1.0.0",
  },
  other: { name: "As the request has it", example: "" },
};

/** As az reads it: a name is that of a resource in the gallery's own resource group. */
export function expandedId(
  text: string,
  kind: SourceKind,
  { subscriptionId, resourceGroupName }: ImageName,
): string {
  const name = text.trim();
  const { type } = SOURCE_TEXTS[kind];
  return type === undefined || !/^[\w.-]+$/u.test(name)
    ? name
    : `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/Microsoft.Compute/${type}/${name}`;
}
