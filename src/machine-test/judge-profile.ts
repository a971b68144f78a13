/**
 * Finds what prevents a profile's machines from being created, by what Azure showed. Pure: one
 * rule, one function.
 */
import type { Severity } from "../errors.js";
import { purchaseTerms, type ImageDefinition, type RuleFinding } from "../image-version/index.js";
import { found, type Denied, type Seen } from "../bounded-reads.js";
import { parseResourceId } from "../resource-id.js";
import type { Grant, MachineSize, Usage, VirtualNetwork } from "./machine-reader.js";
import { placesOf, type TestPlace, type TestProfile } from "./profile.js";
import { ACTIONS_AT_SUBNET, actionsInResourceGroup, lacking } from "./required-actions.js";

/** What Azure showed. Keys are regions, resource group ids and subnet ids, ids in lower case. */
interface ProfileFacts {
  readonly imageDefinition: Seen<ImageDefinition>;
  readonly sizes: ReadonlyMap<string, Seen<MachineSize>>;
  readonly usages: ReadonlyMap<string, Seen<ReadonlyMap<string, Usage>>>;
  readonly networks: ReadonlyMap<string, Seen<VirtualNetwork>>;
  /** By resource group and by subnet. */
  readonly grants: ReadonlyMap<string, Seen<readonly Grant[]>>;
  /** Absent: the image definition has no purchase plan. */
  readonly terms?: Seen<boolean>;
}

/** One place of the profile, with what Azure showed about it. */
interface Place extends TestPlace {
  /** Its JSON Pointer into the body. */
  readonly pointer: string;
  /** The JSON Pointer to its machine size. */
  readonly sizePointer: string;
  readonly groupPointer: string;
  readonly groupId: string;
  readonly profile: TestProfile;
  readonly facts: ProfileFacts;
  readonly definition: ImageDefinition | undefined;
}

interface Breach {
  readonly pointer: string;
  readonly message: string;
  readonly remediation: string;
}

interface PlaceRule {
  readonly rule: string;
  readonly code: string;
  readonly severity: Severity;
  readonly check: (place: Place) => readonly Breach[];
}

const PLACE_RULES: readonly PlaceRule[] = [
  {
    rule: "subnet-exists",
    code: "SubnetNotFound",
    severity: "error",
    check: ({ pointer, subnetId, region, facts }) => {
      const network = facts.networks.get(subnetId.toLowerCase());
      const name = subnetId.slice(subnetId.lastIndexOf("/") + 1);
      const isThere = found(network)?.subnets.includes(name.toLowerCase());
      return network?.kind === "absent" || isThere === false
        ? [
            {
              pointer: `${pointer}/subnetId`,
              message: `${subnetId} does not exist.`,
              remediation: `Correct the id, or create the subnet in a virtual network in ${region}: az network vnet subnet create`,
            },
          ]
        : [];
    },
  },
  {
    rule: "subnet-region",
    code: "SubnetRegion",
    severity: "error",
    check: ({ pointer, subnetId, region, facts }) => {
      const network = found(facts.networks.get(subnetId.toLowerCase()));
      return network === undefined || network.region === region
        ? []
        : [
            {
              pointer: `${pointer}/subnetId`,
              message: `The subnet ${subnetId} is in ${network.region}. A machine in ${region} needs one in ${region}.`,
              remediation: `Use a subnet of a virtual network in ${region}.`,
            },
          ];
    },
  },
  {
    rule: "machine-size-offered",
    code: "MachineSizeNotOffered",
    severity: "error",
    check: ({ sizePointer, machineSize, region, facts }) => {
      const size = facts.sizes.get(region);
      const remediation = `Choose another size for ${region}: az vm list-skus --location ${region} --resource-type virtualMachines --output table`;
      if (size?.kind === "absent")
        return [
          {
            pointer: sizePointer,
            message: `Azure does not offer machines of size ${machineSize} in ${region}.`,
            remediation,
          },
        ];
      const restriction = found(size)?.restriction;
      return restriction === undefined
        ? []
        : [
            {
              pointer: sizePointer,
              message: `The subscription may not use size ${machineSize} in ${region}: ${restriction}.`,
              remediation: `${remediation}. Or ask Azure support for access to it.`,
            },
          ];
    },
  },
  {
    rule: "machine-size-fits-image",
    code: "MachineSizeUnfit",
    severity: "error",
    check: ({ sizePointer, definition, region, facts }) => {
      const size = found(facts.sizes.get(region));
      if (size === undefined || definition === undefined) return [];
      const { architecture, hyperVGeneration, securityType } = definition;
      const needs: readonly (readonly [boolean, string])[] = [
        [
          size.architecture.toLowerCase() !== architecture.toLowerCase(),
          `the image's architecture is ${architecture}, the size's ${size.architecture}`,
        ],
        [
          !size.hyperVGenerations.includes(hyperVGeneration),
          `the image's Hyper-V generation is ${hyperVGeneration}, and the size runs ${size.hyperVGenerations.join(" and ")}`,
        ],
        [
          securityType === "TrustedLaunch" && !size.trustedLaunch,
          "the image needs Trusted Launch, which the size does not support",
        ],
        [
          securityType === "ConfidentialVM" && !size.confidential,
          "the image needs a confidential size",
        ],
      ];
      return needs
        .filter(([isUnmet]) => isUnmet)
        .map(([, why]) => ({
          pointer: sizePointer,
          message: `No machine of size ${size.name} can start from this image: ${why}.`,
          remediation: "Choose a size that the image can run on.",
        }));
    },
  },
  {
    // A warning, because quota may be freed before a test begins.
    rule: "quota-left",
    code: "QuotaExceeded",
    severity: "warning",
    check: ({ sizePointer, region, facts }) => {
      const size = found(facts.sizes.get(region));
      const usages = found(facts.usages.get(region));
      if (size === undefined || usages === undefined) return [];
      const needed = [
        [size.family, size.vCpus],
        ["cores", size.vCpus],
        ["virtualMachines", 1],
      ] as const;
      return needed.flatMap(([name, count]) => {
        const usage = usages.get(name.toLowerCase());
        return usage === undefined || usage.used + count <= usage.limit
          ? []
          : [
              {
                pointer: sizePointer,
                message: `${usage.used} of ${usage.limit} ${usage.label || name} in ${region} are used. A machine of size ${size.name} needs ${count}.`,
                remediation: `Free some, choose a size of another family, or request a larger quota: az vm list-usage --location ${region}`,
              },
            ];
      });
    },
  },
  {
    rule: "test-resource-group-exists",
    code: "ResourceGroupNotFound",
    severity: "error",
    check: ({ groupPointer, groupId, resourceGroupName, region, facts }) =>
      facts.grants.get(groupId.toLowerCase())?.kind === "absent"
        ? [
            {
              pointer: groupPointer,
              message: `There is no resource group ${resourceGroupName} in the gallery's subscription.`,
              remediation: `Correct the name, or create it: az group create --location ${region} --name ${resourceGroupName}`,
            },
          ]
        : [],
  },
  {
    rule: "test-permissions",
    code: "InsufficientPermission",
    severity: "error",
    check: (place) => {
      const { pointer, sizePointer, groupPointer, facts, region } = place;
      const { groupId, subnetId, profile } = place;
      const groupGrants = facts.grants.get(groupId.toLowerCase());
      const subnetGrants = facts.grants.get(subnetId.toLowerCase());
      return [
        ...unread(sizePointer, facts.sizes.get(region)),
        ...unread(sizePointer, facts.usages.get(region)),
        ...unread(`${pointer}/subnetId`, facts.networks.get(subnetId.toLowerCase())),
        ...unread(groupPointer, groupGrants),
        ...unread(`${pointer}/subnetId`, subnetGrants),
        ...ungranted(groupPointer, groupId, actionsInResourceGroup(profile.proof), groupGrants),
        ...ungranted(`${pointer}/subnetId`, subnetId, ACTIONS_AT_SUBNET, subnetGrants),
      ];
    },
  },
];

/** Every breach of every rule, once: first those of the image definition, then by region. */
export function judgeProfile(profile: TestProfile, facts: ProfileFacts): readonly RuleFinding[] {
  const definition = found(facts.imageDefinition);
  const subscription = parseResourceId(profile.imageId)?.subscriptionId ?? "";
  const places = placesOf(profile).map((place, i): Place => {
    const own = (name: "machineSize" | "resourceGroupName"): string =>
      profile.regions[i]?.[name] === undefined ? `/${name}` : `/regions/${i}/${name}`;
    return {
      ...place,
      pointer: `/regions/${i}`,
      sizePointer: own("machineSize"),
      groupPointer: own("resourceGroupName"),
      groupId: groupIdOf(subscription, place.resourceGroupName),
      profile,
      facts,
      definition,
    };
  });
  const findings = [
    ...imageFindings(facts, definition, subscription),
    ...places.flatMap((place) =>
      PLACE_RULES.flatMap(({ check, ...rule }) =>
        check(place).map((breach) => ({ ...rule, ...breach })),
      ),
    ),
  ];
  return findings.filter(
    ({ code, message }, i) =>
      i === findings.findIndex((other) => other.code === code && other.message === message),
  );
}

export function groupIdOf(subscriptionId: string, name: string): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${name}`;
}

function imageFindings(
  { imageDefinition, terms }: ProfileFacts,
  definition: ImageDefinition | undefined,
  subscriptionId: string,
): readonly RuleFinding[] {
  const permission = {
    rule: "test-permissions",
    code: "InsufficientPermission",
    severity: "error",
  } as const;
  const denied = [...unread("", imageDefinition), ...unread("", terms)].map((breach) => ({
    ...permission,
    ...breach,
  }));
  const wrong = purchaseTerms(subscriptionId, definition?.purchasePlan, terms);
  // The missing permission is reported already.
  return wrong === undefined || wrong.code === "PurchaseTermsNotSeen"
    ? denied
    : [
        ...denied,
        {
          rule: "purchase-terms-accepted",
          severity: wrong.code === "PurchaseTermsNotAccepted" ? "error" : "warning",
          pointer: "",
          ...wrong,
        },
      ];
}

function unread(pointer: string, seen: Seen<unknown> | undefined): readonly Breach[] {
  return seen?.kind === "denied"
    ? [
        {
          pointer,
          message: `Sigil's identity may not perform ${seen.action} on ${seen.scope}, so Sigil cannot check it.`,
          remediation: grant(seen),
        },
      ]
    : [];
}

function ungranted(
  pointer: string,
  scope: string,
  actions: readonly string[],
  seen: Seen<readonly Grant[]> | undefined,
): readonly Breach[] {
  const missing = lacking(actions, found(seen) ?? [{ actions: ["*"], notActions: [] }]);
  return missing.length === 0
    ? []
    : [
        {
          pointer,
          message: `Sigil's identity may not perform ${missing.join(", ")} on ${scope}.`,
          remediation: `Name the resource group in testResourceGroups, and the subnet in testSubnets, of infra/main.bicep, or grant a role with these actions: az role assignment create --assignee {Sigil's identity} --role {role} --scope ${scope}`,
        },
      ];
}

function grant({ scope }: Denied): string {
  return `Grant it the role Reader there: az role assignment create --assignee {Sigil's identity} --role Reader --scope ${scope}`;
}
