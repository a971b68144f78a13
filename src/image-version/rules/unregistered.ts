import { found } from "../../bounded-reads.js";
import { isRegistered, nameOf, type Registrable } from "../../subscription/ports.js";
import type { Breach, GatheredSubject } from "./rule.js";

/**
 * Only requests that encrypt data disks this way need it, so no subscription is prepared for it.
 */
export const CONFIDENTIAL_DATA_DISKS: Registrable = {
  namespace: "Microsoft.Compute",
  feature: "ConfidentialVMDataDiskEncryptionPreview",
};

/** A breach for each needed registration of that kind that is missing. */
export function unregistered(
  { id, gathered }: GatheredSubject,
  kind: "resource provider" | "preview feature",
): readonly Breach[] {
  const prepare = `POST /api/subscriptions/${id.subscriptionId}/prepare`;
  return [...gathered.registrations].flatMap(([name, seen]): Breach[] => {
    if (name.includes("/") !== (kind === "preview feature")) return [];
    if (seen.kind === "absent") {
      return [
        {
          pointer: "",
          message: `Azure offers no ${kind} ${name} to subscription ${id.subscriptionId}, or has no such subscription.`,
          remediation: onRequest(name)
            ? "Correct the subscription in the URL. If it is right, leave the securityProfile of the data disks out."
            : `Correct the subscription in the URL. If it is right, remove ${name} from Sigil's settings: this cloud has no such ${kind}, so ${prepare} cannot register it.`,
        },
      ];
    }
    const state = found(seen);
    if (state === undefined || isRegistered(state)) return [];
    const underWay = /^(registering|pending)$/iu.test(state);
    return [
      {
        pointer: "",
        message: `The ${kind} ${name} is ${state} in subscription ${id.subscriptionId}${underWay ? ": its registration is under way" : "; it must be Registered"}.`,
        remediation: onRequest(name)
          ? `Register it, and wait for Microsoft's approval: az feature register --namespace Microsoft.Compute --name ConfidentialVMDataDiskEncryptionPreview --subscription ${id.subscriptionId}`
          : underWay
            ? `Wait until it is Registered: ${prepare} follows it, and a GET of the same path shows the progress.`
            : `Register it: ${prepare}.`,
      },
    ];
  });
}

function onRequest(name: string): boolean {
  return name === nameOf(CONFIDENTIAL_DATA_DISKS);
}
