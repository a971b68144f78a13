import { DEFAULT_SIZE_IN_GB, optional, type ImageSource, type SourceDisk } from "./image-source.js";
import type { ArmResource } from "./state.js";

interface ManagedImageDisk {
  readonly lun?: number;
  readonly osType?: string;
  readonly osState?: string;
  readonly diskSizeGB?: number;
  readonly caching?: string;
  readonly diskEncryptionSet?: { readonly id?: string };
}

interface ManagedImageProperties {
  readonly hyperVGeneration?: string;
  readonly storageProfile?: {
    readonly osDisk?: ManagedImageDisk;
    readonly dataDisks?: readonly ManagedImageDisk[];
  };
}

/**
 * A managed image. It does not tell its architecture. "Creation of managed images are not supported for virtual machine
 * with TrustedLaunch security type", nor for confidential ones: it is Standard.
 */
export function fromManagedImage(resource: ArmResource): ImageSource {
  const properties = resource.properties as ManagedImageProperties;
  const { osDisk = {}, dataDisks = [] } = properties.storageProfile ?? {};
  return {
    id: resource.id,
    encryptable: true,
    isImage: true,
    osDisk: describe(osDisk),
    dataDisks: dataDisks.map((disk) => ({
      lun: disk.lun ?? 0,
      ...describe(disk),
    })),
    hyperVGeneration: properties.hyperVGeneration ?? "V1",
    securityType: "Standard",
    ...optional("osType", osDisk.osType),
    ...optional("osState", osDisk.osState),
  };
}

function describe(disk: ManagedImageDisk): SourceDisk {
  return {
    sizeInGB: disk.diskSizeGB ?? DEFAULT_SIZE_IN_GB,
    hostCaching: disk.caching ?? "None",
    ...optional("diskEncryptionSetId", disk.diskEncryptionSet?.id),
  };
}
