import { formatImageVersionId } from "../../../resource-id.js";
import { found } from "../../../bounded-reads.js";
import type { GatheredRule } from "../rule.js";

export const versionNumberFree: GatheredRule = {
  name: "version-number-free",
  code: "ImageVersionSoftDeleted",
  severity: "error",
  basis: {
    own: "Azure reserves the number of a soft-deleted version, and does not document what a create request does to it.",
  },
  summary: "The number is not that of a soft-deleted version.",
  check: ({ id, change, gathered }) => {
    const deleted = found(gathered.deletedVersion);
    if (deleted === undefined || change !== undefined) return [];
    const { hardDeletionTargetTime } = deleted;
    return [
      {
        pointer: "",
        message: `${formatImageVersionId(id)} is soft-deleted${hardDeletionTargetTime === undefined ? "" : ` until ${hardDeletionTargetTime}`}, so its version name cannot be used again yet.`,
        remediation: "Restore it with sigil image-version undelete, or use another version name.",
      },
    ];
  },
};
