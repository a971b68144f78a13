import { shellWord } from "../../shell-words.js";
import type { Finding } from "../../errors.js";
import type { PurchasePlan } from "../resources.js";
import { found, type Seen } from "../../bounded-reads.js";
import type { Breach, GatheredSubject } from "./rule.js";

/**
 * A problem with the terms under which machines of a plan are created in a subscription: they are
 * not accepted, the Marketplace does not know the plan, or Sigil may not read them. Undefined if
 * they are accepted, or there is no plan.
 */
export function purchaseTerms(
  subscriptionId: string,
  plan: PurchasePlan | undefined,
  terms: Seen<boolean> | undefined,
): (Pick<Finding, "code"> & Omit<Breach, "pointer">) | undefined {
  if (plan === undefined || terms === undefined || found(terms) === true) return undefined;
  const { name, product, publisher } = plan;
  const of = `--subscription ${subscriptionId} --publisher ${shellWord(publisher)} --offer ${shellWord(product)} --plan ${shellWord(name)}`;
  const from = `The images come from plan ${name} of ${product} by ${publisher}`;
  switch (terms.kind) {
    case "found":
      return {
        code: "PurchaseTermsNotAccepted",
        message: `${from}, and subscription ${subscriptionId} has not accepted its terms. Azure will not create machines from these images there.`,
        remediation: `Read the terms (az vm image terms show ${of}). If you agree, accept them (az vm image terms accept ${of}). Sigil never accepts terms.`,
      };
    case "absent":
      return {
        code: "PurchasePlanNotFound",
        message: `${from}, and the Marketplace does not know it.`,
        remediation: `Check the plan that the images come from: az vm image terms show ${of}`,
      };
    default:
      return {
        code: "PurchaseTermsNotSeen",
        message: `${from}. Sigil could not check whether subscription ${subscriptionId} has accepted its terms: ${terms.kind === "denied" ? `its identity lacks ${terms.action}` : "the Marketplace did not answer"}. Without them, Azure will not create machines there.`,
        remediation: `Check the terms: az vm image terms show ${of}`,
      };
  }
}

/** The breach of the rule with that code. */
export function termsBreach({ id, gathered }: GatheredSubject, code: string): readonly Breach[] {
  const plan = found(gathered.imageDefinition)?.purchasePlan;
  const wrong = purchaseTerms(id.subscriptionId, plan, gathered.terms);
  if (wrong?.code !== code) return [];
  const { message, remediation } = wrong;
  return [{ pointer: "", message, remediation }];
}
