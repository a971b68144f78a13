import { groupId, type TaggedResources } from "../../leftovers/ports.js";
import { canonicalRegion, parseResourceId } from "../../resource-id.js";
import type { ArmClient } from "./client.js";
import { toServiceError, type ArmCall, type ArmResponse } from "./errors.js";
import { readPages, urlOf } from "./pages.js";

const RESOURCES_API_VERSION = "2021-04-01";

/** By ARM's own endpoints: whatever the type, the same three requests. */
export function createTaggedResources(arm: ArmClient): TaggedResources {
  return {
    async listTagged(group, tag, value) {
      const id = groupId(group);
      const query = new URLSearchParams({
        $filter: [
          `tagName eq '${quoted(tag)}'`,
          ...(value === undefined ? [] : [`tagValue eq '${quoted(value)}'`]),
        ].join(" and "),
      });
      const items = await readPages<{ readonly id?: string }>(arm, {
        what: `the list of resources of ${id} by their tag`,
        action: "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
        scope: id,
        path: `${id}/resources`,
        apiVersion: RESOURCES_API_VERSION,
        query: query.toString(),
      });
      return (items ?? []).flatMap((item) => item.id ?? []);
    },

    async getResource(id) {
      const known = typeOf(id);
      if (known === undefined) return undefined;
      const call = { what: `the read of ${id}`, action: `${known.type}/read`, scope: id };
      const wire = arm.bodyOf<WireResource>(
        call,
        await arm.request(call, "GET", urlOf(arm, id, known.apiVersion)),
      );
      const attachedTo = wire?.managedBy ?? wire?.properties?.virtualMachine?.id ?? undefined;
      return (
        wire && {
          id,
          region: canonicalRegion(wire.location ?? ""),
          tags: wire.tags ?? {},
          ...(attachedTo !== undefined && { attachedTo }),
        }
      );
    },

    async deleteResource(id) {
      const known = typeOf(id);
      if (known === undefined) throw new TypeError(`Sigil creates nothing like ${id}`);
      const call = { what: `the deletion of ${id}`, action: `${known.type}/delete`, scope: id };
      await removed(
        arm,
        call,
        await arm.request(call, "DELETE", urlOf(arm, id, known.apiVersion, known.query)),
      );
    },
  };
}

/** Accepts a missing resource as deleted. */
export function removed(arm: ArmClient, call: ArmCall, response: ArmResponse): Promise<void> {
  return response.status >= 300 && response.status !== 404
    ? Promise.reject(toServiceError(call, response, arm.now()))
    : Promise.resolve();
}

interface TemporaryType {
  /** As Azure spells it in actions. */
  readonly type: string;
  /** For Compute's types, the one of `@azure/arm-compute`. */
  readonly apiVersion: string;
  /** Of its DELETE. */
  readonly query?: string;
}

/** By the type in lower case: what Sigil creates for a while. */
const TYPES: Readonly<Record<string, TemporaryType>> = {
  "microsoft.compute/virtualmachines": {
    type: "Microsoft.Compute/virtualMachines",
    apiVersion: "2026-04-01",
    query: "forceDeletion=true",
  },
  "microsoft.compute/disks": { type: "Microsoft.Compute/disks", apiVersion: "2026-03-02" },
  "microsoft.compute/snapshots": { type: "Microsoft.Compute/snapshots", apiVersion: "2026-03-02" },
  "microsoft.network/networkinterfaces": {
    type: "Microsoft.Network/networkInterfaces",
    apiVersion: "2024-05-01",
  },
};

function typeOf(id: string): TemporaryType | undefined {
  const { namespace = "", type = "" } = parseResourceId(id) ?? {};
  return TYPES[`${namespace}/${type}`.toLowerCase()];
}

/** A string in an OData filter. */
function quoted(text: string): string {
  return text.replaceAll("'", "''");
}

interface WireResource {
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly managedBy?: string | null;
  readonly properties?: {
    readonly virtualMachine?: { readonly id?: string } | null;
  };
}
