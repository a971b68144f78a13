import { ArmError, invalidParameter } from "./arm-error.js";
import type { SecurityType } from "./security-type.js";
import { canonicalRegion } from "./regions.js";
import { resourceKey } from "./resource-id.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

export interface SourceDisk {
  readonly sizeInGB: number;
  readonly hostCaching: string;
  /** Such as PremiumV2_LRS; undefined: not told. */
  readonly storageAccountType?: string;
  /** The disk encryption set of the source itself; undefined: platform key. */
  readonly diskEncryptionSetId?: string;
}

/**
 * The source of a version, as far as Compute checks it. Undefined: the source does not show the
 * trait, as a VHD does not.
 */
export interface ImageSource {
  /** The resource, or the address of the VHD, that the OS disk comes from. */
  readonly id: string;
  /** False of what Compute cannot encrypt with a customer's key: a VHD, an image version. */
  readonly encryptable: boolean;
  readonly osDisk: SourceDisk;
  readonly dataDisks: readonly (SourceDisk & { readonly lun: number })[];
  readonly hyperVGeneration?: string;
  readonly osType?: string;
  readonly osState?: string;
  readonly architecture?: string;
  readonly securityType?: SecurityType;
  /** The plan of a virtual machine that was created from a Marketplace image. */
  readonly plan?: Readonly<Record<string, unknown>>;
  /** Given when the source is a virtual machine: some definitions take none. */
  readonly virtualMachineId?: string;
  /** True of what is no virtual machine, disk or snapshot: a managed image, an image version, a VHD. */
  readonly isImage?: true;
}

export interface SourceContext {
  readonly store: Store;
  readonly subscriptionId: string;
  /** The new version's. */
  readonly location: string;
}

export const STORAGE_PATH = "galleryImageVersion.properties.storageProfile";
export const DEFAULT_SIZE_IN_GB = 30;

/**
 * The source resource at `id`, which must exist in the version's region; throws Compute's answer if
 * not.
 */
export function requireSource(
  { store, location }: SourceContext,
  id: string,
  target: string,
): ArmResource {
  const resource = store.findResource(id);
  if (resource === undefined) throw sourceNotFound(id, target);
  if (canonicalRegion(resource.location ?? "") !== location)
    throw sourceElsewhere(resource.id, target);
  // Guessed: code and words.
  if (store.state.snapshots[resourceKey(id)] !== undefined)
    throw new ArmError(409, "Conflict", `The source ${id} is being created.`, { target });
  return resource;
}

export function sourceNotFound(id: string, target: string): ArmError {
  return new ArmError(
    404,
    "ResourceNotFound",
    `Source was not found: ${id}. Please make sure the source exists`,
    { target },
  );
}

/** Compute answers the same for a source in another region. */
export function sourceElsewhere(id: string, target: string): ArmError {
  return invalidParameter(
    target,
    `Source ${id} is not found. Please check source exists, and is in the same region as gallery image version being created`,
  );
}

/** `{ [name]: value }`, or nothing where there is no value. */
export function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]?: Value });
}
