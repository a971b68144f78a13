import { diskImagesOf, sourceKinds, type DiskImage } from "../../properties/source-kinds.js";
import { STORAGE_PROFILE, type Breach, type RequestRule } from "../rule.js";

export const sourceGiven: RequestRule = {
  name: "source-given",
  code: "MissingSource",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "A new version has a source for its OS disk, and every disk image names its disk.",
  check: ({ request, change }) => {
    // Without a source, an update keeps the version's own.
    if (change !== undefined) return [];
    const kinds = sourceKinds(request);
    const missing: Breach[] =
      kinds.length === 0 || kinds.every((kind) => kind === "dataDiskImages.source")
        ? [
            {
              pointer: STORAGE_PROFILE,
              message:
                kinds.length === 0
                  ? "The version has no source."
                  : "The version has sources for data disks, but none for its OS disk.",
              remediation: `Set exactly one: source.id (managed image, image version), source.virtualMachineId, source.communityGalleryImageId, or osDiskImage.source (disk, snapshot, VHD) with dataDiskImages.${kinds.length === 0 ? " To restore a deleted version: POST …/restore." : ""}`,
            },
          ]
        : [];
    const fromDisks = kinds.includes("osDiskImage.source");
    return [...missing, ...diskImagesOf(request).flatMap((image) => ofDisk(image, fromDisks))];
  },
};

function ofDisk({ pointer, disk, source }: DiskImage, fromDisks: boolean): Breach[] {
  const { id, storageAccountId, uri } = source ?? {};
  const breach = (field: string, message: string, remediation: string) => [
    { pointer: `${pointer}${field}`, message, remediation },
  ];
  if (id !== undefined) return [];
  if (uri === undefined && storageAccountId === undefined) {
    return source === undefined && !fromDisks
      ? []
      : breach(
          "/source",
          `${disk} has no source.`,
          "Set either id (a managed disk or snapshot) or storageAccountId and uri (a VHD).",
        );
  }
  if (uri === undefined)
    return breach(
      "/source/uri",
      `${disk} has storageAccountId ${storageAccountId} without uri: a VHD needs both.`,
      "Set uri to the address of the VHD's blob.",
    );
  return storageAccountId === undefined
    ? breach(
        "/source/storageAccountId",
        `${disk} has uri ${uri} without storageAccountId: a VHD needs both.`,
        "Set storageAccountId to the resource id of the VHD's storage account.",
      )
    : [];
}
