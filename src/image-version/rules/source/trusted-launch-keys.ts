import { shellWord } from "../../../shell-words.js";
import { CAPTURE } from "../capture-remedy.js";
import { azNames } from "../../../keys/az-names.js";
import { encryptedDisks, sourceOf } from "../source.js";
import { STORAGE_PROFILE, type GatheredRule } from "../rule.js";

/** Every Trusted Launch machine has it; az uses V1 by default. */
const GENERATION = " --hyper-v-generation V2";

export const trustedLaunchKeys: GatheredRule = {
  name: "trusted-launch-keys",
  code: "TrustedLaunchWithCustomerKeys",
  severity: "error",
  basis: { documented: "trustedLaunchKeys" },
  summary:
    "A source virtual machine is not a Trusted Launch machine with customer-managed keys: Azure accepts it, then fails in each region. Snapshots of its disks work.",
  check: ({ id: { versionName }, request, gathered }) => {
    const machine = request.properties.storageProfile.source?.virtualMachineId;
    const source = sourceOf(request, gathered);
    const [encrypted] = encryptedDisks(request, gathered).values();
    if (
      machine === undefined ||
      encrypted === undefined ||
      source?.securityType?.value.toLowerCase() !== "trustedlaunch"
    )
      return [];
    const snapshotOf = (disk: typeof encrypted, place: string) => {
      const id = machine.replace(
        /\/virtualMachines\/([^/]+)$/iu,
        `/snapshots/$1-${versionName}-${place}`,
      );
      const from = shellWord(disk.id ?? "");
      const keys =
        disk.diskEncryptionSetId === undefined
          ? ""
          : ` --encryption-type "$(az disk show --ids ${from} --query encryption.type --output tsv)" --disk-encryption-set ${shellWord(disk.diskEncryptionSetId)}`;
      return {
        source: { id },
        command: `az snapshot create ${azNames(id)} --location ${request.location} --source ${from}${place === "os" ? GENERATION : ""}${keys}`,
      };
    };
    const os = snapshotOf(source.osDisk, "os");
    const data = [...source.dataDisks].map(([lun, disk]) => ({
      lun,
      ...snapshotOf(disk, `lun${lun}`),
    }));
    const storageProfile = {
      osDiskImage: { source: os.source },
      ...(data.length > 0 && {
        dataDiskImages: data.map(({ lun, source }) => ({ lun, source })),
      }),
    };
    return [
      {
        pointer: `${STORAGE_PROFILE}/source/virtualMachineId`,
        message: `${machine} is a Trusted Launch machine, and its disk ${encrypted.id} is encrypted with ${encrypted.diskEncryptionSetId}. Azure accepts such a machine, then fails in each region: "Data model DiskEncryptionSetId '' does not match" (Azure/azure-rest-api-specs#29280, open since May 2024; hashicorp/packer-plugin-azure#304 and #418). It may have changed since.`,
        remediation: `Publish from snapshots of its disks. ${CAPTURE} Or use your own. Create them: ${[os, ...data].map(({ command }) => command).join(" && ")} Then repeat the request with this storageProfile: ${JSON.stringify(storageProfile)}`,
      },
    ];
  },
};
