import { parseResourceId } from "../../../resource-id.js";
import { sourceOf } from "../source.js";
import { isImageVersion } from "../../properties/source-references.js";
import type { Breach, GatheredRule } from "../rule.js";

export const encryptedSourceSubscription: GatheredRule = {
  name: "encrypted-source-subscription",
  code: "EncryptedSourceInOtherSubscription",
  severity: "error",
  basis: { documented: "troubleshooting" },
  summary:
    "A source with customer-managed keys, and its disk encryption sets, are in the version's subscription.",
  check: ({ id: { subscriptionId }, request, gathered }) => {
    const source = sourceOf(request, gathered);
    if (source === undefined) return [];
    const elsewhere = (id: string): boolean => {
      const owner = parseResourceId(id)?.subscriptionId;
      return owner !== undefined && owner !== subscriptionId.toLowerCase();
    };
    const breaches = [source.osDisk, ...source.dataDisks.values()].flatMap(
      ({ pointer, id, diskEncryptionSetId: set }): Breach[] => {
        // Another rule reports an image version with customer keys: it cannot be a source at all.
        if (id === undefined || set === undefined || isImageVersion({ id })) return [];
        const others = [id, set].filter(elsewhere);
        return others.length === 0
          ? []
          : [
              {
                pointer,
                message: `${id} is encrypted with the disk encryption set ${set}; ${others.join(" and ")} ${others.length === 1 ? "is" : "are"} not in the version's subscription ${subscriptionId}.`,
                remediation: `Publish the version to a gallery in subscription ${parseResourceId(set)?.subscriptionId}, or use a source of ${subscriptionId}: a source with customer-managed keys cannot leave its subscription.`,
              },
            ];
      },
    );
    // Several disks of one image with one set are one mistake.
    const messages = breaches.map(({ message }) => message);
    return breaches.filter(({ message }, i) => messages.indexOf(message) === i);
  },
};
