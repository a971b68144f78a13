/** Finds out why Sigil cannot create the machines that a promotion rule waits for. */
import { orNone } from "../errors.js";
import {
  purchaseTerms,
  seeTerms,
  type PromotionRule,
  type Breach,
} from "../image-version/index.js";
import type { TestDependencies } from "../machine-test/ports.js";
import { placesOf } from "../machine-test/profile.js";
import { canonicalRegion, parseResourceId } from "../resource-id.js";
import { MACHINE_TEST } from "../test-results/results.js";
import { gatesOf } from "./gates.js";

type Profiles = Pick<TestDependencies, "makesMachines" | "profiles">;

type Terms = Pick<TestDependencies, "resources" | "subscriptions">;

/** What is wrong, and what a person can do once the version exists. */
interface Hindrance {
  readonly message: string;
  readonly remediation: string;
}

/**
 * Checks an image definition in canonical regions without asking Azure. It costs one read of stored
 * state.
 */
export async function hindranceIn(
  { makesMachines, profiles }: Profiles,
  imageId: string,
  regions: readonly string[],
): Promise<Hindrance | undefined> {
  if (!makesMachines)
    return {
      message: "This deployment creates no test machines.",
      remediation: "Name your own tests in the rule, or promote the version by hand.",
    };
  const stored = await profiles.read(imageId);
  if (stored === undefined)
    return {
      message: "The image definition has no test profile.",
      remediation: "Set a test profile, or promote the version by hand.",
    };
  const offered = placesOf(stored.document).map(({ region }) => region);
  const without = regions.filter((region) => !offered.includes(region));
  return without.length === 0
    ? undefined
    : {
        message: `The test profile lacks ${without.join(", ")}.`,
        remediation: "Add them to it, name the rule's regions, or promote the version by hand.",
      };
}

/**
 * What is wrong with the terms for machines of the image definition; undefined if Azure does not
 * say.
 */
async function termsOf(
  { resources, subscriptions }: Terms,
  imageId: string,
): Promise<Hindrance | undefined> {
  const definition = await orNone(resources.getImageDefinition(imageId));
  const plan = definition?.purchasePlan;
  const subscriptionId = parseResourceId(imageId)?.subscriptionId ?? "";
  return (
    plan && purchaseTerms(subscriptionId, plan, await seeTerms(subscriptions, subscriptionId, plan))
  );
}

/**
 * Where a rule waits for machines that Sigil cannot create. `targets`: the version's regions, in
 * any spelling.
 */
export async function hindrancesOf(
  deps: Profiles & Terms,
  imageId: string,
  rule: PromotionRule,
  targets: readonly string[],
): Promise<readonly Breach[]> {
  const pointer = "/sigil/promotion";
  const isIn = (i: number): string => (rule.when === "waves" ? `${pointer}/waves/${i}` : pointer);
  const tested = gatesOf(rule, targets.map(canonicalRegion))
    .map((gate, i) => ({ ...gate, pointer: isIn(i) }))
    .filter(({ names }) => names.includes(MACHINE_TEST));
  const terms = tested.length > 0 ? await termsOf(deps, imageId) : undefined;
  const breaches: Breach[] = [];
  for (const { pointer, regions } of tested) {
    const lacking = await hindranceIn(deps, imageId, regions);
    for (const { message, remediation } of [lacking, terms].filter(
      (hindrance) => hindrance !== undefined,
    ))
      breaches.push({
        pointer,
        message: `The version waits for ${MACHINE_TEST} in ${regions.join(", ")}. ${message}`,
        remediation,
      });
  }
  return breaches;
}
