import { isImageVersion } from "../../properties/source-references.js";
import { diskImagesOf } from "../../properties/source-kinds.js";
import { usesOwnKeys } from "../../properties/disk-encryption-references.js";
import { STORAGE_PROFILE, type Breach, type RequestRule } from "../rule.js";

export const sourceSupportsEncryption: RequestRule = {
  name: "source-supports-encryption",
  code: "EncryptionNotSupportedForSource",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary:
    "A new version with customer-managed keys is created from a virtual machine, disks, snapshots or a managed image, not from a VHD or an image version.",
  check: ({ request, change }) => {
    // The source was judged when the version was created.
    if (change !== undefined || !usesOwnKeys(request)) return [];
    const { source } = request.properties.storageProfile;
    const breach = (pointer: string, what: string): Breach => ({
      pointer,
      message: `${what}: Azure cannot encrypt a version of it with customer-managed keys.`,
      remediation:
        "Create a snapshot or a managed disk from it and use that, or leave out the disk encryption sets in every region.",
    });
    return [
      ...(source?.id !== undefined && isImageVersion({ id: source.id })
        ? [breach(`${STORAGE_PROFILE}/source/id`, `${source.id} is an image version`)]
        : []),
      ...(source?.communityGalleryImageId !== undefined
        ? [
            breach(
              `${STORAGE_PROFILE}/source/communityGalleryImageId`,
              `${source.communityGalleryImageId} is an image of a community gallery`,
            ),
          ]
        : []),
      ...diskImagesOf(request).flatMap(({ pointer, source: disk }) =>
        disk?.uri === undefined ? [] : [breach(`${pointer}/source/uri`, `${disk.uri} is a VHD`)],
      ),
    ];
  },
};
