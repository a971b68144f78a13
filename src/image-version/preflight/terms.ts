import { orNone } from "../../errors.js";
import type { Subscriptions } from "../../subscription/ports.js";
import type { PurchasePlan } from "../resources.js";
import type { Seen } from "../rules/gathered.js";
import { bounded } from "./see.js";

/** Whether a plan's terms are accepted. Where the Marketplace does not answer that is not seen, and no reason to wait: it is worth a warning. */
export async function seeTerms(
  { areTermsAccepted }: Pick<Subscriptions, "areTermsAccepted">,
  subscriptionId: string,
  plan: PurchasePlan,
): Promise<Seen<boolean>> {
  const seen = bounded()(() => areTermsAccepted(subscriptionId, plan));
  return (await orNone(seen)) ?? { kind: "unread" };
}
