import { imageIdOf, type ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest } from "../contract.js";
import type { Dependencies } from "../ports.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import { latestIn } from "../latest/flags.js";
import type { RuleFinding } from "../rules/rule.js";

/**
 * Warns of a promotion rule that waits for something that cannot happen, while it still has to
 * include the version. Costs one stored read for each gate.
 */
export async function ruleWarnings(
  { hindrancesOf }: Pick<Dependencies, "hindrancesOf">,
  id: ImageVersionId,
  request: ImageVersionRequest,
  observed: ImageVersionRequest | undefined,
): Promise<readonly RuleFinding[]> {
  const rule = request.sigil?.promotion;
  if (
    hindrancesOf === undefined ||
    rule === undefined ||
    (observed !== undefined && latestIn(observed).length > 0)
  )
    return [];
  const targets = targetRegionsOf(request).map(({ name }) => name);
  const breaches = await hindrancesOf(imageIdOf(id), rule, targets);
  return breaches.map((breach) => ({
    rule: "promotion",
    code: "NoTestMachines",
    severity: "warning",
    ...breach,
  }));
}
