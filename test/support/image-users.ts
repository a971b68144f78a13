/** Machines and scale sets in the simulator, in a subscription of consumers. */
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import {
  seedWorld,
  subscription,
  type SimulatorWorld,
} from "@sigil-local/arm-simulator/world";
import type { InProcess } from "./dependencies.js";

export const CONSUMER = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const GROUP = "/resourceGroups/Web/";

/** The seed's, with the subscription of consumers: it has other regions, so that nobody takes one's for the other's. */
export function worldOfTests(): SimulatorWorld {
  const seed = seedWorld(LOCAL_SUBSCRIPTION_ID);
  const other = subscription(CONSUMER, { unavailableRegions: ["eastus"] });
  return { ...seed, subscriptions: [...seed.subscriptions, other] };
}

type Kind = "virtualMachines" | "virtualMachineScaleSets";

/** Answers its id. */
export async function putUser(
  { simulator }: Pick<InProcess, "simulator">,
  kind: Kind,
  name: string,
  image: string,
  {
    region = "westus",
    subscription = CONSUMER,
    ephemeral = false,
    exactVersion = "",
  } = {},
): Promise<string> {
  const id = `/subscriptions/${subscription}${GROUP}providers/Microsoft.Compute/${kind}/${name}`;
  const storageProfile = {
    imageReference: { id: image, ...(exactVersion && { exactVersion }) },
    osDisk: ephemeral ? { diffDiskSettings: { option: "Local" } } : {},
  };
  await simulator.control.putResource({
    id,
    name,
    type: `Microsoft.Compute/${kind}`,
    location: region,
    properties:
      kind === "virtualMachines"
        ? { storageProfile }
        : { virtualMachineProfile: { storageProfile } },
  });
  return id;
}

export async function removeUsers({
  simulator: { control },
}: Pick<InProcess, "simulator">): Promise<void> {
  for (const { id } of control.resources())
    if (id.includes(GROUP)) await control.removeResource(id);
}
