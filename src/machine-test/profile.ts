/**
 * A test profile: how the versions of an image definition are tested on machines, and what each
 * region gets. Pure.
 */
import type { Finding } from "../errors.js";
import type { Requester } from "../operation/records.js";
import { canonicalRegion, normaliseResourceId, parseResourceId } from "../resource-id.js";
import type { TestProfileBody } from "./contract.js";

/** What proves that a machine started. Each first requires that its provisioning succeeded. */
export type Proof =
  /** The VM agent reports Ready. */
  | { readonly kind: "agentReady" }
  /** The serial log of boot diagnostics contains exactly this text; case matters. */
  | { readonly kind: "serialLog"; readonly text: string }
  /** A run command exits with 0: a shell script on Linux, PowerShell on Windows. */
  | { readonly kind: "runCommand"; readonly script: string };

/** One region of the profile. */
interface TestRegion {
  /** Canonical region. */
  readonly name: string;
  /** Normalised, in the gallery's subscription. */
  readonly subnetId: string;
  /** Overrides the profile's. */
  readonly resourceGroupName?: string;
  /** Overrides the profile's. */
  readonly machineSize?: string;
}

/** The test profile of an image definition as it was set, with defaults for its numbers. */
export interface TestProfile {
  readonly imageId: string;
  /** As Azure names it, such as Standard_D2s_v5. */
  readonly machineSize: string;
  /** In the gallery's subscription. */
  readonly resourceGroupName: string;
  /** Each region once, in the given order. */
  readonly regions: readonly TestRegion[];
  readonly proof: Proof;
  /** From the PUT of a machine until Azure shows it provisioned. */
  readonly startMinutes: number;
  /** From provisioning until the proof. */
  readonly proofMinutes: number;
  /** How many machines of one test may exist at the same time. */
  readonly concurrency: number;
  /** How long a machine whose test failed is kept. */
  readonly keepFailedMinutes: number;
  readonly setBy: Requester;
  /** RFC 3339. */
  readonly setTime: string;
}

/** Where a region's machine is created, with all defaults applied. */
export interface TestPlace {
  /** Canonical region. */
  readonly region: string;
  readonly subnetId: string;
  readonly resourceGroupName: string;
  readonly machineSize: string;
}

export const DEFAULTS = {
  startMinutes: 20,
  proofMinutes: 10,
  concurrency: 4,
  keepFailedMinutes: 0,
} as const;

/** Where machines are created, in the profile's order. */
export function placesOf({
  machineSize,
  resourceGroupName,
  regions,
}: Pick<TestProfile, "machineSize" | "resourceGroupName" | "regions">): readonly TestPlace[] {
  return regions.map((region) => ({
    region: region.name,
    subnetId: region.subnetId,
    resourceGroupName: region.resourceGroupName ?? resourceGroupName,
    machineSize: region.machineSize ?? machineSize,
  }));
}

/**
 * The profile of a valid body. `findings` has what the schema cannot check; if there are any, do
 * not use the profile.
 */
export function profileOf(
  imageId: string,
  body: TestProfileBody,
  setBy: Requester,
  setTime: Date,
): { readonly profile: TestProfile; readonly findings: readonly Finding[] } {
  const regions = body.regions.map((region): TestRegion => ({
    ...region,
    name: canonicalRegion(region.name),
    subnetId: normaliseResourceId(region.subnetId),
  }));
  return {
    profile: {
      ...DEFAULTS,
      ...body,
      imageId,
      regions,
      proof: proofOf(body.proof),
      setBy,
      setTime: setTime.toISOString(),
    },
    findings: [
      ...regions.flatMap((region, i) => regionFindings(imageId, regions, region, i)),
      ...proofFindings(body.proof),
    ],
  };
}

function proofOf({ kind, text = "", script = "" }: TestProfileBody["proof"]): Proof {
  switch (kind) {
    case "agentReady":
      return { kind };
    case "serialLog":
      return { kind, text };
    case "runCommand":
      return { kind, script };
  }
}

function regionFindings(
  imageId: string,
  regions: readonly TestRegion[],
  { name, subnetId }: TestRegion,
  i: number,
): readonly Finding[] {
  const findings: Finding[] = [];
  const first = regions.findIndex((region) => region.name === name);
  if (first !== i)
    findings.push({
      code: "DuplicateRegion",
      pointer: `/regions/${i}/name`,
      message: `"${name}" appears twice, as regions ${first} and ${i}. Region names ignore case and spaces.`,
      remediation: `Keep one entry for ${name}.`,
    });
  const subnet = parseResourceId(subnetId);
  const pointer = `/regions/${i}/subnetId`;
  if (
    subnet?.namespace.toLowerCase() !== "microsoft.network" ||
    subnet.type !== "virtualnetworks/subnets"
  )
    findings.push({
      code: "SubnetId",
      pointer,
      message: `${subnetId} is not the id of a subnet.`,
      remediation:
        "Give /subscriptions/…/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/…/subnets/…: az network vnet subnet show --query id",
    });
  else if (subnet.subscriptionId !== parseResourceId(imageId)?.subscriptionId)
    findings.push({
      code: "SubnetSubscription",
      pointer,
      message: `The subnet is in subscription ${subnet.subscriptionId}, and the gallery is not. A machine, its network interface and its subnet must be in the gallery's subscription.`,
      remediation: "Use a subnet of the gallery's subscription.",
    });
  return findings;
}

/** Checks that a proof has the members of its kind, which the schema does not. */
function proofFindings(proof: TestProfileBody["proof"]): readonly Finding[] {
  const needed = {
    agentReady: undefined,
    serialLog: "text",
    runCommand: "script",
  } as const;
  return (["text", "script"] as const).flatMap((name): Finding[] => {
    const isNeeded = needed[proof.kind] === name;
    if (isNeeded === (proof[name] !== undefined)) return [];
    return [
      {
        code: isNeeded ? "MissingProperty" : "UnusedProperty",
        pointer: `/proof/${name}`,
        message: isNeeded
          ? `\`${name}\` is missing: \`${proof.kind}\` needs it.`
          : `\`${proof.kind}\` does not use \`${name}\`.`,
        remediation: isNeeded
          ? `Give \`${name}\`.`
          : `Leave \`${name}\` out, or choose another \`kind\`.`,
      },
    ];
  });
}
