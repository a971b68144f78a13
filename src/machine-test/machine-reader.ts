/** What decides in Azure whether a virtual machine can be made. */
/** A size of virtual machines in one region, for one subscription. */
export interface MachineSize {
  /** As Azure spells it. */
  readonly name: string;
  /** Whose quota it counts against, such as standardDSv5Family. */
  readonly family: string;
  readonly vCpus: number;
  /** Azure's reason why the subscription may not use it in the region. */
  readonly restriction?: string;
  /** x64 or Arm64. */
  readonly architecture: string;
  /** V1, V2 or both. */
  readonly hyperVGenerations: readonly string[];
  readonly trustedLaunch: boolean;
  readonly confidential: boolean;
}

export interface Usage {
  /** As people know it, such as Total Regional vCPUs. */
  readonly label: string;
  readonly used: number;
  readonly limit: number;
}

export interface VirtualNetwork {
  /** Canonical region. */
  readonly region: string;
  /** Names, in lower case. */
  readonly subnets: readonly string[];
}

/** What an identity may do at a scope, by one of its roles; actions may have `*`. */
export interface Grant {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

/** Reads as those of image-version/ports.ts. */
export interface MachineReader {
  /** Undefined where the region has no such size; case does not matter. */
  getMachineSize(
    subscriptionId: string,
    region: string,
    name: string,
  ): Promise<MachineSize | undefined>;
  /** What is used of each quota, by its name in lower case: cores, virtualmachines, and each family of sizes. */
  listUsages(
    subscriptionId: string,
    region: string,
  ): Promise<ReadonlyMap<string, Usage> | undefined>;
  /** Of a subnet's id. */
  getVirtualNetwork(subnetId: string): Promise<VirtualNetwork | undefined>;
  /** What Sigil may do at a resource or resource group; undefined where there is none. */
  listGrants(scope: string): Promise<readonly Grant[] | undefined>;
}
