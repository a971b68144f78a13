import type { Grant, MachineReader, MachineSize } from "../../machine-test/machine-reader.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ArmClient } from "./client.js";
import { readPages, urlOf } from "./pages.js";
import { subscriptionScope } from "./subscriptions.js";

const SKUS_API_VERSION = "2021-07-01";
const USAGES_API_VERSION = "2024-07-01";
const NETWORK_API_VERSION = "2024-05-01";
const PERMISSIONS_API_VERSION = "2022-04-01";

/**
 * Reads what machines need through ARM's own endpoints: four reads do not justify three packages.
 */
export function createMachineReader(arm: ArmClient): MachineReader {
  return {
    async getMachineSize(subscriptionId, region, name) {
      const scope = subscriptionScope(subscriptionId);
      const filter = encodeURIComponent(`location eq '${region}'`);
      const skus = await readPages<WireSku>(arm, {
        what: `the list of machine sizes in ${region}`,
        action: "Microsoft.Compute/skus/read",
        scope,
        path: `${scope}/providers/Microsoft.Compute/skus`,
        apiVersion: SKUS_API_VERSION,
        query: `$filter=${filter}`,
      });
      const sku = skus?.find(
        (one) =>
          one.resourceType === "virtualMachines" && one.name?.toLowerCase() === name.toLowerCase(),
      );
      return sku && toSize(sku, region);
    },

    async listUsages(subscriptionId, region) {
      const scope = subscriptionScope(subscriptionId);
      const usages = await readPages<WireUsage>(arm, {
        what: `the list of quotas in ${region}`,
        action: "Microsoft.Compute/locations/usages/read",
        scope,
        path: `${scope}/providers/Microsoft.Compute/locations/${encodeURIComponent(region)}/usages`,
        apiVersion: USAGES_API_VERSION,
      });
      return (
        usages &&
        new Map(
          usages.map(({ name = {}, currentValue = 0, limit = 0 }) => [
            (name.value ?? "").toLowerCase(),
            { label: name.localizedValue ?? "", used: currentValue, limit },
          ]),
        )
      );
    },

    async getVirtualNetwork(subnetId) {
      const id = subnetId.replace(/\/subnets\/[^/]+$/iu, "");
      const call = {
        what: `the read of ${id}`,
        action: "Microsoft.Network/virtualNetworks/read",
        scope: id,
      };
      const network = arm.bodyOf<WireNetwork>(
        call,
        await arm.request(call, "GET", urlOf(arm, id, NETWORK_API_VERSION)),
      );
      return (
        network && {
          region: canonicalRegion(network.location ?? ""),
          subnets: (network.properties?.subnets ?? []).map(({ name = "" }) => name.toLowerCase()),
        }
      );
    },

    async listGrants(scope) {
      const grants = await readPages<Partial<Grant>>(arm, {
        what: `the list of permissions at ${scope}`,
        action: "Microsoft.Authorization/permissions/read",
        scope,
        path: `${scope}/providers/Microsoft.Authorization/permissions`,
        apiVersion: PERMISSIONS_API_VERSION,
      });
      return grants?.map(({ actions = [], notActions = [] }) => ({
        actions,
        notActions,
      }));
    },
  };
}

interface WireSku {
  readonly resourceType?: string;
  readonly name?: string;
  readonly family?: string;
  readonly capabilities?: readonly {
    readonly name?: string;
    readonly value?: string;
  }[];
  readonly restrictions?: readonly {
    /** `Location` or `Zone`. A machine without a zone is only subject to `Location`. */
    readonly type?: string;
    readonly values?: readonly string[];
    readonly reasonCode?: string;
  }[];
}

interface WireUsage {
  readonly name?: { readonly value?: string; readonly localizedValue?: string };
  readonly currentValue?: number;
  readonly limit?: number;
}

interface WireNetwork {
  readonly location?: string;
  readonly properties?: {
    readonly subnets?: readonly { readonly name?: string }[];
  };
}

function toSize(sku: WireSku, region: string): MachineSize {
  const { name = "", family = "", restrictions = [] } = sku;
  const able = new Map((sku.capabilities ?? []).map((one) => [one.name, one.value ?? ""]));
  const restriction = restrictions.find(
    ({ type, values = [] }) =>
      type === "Location" && values.some((value) => canonicalRegion(value) === region),
  );
  const vCpus = Number(able.get("vCPUs"));
  return {
    name,
    family,
    // Assume that a size needs little if it does not report its vCPUs.
    vCpus: Number.isFinite(vCpus) ? vCpus : 1,
    ...(restriction && {
      restriction: restriction.reasonCode ?? "no reason given",
    }),
    architecture: able.get("CpuArchitectureType") ?? "x64",
    hyperVGenerations: (able.get("HyperVGenerations") ?? "V1,V2").split(","),
    trustedLaunch: able.get("TrustedLaunchDisabled")?.toLowerCase() !== "true",
    confidential: able.has("ConfidentialComputingType"),
  };
}
