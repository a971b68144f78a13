import { ArmError } from "./arm-error.js";
import { page, type ArmAnswer, type ArmRequest } from "./arm-request.js";
import { canonicalRegion, findRegion, offeredRegions } from "./regions.js";
import { resourceKey } from "./resource-id.js";
import type { MachineOffers } from "./state.js";
import type { Store } from "./store.js";

/*
 * What clients read before they create a virtual machine: sizes, quotas, virtual networks, the
 * terms of Marketplace plans, and the caller's permissions. Every region offers every size to
 * everybody, unless a control changes that; `putResource` adds networks; terms start unaccepted.
 * Shapes are those of Microsoft's REST reference.
 */

interface Size {
  readonly name: string;
  readonly family: string;
  readonly vCpus: number;
  readonly capabilities: Readonly<Record<string, string>>;
}

const BOTH = { HyperVGenerations: "V1,V2", CpuArchitectureType: "x64" };

const SIZES: readonly Size[] = [
  size("Standard_D2s_v5", "standardDSv5Family", 2, BOTH),
  size("Standard_D4s_v5", "standardDSv5Family", 4, BOTH),
  size("Standard_D2as_v5", "standardDASv5Family", 2, BOTH),
  size("Standard_B2s", "standardBSFamily", 2, BOTH),
  size("Standard_DS1_v2", "standardDSv2Family", 1, {
    HyperVGenerations: "V1",
    CpuArchitectureType: "x64",
    TrustedLaunchDisabled: "True",
  }),
  size("Standard_D2ps_v5", "standardDPSv5Family", 2, {
    HyperVGenerations: "V2",
    CpuArchitectureType: "Arm64",
    TrustedLaunchDisabled: "True",
  }),
  size("Standard_DC2as_v5", "standardDCASv5Family", 2, {
    HyperVGenerations: "V2",
    CpuArchitectureType: "x64",
    ConfidentialComputingType: "SNP",
  }),
];

function size(
  name: string,
  family: string,
  vCpus: number,
  capabilities: Readonly<Record<string, string>>,
): Size {
  return { name, family, vCpus, capabilities };
}

/** "List all available Resource SKUs", by `$filter=location eq '…'`, the only filter that there is. */
export function listSkus(store: Store, subscriptionId: string, request: ArmRequest): ArmAnswer {
  const subscription = store.subscription(subscriptionId);
  const filter = request.query.get("$filter");
  const [, only] = /^location eq '([^']*)'$/iu.exec(filter ?? "") ?? [];
  if (filter !== null && only === undefined)
    throw new ArmError(400, "BadRequest", `The filter '${filter}' is not supported.`);
  const regions = offeredRegions(subscription).filter(
    ({ name }) => only === undefined || canonicalRegion(only) === name,
  );
  const { restrictions } = store.state.machineOffers;
  return page(
    request,
    regions.flatMap(({ name: region }) =>
      SIZES.flatMap(({ name, family, vCpus, capabilities }) => {
        const restriction = restrictions[offerKey(region, name)];
        if (restriction === "NotOffered") return [];
        return [
          {
            resourceType: "virtualMachines",
            name,
            tier: "Standard",
            size: name.replace(/^Standard_/u, ""),
            family,
            locations: [region],
            locationInfo: [{ location: region, zones: [] }],
            capabilities: Object.entries({
              vCPUs: String(vCpus),
              ...capabilities,
            }).map(([name, value]) => ({ name, value })),
            restrictions:
              restriction === undefined
                ? []
                : [
                    {
                      type: "Location",
                      values: [region],
                      restrictionInfo: { locations: [region] },
                      reasonCode: restriction,
                    },
                  ],
          },
        ];
      }),
    ),
  );
}

/** "Gets, for the specified location, the current compute resource usage information as well as the limits". */
export function listUsages(
  store: Store,
  subscriptionId: string,
  location: string,
  request: ArmRequest,
): ArmAnswer {
  store.subscription(subscriptionId);
  const region = findRegion(location)?.name ?? "";
  const { usages } = store.state.machineOffers;
  const labels: Readonly<Record<string, string>> = {
    cores: "Total Regional vCPUs",
    virtualMachines: "Virtual Machines",
  };
  const names = new Set(["cores", "virtualMachines", ...SIZES.map(({ family }) => family)]);
  return page(
    request,
    [...names].map((name) => {
      const { used, limit } = usages[offerKey(region, name)] ?? {
        used: 0,
        limit: 100,
      };
      return {
        unit: "Count",
        currentValue: used,
        limit,
        name: { value: name, localizedValue: labels[name] ?? `${name} vCPUs` },
      };
    }),
  );
}

/** A virtual network, with its subnets inside. */
export function getVirtualNetwork(store: Store, id: string): ArmAnswer {
  const found = store.findResource(id);
  if (found !== undefined) return { status: 200, body: found };
  const [, group = "", name = ""] = /resourceGroups\/([^/]+)\/.*\/([^/]+)$/iu.exec(id) ?? [];
  throw new ArmError(
    404,
    "ResourceNotFound",
    `The Resource 'Microsoft.Network/virtualNetworks/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
}

/** "Get marketplace agreement": also for a plan whose terms nobody accepted. */
export function getAgreement(
  store: Store,
  subscriptionId: string,
  publisher: string,
  offer: string,
  plan: string,
): ArmAnswer {
  const { subscriptionId: id } = store.subscription(subscriptionId);
  return {
    status: 200,
    body: {
      id: `/subscriptions/${id}/providers/Microsoft.MarketplaceOrdering/offertypes/virtualmachine/publishers/${publisher}/offers/${offer}/plans/${plan}/agreements/current`,
      name: plan,
      type: "Microsoft.MarketplaceOrdering/offertypes",
      properties: {
        publisher,
        product: offer,
        plan,
        accepted: store.state.machineOffers.acceptedTerms.includes(
          termsKey({ publisher, offer, plan }),
        ),
      },
    },
  };
}

/** The caller's permissions at a scope: everything, except what `denyAction` denies there. */
export function listPermissions(store: Store, scope: string, request: ArmRequest): ArmAnswer {
  const [, subscriptionId = "", resourceGroup = ""] =
    /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)/iu.exec(scope) ?? [];
  store.requireResourceGroup({ subscriptionId, resourceGroup });
  const here = `${resourceKey(scope)}/`;
  return page(request, [
    {
      actions: ["*"],
      notActions: store.state.denials
        .filter((denial) => here.startsWith(`${resourceKey(denial.scope)}/`))
        .map(({ action }) => action),
      dataActions: [],
      notDataActions: [],
    },
  ]);
}

/** Controls for Azure's offers of machines. */
export interface MachineOffersControl {
  /**
   * Withholds a size in a region: "NotOffered" there, or restricted for the subscription, with
   * Azure's reason; null offers it again.
   */
  setMachineSize(change: {
    region: string;
    size: string;
    restriction: "NotOffered" | "NotAvailableForSubscription" | "QuotaId" | null;
  }): Promise<void>;
  /** What is used of a quota: cores, virtualMachines, or a family such as standardDSv5Family. */
  setUsage(usage: { region: string; name: string; used: number; limit: number }): Promise<void>;
  /** Accepts the terms of a Marketplace plan, or takes that back. */
  setTermsAccepted(terms: {
    publisher: string;
    offer: string;
    plan: string;
    accepted: boolean;
  }): Promise<void>;
}

export function createMachineOffersControl(store: Store): MachineOffersControl {
  const change = async (changed: Partial<MachineOffers>): Promise<void> => {
    store.state.machineOffers = { ...store.state.machineOffers, ...changed };
    await store.commit();
  };
  return {
    setMachineSize({ region, size, restriction }) {
      const { [offerKey(region, size)]: _before, ...restrictions } =
        store.state.machineOffers.restrictions;
      return change({
        restrictions:
          restriction === null
            ? restrictions
            : { ...restrictions, [offerKey(region, size)]: restriction },
      });
    },
    setUsage: ({ region, name, used, limit }) =>
      change({
        usages: {
          ...store.state.machineOffers.usages,
          [offerKey(region, name)]: { used, limit },
        },
      }),
    setTermsAccepted({ accepted, ...terms }) {
      const key = termsKey(terms);
      const others = store.state.machineOffers.acceptedTerms.filter((one) => one !== key);
      return change({ acceptedTerms: accepted ? [...others, key] : others });
    },
  };
}

function offerKey(region: string, name: string): string {
  return `${canonicalRegion(region)}/${name.toLowerCase()}`;
}

function termsKey(terms: { publisher: string; offer: string; plan: string }): string {
  return `${terms.publisher}/${terms.offer}/${terms.plan}`.toLowerCase();
}
