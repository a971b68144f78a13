import type { Grant } from "./machine-reader.js";
import type { Proof } from "./profile.js";

/**
 * What Sigil's identity needs in a resource group where machines are created, whatever the proof
 * is.
 */
const IN_RESOURCE_GROUP = [
  "Microsoft.Compute/virtualMachines/read",
  "Microsoft.Compute/virtualMachines/write",
  "Microsoft.Compute/virtualMachines/delete",
  "Microsoft.Compute/disks/read",
  "Microsoft.Compute/disks/write",
  "Microsoft.Compute/disks/delete",
  "Microsoft.Network/networkInterfaces/read",
  "Microsoft.Network/networkInterfaces/write",
  "Microsoft.Network/networkInterfaces/delete",
  "Microsoft.Network/networkInterfaces/join/action",
];

const FOR_PROOF: Readonly<Record<Proof["kind"], readonly string[]>> = {
  agentReady: [],
  serialLog: ["Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action"],
  runCommand: [
    "Microsoft.Compute/virtualMachines/runCommands/read",
    "Microsoft.Compute/virtualMachines/runCommands/write",
  ],
};

export function actionsInResourceGroup(proof: Proof): readonly string[] {
  return [...IN_RESOURCE_GROUP, ...FOR_PROOF[proof.kind]];
}

export const ACTIONS_AT_SUBNET: readonly string[] = [
  "Microsoft.Network/virtualNetworks/subnets/join/action",
];

/** The actions that no role grants. A role's `notActions` limit only that role. */
export function lacking(actions: readonly string[], grants: readonly Grant[]): readonly string[] {
  return actions.filter(
    (action) =>
      !grants.some(
        ({ actions, notActions }) =>
          actions.some((pattern) => covers(pattern, action)) &&
          !notActions.some((pattern) => covers(pattern, action)),
      ),
  );
}

/** `*` matches anything, `/` included. Case does not matter. */
function covers(pattern: string, action: string): boolean {
  const [first = "", ...parts] = pattern.toLowerCase().split("*");
  const text = action.toLowerCase();
  if (parts.length === 0) return text === first;
  if (!text.startsWith(first)) return false;
  const last = parts.pop() ?? "";
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
