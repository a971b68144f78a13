import { STORAGE_PROFILE, type Breach, type GatheredRule } from "../rule.js";

export const sourceInspectable: GatheredRule = {
  name: "source-inspectable",
  code: "SourceNotLookedInto",
  severity: "info",
  basis: { own: "It says what is not checked." },
  summary:
    "Sigil can read the source's disks and properties. Only Azure can check a VHD or a community image.",
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
          message: `${what} cannot be read, so Sigil did not check its existence, generation, architecture and LUNs.`,
          remediation:
            "If it is right, do nothing: Azure checks it at creation. Sigil can check a managed image, disk or snapshot before.",
        },
      ];
}
