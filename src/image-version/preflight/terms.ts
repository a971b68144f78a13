import { orNone } from "../../errors.js";
import type { Subscriptions } from "../../subscription/ports.js";
import type { PurchasePlan } from "../resources.js";
import { bounded, type Seen } from "../../bounded-reads.js";

/**
 * Whether a plan's terms are accepted. If the Marketplace does not answer, they count as not seen:
 * that is worth a warning, and no reason to wait.
 */
export async function seeTerms(
  { areTermsAccepted }: Pick<Subscriptions, "areTermsAccepted">,
  subscriptionId: string,
  plan: PurchasePlan,
): Promise<Seen<boolean>> {
  const seen = bounded()(() => areTermsAccepted(subscriptionId, plan));
  return (await orNone(seen)) ?? { kind: "unread" };
}
