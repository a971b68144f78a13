import type { Snapshots } from "../../image-version/ports.js";
import { parseResourceId, type ResourceId } from "../../resource-id.js";
import type { ArmClient } from "./client.js";
import { createResourceReader } from "./resource-reader.js";
import { toServiceError, type ArmCall } from "./errors.js";

/** Snapshots of disks, by `@azure/arm-compute`. `groups`: where they may be created. */
export function createSnapshots(arm: ArmClient, groups: readonly string[]): Snapshots {
  const resources = createResourceReader(arm);
  return {
    groups,
    getMachine: (id) => resources.getSource(id),

    async get(id) {
      const { subscriptionId, resourceGroupName, name } = partsOf(id);
      const call = callOf("read", "read", id);
      const response = await arm.send(call, (callOptions) =>
        arm.compute(subscriptionId).snapshots.get(resourceGroupName, name, callOptions),
      );
      const wire = arm.bodyOf<WireSnapshot>(call, response);
      const { provisioningState = "Unknown", completionPercent } = wire?.properties ?? {};
      return (
        wire && {
          id,
          provisioningState,
          ...(completionPercent != null && { completionPercent }),
          tags: wire.tags ?? {},
        }
      );
    },

    async create({ id, region, diskId, encryption, tags }) {
      const { subscriptionId, resourceGroupName, name } = partsOf(id);
      const call = callOf("creation", "write", id);
      const response = await arm.send(call, (callOptions) =>
        arm
          .compute(subscriptionId)
          .snapshots.createOrUpdate(
            resourceGroupName,
            name,
            {
              location: region,
              tags,
              sku: { name: "Standard_LRS" },
              creationData: { createOption: "Copy", sourceResourceId: diskId },
              ...(encryption && { encryption }),
              // An open snapshot is a disk that can be exported.
              networkAccessPolicy: "DenyAll",
              publicNetworkAccess: "Disabled",
            },
            callOptions,
          )
          .submitted(),
      );
      if (response.status >= 300) throw toServiceError(call, response, arm.now());
    },
  };
}

function partsOf(
  id: string,
): Pick<ResourceId, "subscriptionId" | "resourceGroupName"> & { readonly name: string } {
  const parsed = parseResourceId(id);
  if (parsed === undefined) throw new TypeError(`${id} is not a snapshot's id`);
  return { ...parsed, name: parsed.names[0] ?? "" };
}

function callOf(what: string, verb: "read" | "write", id: string): ArmCall {
  return {
    what: `the ${what} of the snapshot ${id}`,
    action: `Microsoft.Compute/snapshots/${verb}`,
    scope: id,
  };
}

interface WireSnapshot {
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties?: {
    readonly provisioningState?: string;
    readonly completionPercent?: number | null;
  };
}
