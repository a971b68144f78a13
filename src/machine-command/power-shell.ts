import { powerShellWord as word } from "../shell-words.js";
import type { DiskPlan } from "../machine-test/machine.js";
import type { Machine } from "./machine.js";

/** The commands for PowerShell, with the module Az.Compute. They ask for unknown values. */
export function powerShellCommands(machine: Machine): string {
  const { securityType, purchasePlan, subnetId, dataDisks } = machine;
  if (dataDisks.some((disk) => disk.confidential !== undefined))
    return "# Az.Compute has no option for the disk encryption set of a confidential data disk: use Bicep.";
  const { confidential } = machine.osDisk;
  const place = `-ResourceGroupName ${word(machine.resourceGroupName)} -Location ${word(machine.region)}`;
  const os = machine.osType;
  return [
    `Set-AzContext -Subscription ${word(machine.subscriptionId)}`,
    `$subnetId = ${subnetId === undefined ? "Read-Host 'The id of a subnet'" : word(subnetId)}`,
    `$vm = New-AzVMConfig -VMName ${word(machine.name)} -VMSize ${word(machine.size)}${securityType === undefined ? "" : ` -SecurityType ${word(securityType)}`}`,
    ...(securityType === undefined
      ? []
      : ["$vm = Set-AzVMUefi -VM $vm -EnableVtpm $true -EnableSecureBoot $true"]),
    ...(machine.isSpecialized
      ? []
      : [
          `$vm = Set-AzVMOperatingSystem -VM $vm -${os} -ComputerName ${word(machine.name)} -Credential (Get-Credential)`,
        ]),
    `$vm = Set-AzVMSourceImage -VM $vm -Id ${word(machine.imageVersionId)}`,
    `$vm = Set-AzVMOSDisk -VM $vm -${os} -CreateOption FromImage -DeleteOption Delete${
      confidential === undefined
        ? setOption(machine.osDisk, "-DiskEncryptionSetId")
        : ` -SecurityEncryptionType ${word(confidential)}${setOption(machine.osDisk, "-SecureVMDiskEncryptionSet")}`
    }`,
    ...dataDisks.map(
      (disk) =>
        `$vm = Add-AzVMDataDisk -VM $vm -Lun ${disk.lun} -CreateOption FromImage -DeleteOption Delete${setOption(disk, "-DiskEncryptionSetId")}`,
    ),
    ...(purchasePlan === undefined
      ? []
      : [
          `$vm = Set-AzVMPlan -VM $vm -Name ${word(purchasePlan.name)} -Publisher ${word(purchasePlan.publisher)} -Product ${word(purchasePlan.product)}`,
        ]),
    `$nic = New-AzNetworkInterface -Name ${word(`${machine.name}-nic`)} ${place} -SubnetId $subnetId`,
    "$vm = Add-AzVMNetworkInterface -VM $vm -Id $nic.Id -DeleteOption Delete",
    `New-AzVM ${place} -VM $vm`,
  ].join("\n");
}

function setOption({ diskEncryptionSetId }: DiskPlan, option: string): string {
  return diskEncryptionSetId === undefined ? "" : ` ${option} ${word(diskEncryptionSetId)}`;
}
