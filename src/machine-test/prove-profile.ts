import type { ResourceReader, RuleFinding } from "../image-version/index.js";
import { distinct, bounded, seeEach, found } from "../bounded-reads.js";
import { parseResourceId } from "../resource-id.js";
import type { Subscriptions } from "../subscription/ports.js";
import { groupIdOf, judgeProfile } from "./judge-profile.js";
import type { MachineReader } from "./machine-reader.js";
import { placesOf, type TestProfile } from "./profile.js";

export interface ProofSources {
  readonly machines: MachineReader;
  readonly resources: Pick<ResourceReader, "getImageDefinition">;
  readonly subscriptions: Pick<Subscriptions, "areTermsAccepted">;
}

/**
 * What prevents the profile's machines now, errors and warnings; undefined if Azure has no such
 * image definition. Reads only, and each thing once. Throws what a read throws, except 403, which
 * is a finding. For a test in some of the regions, pass the profile `within` them.
 */
export async function proveProfile(
  { machines, resources, subscriptions }: ProofSources,
  profile: TestProfile,
): Promise<readonly RuleFinding[] | undefined> {
  const see = bounded();
  const subscriptionId = parseResourceId(profile.imageId)?.subscriptionId ?? "";
  const places = placesOf(profile);
  const imageDefinition = await see(() => resources.getImageDefinition(profile.imageId));
  if (imageDefinition.kind === "absent") return undefined;
  const plan = found(imageDefinition)?.purchasePlan;
  const byRegion = new Map(places.map((place) => [place.region, place]));
  const subnets = distinct(places.map(({ subnetId }) => subnetId));
  const groups = distinct(
    places.map((place) => groupIdOf(subscriptionId, place.resourceGroupName)),
  );
  const [terms, sizes, usages, networks, grants] = await Promise.all([
    plan && see(() => subscriptions.areTermsAccepted(subscriptionId, plan)),
    seeEach(byRegion, ({ region, machineSize }) =>
      see(() => machines.getMachineSize(subscriptionId, region, machineSize)),
    ),
    seeEach(byRegion, ({ region }) => see(() => machines.listUsages(subscriptionId, region))),
    seeEach(subnets, (subnet) => see(() => machines.getVirtualNetwork(subnet))),
    seeEach(new Map([...groups, ...subnets]), (scope) => see(() => machines.listGrants(scope))),
  ]);
  return judgeProfile(profile, {
    imageDefinition,
    sizes,
    usages,
    networks,
    grants,
    ...(terms && { terms }),
  });
}

/** The profile limited to these regions (canonical names). */
export function within(profile: TestProfile, regions: readonly string[]): TestProfile {
  return {
    ...profile,
    regions: profile.regions.filter(({ name }) => regions.includes(name)),
  };
}
