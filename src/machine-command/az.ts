import { shellWord } from "../shell-words.js";
import type { Machine } from "./machine.js";

/**
 * `az vm create` as one command for a POSIX shell; undefined if az cannot express it: it takes a
 * set for every data disk or for none, and none for confidential machines.
 */
export function azCommand(machine: Machine): string | undefined {
  const { dataDisks } = machine;
  const sets = dataDisks.flatMap((disk) => disk.diskEncryptionSetId ?? []);
  if (
    (sets.length > 0 && sets.length < dataDisks.length) ||
    dataDisks.some(({ confidential }) => confidential !== undefined)
  )
    return undefined;
  return [["az", "vm", "create"], ...optionsOf(machine, sets)]
    .map((words) => words.map(shellWord).join(" "))
    .join(" \\\n  ");
}

/** The options, each with its values. */
function optionsOf(machine: Machine, sets: readonly string[]): readonly (readonly string[])[] {
  const { osDisk, securityType, purchasePlan, subnetId } = machine;
  const { confidential, diskEncryptionSetId: set } = osDisk;
  return [
    ["--subscription", machine.subscriptionId],
    ["--resource-group", machine.resourceGroupName],
    ["--name", machine.name],
    ["--location", machine.region],
    ["--image", machine.imageVersionId],
    ["--size", machine.size],
    ...(machine.isSpecialized
      ? [["--specialized"]]
      : // az asks for a missing password.
        [
          ["--admin-username", "azureuser"],
          ...(machine.osType === "Linux" ? [["--generate-ssh-keys"]] : []),
        ]),
    ...(subnetId === undefined ? [] : [["--subnet", subnetId]]),
    ["--public-ip-address", ""],
    ["--os-disk-delete-option", "Delete"],
    ["--nic-delete-option", "Delete"],
    ...(machine.dataDisks.length > 0 ? [["--data-disk-delete-option", "Delete"]] : []),
    ...(securityType === undefined
      ? []
      : [
          ["--security-type", securityType],
          ["--enable-vtpm", "true"],
          ["--enable-secure-boot", "true"],
        ]),
    ...(confidential === undefined ? [] : [["--os-disk-security-encryption-type", confidential]]),
    ...(set === undefined
      ? []
      : [
          [
            confidential === undefined
              ? "--os-disk-encryption-set"
              : "--os-disk-secure-vm-disk-encryption-set",
            set,
          ],
        ]),
    ...(sets.length > 0 ? [["--data-disk-encryption-sets", ...sets]] : []),
    ...(purchasePlan === undefined
      ? []
      : [
          ["--plan-name", purchasePlan.name],
          ["--plan-publisher", purchasePlan.publisher],
          ["--plan-product", purchasePlan.product],
        ]),
  ];
}
