import { invalidParameter } from "./arm-error.js";
import type { SecurityType } from "./security-type.js";
import { canonicalRegion } from "./regions.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

export interface SourceDisk {
  readonly sizeInGB: number;
  readonly hostCaching: string;
  /** The disk encryption set of the source itself; undefined: platform key. */
  readonly diskEncryptionSetId?: string;
}

/** What a version is made from, as far as Compute checks it. Undefined: the source does not say, as a VHD does not. */
export interface ImageSource {
  readonly osDisk: SourceDisk;
  readonly dataDisks: readonly (SourceDisk & { readonly lun: number })[];
  readonly hyperVGeneration?: string;
  readonly osType?: string;
  readonly osState?: string;
  readonly architecture?: string;
  readonly securityType?: SecurityType;
  /** Given when the source is a virtual machine: some definitions take none. */
  readonly virtualMachineId?: string;
}

export interface SourceContext {
  readonly store: Store;
  readonly subscriptionId: string;
  /** Of the version that is made. */
  readonly location: string;
}

export const STORAGE_PATH = "galleryImageVersion.properties.storageProfile";
export const DEFAULT_SIZE_IN_GB = 30;

/** The source resource at `id`: there, in the version's region, and provisioned; throws what Compute answers otherwise. */
export function requireSource(
  { store, location }: SourceContext,
  id: string,
  target: string,
): ArmResource {
  const resource = store.requireResource(id, target);
  // "Please check source exists, and is in the same region as gallery image version being created."
  if (canonicalRegion(resource.location ?? "") !== location)
    throw invalidParameter(
      target,
      `The source '${resource.id}' is in region '${resource.location}'. It must be in the region of the gallery image version, '${location}'.`,
    );
  const { provisioningState } = resource.properties as {
    provisioningState?: string;
  };
  requireProvisioned(resource.id, provisioningState, target);
  return resource;
}

/** A source that is still being made, or failed, is refused. The code is not documented: a guess. */
export function requireProvisioned(
  id: string,
  provisioningState: string | undefined,
  target: string,
): void {
  if (provisioningState === undefined || provisioningState === "Succeeded")
    return;
  throw invalidParameter(
    target,
    `The source '${id}' is in provisioning state '${provisioningState}'. It must be 'Succeeded'.`,
  );
}

/** `{ [name]: value }`, or nothing where there is no value. */
export function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [key in Name]?: Value } {
  return value === undefined
    ? {}
    : ({ [name]: value } as { [key in Name]?: Value });
}
