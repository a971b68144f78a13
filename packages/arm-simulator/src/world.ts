import { LOCAL_TENANT_ID } from "@sigil-local/token-issuer";
import { GENERALIZED_VIEW } from "./os-state.js";
import { canonicalRegion, findRegion, REGIONS } from "./regions.js";
import type { ArmResource, RegistrationState, SubscriptionState } from "./state.js";

/** The resources that exist before the first request. */
export interface SimulatorWorld {
  readonly subscriptions: readonly SubscriptionState[];
  readonly resources: readonly ArmResource[];
}

export type DiskEncryptionSetType =
  | "EncryptionAtRestWithCustomerKey"
  | "EncryptionAtRestWithPlatformAndCustomerKeys"
  | "ConfidentialVmEncryptedWithCustomerKey";

const GIGABYTE_OS_DISK = 30;
const GIGABYTE_DATA_DISK = 64;
const HALF_AN_HOUR_MS = 30 * 60 * 1000;

/** A subscription with Microsoft.Compute and SIGEncryption registered by default. */
export function subscription(
  subscriptionId: string,
  options: {
    displayName?: string;
    tenantId?: string;
    compute?: RegistrationState;
    sigEncryption?: RegistrationState;
    /** A preview: default NotRegistered. */
    sigSoftDelete?: RegistrationState;
    /** A preview that needs approval: default NotRegistered. */
    confidentialDataDisks?: RegistrationState;
    requiredFeatures?: readonly string[];
    /** Features that stay Pending when they are registered, until they are set. */
    approvalRequired?: readonly string[];
    registrationMs?: number;
    /** Regions that are withheld from the subscription, in any spelling. */
    unavailableRegions?: readonly string[];
  } = {},
): SubscriptionState {
  return {
    subscriptionId,
    tenantId: options.tenantId ?? LOCAL_TENANT_ID,
    displayName: options.displayName ?? "Local subscription",
    providers: {
      "microsoft.compute": { state: options.compute ?? "Registered" },
      "microsoft.keyvault": { state: "Registered" },
      "microsoft.storage": { state: "Registered" },
    },
    features: {
      "microsoft.compute/sigencryption": {
        state: options.sigEncryption ?? "Registered",
      },
      "microsoft.compute/sigsoftdelete": {
        state: options.sigSoftDelete ?? "NotRegistered",
      },
      "microsoft.compute/confidentialvmdatadiskencryptionpreview": {
        state: options.confidentialDataDisks ?? "NotRegistered",
      },
    },
    requiredFeatures: options.requiredFeatures ?? [],
    approvalRequired: options.approvalRequired ?? [],
    registrationMs: options.registrationMs ?? HALF_AN_HOUR_MS,
    unavailableRegions: (options.unavailableRegions ?? []).map(canonicalRegion),
  };
}

/** With the vaults and keys that their disk encryption sets have: each key enabled, for ever. */
export function withKeys(resources: readonly ArmResource[]): readonly ArmResource[] {
  const added = new Map<string, ArmResource>();
  for (const { location, properties } of resources) {
    const { keyUrl, sourceVault } = (properties?.["activeKey"] ?? {}) as {
      readonly keyUrl?: string;
      readonly sourceVault?: { readonly id: string };
    };
    if (keyUrl === undefined || sourceVault === undefined) continue;
    const { id } = sourceVault;
    const [keyUri = "", name = ""] = /^https:\/\/[^/]+\/keys\/([^/]+)/u.exec(keyUrl) ?? [];
    const common = location === undefined ? {} : { location };
    added.set(id, {
      id,
      name: id.slice(id.lastIndexOf("/") + 1),
      type: "Microsoft.KeyVault/vaults",
      ...common,
      properties: {
        provisioningState: "Succeeded",
        enableSoftDelete: true,
        enablePurgeProtection: true,
      },
    });
    added.set(keyUrl, {
      id: `${id}/keys/${name}`,
      name,
      type: "Microsoft.KeyVault/vaults/keys",
      ...common,
      properties: {
        attributes: { enabled: true, recoveryLevel: "Recoverable" },
        kty: "RSA",
        keySize: 2_048,
        keyUri,
        keyUriWithVersion: keyUrl,
      },
    });
  }
  return [...resources, ...added.values()];
}

/** Builders of one resource group's resources, as ARM gives them back. */
export function resourcesIn(subscriptionId: string, resourceGroup: string) {
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
  const compute = (path: string) => `${group}/providers/Microsoft.Compute/${path}`;
  const make = (
    path: string,
    location: string,
    properties: Record<string, unknown>,
    more: Record<string, unknown> = {},
  ): ArmResource => {
    const segments = path.split("/");
    return {
      id: compute(path),
      name: segments.at(-1) ?? "",
      type: `Microsoft.Compute/${segments.filter((_, i) => i % 2 === 0).join("/")}`,
      location,
      ...more,
      properties: { provisioningState: "Succeeded", ...properties },
    };
  };
  const encryptionOf = (diskEncryptionSetId: string | undefined) =>
    diskEncryptionSetId === undefined
      ? { type: "EncryptionAtRestWithPlatformKey" }
      : { type: "EncryptionAtRestWithCustomerKey", diskEncryptionSetId };
  const imageEncryptionOf = (id: string | undefined) =>
    id === undefined ? {} : { diskEncryptionSet: { id } };

  return {
    id: compute,
    group: (location: string): ArmResource => ({
      id: group,
      name: resourceGroup,
      type: "Microsoft.Resources/resourceGroups",
      location,
      properties: { provisioningState: "Succeeded" },
    }),
    gallery: (
      name: string,
      location: string,
      sharing: "Private" | "Groups" | "Community" = "Private",
    ) =>
      make(`galleries/${name}`, location, {
        identifier: { uniqueName: `${subscriptionId}-${name.toUpperCase()}` },
        ...(sharing === "Private"
          ? {}
          : {
              sharingProfile: {
                permissions: sharing,
                ...(sharing === "Community" && {
                  communityGalleryInfo: { publicNames: [`${name}-1`] },
                }),
              },
            }),
      }),
    imageDefinition: (
      gallery: string,
      name: string,
      location: string,
      properties: Record<string, unknown> = {},
    ) =>
      make(`galleries/${gallery}/images/${name}`, location, {
        osType: "Linux",
        osState: "Generalized",
        hyperVGeneration: "V2",
        architecture: "x64",
        identifier: { publisher: "Contoso", offer: name, sku: "standard" },
        ...properties,
      }),
    diskEncryptionSet: (
      name: string,
      location: string,
      encryptionType: DiskEncryptionSetType = "EncryptionAtRestWithCustomerKey",
      properties: Record<string, unknown> = {},
    ) =>
      make(
        `diskEncryptionSets/${name}`,
        location,
        {
          activeKey: {
            sourceVault: {
              id: `${group}/providers/Microsoft.KeyVault/vaults/keys-${location}`,
            },
            keyUrl: `https://keys-${location}.vault.azure.net/keys/${name}/8e1f3c5b7a9d4e2f8b6c1a3d5e7f9b0c`,
          },
          encryptionType,
          rotationToLatestKeyVersionEnabled: true,
          ...properties,
        },
        {
          identity: {
            type: "SystemAssigned",
            principalId: "7d3a2f10-5c48-4f0e-9a6d-1b2c3d4e5f60",
            tenantId: LOCAL_TENANT_ID,
          },
        },
      ),
    managedImage: (
      name: string,
      location: string,
      dataDiskLuns: readonly number[],
      properties: Record<string, unknown> = {},
      /** Disk encryption sets of the image's own disks. */
      sets: {
        readonly osDisk?: string;
        readonly dataDisks?: Readonly<Record<number, string>>;
      } = {},
    ) =>
      make(`images/${name}`, location, {
        hyperVGeneration: "V2",
        storageProfile: {
          zoneResilient: false,
          osDisk: {
            osType: "Linux",
            osState: "Generalized",
            diskSizeGB: GIGABYTE_OS_DISK,
            caching: "ReadWrite",
            storageAccountType: "Standard_LRS",
            ...imageEncryptionOf(sets.osDisk),
          },
          dataDisks: dataDiskLuns.map((lun) => ({
            lun,
            diskSizeGB: GIGABYTE_DATA_DISK,
            caching: "None",
            storageAccountType: "Standard_LRS",
            ...imageEncryptionOf(sets.dataDisks?.[lun]),
          })),
        },
        ...properties,
      }),
    disk: (
      kind: "disks" | "snapshots",
      name: string,
      location: string,
      options: { os: boolean; diskEncryptionSetId?: string },
      properties: Record<string, unknown> = {},
    ) =>
      make(
        `${kind}/${name}`,
        location,
        {
          ...(options.os
            ? {
                osType: "Linux",
                hyperVGeneration: "V2",
                supportedCapabilities: { architecture: "x64" },
              }
            : {}),
          diskSizeGB: options.os ? GIGABYTE_OS_DISK : GIGABYTE_DATA_DISK,
          diskState: "Unattached",
          creationData: { createOption: "Copy" },
          encryption: encryptionOf(options.diskEncryptionSetId),
          ...properties,
        },
        { sku: { name: "Standard_LRS", tier: "Standard" } },
      ),
    virtualNetwork: (name: string, location: string, subnets: readonly string[]): ArmResource => {
      const id = `${group}/providers/Microsoft.Network/virtualNetworks/${name}`;
      return {
        id,
        name,
        type: "Microsoft.Network/virtualNetworks",
        location,
        properties: {
          provisioningState: "Succeeded",
          addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
          subnets: subnets.map((subnet, i) => ({
            id: `${id}/subnets/${subnet}`,
            name: subnet,
            properties: {
              addressPrefix: `10.0.${i}.0/24`,
              provisioningState: "Succeeded",
            },
          })),
        },
      };
    },
    /** Generalized, unless its properties have another `instanceView`. */
    virtualMachine: (
      name: string,
      location: string,
      osDiskName: string,
      dataDisks: readonly { lun: number; name: string }[],
      properties: Record<string, unknown> = {},
    ) =>
      make(`virtualMachines/${name}`, location, {
        ...GENERALIZED_VIEW,
        vmId: "3c5d7e9f-1a2b-4c6d-8e0f-2a4b6c8d0e1f",
        hardwareProfile: { vmSize: "Standard_D2s_v5" },
        storageProfile: {
          osDisk: {
            osType: "Linux",
            name: osDiskName,
            createOption: "FromImage",
            caching: "ReadWrite",
            diskSizeGB: GIGABYTE_OS_DISK,
            managedDisk: { id: compute(`disks/${osDiskName}`) },
          },
          dataDisks: dataDisks.map((disk) => ({
            lun: disk.lun,
            name: disk.name,
            createOption: "Attach",
            caching: "None",
            diskSizeGB: GIGABYTE_DATA_DISK,
            managedDisk: { id: compute(`disks/${disk.name}`) },
          })),
        },
        ...properties,
      }),
  };
}

/**
 * The world of "Use customer-managed keys for encrypting images": MyResourceGroup with MyGallery,
 * MyImage, myImage, myOSSnapshot, myDDSnapshot and two disk encryption sets in each of westus,
 * eastus2 and eastus. In addition: a disk pair, a virtual machine, myEncryptedImage whose disks
 * have westus's two sets, a shared and a community gallery, in westus a set of each other
 * encryption type, and one for double encryption in eastus2.
 */
export function seedWorld(
  subscriptionId: string,
  options: Parameters<typeof subscription>[1] = {},
): SimulatorWorld {
  const home = "westus";
  const of = resourcesIn(subscriptionId, "MyResourceGroup");
  const pair = (prefix: string, region: string): ArmResource[] => [
    of.diskEncryptionSet(`${prefix}DiskEncryptionSet1`, region),
    of.diskEncryptionSet(`${prefix}DiskEncryptionSet2`, region),
  ];
  return {
    subscriptions: [subscription(subscriptionId, options)],
    resources: withKeys([
      of.group(home),
      of.gallery("MyGallery", home),
      of.imageDefinition("MyGallery", "MyImage", home),
      of.gallery("MySharedGallery", home, "Groups"),
      of.imageDefinition("MySharedGallery", "MyImage", home),
      of.gallery("MyCommunityGallery", home, "Community"),
      of.imageDefinition("MyCommunityGallery", "MyImage", home),
      ...pair("WestUS", "westus"),
      ...pair("EastUS2", "eastus2"),
      ...pair("EastUS", "eastus"),
      of.diskEncryptionSet(
        "WestUSDoubleEncryptionSet",
        home,
        "EncryptionAtRestWithPlatformAndCustomerKeys",
      ),
      of.diskEncryptionSet(
        "WestUSConfidentialEncryptionSet",
        home,
        "ConfidentialVmEncryptedWithCustomerKey",
      ),
      of.diskEncryptionSet(
        "EastUS2DoubleEncryptionSet",
        "eastus2",
        "EncryptionAtRestWithPlatformAndCustomerKeys",
      ),
      of.managedImage("myImage", home, [0]),
      of.managedImage(
        "myEncryptedImage",
        home,
        [0],
        {},
        {
          osDisk: of.id("diskEncryptionSets/WestUSDiskEncryptionSet1"),
          dataDisks: {
            0: of.id("diskEncryptionSets/WestUSDiskEncryptionSet2"),
          },
        },
      ),
      of.disk("snapshots", "myOSSnapshot", home, { os: true }),
      of.disk("snapshots", "myDDSnapshot", home, { os: false }),
      of.disk("disks", "myOSDisk", home, { os: true }),
      of.disk("disks", "myDataDisk", home, { os: false }),
      of.virtualMachine("myVM", home, "myOSDisk", [{ lun: 0, name: "myDataDisk" }]),
    ]),
  };
}

export interface LargeWorld {
  readonly world: SimulatorWorld;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly gallery: string;
  readonly imageDefinition: string;
  readonly sourceImageId: string;
  readonly location: string;
  /** Canonical names, `location` first, each with a disk encryption set for each disk. */
  readonly regions: readonly {
    readonly name: string;
    readonly osDiskEncryptionSetId: string;
    readonly dataDiskEncryptionSets: readonly {
      readonly lun: number;
      readonly diskEncryptionSetId: string;
    }[];
  }[];
}

/** A managed image with `dataDisks` data disks, and a disk encryption set for every disk in each of `regions` regions. */
export function worldWithRegions(options: {
  subscriptionId: string;
  regions: number;
  dataDisks: number;
  subscription?: Parameters<typeof subscription>[1];
}): LargeWorld {
  const { subscriptionId, regions, dataDisks } = options;
  if (regions < 1 || regions > REGIONS.length)
    throw new TypeError(`regions must be 1 to ${REGIONS.length}`);
  const resourceGroup = "LargeResourceGroup";
  const of = resourcesIn(subscriptionId, resourceGroup);
  const luns = Array.from({ length: dataDisks }, (_, lun) => lun);
  const names = REGIONS.slice(0, regions).map(({ name }) => name);
  const location = names[0] ?? "";
  const setName = (region: string, disk: string) =>
    `${findRegion(region)?.displayName.replaceAll(" ", "")}-${disk}`;
  return {
    subscriptionId,
    resourceGroup,
    gallery: "LargeGallery",
    imageDefinition: "LargeImage",
    sourceImageId: of.id("images/largeImage"),
    location,
    regions: names.map((name) => ({
      name,
      osDiskEncryptionSetId: of.id(`diskEncryptionSets/${setName(name, "os")}`),
      dataDiskEncryptionSets: luns.map((lun) => ({
        lun,
        diskEncryptionSetId: of.id(`diskEncryptionSets/${setName(name, `lun${lun}`)}`),
      })),
    })),
    world: {
      subscriptions: [subscription(subscriptionId, options.subscription)],
      resources: withKeys([
        of.group(location),
        of.gallery("LargeGallery", location),
        of.imageDefinition("LargeGallery", "LargeImage", location),
        of.managedImage("largeImage", location, luns),
        ...names.flatMap((name) => [
          of.diskEncryptionSet(setName(name, "os"), name),
          ...luns.map((lun) => of.diskEncryptionSet(setName(name, `lun${lun}`), name)),
        ]),
      ]),
    },
  };
}
