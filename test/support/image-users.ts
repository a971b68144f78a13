/** Machines and scale sets in the simulator, in a subscription of consumers. */
import type { InProcess } from "./dependencies.js";
import { CONSUMER } from "./world-of-tests.js";

export { CONSUMER };

const GROUP = "/resourceGroups/Web/";

type Kind = "virtualMachines" | "virtualMachineScaleSets";

/** Answers its id. */
export async function putUser(
  { simulator }: Pick<InProcess, "simulator">,
  kind: Kind,
  name: string,
  image: string,
  { region = "westus", subscription = CONSUMER, ephemeral = false, exactVersion = "" } = {},
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
