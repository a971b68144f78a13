import { STORAGE_PROFILE, type Breach, type FactRule } from "../rule.js";

export const sourceInspectable: FactRule = {
  name: "source-inspectable",
  code: "SourceNotLookedInto",
  severity: "info",
  basis: { own: "It says what is not proven." },
  summary:
    "The source shows its disks and traits, which a VHD and a community image do not: Azure alone judges those.",
  check: ({ request }) => {
    const { source, osDiskImage, dataDiskImages } =
      request.properties.storageProfile;
    return [
      ...unseen(
        "source/communityGalleryImageId",
        source?.communityGalleryImageId,
      ),
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
          message: `${what} cannot be looked into: its existence, generation, architecture and LUNs are not proven.`,
          remediation:
            "Nothing, if it is right: Azure looks when the version is created. A managed image, disk or snapshot is proven before.",
        },
      ];
}
