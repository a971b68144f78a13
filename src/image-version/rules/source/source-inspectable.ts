import { STORAGE_PROFILE, type Breach, type FactRule } from "../rule.js";

export const sourceInspectable: FactRule = {
  name: "source-inspectable",
  code: "SourceNotLookedInto",
  severity: "info",
  basis: { own: "It says what is not checked." },
  summary:
    "The source shows its disks and properties. A VHD and a community image do not: only Azure can check those.",
  check: ({ request }) => {
    const { source, osDiskImage, dataDiskImages } = request.properties.storageProfile;
    return [
      ...unseen("source/communityGalleryImageId", source?.communityGalleryImageId),
      ...unseen("osDiskImage/source/uri", osDiskImage?.source?.uri),
      ...(dataDiskImages ?? []).flatMap((image, i) =>
        unseen(`dataDiskImages/${i}/source/uri`, image.source?.uri),
      ),
    ];
  },
};

function unseen(path: string, what: string | undefined): Breach[] {
  return what === undefined
    ? []
    : [
        {
          pointer: `${STORAGE_PROFILE}/${path}`,
          message: `${what} cannot be read: its existence, generation, architecture and LUNs are not checked.`,
          remediation:
            "If it is right, nothing needs to be done: Azure checks it when the version is created. A managed image, disk or snapshot is checked before that.",
        },
      ];
}
