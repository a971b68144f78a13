import { diskImagesOf, sourceKinds } from "../../properties/source-kinds.js";
import { STORAGE_PROFILE, type Breach, type RequestRule } from "../rule.js";

export const oneSource: RequestRule = {
  name: "one-source",
  code: "SeveralSources",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "A version has one kind of source, and each of its disks has one source.",
  check: ({ request }) => {
    const kinds = sourceKinds(request);
    const several: Breach[] =
      kinds.length > 1
        ? [
            {
              pointer: STORAGE_PROFILE,
              message: `The version has ${kinds.length} sources (${kinds.join(", ")}).`,
              remediation: `Keep one of ${kinds.join(", ")}.`,
            },
          ]
        : [];
    return [
      ...several,
      ...diskImagesOf(request).flatMap(({ pointer, disk, source }): Breach[] => {
        const { id, storageAccountId, uri } = source ?? {};
        const vhd = uri ?? storageAccountId;
        return id === undefined || vhd === undefined
          ? []
          : [
              {
                pointer: `${pointer}/source`,
                message: `${disk} has two sources: ${id} and the VHD ${vhd}.`,
                remediation:
                  "Keep either id (a managed disk or snapshot) or storageAccountId and uri (a VHD).",
              },
            ];
      }),
    ];
  },
};
