/** "When an image in a gallery with Soft Delete enabled has a failed provisioning state, it can't be deleted" (Microsoft, on soft delete). */
import { ServiceError } from "../../errors.js";
import { formatImageVersionId, galleryIdOf, type ImageVersionId } from "../../resource-id.js";
import type { Look, SoftDeleteRecord } from "../resources.js";

/** Throws ServiceError FailedNotSoftDeletable for a Failed version in a gallery with soft delete. */
export function mustBeSoftDeletable(
  id: ImageVersionId,
  { provisioningState }: Pick<Look, "provisioningState">,
  { isSoftDeleteEnabled }: SoftDeleteRecord,
): void {
  if (provisioningState !== "Failed" || isSoftDeleteEnabled !== true) return;
  const { versionName, galleryName } = id;
  const message = `${versionName} is Failed, and Azure cannot delete a Failed version while ${galleryName} has soft delete: ${formatImageVersionId(id)}.`;
  const remediation = `Repair it (POST …/retry), then delete it. Or switch soft delete off: az resource update --ids ${galleryIdOf(id)} --set properties.softDeletePolicy.isSoftDeleteEnabled=false. Delete the version, then switch it on again. Only the subscription's owner or a Compute Gallery Sharing Admin may. Or, as an Admin, delete it for good (?bypassSoftDelete=true): Microsoft does not say whether Azure accepts that.`;
  throw new ServiceError("FailedNotSoftDeletable", `${message} ${remediation}`, {
    findings: [
      {
        code: "FailedNotSoftDeletable",
        pointer: "",
        message,
        severity: "error",
        remediation,
      },
    ],
  });
}
