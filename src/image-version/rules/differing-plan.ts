import { imageIdOf } from "../../resource-id.js";
import { shellWord } from "../../shell-words.js";
import type { ShownPlan } from "./source.js";
import type { ImageDefinition, PurchasePlan } from "../resources.js";
import type { Breach, GatheredSubject } from "./rule.js";

/** The breach if the source's plan differs from the image definition's. */
export function differingPlan(
  { id }: GatheredSubject,
  shown: ShownPlan,
  definition: ImageDefinition | undefined,
): readonly Breach[] {
  if (definition === undefined) return [];
  const wanted = definition.purchasePlan;
  if (isSame(shown.plan, wanted)) return [];
  const { plan } = shown;
  return [
    {
      pointer: shown.pointer,
      message: `The purchase plan of the source ${shown.id} is ${named(plan)}; that of the image definition ${imageIdOf(id)} is ${named(wanted)}.`,
      remediation:
        plan === undefined
          ? "Use a source that was created under that plan, or an image definition without one."
          : `Use an image definition with that plan, which cannot be changed later: az sig image-definition create --plan-name ${shellWord(plan.name)} --plan-publisher ${shellWord(plan.publisher)} --plan-product ${shellWord(plan.product)} …`,
    },
  ];
}

/** Azure may leave out publisher and product; then they are not compared. */
function isSame(one: PurchasePlan | undefined, other: PurchasePlan | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (["name", "publisher", "product"] as const).every(
    (member) =>
      one[member] === "" ||
      other[member] === "" ||
      one[member].toLowerCase() === other[member].toLowerCase(),
  );
}

function named(plan: PurchasePlan | undefined): string {
  return plan === undefined ? "none" : `${plan.name} of ${plan.product} by ${plan.publisher}`;
}
