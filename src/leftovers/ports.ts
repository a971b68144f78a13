/** What Sigil creates in Azure for a while, and how it is found again. */

/** Tags of every such resource. */
export const OPERATION_TAG = "sigil-operation";
export const DEADLINE_TAG = "sigil-deadline";

/** How long after its time a resource that is not gone is reported. */
export const LEFT_AFTER_MS = 60 * 60_000;

/** A resource group. */
export interface Group {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
}

export function groupId({ subscriptionId, resourceGroupName }: Group): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}`;
}

/** A resource found by its tag. */
export interface TaggedResource {
  readonly id: string;
  /** Canonical region. */
  readonly region: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Id of the machine that it is attached to. */
  readonly attachedTo?: string;
}

/**
 * Requests to Azure for such resources. A read returns undefined for 404. Every other failure is a
 * ServiceError, as in every port of Azure Resource Manager.
 */
export interface TaggedResources {
  /**
   * Ids of a resource group's resources with this tag, and this value if given; empty if there is
   * no such group.
   */
  listTagged(group: Group, tag: string, value?: string): Promise<readonly string[]>;
  /** Undefined also for a type that Sigil never creates. */
  getResource(id: string): Promise<TaggedResource | undefined>;
  /** A missing resource counts as deleted. */
  deleteResource(id: string): Promise<void>;
}
