/** A region as ARM lists it: `name` is canonical, `displayName` is what Compute writes into target regions. */
export interface Region {
  readonly name: string;
  readonly displayName: string;
  /** With availability zones, hence with zone-redundant storage. */
  readonly zones: boolean;
}

const ZONAL = [
  "East US",
  "East US 2",
  "West US 2",
  "West US 3",
  "South Central US",
  "Central US",
  "Canada Central",
  "Brazil South",
  "Mexico Central",
  "North Europe",
  "West Europe",
  "UK South",
  "France Central",
  "Germany West Central",
  "Switzerland North",
  "Norway East",
  "Sweden Central",
  "Italy North",
  "Poland Central",
  "Spain Central",
  "Australia East",
  "Southeast Asia",
  "East Asia",
  "Japan East",
  "Japan West",
  "Korea Central",
  "Central India",
  "South Africa North",
  "UAE North",
  "Qatar Central",
  "Israel Central",
  "New Zealand North",
] as const;

const NOT_ZONAL = [
  "West US",
  "North Central US",
  "West Central US",
  "Canada East",
  "UK West",
  "France South",
  "Germany North",
  "Switzerland West",
  "Norway West",
  "Australia Southeast",
  "Australia Central",
  "Korea South",
  "South India",
  "West India",
  "South Africa West",
  "UAE Central",
] as const;

/** `West US 2` and `westus2` are one region: lower case, no spaces. */
export function canonicalRegion(name: string): string {
  return name.toLowerCase().replaceAll(/\s+/gu, "");
}

/** The public cloud's regions, the two that the samples use first. */
export const REGIONS: readonly Region[] = [
  ...NOT_ZONAL.slice(0, 1).map((name) => region(name, false)),
  ...ZONAL.map((name) => region(name, true)),
  ...NOT_ZONAL.slice(1).map((name) => region(name, false)),
];

const BY_NAME = new Map(REGIONS.map((entry) => [entry.name, entry]));

/** Undefined for what is no region. */
export function findRegion(name: string): Region | undefined {
  return BY_NAME.get(canonicalRegion(name));
}

/** The regions that a subscription may use, without those withheld from it (canonical names). */
export function offeredRegions(subscription: {
  readonly unavailableRegions: readonly string[];
}): readonly Region[] {
  return REGIONS.filter(({ name }) => !subscription.unavailableRegions.includes(name));
}

/** `westus` becomes `West US`; a name that is no region stays as it is. */
export function displayNameOf(name: string): string {
  return findRegion(name)?.displayName ?? name;
}

function region(displayName: string, zones: boolean): Region {
  return { name: canonicalRegion(displayName), displayName, zones };
}
