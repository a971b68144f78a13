import { invalidParameter } from "./arm-error.js";
import { requireNoUltraDisk, type DiskProperties } from "./disk-source.js";
import {
  DEFAULT_SIZE_IN_GB,
  optional,
  sourceNotFound,
  type ImageSource,
  type SourceContext,
  type SourceDisk,
} from "./image-source.js";
import { isObject } from "./json-shape.js";
import { isGeneralized } from "./os-state.js";
import { securityTypeOfMachine } from "./security-type.js";
import type { ArmResource } from "./state.js";

interface VirtualMachineDisk {
  readonly lun?: number;
  readonly osType?: string;
  readonly diskSizeGB?: number;
  readonly caching?: string;
  readonly diffDiskSettings?: unknown;
  readonly managedDisk?: {
    readonly id?: string;
    readonly storageAccountType?: string;
    readonly diskEncryptionSet?: { readonly id?: string };
  };
}

interface VirtualMachineProperties {
  readonly securityProfile?: { readonly securityType?: string };
  readonly storageProfile?: {
    readonly osDisk?: VirtualMachineDisk;
    readonly dataDisks?: readonly VirtualMachineDisk[];
  };
}

/** A virtual machine with its disks; 404 when one of them has been deleted. `target` is the member that names it. */
export function fromVirtualMachine(
  context: SourceContext,
  resource: ArmResource,
  target: string,
): ImageSource {
  const { storageProfile, securityProfile } = resource.properties as VirtualMachineProperties;
  const { osDisk = {}, dataDisks = [] } = storageProfile ?? {};
  if (osDisk.diffDiskSettings !== undefined)
    throw invalidParameter(
      target,
      `Source virtual machine ${resource.id} cannot contain an ephemeral OS disk`,
    );
  const resourceOf = (disk: VirtualMachineDisk): ArmResource => {
    const id = disk.managedDisk?.id;
    if (id === undefined)
      throw invalidParameter(
        target,
        `Source virtual machine ${resource.id} must be created from Managed Disks`,
      );
    const found = context.store.findResource(id);
    if (found === undefined) throw sourceNotFound(id, target);
    requireNoUltraDisk(found, target, resource.id);
    return found;
  };
  const osResource = resourceOf(osDisk);
  const os = osResource.properties as DiskProperties;
  return {
    id: resource.id,
    encryptable: true,
    osDisk: describe(osDisk, osResource),
    dataDisks: dataDisks.map((disk) => ({
      lun: disk.lun ?? 0,
      ...describe(disk, resourceOf(disk)),
    })),
    osState: isGeneralized(resource) ? "Generalized" : "Specialized",
    securityType: securityTypeOfMachine(securityProfile?.securityType),
    virtualMachineId: resource.id,
    ...(isObject(resource["plan"]) ? { plan: resource["plan"] } : {}),
    ...optional("hyperVGeneration", os.hyperVGeneration),
    ...optional("architecture", os.supportedCapabilities?.architecture),
    ...optional("osType", osDisk.osType),
  };
}

function describe(disk: VirtualMachineDisk, { properties: shown, sku }: ArmResource): SourceDisk {
  const properties = shown as DiskProperties;
  return {
    sizeInGB: disk.diskSizeGB ?? properties.diskSizeGB ?? DEFAULT_SIZE_IN_GB,
    hostCaching: disk.caching ?? "None",
    ...optional("storageAccountType", sku?.name),
    ...optional(
      "diskEncryptionSetId",
      disk.managedDisk?.diskEncryptionSet?.id ?? properties.encryption?.diskEncryptionSetId,
    ),
  };
}
