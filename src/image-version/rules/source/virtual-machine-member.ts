import { isComputeResourceId } from "../../../resource-id.js";
import { STORAGE_PROFILE, type RequestRule } from "../rule.js";

export const virtualMachineMember: RequestRule = {
  name: "virtual-machine-member",
  code: "VirtualMachineInSourceId",
  severity: "error",
  basis: { documented: "virtualMachineId" },
  summary:
    "A new version names a source virtual machine in source.virtualMachineId: Azure retired source.id for it.",
  check: ({ request, change }) => {
    const id = request.properties.storageProfile.source?.id;
    // A version that was created this way still shows it.
    return change !== undefined || id === undefined || !isComputeResourceId(id, "virtualMachines")
      ? []
      : [
          {
            pointer: `${STORAGE_PROFILE}/source/id`,
            message: `${id} is a virtual machine, but source.id accepts only a managed image or an image version.`,
            remediation: `Write it as source.virtualMachineId.`,
          },
        ];
  },
};
