/** Reads from Azure what decides whether a virtual machine can be created. */
/** A size of virtual machines in one region, for one subscription. */
export interface MachineSize {
  /** As Azure spells it. */
  readonly name: string;
  /** The quota it counts against, such as standardDSv5Family. */
  readonly family: string;
  readonly vCpus: number;
  /** Azure's reason why the subscription cannot use it in the region. */
  readonly restriction?: string;
  /** x64 or Arm64. */
  readonly architecture: string;
  /** V1, V2 or both. */
  readonly hyperVGenerations: readonly string[];
  readonly trustedLaunch: boolean;
  readonly confidential: boolean;
}

export interface Usage {
  /** Azure's display name, such as Total Regional vCPUs. */
  readonly label: string;
  readonly used: number;
  readonly limit: number;
}

export interface VirtualNetwork {
  /** Canonical region. */
  readonly region: string;
  /** Names in lower case. */
  readonly subnets: readonly string[];
}

/** What one role lets an identity do at a scope. Actions may contain `*`. */
export interface Grant {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

/** Reads like those in image-version/ports.ts. */
export interface MachineReader {
  /** Undefined if the region has no such size. Case does not matter. */
  getMachineSize(
    subscriptionId: string,
    region: string,
    name: string,
  ): Promise<MachineSize | undefined>;
  /** Usage by quota name in lower case: cores, virtualmachines, and each size family. */
  listUsages(
    subscriptionId: string,
    region: string,
  ): Promise<ReadonlyMap<string, Usage> | undefined>;
  /** The virtual network of a subnet id. */
  getVirtualNetwork(subnetId: string): Promise<VirtualNetwork | undefined>;
  /** What Sigil may do at a resource or resource group; undefined if there is none. */
  listGrants(scope: string): Promise<readonly Grant[] | undefined>;
}
