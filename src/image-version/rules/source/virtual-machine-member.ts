import { isComputeResourceId } from "../../../resource-id.js";
import { STORAGE_PROFILE, type RequestRule } from "../rule.js";

export const virtualMachineMember: RequestRule = {
  name: "virtual-machine-member",
  code: "VirtualMachineInSourceId",
  severity: "error",
  basis: { documented: "virtualMachineId" },
  summary:
    "A virtual machine that is the source of a new version is named by source.virtualMachineId: Azure has retired source.id for it.",
  check: ({ request, change }) => {
    const id = request.properties.storageProfile.source?.id;
    // A version that was made so still shows it.
    return change !== undefined || id === undefined || !isComputeResourceId(id, "virtualMachines")
      ? []
      : [
          {
            pointer: `${STORAGE_PROFILE}/source/id`,
            message: `${id} is a virtual machine; source.id takes a managed image or an image version.`,
            remediation: `Write it as source.virtualMachineId.`,
          },
        ];
  },
};
