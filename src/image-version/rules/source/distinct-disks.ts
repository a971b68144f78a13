import { diskImagesOf } from "../../properties/source-kinds.js";
import type { Breach, RequestRule } from "../rule.js";

export const distinctDisks: RequestRule = {
  name: "distinct-disks",
  code: "DuplicateSource",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary: "Each disk, snapshot or VHD appears once among the OS disk and the data disks.",
  check: ({ request }) => {
    const images = diskImagesOf(request);
    const names = images.map(({ source }) => (source?.id ?? source?.uri)?.toLowerCase());
    return images.flatMap(({ pointer, disk, source }, i): Breach[] => {
      const first = names.indexOf(names[i]);
      const other = images[first];
      if (names[i] === undefined || other === undefined || first === i) return [];
      const field = source?.id === undefined ? "uri" : "id";
      return [
        {
          pointer: `${pointer}/source/${field}`,
          message: `${disk} comes from ${source?.[field]}, as ${other.pointer} does.`,
          remediation: "Use a different source for each disk, or leave one of them out.",
        },
      ];
    });
  },
};
