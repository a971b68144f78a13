import type { Finding } from "../../errors.js";
import { STORAGE_PROFILE, type RequestRule } from "./rule.js";

/** A version has exactly one kind of source, and every disk image says which disk it comes from. */
export const oneSource: RequestRule = (_id, request) => {
  const { source, osDiskImage, dataDiskImages } =
    request.properties.storageProfile;
  const given = [
    source?.id !== undefined && "source.id",
    source?.virtualMachineId !== undefined && "source.virtualMachineId",
    source?.communityGalleryImageId !== undefined &&
      "source.communityGalleryImageId",
    osDiskImage?.source !== undefined && "osDiskImage.source",
  ].filter((name) => name !== false);
  const findings: Finding[] = [];
  if (given.length !== 1) {
    findings.push({
      code: given.length === 0 ? "MissingSource" : "SeveralSources",
      pointer: STORAGE_PROFILE,
      message: `${given.length === 0 ? "The version has no source" : `The version has ${given.length} sources (${given.join(", ")})`}. Give exactly one: source.id (managed image, image version), source.virtualMachineId, source.communityGalleryImageId, or osDiskImage.source (disk, snapshot, VHD) with dataDiskImages.`,
    });
  }
  const disks = [
    ...(osDiskImage === undefined
      ? []
      : [{ pointer: "osDiskImage", image: osDiskImage }]),
    ...(dataDiskImages ?? []).map((image, i) => ({
      pointer: `dataDiskImages/${i}`,
      image,
    })),
  ];
  for (const { pointer, image } of disks) {
    const { id, storageAccountId, uri } = image.source ?? {};
    const vhd = uri !== undefined || storageAccountId !== undefined;
    if (image.source !== undefined && (id !== undefined) === vhd) {
      findings.push({
        code: vhd ? "SeveralSources" : "MissingSource",
        pointer: `${STORAGE_PROFILE}/${pointer}/source`,
        message:
          "Give either id (a managed disk or snapshot) or storageAccountId and uri (a VHD), one of the two.",
      });
    } else if (vhd && (uri === undefined || storageAccountId === undefined)) {
      findings.push({
        code: "MissingSource",
        pointer: `${STORAGE_PROFILE}/${pointer}/source/${uri === undefined ? "uri" : "storageAccountId"}`,
        message: "A VHD needs both storageAccountId and uri.",
      });
    }
  }
  const luns = (dataDiskImages ?? []).map((image) => image.lun);
  luns.forEach((lun, i) => {
    if (luns.indexOf(lun) !== i) {
      findings.push({
        code: "DuplicateLun",
        pointer: `${STORAGE_PROFILE}/dataDiskImages/${i}/lun`,
        message: `LUN ${lun} is given twice. Each data disk has a LUN of its own.`,
      });
    }
  });
  return findings;
};
